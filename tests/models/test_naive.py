"""The naive baseline against group means."""

import dataclasses

import numpy as np
import pytest

from accumbens.errors import DataError
from accumbens.models.naive import Naive
from accumbens.trials import TrialNames, trials_from_arrays
from accumbens.unrolling import unroll


@pytest.fixture
def trials():
    """Two outcome columns, two signals with gaps, missed and instructed trials."""
    rng = np.random.default_rng(0)
    shape = (3, 40)
    choice = rng.integers(-1, 3, shape)
    outcome = rng.integers(0, 2, (*shape, 2)) * [1.0, 0.1]
    signal = outcome @ rng.normal(size=(2, 2)) + rng.normal(size=(*shape, 2))
    signal[rng.random((*shape, 2)) < 0.2] = np.nan
    names = TrialNames(choices=(0, 1, 2), outcomes=("water", "air"), signals=("da", "ach"))
    return trials_from_arrays(
        choice, outcome, signal=signal, instructed=rng.random(shape) < 0.2, names=names
    )


def test_predicts_the_mean_of_each_outcome_pattern(trials):
    found = unroll(Naive.from_trials(trials), trials)
    np.testing.assert_array_equal(found.choice_logits, 0)
    for water in (0.0, 1.0):
        for air in (0.0, 0.1):
            same = (trials.outcome == [water, air]).all(-1)
            means = np.nanmean(trials.signal[same & trials.scored], axis=0)
            expected = np.broadcast_to(means, found.signals[same & trials.valid].shape)
            np.testing.assert_allclose(found.signals[same & trials.valid], expected, rtol=1e-5)


def test_an_outcome_that_training_did_not_have_gets_the_overall_mean(trials):
    model = Naive.from_trials(trials)
    new = dataclasses.replace(trials, outcome=np.full_like(trials.outcome, 7.0))
    mean = np.nanmean(trials.signal[trials.scored], axis=0)
    found = unroll(model, new).signals[trials.valid]
    np.testing.assert_allclose(found, np.broadcast_to(mean, found.shape), rtol=1e-5)


def test_an_outcome_without_a_measured_signal_gets_the_overall_mean(trials):
    signal = trials.signal.copy()
    never = (trials.outcome == [1.0, 0.1]).all(-1)
    signal[never, 0] = np.nan
    gap = trials.with_signals(signal, trials.names.signals)
    found = unroll(Naive.from_trials(gap), gap).signals[never & trials.valid]
    expected = np.nanmean(signal[trials.scored], axis=0)[0]
    np.testing.assert_allclose(found[:, 0], expected, rtol=1e-5)
    assert (np.abs(found[:, 1] - np.nanmean(signal[trials.scored], axis=0)[1]) > 1e-3).all()


def test_mean_only_ignores_the_outcome(trials):
    found = unroll(Naive.mean_only(trials), trials)
    mean = np.nanmean(trials.signal[trials.scored], axis=0)
    expected = np.broadcast_to(mean, found.signals[trials.valid].shape)
    np.testing.assert_allclose(found.signals[trials.valid], expected, rtol=1e-5)
    assert found.choice_logits.shape == (3, 40, 3)


def test_trials_without_signals_have_a_naive_model_too(trials):
    model = Naive.from_trials(trials.select_signals([]))
    assert model.n_signals == 0
    assert unroll(model, trials).signals.shape == (3, 40, 0)


def test_what_has_no_means_is_refused(trials):
    unmeasured = trials.with_signals(trials.signal * [1.0, np.nan], trials.names.signals)
    with pytest.raises(
        DataError,
        match=r"The signal ach was not measured on any scored trial of the training sessions",
    ):
        Naive.from_trials(unmeasured)
    graded = np.random.default_rng(0).random(trials.outcome.shape)
    with pytest.raises(DataError, match=r"group them into at most 64, or use the mean alone"):
        Naive.from_trials(dataclasses.replace(trials, outcome=graded))
