"""Tests between series: right for slow, unrelated series, and they find what is related."""

import jax
import numpy as np
import pytest

from accumbens.errors import DataError
from accumbens.models.q_learning import QLearning
from accumbens.neural.series_tests import (
    linear_shift_test,
    pooled_correlation,
    pseudosession_test,
    session_permutation_test,
)
from accumbens.simulation import simulate_with_latents
from accumbens.tasks.bandits import DriftingBandit

REPEATS = 200
BY_CHANCE = 3.3 * (0.05 * 0.95 / REPEATS) ** 0.5
"""A share of 5 % of 200 lies further off once in 1,000 times."""


def slow(rng, n, memory=0.97):
    """An autoregressive series, about as slow as a value or a drifting baseline; stationary."""
    noise = rng.normal(size=n) * np.sqrt(1 - memory**2)
    x = np.empty(n)
    x[0] = rng.normal()
    for t in range(1, n):
        x[t] = memory * x[t - 1] + noise[t]
    return x


def test_ordinary_correlation_of_slow_series_is_nonsense():
    """What these tests are for: the ordinary p-value is below 5 % far too often."""
    from scipy.stats import pearsonr

    rng = np.random.default_rng(0)
    p = [pearsonr(slow(rng, 300), slow(rng, 300)).pvalue for _ in range(200)]
    assert np.mean(np.array(p) < 0.05) > 0.4


def test_session_permutation_is_right_for_slow_series_and_finds_related_ones():
    rng = np.random.default_rng(1)
    p, power = [], []
    for _ in range(REPEATS):
        x, y = ([slow(rng, 80) for _ in range(6)] for _ in range(2))
        p.append(session_permutation_test(x, y, rng=rng, resamples=99).p)
    for _ in range(30):
        x = [slow(rng, 80) for _ in range(6)]
        y = [a + rng.normal(size=80) for a in x]
        power.append(session_permutation_test(x, y, rng=rng, resamples=99).p)
    assert np.mean(np.array(p) <= 0.05) < 0.05 + BY_CHANCE
    assert np.mean(np.array(power) <= 0.05) > 0.9


def test_permuted_correlations_are_those_of_each_order_by_itself():
    """Sessions of unequal length with blank trials: sums over pairs against the plain statistic."""
    rng = np.random.default_rng(5)
    x, y = ([slow(rng, n) for n in (30, 41, 25, 60)] for _ in range(2))
    y[1][[3, 7]] = np.nan

    def plain(a, b):
        return pooled_correlation(a, b)

    for seed in range(3):
        fast, slowly = (
            session_permutation_test(
                x, y, rng=np.random.default_rng(seed), statistic=statistic, resamples=40
            )
            for statistic in (pooled_correlation, plain)
        )
        np.testing.assert_allclose(fast.null, slowly.null, rtol=1e-12)
        assert fast.observed == pytest.approx(slowly.observed, rel=1e-12)
        assert fast.p == slowly.p


def test_what_does_not_vary_is_related_to_nothing():
    rng = np.random.default_rng(6)
    flat, x = [np.zeros(40)] * 4, [slow(rng, 40) for _ in range(4)]
    assert session_permutation_test(x, flat, rng=rng, resamples=50).p == 1
    assert linear_shift_test(x[0], flat[0], max_shift=10).p == 1


def test_linear_shift_is_conservative_for_slow_series_and_finds_related_ones():
    rng = np.random.default_rng(2)
    p = [linear_shift_test(slow(rng, 300), slow(rng, 300), max_shift=60).p for _ in range(REPEATS)]
    assert np.mean(np.array(p) <= 0.05) < 0.05 + BY_CHANCE
    x = slow(rng, 600, memory=0.8)
    found = linear_shift_test(x, x + rng.normal(size=600), max_shift=60)
    assert found.p == pytest.approx(1 / 61)
    assert len(found.null) == 120


def test_pseudosessions_of_the_true_model_are_right_and_find_its_own_signal():
    agent, task = QLearning(0.3, 3.0), DriftingBandit()
    rng = np.random.default_rng(3)
    _, latents = simulate_with_latents(
        agent, task, n_sessions=4 * 60, n_trials=60, key=jax.random.key(0)
    )
    value = latents["Q_1"].reshape(60, 4, 60)
    p = []
    for i in range(60):
        y = [slow(rng, 60) for _ in range(4)]
        key = jax.random.key(i + 1)
        options = {"key": key, "resamples": 49}
        p.append(pseudosession_test("Q_1", list(value[i]), y, agent, task, **options).p)
    assert np.mean(np.array(p) <= 0.1) < 0.1 + 3.3 * (0.1 * 0.9 / 60) ** 0.5
    signal = [v + rng.normal(size=60) for v in value[0]]
    found = pseudosession_test(
        "Q_1", list(value[0]), signal, agent, task, key=jax.random.key(99), resamples=99
    )
    assert found.p == pytest.approx(0.02)
    with pytest.raises(DataError, match="no latent variable 'V'; it has"):
        pseudosession_test("V", signal, signal, agent, task, key=jax.random.key(0), resamples=2)


def test_correlation_is_within_sessions_and_skips_what_is_missing():
    x = [np.array([0.0, 1.0, 2.0, np.nan]), np.array([10.0, 11.0])]
    y = [np.array([5.0, 6.0, 7.0, 8.0]), np.array([-3.0, -2.0, -1.0])]
    assert pooled_correlation(x, y) == pytest.approx(1.0)
    assert np.isnan(pooled_correlation([np.ones(3)], [np.arange(3.0)]))
    assert np.isnan(pooled_correlation([np.full(2, np.nan)], [np.ones(2)]))


def test_too_little_data_is_refused():
    rng = np.random.default_rng(0)
    one = [np.arange(5.0)]
    with pytest.raises(
        DataError, match="Session permutation needs at least 3 sessions, but there are 1"
    ):
        session_permutation_test(one, one, rng=rng)
    with pytest.raises(DataError, match="One series has 1 sessions and the other 2"):
        session_permutation_test(one, one * 2, rng=rng)
    with pytest.raises(DataError, match="have 20 and 20 trials and cannot be shifted by up to 6"):
        linear_shift_test(np.arange(20.0), np.arange(20.0), max_shift=6)
