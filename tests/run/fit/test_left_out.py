"""A run that leaves sessions or animals out of its cognitive models."""

import json

import jax
import numpy as np
import pandas as pd
import pytest

from accumbens.cli import main
from accumbens.cohort import simulate_cohort
from accumbens.errors import ConfigError, DataError
from accumbens.fit.leave_one_out import leave_one_animal_out
from accumbens.io.tables.format import TableFormat
from accumbens.io.tables.trials import to_table
from accumbens.models.bias import BiasOnly
from accumbens.run.fit.config import FitConfig
from accumbens.run.fit.folder import load_run
from accumbens.run.fit.left_out import check_left_out
from accumbens.run.fit.pipeline import read_trials, run_fit
from accumbens.tasks.bandits import DriftingBandit
from accumbens.threefry import key_of


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    agents = [BiasOnly(bias) for bias in (0.2, 0.8, 1.5)]
    trials = simulate_cohort(
        agents, DriftingBandit(), n_sessions=2, n_trials=40, key=jax.random.key(1)
    )
    path = tmp_path_factory.mktemp("left_out") / "trials.csv"
    to_table(trials).to_csv(path, index=False)
    return path


def test_the_command_prints_and_writes_each_animal_under_the_fit_to_all_others(table, capsys):
    folder = table.parent / "run"
    main(["fit", str(table), "--models", "bias", "naive", "--animals", "pooled", "--leave-out",
          "animal", "--resamples", "20", "--out", str(folder)])  # fmt: skip
    said = " ".join(capsys.readouterr().out.split())
    assert "Each animal under the fit to all others" in said
    run = load_run(folder)
    found = run.metrics["leave_one_out"]
    assert list(found["models"]) == ["bias"]  # naive has no parameters
    rows = pd.read_csv(folder / "leave_one_out.csv")
    assert [str(x) for x in rows["left_out"]] == ["mouse_01", "mouse_02", "mouse_03"]
    key = key_of(jax.random.key(run.config.seed), "leave one out bias")
    wanted = leave_one_animal_out(BiasOnly, read_trials(table, run.config), level="pooled", key=key)
    assert found["models"]["bias"]["log_likelihood"] == pytest.approx(wanted.log_likelihood)
    assert np.sum(rows["log_likelihood"].to_numpy()) == pytest.approx(wanted.log_likelihood)
    assert f"{wanted.log_likelihood:,.1f}" in said
    assert "fitted again without each animal in turn" in (folder / "methods.md").read_text()
    json.dumps(found, allow_nan=False)


def test_what_cannot_be_left_out_is_said_before_anything_is_fitted(table):
    def config(**changes):
        options = {"models": ("bias",), "animals": "pooled", "leave_out": "animal", **changes}
        return FitConfig(table=TableFormat(), **options)

    with pytest.raises(ConfigError, match="models has none that these trials suit"):
        run_fit(table, config(models=("naive", "gru")), table.parent / "none")
    assert not (table.parent / "none").exists()
    trials = read_trials(table, config())
    with pytest.raises(DataError, match="2 animals with scored choices, too few to leave one out"):
        check_left_out(trials.select_sessions([0, 1, 2]), config(animals="hierarchical"))
    check_left_out(trials.select_sessions([0, 1, 2]), config(leave_out="session"))
