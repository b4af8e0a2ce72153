"""The GRU of a run: chosen inside the training sessions, written down, printed, resumed."""

import dataclasses
import math

import jax
import pytest

from accumbens.cli import main
from accumbens.fit.gradient.config import StageConfig
from accumbens.fit.gru.config import GRUConfig
from accumbens.io.tables.format import TableFormat
from accumbens.io.tables.trials import to_table, write_table
from accumbens.models.bias import BiasOnly
from accumbens.models.q_learning import QLearning
from accumbens.progress.base import Progress, Task
from accumbens.run.fit.config import FitConfig
from accumbens.run.fit.pipeline import resume_fit, run_fit
from accumbens.simulation import simulate
from accumbens.tasks.bandits import DriftingBandit

CONFIG = FitConfig(
    table=TableFormat(signal=("dopamine",)), gru=GRUConfig(hidden=4, strengths=(3.0, 1.0)),
    models=("gru", "naive"), resamples=20,
)  # fmt: skip


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    agent = QLearning(0.4, 4.0, gain=1.0, offset=0.0)
    trials = simulate(agent, DriftingBandit(), n_sessions=8, n_trials=40, key=jax.random.key(1))
    path = tmp_path_factory.mktemp("tables") / "trials.parquet"
    write_table(to_table(trials), path)
    return path


@pytest.fixture(scope="module")
def run(table, tmp_path_factory):
    return run_fit(table, CONFIG, tmp_path_factory.mktemp("runs") / "run")


def record(run):
    return run.metrics["models"]["gru"]["fit"]["selection"]


def test_what_was_tried_and_taken_is_written_down(run):
    found = record(run)
    assert found["folds"] == 4
    assert found["subject_embedding"] == 0  # one subject
    assert [route["l2"] for route in found["routes"]] == [3.0 / 160, 1.0 / 160]
    assert [route["l2"] for route in found["routes"] if route["kept"]] == [found["l2"]]
    of_route = [c for c in found["candidates"] if c["l2"] == found["l2"]]
    assert [c["steps"] for c in of_route] == [50 * i for i in range(len(of_route))]
    assert found["expected_loss"] == min(c["expected_loss"] for c in of_route)
    losses = [-math.log(c["inner_normalized_likelihood"]) + c["inner_mse"] / 2 for c in of_route]
    assert losses == pytest.approx([c["inner_loss"] for c in of_route], rel=1e-5)
    assert found["untrained"]["inner_mse"] == pytest.approx(1.0, abs=0.1)
    assert found["inner_normalized_likelihood"] > found["untrained"]["inner_normalized_likelihood"]
    assert len(run.history().query("model == 'gru' and term == 'loss'")) == found["steps"]


def test_it_is_printed(run, capsys):
    main(["show", str(run.folder.path)])
    said = " ".join(capsys.readouterr().out.split())
    assert f"GRU. {record(run)['why']}" in said
    assert f"Chosen inside the training sessions: {record(run)['steps']} steps, L2 penalty" in said


class Stopping(Progress):
    """Stops when the GRU's second route begins."""

    first = ""

    def changed(self, task: Task) -> None:
        if task.label.startswith("gru: L2"):
            self.first = self.first or task.label
            if task.label != self.first:
                self.stop()


def test_a_stopped_choice_is_finished_by_resume(run, table, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        run_fit(table, CONFIG, tmp_path / "run", Stopping())
    assert (tmp_path / "run" / "checkpoints" / "gru-0.01875-0.safetensors").is_file()
    resumed = resume_fit(tmp_path / "run")
    assert {k: v for k, v in resumed.metrics.items() if k != "seconds"} == {
        k: v for k, v in run.metrics.items() if k != "seconds"
    }


def test_nothing_to_learn_is_said(table, tmp_path, capsys):
    trials = simulate(
        BiasOnly(bias=0.5), DriftingBandit(), n_sessions=1, n_trials=60, key=jax.random.key(2)
    )
    write_table(to_table(trials), tmp_path / "one.csv")
    main([
        "fit", str(tmp_path / "one.csv"), "--models", "gru", "--split.every", "0",
        "--resamples", "9", "--gru.hidden", "3", "--gru.strengths", "3",
        "--out", str(tmp_path / "run"),
    ])  # fmt: skip
    captured = capsys.readouterr()
    said = " ".join((captured.out + captured.err).split())
    assert "GRU: folds of the training sessions do not show that it predicts choices better" in said


def test_what_is_given_is_not_chosen(table, tmp_path):
    gru = GRUConfig(hidden=3, l2=1e-3, subject_embedding=0, stage=StageConfig(steps=20))
    found = run_fit(table, dataclasses.replace(CONFIG, gru=gru), tmp_path / "run")
    assert "selection" not in found.metrics["models"]["gru"]["fit"]
    assert found.config.gru == gru
