"""Intervals of means and proportions, against scipy and statsmodels and by their coverage."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from accumbens.errors import ConfigError
from accumbens.scoring.intervals import (
    mean_interval,
    normal_quantile,
    student_quantile,
    wilson_interval,
)


@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.99])
def test_the_interval_of_a_mean_is_scipys(confidence):
    """Missing samples are as if they had never been there."""
    rng = np.random.default_rng(0)
    values = rng.normal(3, 2, (9, 4, 2))
    values[rng.random(values.shape) < 0.3] = np.nan
    found = mean_interval(values, confidence)
    for point in np.ndindex(4, 2):
        known = values[:, *point][np.isfinite(values[:, *point])]
        assert found.n[point] == len(known) >= 2
        expected = stats.t.interval(confidence, len(known) - 1, known.mean(), stats.sem(known))
        np.testing.assert_allclose((found.low[point], found.high[point]), expected, rtol=1e-12)
        np.testing.assert_allclose(found.mean[point], known.mean(), rtol=1e-12)


def test_too_few_samples_have_no_interval():
    found = mean_interval(np.array([[np.nan, 2.0, 1.0], [np.nan, np.nan, 1.0]]))
    np.testing.assert_array_equal(found.n, [0, 1, 2])
    np.testing.assert_array_equal(found.mean, [np.nan, 2, 1])
    np.testing.assert_array_equal(found.low, [np.nan, np.nan, 1])
    np.testing.assert_array_equal(found.high, [np.nan, np.nan, 1])


def test_intervals_of_few_animals_cover():
    """Of 4,000 means of 3 normal samples, 95 % of the intervals hold the true one (within 3.3
    standard errors)."""
    values = np.random.default_rng(1).normal(5, 2, (3, 4000))
    found = mean_interval(values)
    covered = ((found.low <= 5) & (found.high >= 5)).mean()
    assert abs(covered - 0.95) < 3.3 * (0.95 * 0.05 / 4000) ** 0.5


def test_quantiles():
    """Of tables: t of 1, 10 and 30 degrees of freedom; z of 90, 95 and 99 %."""
    np.testing.assert_allclose(
        student_quantile(np.array([1.0, 10.0, 30.0])), [12.7062, 2.2281, 2.0423], atol=5e-5
    )
    np.testing.assert_allclose(student_quantile(10, 0.9), 1.8125, atol=5e-5)
    quantiles = [normal_quantile(confidence) for confidence in (0.9, 0.95, 0.99)]
    np.testing.assert_allclose(quantiles, [1.644854, 1.959964, 2.575829], atol=5e-7)
    np.testing.assert_allclose(student_quantile(1e9), normal_quantile(), rtol=1e-8)


@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.99])
def test_the_interval_of_a_proportion_is_that_of_statsmodels(confidence):
    for k, n in ((0, 10), (3, 10), (10, 10), (50, 100), (0, 1)):
        expected = proportion_confint(k, n, alpha=1 - confidence, method="wilson")
        np.testing.assert_allclose(wilson_interval(k, n, confidence), expected, atol=1e-12)


def test_the_ends_of_wilsons_interval_are_z_standard_errors_from_the_share():
    """The definition: at either end p, |share - p| = z sqrt(p (1 - p) / n)."""
    for k, n in ((3, 10), (40, 50)):
        for p in wilson_interval(k, n):
            distance = normal_quantile() * np.sqrt(p * (1 - p) / n)
            np.testing.assert_allclose(abs(k / n - p), distance, rtol=1e-9)


def test_what_is_no_interval():
    for confidence in (0.0, 1.0, 95.0):
        with pytest.raises(ConfigError, match=rf"confidence is {confidence}; it must lie between"):
            mean_interval(np.zeros((3, 1)), confidence)
        with pytest.raises(ConfigError, match="it must lie between 0 and 1"):
            normal_quantile(confidence)
        with pytest.raises(ConfigError, match="it must lie between 0 and 1"):
            wilson_interval(1, 2, confidence)
    for k, n in ((3, 2), (-1, 2), (0, 0)):
        with pytest.raises(
            ConfigError, match=rf"successes is {k} and n is {n}; there must be at least one draw"
        ):
            wilson_interval(k, n)
