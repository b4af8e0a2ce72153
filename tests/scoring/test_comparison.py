"""Evaluations and comparisons: values, intervals, pairing, tables of numbers."""

import json

import numpy as np
import pytest
from scipy import stats

from accumbens.errors import ConfigError, DataError
from accumbens.scoring.bootstrap import unit_of
from accumbens.scoring.comparison import compare
from accumbens.scoring.evaluation import evaluate
from accumbens.scoring.metrics import (
    Predictions,
    by_subject,
    mean_squared_error,
    normalized_likelihood,
    pooled,
    predict,
    r_squared,
    session_sums,
)
from accumbens.trials import TrialNames, trials_from_arrays
from helpers.table import MODELS, example_trials


@pytest.fixture(scope="module")
def trials():
    return example_trials(n_choices=2, n_signals=2)


@pytest.fixture(scope="module")
def models(trials):
    """A model, plain predictions, and predictions of choices alone."""
    rng = np.random.default_rng(0)
    plain = Predictions(rng.normal(size=(*trials.choice.shape, 2)), trials.signal + 1.0)
    silent = Predictions(np.zeros((*trials.choice.shape, 2)), trials.signal[..., :0])
    return {"dfq": MODELS["dfq"].model, "plain": plain, "silent": silent}


@pytest.fixture(scope="module")
def comparison(models, trials):
    return compare(models, trials, rng=np.random.default_rng(0), reference="plain", n_draws=200)


def test_values_are_the_metrics(comparison, models, trials):
    assert list(comparison.models) == ["dfq", "plain", "silent"]
    sums = session_sums(predict(models["dfq"], trials), trials)
    found = comparison.models["dfq"]
    assert found.normalized_likelihood.value == normalized_likelihood(pooled(sums))[0]
    for i, column in enumerate(("signal_0", "signal_1")):
        assert found.signals[column].mse.value == mean_squared_error(pooled(sums))[0, i]
        assert found.signals[column].r2.value == r_squared(pooled(sums))[0, i]
        own = by_subject(sums, trials.subject)
        assert found.subjects["b"].mse[column] == mean_squared_error(own)[1, i]
    assert found.subjects["a"].n_sessions == 2
    assert found.subjects["a"].n_choices == trials.scored[trials.subject == 0].sum()
    assert comparison.models["plain"].signals["signal_1"].mse.value == pytest.approx(1.0)


def test_intervals_are_student_t_with_the_sd_over_resampled_sessions(models, trials):
    """The slow way: draw sessions, put their trials together, score them anew."""
    predictions = models["plain"]
    found = evaluate(predictions, trials, rng=np.random.default_rng(5), n_draws=300, unit="session")
    counts = np.random.default_rng(5).multinomial(4, [0.25] * 4, size=300)
    values = []
    for count in counts:
        index = np.repeat(np.arange(4), count)
        again = Predictions(*(a[index][:, : trials.length[index].max()] for a in predictions))
        sums = session_sums(again, trials.select_sessions(index))
        values.append([normalized_likelihood(pooled(sums))[0], r_squared(pooled(sums))[0, 1]])
    half = stats.t.ppf(0.975, 3) * np.sqrt(4 / 3) * np.std(values, axis=0, ddof=1)
    both = (found.normalized_likelihood, found.signals["signal_1"].r2)
    for estimate, width in zip(both, half, strict=True):
        ends = (estimate.value - width, estimate.value + width)
        np.testing.assert_allclose((estimate.low, estimate.high), ends, rtol=1e-9)


def test_a_signal_of_a_single_session_has_no_interval(models, trials):
    """Resamples of other sessions say nothing of it: an interval of no width would be a lie."""
    signal = trials.signal.copy()
    signal[1:, :, 0] = np.nan
    signal[2:, :, 1] = np.nan
    some = trials.with_signals(signal, trials.names.signals)
    said = Predictions(models["plain"].choice_logits, trials.signal + 1.0)
    other = Predictions(said.choice_logits, trials.signal * 0.9)
    found = compare({"a": said, "b": other}, some, rng=np.random.default_rng(0), unit="session")
    one, two = (found.models["b"].signals[f"signal_{i}"].mse for i in range(2))
    assert np.isnan([one.low, one.high]).all()
    assert np.isnan(found.differences["b"].mse["signal_0"].low)
    errors = [np.nanmean((0.1 * signal[s, trials.scored[s], 1]) ** 2) for s in range(2)]
    assert two.high - two.value > abs(errors[0] - errors[1])  # t with one degree of freedom
    choice = found.models["b"].normalized_likelihood
    assert np.isfinite([choice.low, choice.high]).all()


def test_animals_are_the_unit_from_three_on():
    assert unit_of(np.array([0, 0, 1, 1])) == "session within subject"
    assert unit_of(np.array([0, 0, 1])) == "session"
    assert unit_of(np.array([0, 1, 2, 2])) == "subject"
    assert unit_of(np.array([0, 1, 2, 2]), "session") == "session"
    assert unit_of(np.array([0, 0, 1]), "animal") == "subject"
    with pytest.raises(DataError, match="There is only one subject to resample"):
        unit_of(np.array([0, 0]), "animal")


@pytest.mark.parametrize(("unit", "freedom"), [("subject", 2), ("session within subject", 6)])
def test_an_interval_over_equal_units_is_that_of_scipy(unit, freedom):
    """Of 3 animals with 3 sessions of one length, whose log likelihoods are set."""
    rng = np.random.default_rng(1)
    subject = np.repeat(np.arange(3), 3)
    trials = trials_from_arrays(
        np.zeros((9, 50), int), np.zeros((9, 50, 1)), subject=subject,
        names=TrialNames(subjects=("a", "b", "c")),
    )  # fmt: skip
    logits = np.zeros((9, 50, 2))
    logits[..., 0] = rng.normal(1.0, 0.5, (9, 1))
    models = {"a": Predictions(logits, trials.signal), "b": Predictions(0 * logits, trials.signal)}
    found = compare(models, trials, rng=rng, unit=unit, n_draws=40_000).differences["b"]
    each = np.log(0.5) + np.logaddexp(0, -logits[:, 0, 0])  # difference of every session
    if unit == "subject":
        half = stats.t.ppf(0.975, 2) * stats.sem(each.reshape(3, 3).mean(1))
    else:
        within = np.mean([s.var(ddof=1) for s in each.reshape(3, 3)])
        half = stats.t.ppf(0.975, freedom) * np.sqrt(within / 9)
    assert found.log_likelihood.high - found.log_likelihood.value == pytest.approx(half, rel=0.02)


def test_a_model_without_signals_has_none(comparison):
    assert comparison.models["silent"].signals == {}
    assert comparison.differences["silent"].mse == {}
    assert comparison.models["silent"].normalized_likelihood.value == pytest.approx(0.5)


def test_differences_are_model_less_reference(comparison):
    assert list(comparison.differences) == ["dfq", "silent"]
    ours, theirs = comparison.models["dfq"], comparison.models["plain"]
    difference = comparison.differences["dfq"]
    assert difference.normalized_likelihood.value == pytest.approx(
        ours.normalized_likelihood.value - theirs.normalized_likelihood.value
    )
    assert difference.log_likelihood.value == pytest.approx(
        np.log(ours.normalized_likelihood.value / theirs.normalized_likelihood.value)
    )
    assert difference.mse["signal_0"].value == pytest.approx(
        ours.signals["signal_0"].mse.value - theirs.signals["signal_0"].mse.value
    )


def test_differences_are_paired():
    """Sessions differ far more than models do; only pairing tells such models apart."""
    rng = np.random.default_rng(0)
    choice = np.zeros((30, 100), int)
    trials = trials_from_arrays(choice, np.zeros((30, 100, 1)))
    skill = rng.normal(1.0, 0.8, size=(30, 1))

    def predictions(extra):
        logits = np.stack(np.broadcast_arrays(skill + extra, 0.0 * choice), axis=-1)
        return Predictions(logits, trials.signal)

    found = compare({"a": predictions(0.0), "b": predictions(0.05)}, trials, rng=rng)
    a, b = (found.models[name].normalized_likelihood for name in "ab")
    assert b.low < a.high
    assert found.differences["b"].log_likelihood.low > 0
    assert found.reference == "a"


def test_the_same_generator_gives_the_same_numbers(models, trials, comparison):
    rng = np.random.default_rng(0)
    assert compare(models, trials, rng=rng, reference="plain", n_draws=200) == comparison


def test_as_dict_is_plain_json(comparison):
    stored = json.loads(json.dumps(comparison.models["dfq"].as_dict()))
    found = comparison.models["dfq"]
    assert stored["choice"]["normalized_likelihood"] == found.normalized_likelihood.value
    mse = found.signals["signal_1"].mse
    assert stored["signal"]["signal_1"]["mse"] == mse.value
    assert stored["signal"]["signal_1"]["mse_interval"] == [mse.low, mse.high]
    assert stored["subjects"]["b"]["r2"]["signal_0"] == found.subjects["b"].r2["signal_0"]


def test_frames_hold_every_number_once(comparison):
    frame = comparison.to_frame().set_index(["model", "signal", "metric"])
    assert len(frame) == 5 + 5 + 1
    mse = comparison.models["plain"].signals["signal_0"].mse
    assert tuple(frame.loc[("plain", "signal_0", "mse")]) == mse
    differences = comparison.differences_to_frame().set_index(["model", "signal", "metric"])
    assert len(differences) == 4 + 2
    assert differences.loc[("dfq", "", "log_likelihood"), "reference"] == "plain"
    subjects = comparison.subjects_to_frame().set_index(["model", "subject"])
    assert len(subjects) == 6
    expected = comparison.models["dfq"].subjects["a"].mse["signal_1"]
    assert subjects.loc[("dfq", "a"), "mse_signal_1"] == expected
    assert np.isnan(subjects.loc[("silent", "a"), "mse_signal_1"])


def test_a_single_session_has_values_without_intervals(models, trials):
    first = trials.select_sessions([0])
    plain = models["plain"].choice_logits[:1, : first.choice.shape[1]]
    both = {"dfq": models["dfq"], "plain": Predictions(plain, first.signal)}
    one = compare(both, first, rng=np.random.default_rng(0))
    for evaluation in one.models.values():
        value, low, high = evaluation.normalized_likelihood
        assert np.isfinite(value)
        assert np.isnan([low, high]).all()


def test_impossible_comparisons_are_refused(models, trials):
    rng = np.random.default_rng(0)
    with pytest.raises(ConfigError, match="reference 'gru' is not among the models"):
        compare(models, trials, rng=rng, reference="gru")
    with pytest.raises(ConfigError, match="no model to compare"):
        compare({}, trials, rng=rng)
