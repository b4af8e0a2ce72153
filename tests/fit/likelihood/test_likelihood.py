"""The sums behind every likelihood, and what is made of them, against plain loops and scipy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from accumbens.fit.likelihood.moments import (
    MIN_RESIDUAL,
    Regression,
    choice_negative_log_likelihood,
    moments,
    regress_signals,
    signal_negative_log_likelihood,
)
from helpers.table import COGNITIVE, example_trials


@pytest.fixture(autouse=True)
def double_precision():
    with jax.enable_x64(True):
        yield


def double(model):
    return jax.tree.map(lambda x: jnp.asarray(x, float), model)


def by_loop(case, trials):
    """log p of every scored choice, and (prediction error, value) of every measured signal."""
    log_p, pairs = [], [[] for _ in trials.names.signals]
    for s, length in enumerate(trials.length):
        choices = trials.choice[s, :length]
        p, errors = case.plain(choices, trials.outcome[s, :length])
        for t in range(length):
            if choices[t] == -1 or trials.instructed[s, t]:
                continue
            log_p.append(np.log(p[t, choices[t]]))
            for pair, value in zip(pairs, trials.signal[s, t], strict=True):
                if np.isfinite(value):
                    pair.append((errors[t], value))
    return np.array(log_p), [np.array(pair).T for pair in pairs]


@pytest.mark.parametrize("name", COGNITIVE)
def test_likelihoods_are_those_of_a_plain_loop(name):
    case = COGNITIVE[name]
    trials = case.example()
    log_p, pairs = by_loop(case, trials)
    model = double(case.model)
    sums = jax.jit(moments)(model, trials.batch(np.float64))
    np.testing.assert_allclose(choice_negative_log_likelihood(sums), -log_p.sum(), rtol=1e-6)

    variance = jnp.linspace(0.8, 1.5, model.n_signals)
    given = Regression(model.gain, model.offset, variance)
    expected = [
        -scipy.stats.norm.logpdf(y, model.gain[i] * x + model.offset[i], variance[i] ** 0.5).sum()
        for i, (x, y) in enumerate(pairs)
    ]
    found = signal_negative_log_likelihood(sums, given)
    np.testing.assert_allclose(found, sum(expected), rtol=1e-6)


def test_regression_is_least_squares():
    case = COGNITIVE["dfq"]
    trials = example_trials(2, 2)
    _, pairs = by_loop(case, trials)
    found = regress_signals(moments(double(case.model), trials.batch(np.float64)))
    for i, (x, y) in enumerate(pairs):
        line = scipy.stats.linregress(x, y)
        np.testing.assert_allclose(found.gain[i], line.slope, rtol=1e-5)
        np.testing.assert_allclose(found.offset[i], line.intercept, rtol=1e-4)
        residual = y - line.slope * x - line.intercept
        np.testing.assert_allclose(found.variance[i], np.mean(residual**2), rtol=1e-6)


def test_a_signal_far_from_zero_is_no_less_accurate():
    case, trials = COGNITIVE["dfq"], example_trials(2, 2)
    far = trials.with_signals(1e5 + 0.01 * trials.signal, trials.names.signals)
    near, found = (
        regress_signals(moments(double(case.model), t.batch(np.float64))) for t in (trials, far)
    )
    np.testing.assert_allclose(found.gain, 0.01 * near.gain, rtol=1e-6)
    np.testing.assert_allclose(found.variance, 1e-4 * near.variance, rtol=1e-6)
    np.testing.assert_allclose(found.offset, 1e5 + 0.01 * near.offset, rtol=1e-12)


def test_a_signal_without_noise_has_the_floor_variance():
    case, trials = COGNITIVE["dfq"], example_trials(2, 1)
    batch = trials.batch(np.float64)
    model = double(case.model)
    exact = np.asarray(model.unroll(batch).signals, np.float64)[..., :1]
    noiseless = trials.with_signals(exact, ("exact",)).batch(np.float64)
    found = regress_signals(moments(model, noiseless))
    spread = exact[noiseless.signal_scored].var()
    np.testing.assert_allclose(found.variance, MIN_RESIDUAL * spread, rtol=1e-3)
    np.testing.assert_allclose(found.gain, model.gain[:1], rtol=1e-6)


def test_no_gain_where_the_prediction_error_does_not_vary():
    case, trials = COGNITIVE["bias"], example_trials(2, 1)
    batch = trials.batch(np.float64)
    flat = batch._replace(outcome=np.ones_like(batch.outcome))
    found = regress_signals(moments(double(case.model), flat))
    assert found.gain[0] == 0
    values = trials.signal[batch.signal_scored]
    np.testing.assert_allclose(found.offset, values.mean())
    np.testing.assert_allclose(found.variance, values.var(), rtol=1e-6)
