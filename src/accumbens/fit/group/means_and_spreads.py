"""The posterior of a group's means and spreads, by sums over a grid of spreads.

    mean ~ Normal(start, (5 scale)^2),   spread ~ HalfNormal(2.5 scale)

For each parameter, with what the data of each subject alone say of it (`alone`), the mean is
integrated out in closed form,

    p(spread | data) ~ p(spread) prod_i N(y_i; centre, spread^2 + e_i^2) sqrt(variance of centre)

and its posterior is the mixture over the spreads of Normal(centre, variance of centre). The other
parameters have their mean, and their spread at its posterior mean. Intervals: of the mean the 2.5
and 97.5 % quantiles, of the spread the shortest that holds 95 %, which may begin at 0.

Sources: Gelman et al. (2013), Bayesian Data Analysis, 3rd ed., section 5.4 (normal hierarchical
model); Gelman (2006), Bayesian Anal 1:515 (prior of the spread).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy import special

from ...scoring.intervals import CONFIDENCE
from .empirical_bayes import GroupFit, moved_with
from .matched import along, matched, points_about
from .normal_group import MIN_VARIANCE, WEAK, Expansion, NormalGroup, alone, mean_precision

LESS = 0.5
"""Nats for each parameter that subjects may explain less of their data after a matching than before
all of them; otherwise it is not taken."""
SPREAD_SCALE = 2.5
"""Of the half-normal prior of the spread, in scales."""
MATCHINGS, MOST_MATCHINGS = 2, 6
"""How often the expansions are matched to the group that follows from them: at least, and at most
where the points have to be laid anew."""
MAX_SWEEPS, TOLERANCE = 50, 1e-3
"""Over the parameters, and the largest change of a mean in its errors that is left."""
N_COARSE, N_FINE, NOTHING = 60, 160, 14.0
"""Spreads of the grids, and how many nats below the highest a density counts as nothing."""
WIDEST = 10.0
"""The largest spread, in scales."""
WIDER = 2.0
"""By how much the variance under which expansions are matched may exceed that of the points."""

_alone, _precision = jax.jit(alone), jax.jit(mean_precision)


class MeansAndSpreads(NamedTuple):
    """Of every place, on the unconstrained scale.

    Attributes:
        mean, mean_error: posterior mean and SD of the group's mean.
        mean_low, mean_high: its 95 % interval.
        spread: posterior median of the SD over subjects.
        spread_low, spread_high: the shortest 95 % interval.
        not_matched: subjects whose log likelihood is far from normal, by number.
    """

    mean: Float[np.ndarray, " place"]
    mean_error: Float[np.ndarray, " place"]
    mean_low: Float[np.ndarray, " place"]
    mean_high: Float[np.ndarray, " place"]
    spread: Float[np.ndarray, " place"]
    spread_low: Float[np.ndarray, " place"]
    spread_high: Float[np.ndarray, " place"]
    not_matched: tuple[int, ...]


class _OfSpreads(NamedTuple):
    """One parameter, for spreads of a grid: their probability, and centre and variance of the
    mean."""

    spread: Float[np.ndarray, " spread"]
    p: Float[np.ndarray, " spread"]
    centre: Float[np.ndarray, " spread"]
    variance: Float[np.ndarray, " spread"]


def means_and_spreads(
    fit: GroupFit,
    log_likelihood: Callable[[Float[Array, "subject place"]], Float[Array, " subject"]],
    n_trials: int,
) -> MeansAndSpreads:
    """The posterior of the group, from a fit by Laplace approximation. In double precision.

    Args:
        fit: the fitted group.
        log_likelihood: of every subject, at parameters of its own, in nats; a pytree.
        n_trials: of all subjects together.
    """
    group, few = _integrated(fit.group, fit.near), np.ones(len(fit.of_subject), bool)
    laid, points = group, points_about(log_likelihood, group, fit.near, n_trials)
    least = _explained(log_likelihood, fit, fit.group) - LESS * len(group.mean)
    taken, fine = None, True
    for turn in range(1, MOST_MATCHINGS + 1):
        if turn > 1 and (few.any() or not fine):  # the group is no longer where the points lie
            laid, points = group, points_about(log_likelihood, group, fit.near, n_trials)
        variance = jnp.minimum(group.variance, WIDER * laid.variance)
        near, few = matched(group._replace(variance=variance), points)
        group = _integrated(group, near)
        fine = _explained(log_likelihood, fit, group) >= least
        taken = (group, near, few) if fine else taken
        if turn >= MATCHINGS and fine and not few.any():
            break
    if taken is not None:
        return _reported(*taken)
    found = _reported(fit.group, fit.near, np.ones(len(fit.of_subject), bool))
    return found._replace(mean=np.asarray(fit.group.mean))


def _explained(log_likelihood: Any, fit: GroupFit, group: NormalGroup) -> float:
    """The log likelihood of all subjects where a group of this mean has them; nats."""
    own = moved_with(fit, group.mean).of_subject
    return float(np.nan_to_num(along(log_likelihood, own[None], 1), nan=-np.inf).sum())


def _integrated(group: NormalGroup, near: Expansion) -> NormalGroup:
    """Posterior means of means and spreads, one parameter after the other until they settle."""
    mean, variance = np.array(group.mean), np.array(group.variance)
    scale = np.asarray(group.scale)
    for _ in range(MAX_SWEEPS):
        before = mean.copy()
        error = np.ones_like(mean)
        for at in range(len(mean)):
            now = group._replace(mean=jnp.asarray(mean), variance=jnp.asarray(variance))
            found = _of_spreads(now, near, at)
            mean[at] = found.p @ found.centre
            variance[at] = max((found.p @ found.spread) ** 2, MIN_VARIANCE * scale[at] ** 2)
            error[at] = np.sqrt(found.p @ found.variance)
        if (np.abs(mean - before) <= TOLERANCE * error).all():
            break
    return group._replace(mean=jnp.asarray(mean), variance=jnp.asarray(variance))


def _of_spreads(group: NormalGroup, near: Expansion, at: int) -> _OfSpreads:
    """The posterior of one parameter's spread, on a grid where it is not nothing."""
    found = _alone(group, near)
    value, error = np.asarray(found.value)[:, at], np.asarray(found.error)[:, at]
    scale, start = float(group.scale[at]), float(group.start[at])
    weak = (WEAK * scale) ** -2

    def on(spread):
        weight = 1 / (spread[:, None] ** 2 + error)
        precision = weight.sum(1) + weak
        centre = ((weight * value).sum(1) + weak * start) / precision
        distance = (weight * (value - centre[:, None]) ** 2).sum(1) + weak * (start - centre) ** 2
        log_p = 0.5 * (np.log(weight).sum(1) - np.log(precision) - distance)
        return log_p - 0.5 * (spread / (SPREAD_SCALE * scale)) ** 2, centre, 1 / precision

    coarse = scale * np.geomspace(np.sqrt(MIN_VARIANCE), WIDEST, N_COARSE)
    log_p = on(coarse)[0]
    some = np.flatnonzero(log_p > log_p.max() - NOTHING)
    low = 0.0 if some[0] == 0 else coarse[some[0] - 1]
    high = coarse[min(some[-1] + 1, N_COARSE - 1)]
    spread = low + (high - low) * (np.arange(N_FINE) + 0.5) / N_FINE
    log_p, centre, variance = on(spread)
    return _OfSpreads(spread, special.softmax(log_p), centre, variance)


def _reported(group: NormalGroup, near: Expansion, few) -> MeansAndSpreads:
    precision = np.asarray(_precision(group, near))
    shared = np.diag(np.linalg.inv(precision)) * np.diag(precision)
    rows = []
    for at in range(len(group.mean)):
        found = _of_spreads(group, near, at)
        variance = shared[at] * found.variance
        mean = found.p @ found.centre
        error = np.sqrt(found.p @ (variance + (found.centre - mean) ** 2))
        ends = _mixture_quantiles(found, variance, mean, error)
        half = (found.spread[1] - found.spread[0]) / 2
        below = np.cumsum(found.p)
        median = np.interp(0.5, below, found.spread + half)
        rows.append((mean, error, *ends, median, *_shortest(found.spread, found.p, half)))
    mean, error, low, high, *spread = np.reshape(rows, (-1, 7)).T
    not_matched = tuple(np.flatnonzero(few).tolist())
    return MeansAndSpreads(mean, error, low, high, spread[0], spread[1], spread[2], not_matched)


def _mixture_quantiles(found: _OfSpreads, variance, mean, error) -> list[float]:
    """Ends of the interval of the mean."""
    x = mean + error * np.linspace(-8, 8, 801)
    below = special.ndtr((x[:, None] - found.centre) / np.sqrt(variance)) @ found.p
    return [float(np.interp((1 + s * CONFIDENCE) / 2, below, x)) for s in (-1, 1)]


def _shortest(spread, p, half) -> tuple[float, float]:
    """The shortest interval of a density with one peak that holds 95 %."""
    ends = spread + half
    below = np.cumsum(p)
    first = 0.0 if spread[0] < 2 * half else spread[0] - half  # exactly, where the grid begins at 0
    starts = np.concatenate([[first], ends[below <= 1 - CONFIDENCE]])
    begun = np.concatenate([[0.0], below[below <= 1 - CONFIDENCE]])
    stops = np.interp(begun + CONFIDENCE, below, ends)
    best = int(np.argmin(stops - starts))
    return float(starts[best]), float(stops[best])
