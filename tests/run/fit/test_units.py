"""Saved models predict signals in the table's unit, and what a table shows is said before a fit."""

import dataclasses
import io

import jax
import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from accumbens.cli.output import Output
from accumbens.cli.printing import print_run, print_saved_fit
from accumbens.errors import DataError, DivergedError
from accumbens.fit.disrnn.config import DisRNNStageConfig, RecipeConfig
from accumbens.fit.disrnn.recipe import fit_disrnn
from accumbens.io.tables.format import TableFormat
from accumbens.io.tables.trials import from_table, to_table, write_table
from accumbens.models.disrnn import DisRNNConfig
from accumbens.models.naive import MAX_PATTERNS
from accumbens.models.q_learning import QLearning
from accumbens.run.fit import models
from accumbens.run.fit.config import FitConfig
from accumbens.run.fit.notices import check_fitted, check_sizes, notices
from accumbens.run.fit.pipeline import make_split, run_fit
from accumbens.run.fit.records import prediction_table
from accumbens.run.predict.reading import known_data, read_new_trials
from accumbens.scoring.evaluation import evaluate
from accumbens.scoring.splits import apply_split
from accumbens.scoring.table1 import spec_of_error
from accumbens.simulation import simulate
from accumbens.tasks.bandits import DriftingBandit
from accumbens.trials import Trials

STEPS = DisRNNStageConfig(steps=6, learning_rate=2e-3, decay=0.0)
CONFIG = FitConfig(
    table=TableFormat(signal=("dopamine",)),
    models=("disrnn", "dfq_signal", "naive"),
    recipe=RecipeConfig(
        disrnn=DisRNNConfig(latents=1, update_layers=1, update_units=2, choice_layers=1),
        warm_up=STEPS, choice_stage=STEPS, signal_stage=STEPS,
    ),
    seeds=1, resamples=20,
)  # fmt: skip
MEAN, SD = 250.0, 12.0


@pytest.fixture(scope="module")
def trials() -> Trials:
    """A signal in raw counts; the held-out sessions have another mean."""
    agent = QLearning(0.3, 3.0, gain=SD, offset=MEAN)
    made = simulate(agent, DriftingBandit(), n_sessions=4, n_trials=40, key=jax.random.key(0))
    noise = np.random.default_rng(0).normal(0, SD / 4, made.signal.shape)
    drift = np.array([0.0, 3 * SD, 0.0, 3 * SD])[:, None, None]
    return made.with_signals(made.signal + noise + drift, ("dopamine",))


@pytest.fixture(scope="module")
def run(trials, tmp_path_factory):
    folder = tmp_path_factory.mktemp("units")
    write_table(to_table(trials), folder / "trials.csv")
    return run_fit(folder / "trials.csv", CONFIG, folder / "run")


@pytest.mark.parametrize("name", CONFIG.models)
def test_a_saved_model_scores_the_table_as_its_run_did(run, name):
    table = from_table(run.about["table"], run.config.table)
    test = apply_split(run.split, table)[1]
    found = evaluate(run.model(name), test, rng=np.random.default_rng(0), n_draws=5)
    stored = run.metrics["models"][name]
    assert found.signals["dopamine"].mse.value == pytest.approx(
        stored["signal"]["dopamine"]["mse"], rel=1e-5
    )
    if name == "disrnn":  # of the others, choices are not scored
        expected = stored["choice"]["normalized_likelihood"]
        assert found.normalized_likelihood.value == pytest.approx(expected, rel=1e-6)


def test_predictions_are_in_the_unit_of_their_column(run, trials):
    frame = run.predictions()
    np.testing.assert_allclose(frame["dopamine"], trials.signal[trials.in_session][:, 0])
    fitted = frame[~frame["held_out"]]
    for name in CONFIG.models:
        assert abs(fitted[f"{name}.dopamine"].mean() - fitted["dopamine"].mean()) < SD / 2
    units = run.disrnn.signal_units
    assert float(units.mean[0]) == pytest.approx(fitted["dopamine"].mean(), rel=1e-5)


def test_new_trials_keep_their_unit(run):
    new = read_new_trials(run.about["table"], run.config.table, run, known_data(run))
    np.testing.assert_array_equal(new.trials.signal, from_table(
        run.about["table"], run.config.table).signal)  # fmt: skip


def test_errors_are_printed_with_enough_digits():
    cases = (0.825, 0.0123, 0.00012346, 123.456, 4567891.0, 0.0, 8.553e-16)
    assert [f"{x:{spec_of_error(x)}}" for x in cases] == [
        "0.8250", "0.01230", "0.0001235", "123.456", "4567891", "0.0000", "8.553e-16"
    ]  # fmt: skip


def with_signal(trials: Trials, change) -> Trials:
    signal = trials.signal.copy()
    change(signal)
    return trials.with_signals(signal, trials.names.signals)


def test_what_cannot_be_fitted_ends_before_training(trials, tmp_path):
    def blank(signal):
        signal[[0, 2]] = np.nan

    write_table(to_table(with_signal(trials, blank)), tmp_path / "late.csv")
    with pytest.raises(DataError, match="dopamine was measured on 0 scored trials of the fitted"):
        run_fit(tmp_path / "late.csv", CONFIG, tmp_path / "run")
    assert not (tmp_path / "run").exists()
    train = trials.select_sessions([0, 2])
    for mean in (0.1, 0.3, 1e6 / 3, 1e-9):  # rounding makes the SD of such constants positive
        constant = np.full_like(train.signal, mean)
        constant[0, ::2] *= 1 + 1e-15
        with pytest.raises(DataError, match=r"does not vary in the fitted sessions: it is"):
            check_fitted(train.with_signals(constant, ("dopamine",)))
    for field in ("outcome", "signal"):
        values = getattr(train, field).copy()
        values[0, 3] = -1e30
        where = f"on trial 3 of session {train.session_labels[0]}"
        with pytest.raises(DataError, match=rf"The {field} .* is -1e\+30 {where}, and models"):
            check_sizes(dataclasses.replace(train, **{field: values}))
        tiny = getattr(train, field) * 1e-300
        with pytest.raises(DataError, match=r"from 1e-12 on\. Write it in a smaller unit"):
            check_sizes(dataclasses.replace(train, **{field: tiny}))

    def huge(signal):
        signal[1, 3] = 1e30  # of a session that is held out

    write_table(to_table(with_signal(trials, huge)), tmp_path / "huge.csv")
    with pytest.raises(DataError, match=r"dopamine is 1e\+30 on trial 3 of session"):
        run_fit(tmp_path / "huge.csv", CONFIG, tmp_path / "run")
    forced = dataclasses.replace(train, instructed=train.in_session)
    with pytest.raises(DataError, match="The fitted sessions have no free choice"):
        check_fitted(forced)


def test_what_a_reader_must_know_is_said(trials, run):
    split = make_split(trials, CONFIG.split, 0)
    assert notices(trials, split) == run.metrics["notices"] == []

    def spoil(signal):
        signal[1, 7] = 99_999.0

    (said,) = notices(with_signal(trials, spoil), split)
    assert said.startswith("dopamine is 99999 on trial 7 of session ")
    (said,) = notices(dataclasses.replace(trials, outcome=2 * trials.outcome - 1), split)
    assert said.startswith("The outcome reward lies between -1 and 1, not 0 and 1.")
    each = dataclasses.replace(
        trials, subject=np.arange(4), names=dataclasses.replace(
            trials.names, subjects=("a", "b", "c", "d")),
    )  # fmt: skip
    (said,) = notices(each, make_split(each, CONFIG.split, 0))
    assert said.startswith("No session of b, d was fitted.")

    def unmeasured(signal):
        signal[[1, 3]] = np.nan

    (said,) = notices(with_signal(trials, unmeasured), split)
    assert said == "dopamine was not measured in the held-out sessions, so it is not scored."

    def of_one(signal):
        signal[2:] = np.nan

    pairs = dataclasses.replace(
        trials, subject=np.repeat([0, 1], 2), names=dataclasses.replace(
            trials.names, subjects=("a", "b")),
    )  # fmt: skip
    (said,) = notices(with_signal(pairs, of_one), make_split(pairs, CONFIG.split, 0))
    assert said.startswith(
        "Of 2 fitted subjects some were not measured: dopamine in a alone. What is said of a signal"
    )


def test_graded_rewards_have_the_mean_as_a_baseline(trials, tmp_path):
    rng = np.random.default_rng(1)
    graded = dataclasses.replace(trials, outcome=rng.normal(size=trials.outcome.shape))
    write_table(to_table(graded), tmp_path / "graded.csv")
    config = dataclasses.replace(CONFIG, models=("naive",))
    run = run_fit(tmp_path / "graded.csv", config, tmp_path / "run")
    (said,) = run.metrics["models"]["naive"]["fit"]["warnings"]
    assert f"too many for a mean after each (at most {MAX_PATTERNS}): this is the mean" in said
    train = apply_split(run.split, graded)[0]
    assert run.model("naive").mean_signal[0] == pytest.approx(np.mean(train.signal), rel=1e-5)


def with_name(trials, name):
    return trials.with_signals(trials.signal, (name,))


@pytest.mark.parametrize("name", ["held_out", "disrnn.p_0", "naive.dopamine"])
def test_a_column_of_the_predictions_own_name_is_refused_before_training(name, trials, tmp_path):
    write_table(to_table(with_name(trials, name)), tmp_path / "odd.csv")
    config = dataclasses.replace(CONFIG, table=TableFormat(signal=(name,)))
    with pytest.raises(DataError, match=f"The column {name} cannot keep its name"):
        run_fit(tmp_path / "odd.csv", config, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("name", "column"), [
    ("p_0", "disrnn.signal.p_0"), ("z_1", "disrnn.z_1"), ("p_2", "disrnn.p_2"),
])  # fmt: skip
def test_a_signal_named_like_a_prediction_loses_none(name, column, trials, run):
    held_out = np.zeros(trials.n_sessions, bool)
    table = prediction_table(with_name(trials, name), held_out, {"disrnn": (run.disrnn, True)})
    own = run.predictions()
    pd.testing.assert_series_equal(table[name], own["dopamine"], check_names=False)
    pd.testing.assert_series_equal(table[column], own["disrnn.dopamine"], check_names=False)
    latent = "disrnn.latent.z_1" if name == "z_1" else "disrnn.z_1"
    for kept, other in (("disrnn.p_0", "disrnn.p_0"), (latent, "disrnn.z_1")):
        pd.testing.assert_series_equal(table[kept], own[other], check_names=False)


def test_a_start_that_diverges_leaves_the_others(trials, tmp_path, monkeypatch):
    def fit(trials, recipe, *, checkpoint, **rest):
        if checkpoint.path.stem in bad:
            raise DivergedError("Training diverged at step 3.")
        return fit_disrnn(trials, recipe, checkpoint=checkpoint, **rest)

    monkeypatch.setattr(models, "fit_disrnn", fit)
    write_table(to_table(trials), tmp_path / "trials.csv")
    config = dataclasses.replace(CONFIG, models=("disrnn",), seeds=2)
    bad = ("disrnn-0",)
    run = run_fit(tmp_path / "trials.csv", config, tmp_path / "run")
    fit_notes = run.metrics["models"]["disrnn"]["fit"]
    assert [(s["kept"], s["loss"] is None) for s in fit_notes["seeds"]] == [
        (False, True), (True, False),
    ]  # fmt: skip
    said = "The start of seed 0 is left out. Training diverged at step 3."
    assert fit_notes["warnings"] == [said]
    out = io.StringIO()
    print_run(Output(Console(file=out, width=200)), run)
    assert said in out.getvalue()
    bad = ("disrnn-0", "disrnn-1")
    with pytest.raises(DivergedError, match="Training diverged at step 3"):
        run_fit(tmp_path / "trials.csv", config, tmp_path / "none")


def test_seeds_without_a_step_of_the_choice_stage_are_shown(trials, tmp_path):
    write_table(to_table(trials), tmp_path / "trials.csv")
    recipe = dataclasses.replace(CONFIG.recipe, choice_stage=dataclasses.replace(STEPS, steps=0))
    config = dataclasses.replace(CONFIG, models=("disrnn",), seeds=2, recipe=recipe)
    run_fit(tmp_path / "trials.csv", config, tmp_path / "run")
    out = io.StringIO()
    print_saved_fit(Output(Console(file=out, width=200)), tmp_path / "run")
    assert "disRNN seeds" in out.getvalue()
