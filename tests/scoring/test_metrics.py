"""Metrics against a loop over trials."""

import dataclasses
import math

import numpy as np
import pytest

from accumbens.errors import DataError
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
from helpers.table import MODELS, example_trials


def by_loop(predictions, trials, sessions):
    """Normalized likelihood, and MSE and R2 of each signal, one trial after another."""
    log_p, errors, values = [], [], []
    for s in sessions:
        for t in range(trials.length[s]):
            if trials.choice[s, t] == -1 or trials.instructed[s, t]:
                continue
            odds = [math.exp(x) for x in predictions.choice_logits[s, t]]
            log_p.append(math.log(odds[trials.choice[s, t]] / sum(odds)))
            errors.append(predictions.signals[s, t] - trials.signal[s, t])
            values.append(trials.signal[s, t])
    mse = np.nanmean(np.square(errors), axis=0)
    return math.exp(sum(log_p) / len(log_p)), mse, 1 - mse / np.nanvar(values, axis=0)


@pytest.fixture
def trials():
    return example_trials(n_choices=3, n_signals=2)


@pytest.fixture
def predictions(trials):
    """With nonsense wherever nothing is scored, which no metric may see."""
    rng = np.random.default_rng(1)
    logits = rng.normal(size=(*trials.choice.shape, 3))
    signals = rng.normal(size=trials.signal.shape)
    logits[~trials.scored] = np.nan
    signals[~(trials.scored[..., None] & np.isfinite(trials.signal))] = np.inf
    return Predictions(logits, signals)


def test_pooled_metrics_are_those_of_a_loop(trials, predictions):
    sums = pooled(session_sums(predictions, trials))
    likelihood, mse, r2 = by_loop(predictions, trials, range(trials.n_sessions))
    np.testing.assert_allclose(normalized_likelihood(sums), [likelihood], rtol=1e-12)
    np.testing.assert_allclose(mean_squared_error(sums), [mse], rtol=1e-12)
    np.testing.assert_allclose(r_squared(sums), [r2], rtol=1e-12)


def test_metrics_of_each_subject_are_those_of_its_sessions(trials, predictions):
    sums = by_subject(session_sums(predictions, trials), trials.subject)
    for subject in (0, 1):
        expected = by_loop(predictions, trials, np.flatnonzero(trials.subject == subject))
        np.testing.assert_allclose(normalized_likelihood(sums)[subject], expected[0], rtol=1e-12)
        np.testing.assert_allclose(mean_squared_error(sums)[subject], expected[1], rtol=1e-12)
        np.testing.assert_allclose(r_squared(sums)[subject], expected[2], rtol=1e-12)


def test_a_large_offset_of_the_signal_costs_no_accuracy(trials, predictions):
    far = dataclasses.replace(trials, signal=trials.signal + 1e6)
    shifted = predictions._replace(signals=predictions.signals + 1e6)
    r2 = r_squared(pooled(session_sums(shifted, far)))
    np.testing.assert_allclose(r2, r_squared(pooled(session_sums(predictions, trials))), rtol=1e-8)


@pytest.mark.parametrize("name", ["dfq", "gru_with_subjects"])
def test_a_models_predictions_are_scored_like_plain_ones(name):
    model = MODELS[name].model
    trials = example_trials(model.n_choices, model.n_signals)
    predictions = predict(model, trials)
    expected = by_loop(predictions, trials, range(trials.n_sessions))
    sums = pooled(session_sums(predictions, trials))
    np.testing.assert_allclose(normalized_likelihood(sums)[0], expected[0], rtol=1e-6)
    np.testing.assert_allclose(mean_squared_error(sums)[0], expected[1], rtol=1e-6)


def test_choices_at_chance_score_one_over_the_number_of_choices(trials, predictions):
    sums = pooled(session_sums(predictions.choices_at_chance(), trials))
    np.testing.assert_allclose(normalized_likelihood(sums), 1 / 3, rtol=1e-12)


def test_huge_logits_do_not_overflow(trials):
    logits = np.where(np.arange(3) == np.maximum(trials.choice, 0)[..., None], 1e5, 0.0)
    sums = session_sums(Predictions(logits, trials.signal[..., :0]), trials)
    np.testing.assert_allclose(normalized_likelihood(sums), 1.0)


def test_a_model_without_signals_has_no_signal_metrics(trials, predictions):
    sums = pooled(session_sums(predictions._replace(signals=trials.signal[..., :0]), trials))
    assert np.isnan(mean_squared_error(sums)).all()
    assert np.isfinite(normalized_likelihood(sums)).all()


def test_a_session_without_scored_trials_has_no_metric(trials, predictions):
    instructed = trials.instructed.copy()
    instructed[1] = trials.in_session[1]
    none = dataclasses.replace(trials, instructed=instructed)
    sums = session_sums(predictions, none)
    assert np.isnan(normalized_likelihood(sums)[1])
    assert np.isnan(r_squared(sums)[1]).all()


def test_predictions_that_do_not_suit_the_trials_are_refused(trials, predictions):
    with pytest.raises(DataError, match=r"choice_logits have the shape \(4, 30, 2\).*\(4, 30, 3\)"):
        session_sums(predictions._replace(choice_logits=predictions.choice_logits[..., :2]), trials)
    with pytest.raises(DataError, match=r"signals have the shape \(4, 30, 1\).*signal_0"):
        session_sums(predictions._replace(signals=predictions.signals[..., :1]), trials)


def test_a_scored_trial_without_prediction_is_named(trials, predictions):
    session, trial = np.argwhere(trials.scored)[40]
    signals = predictions.signals.copy()
    signals[session, trial] = np.nan
    message = f"of 1 scored trials .* of trial {trial} of session {trials.session_labels[session]}"
    with pytest.raises(DataError, match=message):
        session_sums(predictions._replace(signals=signals), trials)
    logits = predictions.choice_logits.copy()
    logits[session, trial, 0] = np.inf
    with pytest.raises(DataError, match=message):
        session_sums(predictions._replace(choice_logits=logits), trials)
