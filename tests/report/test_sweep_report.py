"""The report of a sweep: every cell, what is varied, what failed."""

import json
import shutil

import jax
import pandas as pd
import pytest

from accumbens.io.tables.trials import to_table, write_table
from accumbens.models.q_learning import QLearning
from accumbens.report import Report
from accumbens.run.fit.config import FitConfig
from accumbens.run.sweep.config import EngineConfig
from accumbens.run.sweep.sweeping import load_sweep, run_sweep
from accumbens.simulation import simulate
from accumbens.tasks.bandits import DriftingBandit


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sweep report")
    trials = simulate(
        QLearning(0.3, 3.0), DriftingBandit(), n_sessions=4, n_trials=20, key=jax.random.key(0)
    )
    write_table(to_table(trials), folder / "t.csv")
    config = FitConfig(models=("naive",), resamples=9)
    return run_sweep(
        folder / "t.csv", config, vary={"seed": [0, 1, 2]}, out=folder / "sweep",
        engine=EngineConfig(jobs=1),
    )  # fmt: skip


def test_every_cell_is_in_the_page(watched, sweep, tmp_path):
    page = watched.open(Report(sweep).save(tmp_path / "r.html"))
    assert "n = 3 cells: 3 done." in page.locator("#verdict").inner_text()
    assert page.locator("#table-cells tbody tr").count() == 3
    page.evaluate("accumbens.drawAll()")
    assert page.locator('[data-draw="sweep_scores"] circle').count() == 3 + 1  # and the legend
    stored = sweep.to_frame()["naive.normalized_likelihood"]
    shown = pd.Series(page.evaluate("accumbens.rows('sweep_scores')"))
    assert [float(row["naive.normalized_likelihood"]) for row in shown] == stored.tolist()
    assert "No cell failed." in page.locator("#checks").inner_text()


def test_cells_that_predict_worse_than_no_memory_are_counted(watched, sweep, tmp_path):
    quiet = watched.open(Report(sweep).save(tmp_path / "quiet.html"))
    assert quiet.locator("#verdict .alarm").count() == 0
    copy = tmp_path / "copy"
    shutil.copytree(sweep.path, copy)
    path = next(iter(sorted(copy.glob("cells/*/metrics.json"))))
    metrics = json.loads(path.read_text())
    path.write_text(json.dumps(metrics | {"warnings": ["naive predicts WORSE."]}))
    page = watched.open(Report(load_sweep(copy)).save(tmp_path / "r.html"))
    said = page.locator("#verdict .alarm").inner_text()
    assert "In 1 of 3 cells a model predicts held-out sessions WORSE" in said
    assert path.parent.name in said
