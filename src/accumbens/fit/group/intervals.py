"""Intervals of a group and its subjects, from a fit on the unconstrained scale.

Those of the group are of `means_and_spreads`.

A subject's interval is not that of a known group, which would be too narrow, above all where the
spread is estimated to be 0: its squared error is the mean, over the posterior of the spread under a
flat prior, of the variance of the subject's posterior, of what the error of the group's mean adds,
and of the squared distance to its estimate.

Sources: Viechtbauer (2007), Stat Med 26:37 (the largest spread of that posterior, by its Q
profile); Morris (1983), J Am Stat Assoc 78:47, and Gelman (2006), Bayesian Anal 1:515 (flat prior).
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float
from scipy import special

from ...scoring.intervals import CONFIDENCE, normal_quantile, student_quantile
from ...scoring.weighted import about_weighted_mean
from .empirical_bayes import GroupFit
from .means_and_spreads import MeansAndSpreads
from .normal_group import MIN_VARIANCE, spread_at

TOLD, SEVERAL = 0.1, 1.5
"""Subjects that must say something of a parameter for an estimate, and for an interval."""

HALF = 0.5
"""How much of a subject the data must be for an estimate from them alone."""
N_SPREADS, WIDEST = 30, 5.0
"""Spreads over which a subject's error is averaged: how many, and up to how many scales."""


class Intervals(NamedTuple):
    """Of every place, on the unconstrained scale; NaN where hardly any subject tells anything.

    Attributes:
        group: its means and spreads.
        of_subject, half: each subject's estimate, and half of its interval.
        alone: what each subject's data say; NaN where they say nothing.
        weight: of those data in the estimate.
        told: whether subjects tell anything.
    """

    group: MeansAndSpreads
    of_subject: Float[np.ndarray, "subject place"]
    half: Float[np.ndarray, "subject place"]
    alone: Float[np.ndarray, "subject place"]
    weight: Float[np.ndarray, "subject place"]
    told: Bool[np.ndarray, " place"]


def intervals_of(fit: GroupFit, found: MeansAndSpreads) -> Intervals:
    """The intervals of a group and its subjects. To be called in double precision.

    found: of the group.
    """
    n = np.asarray(fit.alone.counts.sum(0))
    told, several = n > TOLD, n >= SEVERAL
    freedom = np.maximum(n - 1, 0.5)
    tail = special.chdtri(freedom, (1 + CONFIDENCE) / 2)
    highest = np.sqrt(np.asarray(spread_at(fit.alone, jnp.asarray(tail, float))))
    variance = np.asarray(fit.group.variance)
    own = np.diagonal(np.asarray(fit.covariance), axis1=1, axis2=2)
    alone = np.where(fit.alone.counts > HALF, fit.alone.value, np.nan)
    half = normal_quantile() * _subject_errors(fit, freedom, np.where(several, highest, np.nan))

    def known(values: np.ndarray) -> np.ndarray:
        return np.where(several, values, np.nan)

    few = {"mean_low", "mean_high", "spread", "spread_low", "spread_high"}
    group = found._replace(
        mean_error=np.where(told, found.mean_error, np.nan),
        **{name: known(getattr(found, name)) for name in few},
    )
    return Intervals(
        group=group,
        of_subject=np.asarray(fit.of_subject),
        half=known(half),
        alone=alone,
        weight=np.clip(1 - own / variance, 0.0, 1.0),
        told=told,
    )


def side_by_side(parts: list[Intervals]) -> Intervals:
    """Those of some places after those of others, for the same subjects."""
    arrays = [(*part.group[:-1], *part[1:]) for part in parts]
    joined = [np.concatenate(each, axis=-1) for each in zip(*arrays, strict=True)]
    n = len(MeansAndSpreads._fields) - 1
    far = sorted({i for part in parts for i in part.group.not_matched})
    return Intervals(MeansAndSpreads(*joined[:n], not_matched=tuple(far)), *joined[n:])


def _subject_errors(
    fit: GroupFit, freedom: Float[np.ndarray, " place"], highest: Float[np.ndarray, " place"]
) -> Float[np.ndarray, "subject place"]:
    """Root of each subject's mean squared error over the spreads that the data allow.

    highest: the end of the spread's interval.
    """
    value, error, counts = (np.asarray(x) for x in fit.alone)
    widened = student_quantile(freedom) / normal_quantile()
    scale = np.asarray(fit.group.scale)
    top = np.clip(np.nan_to_num(highest), 10 * np.sqrt(MIN_VARIANCE) * scale, WIDEST * scale)
    log_p, squares = [], []
    for share in (np.arange(N_SPREADS) + 0.5) / N_SPREADS:
        variance = (share * top) ** 2
        weight = counts / (variance + error)
        centre, distance = about_weighted_mean(value, weight)
        spent = (counts * np.log(variance + error)).sum(0) + np.log(weight.sum(0))
        log_p.append(-0.5 * (distance + spent))
        own = variance / (variance + error)
        of_mean = ((1 - own) * widened) ** 2 / weight.sum(0)
        away = (centre + own * (value - centre) - np.asarray(fit.of_subject)) ** 2
        squares.append(away + own * error + of_mean)
    p = special.softmax(np.stack(log_p), axis=0)
    return np.sqrt((p[:, None] * np.stack(squares)).sum(0))
