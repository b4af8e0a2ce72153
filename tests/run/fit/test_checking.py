"""The posterior predictive check of a run: drawn and recorded where the schedule is known."""

import dataclasses
import json

import jax
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

import accumbens.io.tables.trials
from accumbens.credit.predictive.check import predictive_check
from accumbens.errors import ConfigError, DataError
from accumbens.figures import draw_predictive_check, predictive_check_data
from accumbens.io.tables.files import open_table
from accumbens.io.tables.format import TableFormat
from accumbens.io.tables.trials import to_table
from accumbens.models.bias import BiasOnly
from accumbens.models.q_learning import QLearning
from accumbens.run.fit.config import FitConfig
from accumbens.run.fit.folder import load_run
from accumbens.run.fit.pipeline import read_run_table, run_fit
from accumbens.simulation import simulate
from accumbens.tasks.bandits import DriftingBandit, ReversalBandit

CONFIG = FitConfig(models=("q_learning", "bias"), resamples=20)


def simulated(task=None):
    return simulate(
        QLearning(0.5, 3.0), task or ReversalBandit(), n_sessions=8, n_trials=60,
        key=jax.random.key(0), subject=[0, 0, 1, 1] * 2,
    )  # fmt: skip


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Run folders: the columns under their usual names, under others, named or not."""
    folder = tmp_path_factory.mktemp("runs")
    table = to_table(simulated())
    table.to_parquet(folder / "usual.parquet")
    usual = {f"reward_probability_{i}": f"p_{side}" for i, side in enumerate(("left", "right"))}
    table.rename(columns=usual).to_parquet(folder / "other.parquet")
    named = dataclasses.replace(CONFIG, probabilities=tuple(usual.values()))
    run_fit(folder / "usual.parquet", CONFIG, folder / "usual")
    run_fit(folder / "other.parquet", CONFIG, folder / "unknown")
    run_fit(folder / "other.parquet", named, folder / "named")
    return folder


def metrics(runs, name):
    return json.loads((runs / name / "metrics.json").read_text())


def test_the_check_is_recorded_and_drawn_where_the_schedule_is_known(runs):
    found = metrics(runs, "usual")["predictive_check"]
    assert list(found["models"]) == ["q_learning", "bias"]
    assert set(found["models"]["bias"]) == {"switching", "reversals", "history"}
    assert found["models"]["bias"]["switching"]["p"] == pytest.approx(1 / 21)
    assert found["models"]["q_learning"]["switching"]["p"] > 1 / 21
    table = pd.read_csv(runs / "usual" / "figures" / "predictive_check.csv")
    assert set(table["of"]) == {"animals", "q_learning", "bias"}
    assert (runs / "usual" / "figures" / "predictive_check.png").stat().st_size > 10_000


def test_columns_of_any_name_may_be_named(runs):
    same = [metrics(runs, name)["predictive_check"] for name in ("usual", "named")]
    assert same[0] == same[1]


def test_without_a_schedule_the_run_says_so_and_is_otherwise_the_same(runs):
    found = metrics(runs, "unknown")["predictive_check"]
    assert found["left_out"].startswith("The table does not say with which probability reward foll")
    assert "--probabilities, one for each choice" in found["left_out"]
    assert not (runs / "unknown" / "figures" / "predictive_check.png").exists()
    for key in ("models", "differences", "verdict"):
        assert metrics(runs, "unknown")[key] == metrics(runs, "usual")[key]
    assert load_run(runs / "unknown").model("q_learning").n_choices == 2


def test_a_drifting_task_has_no_reversals_and_is_checked_all_the_same(tmp_path):
    to_table(simulated(DriftingBandit())).to_parquet(tmp_path / "a.parquet")
    run_fit(tmp_path / "a.parquet", CONFIG, tmp_path / "run")
    found = metrics(tmp_path, "run")["predictive_check"]
    assert set(found["models"]["bias"]) == {"switching", "history"}
    assert "there are no blocks" in found["notes"]["reversals"]


@pytest.mark.parametrize(
    ("entries", "error", "message"),
    [
        (("p_left",), ConfigError, "probabilities has 1 entries. For 2 choices and 1"),
        (("p_left", "p_wrong"), DataError, "p_wrong"),
    ],
)  # fmt: skip
def test_wrong_columns_are_refused_before_the_run_begins(runs, tmp_path, entries, error, message):
    config = dataclasses.replace(CONFIG, probabilities=entries)
    with pytest.raises(error, match=message):
        run_fit(runs / "other.parquet", config, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_the_figure_has_labelled_axes_the_animals_and_every_model():
    trials = simulated()
    models = {"q_learning": QLearning(0.5, 3.0), "bias": BiasOnly(0.0)}
    check = predictive_check(models, trials, key=jax.random.key(1), n_repeats=5)
    data = predictive_check_data(check, "Held-out data")
    assert data.caption.startswith("Held-out data: 2 subjects, 8 sessions, 480 trials with")
    fig = Figure()
    draw_predictive_check(data, fig)
    labels = [(ax.get_xlabel(), ax.get_ylabel()) for ax in fig.axes]
    assert labels == [
        ("last two choices and rewards", "probability of switching"),
        ("trials from the reversal", "probability of the new best choice"),
        ("past choices (lag)", "weight (log-odds)"),
    ]
    (legend,) = fig.legends
    assert [text.get_text() for text in legend.get_texts()] == [
        "animals",
        "Q-learning",
        "bias only",
    ]
    drawn = {line.get_label(): line.get_ydata() for line in fig.axes[1].lines}
    rows = data.table().query("curve == 'reversals' and subject == ''").groupby("of")["value"]
    for label, of in (("animals", "animals"), ("Q-learning", "q_learning")):
        np.testing.assert_array_equal(drawn[label], rows.get_group(of))


def test_the_table_is_read_once(runs, monkeypatch):
    """With its columns of probabilities, which are no context of the run's trials."""
    opened = []

    def counted(path, *more):
        opened.append(str(path))
        return open_table(path, *more)

    monkeypatch.setattr(accumbens.io.tables.trials, "open_table", counted)
    trials, _, schedule = read_run_table(runs / "usual.parquet", CONFIG)
    assert opened == [str(runs / "usual.parquet")]
    assert schedule is not None
    assert trials.names.contexts == ()
    assert trials.context.shape[-1] == 0
    assert read_run_table(runs / "other.parquet", CONFIG).schedule is None


def test_probabilities_of_more_than_two_choices_are_found(tmp_path):
    frame = pd.DataFrame({
        "session": ["s"] * 30, "choice": list("abc") * 10, "reward": [0, 1] * 15,
        **{f"reward_probability_{i}": [0.1 * (i + 1)] * 30 for i in range(3)},
    })  # fmt: skip
    frame.to_csv(tmp_path / "three.csv", index=False)
    table = TableFormat(subject=None, choices=tuple("abc"))
    config = dataclasses.replace(CONFIG, table=table)
    found = read_run_table(tmp_path / "three.csv", config).schedule
    assert found is not None
    np.testing.assert_allclose(found.probability[0, 0], [[0.1, 0.2, 0.3]])
