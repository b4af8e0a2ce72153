"""A run at each level: what it fits, writes and calls its models, and what its models say again."""

import json

import jax
import numpy as np
import pytest

from accumbens.cohort import draw_agents, simulate_cohort
from accumbens.errors import ConfigError, DataError
from accumbens.fit.group.means import naive_by_subject
from accumbens.fit.group.separate import fit_separate
from accumbens.io.tables.format import TableFormat
from accumbens.io.tables.trials import to_table, write_table
from accumbens.models.bias import BiasOnly
from accumbens.models.by_subject import BySubject
from accumbens.models.catalogue import find_fit
from accumbens.models.naive import Naive
from accumbens.models.q_learning import QLearning
from accumbens.run.fit.config import FitConfig
from accumbens.run.fit.labels import label_in_run
from accumbens.run.fit.levels import check_free, free_of, level_of
from accumbens.run.fit.pipeline import read_trials, run_fit
from accumbens.tasks.bandits import DriftingBandit
from accumbens.unrolling import unroll

MEDIANS = {"learning_rate": 0.3, "inverse_temperature": 3.0}


def cohort(n, n_sessions=4):
    key = jax.random.key(0)
    agents = draw_agents(QLearning, MEDIANS, n, 0.5, key=key, gain=1.0, offset=0.0)
    return simulate_cohort(
        agents, DriftingBandit(), n_sessions=n_sessions, n_trials=40, key=key, signal_noise=0.5
    )


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    path = tmp_path_factory.mktemp("levels") / "trials.parquet"
    write_table(to_table(cohort(3)), path)
    return path


def config(**options):
    return FitConfig(
        table=TableFormat(signal=("dopamine",)), models=("bias", "naive"), resamples=20, **options
    )


@pytest.mark.parametrize("animals", ["auto", "separate", "hierarchical", "pooled"])
def test_a_run_at_each_level(table, tmp_path, animals):
    run = run_fit(table, config(animals=animals), tmp_path / "run")
    level = "hierarchical" if animals == "auto" else animals
    notes = {name: model["fit"] for name, model in run.metrics["models"].items()}
    assert {name: found["animals"] for name, found in notes.items()} == dict.fromkeys(notes, level)
    text = (tmp_path / "run" / "table1.md").read_text()
    assert f"bias only ({level})" in text
    assert f"naive ({level})" in text
    model, trials = run.model("bias"), read_trials(table, run.config)
    assert isinstance(model, BySubject) == (level != "pooled")
    said = np.asarray(jax.nn.softmax(unroll(model, trials).choice_logits))[..., 0]
    predictions = run.predictions()
    np.testing.assert_allclose(predictions["bias.p_0"], said[trials.in_session], atol=1e-6)
    assert (tmp_path / "run" / "figures" / "shrinkage.png").is_file() == (level == "hierarchical")
    if level == "hierarchical":
        assert notes["bias"]["group"]["bias"]["spread_low"] >= 0
        assert list(notes["bias"]["subjects"]) == ["mouse_01", "mouse_02", "mouse_03"]
    json.dumps(notes, allow_nan=False)


def test_levels_that_are_chosen():
    assert level_of(config(), cohort(2)) == "pooled"
    assert level_of(config(), cohort(3)) == "hierarchical"
    assert level_of(config(animals="separate"), cohort(2)) == "separate"
    assert level_of(config(animals="hierarchical"), cohort(2)) == "hierarchical"
    with pytest.raises(DataError, match="needs at least 2 subjects"):
        level_of(config(animals="hierarchical"), cohort(1))


def test_free_parameters_are_those_that_a_model_can_have():
    wanted = config(free=("side_bias", "negative_learning_rate"))
    assert free_of(find_fit("q_learning"), wanted) == ("side_bias", "negative_learning_rate")
    assert free_of(find_fit("dfq_choice"), wanted) == ("side_bias",)
    assert free_of(find_fit("dfq_signal"), wanted) == ()
    with pytest.raises(ConfigError, match=r"None of the models dfq_choice has.*negative_learning"):
        check_free({"dfq_choice": find_fit("dfq_choice")}, wanted)
    with pytest.raises(ConfigError, match=r"No parameter 'bias' may be free; there are side_bias"):
        config(free=("bias",))


def test_labels_say_what_was_fitted():
    notes = {"animals": "hierarchical", "free": ["side_bias"]}
    assert label_in_run("dfq_choice", notes) == "DFQ, choices + side bias (hierarchical)"
    assert label_in_run("dfq_choice", notes, several=False) == "DFQ, choices + side bias"
    assert label_in_run("dfq_choice", {}) == "DFQ, choices"  # of a run of 0.1.0


@pytest.mark.parametrize("shrink", [False, True])
def test_means_of_each_subject(shrink):
    trials = cohort(4)
    (model, _), whole = naive_by_subject(trials, shrink=shrink), Naive.from_trials(trials)
    for i, name in enumerate(trials.names.subjects):
        own = Naive.from_trials(trials.select_sessions(np.flatnonzero(trials.subject == i)))
        found, mean = model.of(name).pattern_signal, np.asarray(whole.pattern_signal)
        if not shrink:
            np.testing.assert_allclose(found, own.pattern_signal, atol=1e-6)
            continue
        own = np.asarray(own.pattern_signal)
        low, high = np.minimum(own, mean) - 0.1, np.maximum(own, mean) + 0.1
        assert ((low <= found) & (found <= high)).all()
        assert not np.allclose(found, own, atol=1e-5)
    assert model.of("stranger").pattern_signal.shape == whole.pattern_signal.shape


def test_separate_fits_and_the_mean_of_the_others():
    trials = cohort(3)
    fit = fit_separate(BiasOnly, trials, key=jax.random.key(0), n_starts=2)
    biases = []
    for i, name in enumerate(trials.names.subjects):
        choice = trials.choice[trials.subject == i]
        biases.append(np.log((choice == 1).mean() / (choice == 0).mean()))
        assert float(np.ravel(fit.model.of(name).bias)[0]) == pytest.approx(biases[-1], abs=1e-3)
    other = float(np.ravel(fit.model.of("stranger").bias)[0])
    assert other == pytest.approx(np.mean(biases), abs=1e-3)


def test_a_subject_that_cannot_be_fitted_gets_the_mean_of_the_others():
    trials = cohort(3)
    signal = trials.signal.copy()
    signal[trials.subject == 1] = np.nan
    trials = trials.with_signals(signal, trials.names.signals)
    fit = fit_separate(BiasOnly, trials, target="signal", key=jax.random.key(0), n_starts=2)
    assert list(fit.fits) == ["mouse_01", "mouse_03"]
    assert any(
        w.startswith("mouse_02 cannot be fitted: The signal dopamine has 0 values")
        and w.endswith("It gets the mean of the others.")
        for w in fit.warnings
    )
    gains = [float(fit.model.of(name).gain[0]) for name in trials.names.subjects]
    assert gains[1] == pytest.approx((gains[0] + gains[2]) / 2, abs=1e-5)
