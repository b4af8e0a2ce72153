"""Confidence intervals in closed form: of a mean (Student's t) and of a proportion (Wilson)."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy import special

from ..errors import ConfigError

CONFIDENCE = 0.95
"""How often an interval holds the true value, unless another confidence is asked for."""


class MeanInterval(NamedTuple):
    """The mean of samples and the ends of its interval, in the unit of the samples.

    n: how many samples were not missing.
    """

    mean: Float[np.ndarray, "*point"]
    low: Float[np.ndarray, "*point"]
    high: Float[np.ndarray, "*point"]
    n: Float[np.ndarray, "*point"]


def mean_interval(
    values: Float[np.ndarray, "sample ..."], confidence: float = CONFIDENCE
) -> MeanInterval:
    """The mean of samples with Student's t interval, mean -+ t_{n-1} SD / sqrt(n).

    The samples (animals, events, trials) are taken as independent draws from a distribution that is
    nearly normal. Each point (time, lag) has its own interval.

    Args:
        values: samples along the first axis; NaN where missing.
        confidence: between 0 and 1.

    Returns:
        The mean is NaN where there is no sample, its interval where there are fewer than two.

    Raises:
        ConfigError: the confidence does not lie between 0 and 1.
    """
    known = np.isfinite(values)
    n = known.sum(0).astype(float)
    mean = np.where(n > 0, np.where(known, values, 0).sum(0) / np.maximum(n, 1), np.nan)
    squares = np.where(known, np.square(values - mean), 0).sum(0)
    freedom = np.maximum(n - 1, 1)
    standard_error = np.sqrt(squares / freedom / np.maximum(n, 1))
    half = np.where(n > 1, student_quantile(freedom, confidence) * standard_error, np.nan)
    return MeanInterval(mean, mean - half, mean + half, n)


def student_quantile(
    freedom: int | float | Float[np.ndarray, "*point"], confidence: float = CONFIDENCE
) -> Float[np.ndarray, "*point"]:
    """Half the width of a central t interval, in standard errors: 12.7 for one degree of freedom.

    Args:
        freedom: degrees of freedom; n - 1 for the mean of n samples.
        confidence: between 0 and 1.

    Raises:
        ConfigError: the confidence does not lie between 0 and 1.
    """
    _check(confidence)
    return np.asarray(special.stdtrit(freedom, (1 + confidence) / 2))


def normal_quantile(confidence: float = CONFIDENCE) -> float:
    """Half the width of a central normal interval, in standard errors: 1.96 for 95 %.

    Raises:
        ConfigError: the confidence does not lie between 0 and 1.
    """
    _check(confidence)
    return float(special.ndtri((1 + confidence) / 2))


def wilson_interval(successes: int, n: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Wilson's interval of a proportion: all p from which the observed share lies less than z
    standard errors sqrt(p (1 - p) / n) away.

    Args:
        successes: how many of the n independent draws were successes.
        n: at least 1.
        confidence: between 0 and 1.

    Returns:
        The ends of the interval, between 0 and 1.

    Raises:
        ConfigError: the confidence does not lie between 0 and 1, or successes between 0 and n.

    Source:
        Wilson (1927), J Am Stat Assoc 22:209.
    """
    _check(confidence)
    if not 0 <= successes <= n or n < 1:
        raise ConfigError(
            f"successes is {successes} and n is {n}; there must be at least one draw, and no more "
            "successes than draws."
        )
    z, p = float(special.ndtri(0.5 + 0.5 * confidence)), successes / n
    denominator = 2 * (n + z**2)
    center = (2 * n * p + z**2) / denominator
    half = z / denominator * math.sqrt(4 * n * p * (1 - p) + z**2)
    return (0.0 if successes == 0 else center - half), (1.0 if successes == n else center + half)


def _check(confidence: float) -> None:
    if not 0 < confidence < 1:
        raise ConfigError(f"confidence is {confidence}; it must lie between 0 and 1.")
