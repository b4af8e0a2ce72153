"""Profile likelihood: intervals that may include a bound, and the test that a parameter is at it.

The profile of a parameter is the log likelihood with the parameter held at a value and all others
fitted anew. Its 95 % interval holds the values whose profile lies at most 1.92 nats below the
maximum: those that a likelihood-ratio test does not reject. Unlike an interval from the curvature
on the unconstrained scale, it may reach a bound, and a bound may be in it.

Refits of all parameters, sides and data sets run in one computation, each from the refit before it.

Source: Venzon & Moolgavkar (1988), Appl Stat 37:87; at a bound: Self & Liang (1987), J Am Stat
Assoc 82:605, case 5.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int
from scipy import special

from ...models.catalogue import Target
from ...scoring.intervals import normal_quantile
from ...trials import Batch
from .lbfgs import minimize_lbfgs
from .moments import moments, negative_log_likelihood
from .parameter_space import ParameterSpace

TOLERANCE, MAX_EVALUATIONS = 1e-4, 200
"""Of each refit: nats, and evaluations of the likelihood."""
CLOSE = 0.01
"""How near twice the drop of the log likelihood must come to its critical value: a four hundredth
of a standard error of the end of an interval."""
MAX_ROUNDS = 40
FAR = 1e6
"""In starting ranges: where an end without a bound has not come by then, it is infinite."""
NOTHING = 1e-3
"""A likelihood-ratio statistic below it is 0: the refits do not tell it from 0."""


class BoundTest(NamedTuple):
    """The likelihood-ratio test that a parameter is at its bound.

    Attributes:
        bound: that which is nearest to the estimate, in the unit of the parameter.
        statistic: 2 (log L - log L with the parameter at the bound, all others fitted anew).
        p: probability of as large a statistic where the parameter is at the bound; its distribution
            is then 0 in half of all data sets and chi-square with one degree of freedom in the
            others. NaN where other parameters mean nothing with this one at its bound.
    """

    bound: float
    statistic: float
    p: float


class ProfileInterval(NamedTuple):
    """What the profile of one parameter says.

    Attributes:
        low, high: ends of the 95 % interval in the parameter's unit; infinite where the profile
            never falls far enough.
        bound: the test of the nearer bound; None without bounds.
        gained: nats by which a refit was better than the fit; 0 where the fit is at the maximum.
    """

    low: float
    high: float
    bound: BoundTest | None
    gained: float


class Profiled(NamedTuple):
    """A data set whose parameters are to be profiled.

    Attributes:
        batch: its trials, padded to the shape of the other data sets.
        best: unconstrained parameters at the maximum.
        value: negative log likelihood there.
        places: of the parameters to profile.
        step: a guess at half the width of each interval; NaN where there is none.
        counts: on which parameters the likelihood depends.
    """

    batch: Batch
    best: Float[np.ndarray, " place"]
    value: float
    places: Int[np.ndarray, " wanted"]
    step: Float[np.ndarray, " wanted"]
    counts: Bool[np.ndarray, " place"]


def mixture_p(statistic: float) -> float:
    """p of a likelihood-ratio statistic whose null is chi-square with 0 or 1 degrees of freedom,
    each in half of all data sets."""
    return 1.0 if statistic < NOTHING else 0.5 * float(special.chdtrc(1, statistic))


def profile_intervals(
    space: ParameterSpace, target: Target, datasets: Sequence[Profiled], n_ends: int
) -> list[list[ProfileInterval]]:
    """The profile intervals of the wanted parameters of each data set. Needs double precision.

    All data sets are computed at once.

    Args:
        space, target: of the fits.
        datasets: with what is wanted of each.
        n_ends: for which the computation is made; at least twice the wanted parameters of each.
    """
    ends = _Ends(space, datasets, n_ends)
    batches = jax.tree.map(lambda *a: np.stack(a), *[d.batch for d in datasets])
    for _ in range(MAX_ROUNDS):
        value, u = _refits(space, target, batches, ends.place, ends.trial, ends.start(space))
        ends.learn(np.asarray(value), np.asarray(u))
        if ends.done.all():
            break
    return [[ends.interval(d, i, j) for j in range(len(d.places))] for i, d in enumerate(datasets)]


@eqx.filter_jit
def _refits(space: ParameterSpace, target: Target, batches: Batch, place, value, start):
    """All parameters but one fitted anew: axes [data set, end]."""

    def refit(batch: Batch, place: Int[Array, ""], value: Float[Array, ""], start):
        def cost(u):
            natural = space.natural(u).at[place].set(value)
            model = space.build_natural(natural, jnp.zeros(0), jnp.zeros(0))
            return negative_log_likelihood(moments(model, batch), target)

        found = minimize_lbfgs(cost, start, tolerance=TOLERANCE, max_evaluations=MAX_EVALUATIONS)
        return found.value, found.x

    of_data_set = jax.vmap(refit, in_axes=(None, 0, 0, 0))
    return jax.vmap(of_data_set)(batches, place, value, start)


class _Ends:
    """The search for all ends at once: axes [data set, end], ends being low and high in turn.

    Each search holds a bracket: `inner` inside the interval and `outer` outside, with the signed
    distance of the root of the statistic from the root of its critical value, which is nearly
    linear in the parameter. A bound is tried first; without a bound, steps grow until the end is
    passed.
    """

    def __init__(self, space: ParameterSpace, datasets: Sequence[Profiled], n: int) -> None:
        n_wanted = np.array([2 * len(d.places) for d in datasets])
        self.wanted: Bool[np.ndarray, "data end"] = np.arange(n) < n_wanted[:, None]

        def both(per_place, fill=0.0):
            rows = [np.repeat(np.asarray(row, float), 2) for row in per_place]
            return np.stack([np.pad(r, (0, n - len(r)), constant_values=fill) for r in rows])

        self.place = both([d.places for d in datasets]).astype(np.int32)
        bounds = np.array([(p.low, p.high) for p in space.places])
        width = np.array([p.start[1] - p.start[0] for p in space.places])[self.place]
        natural = [np.asarray(space.natural(jnp.asarray(d.best)))[d.places] for d in datasets]
        self.at = both(natural)
        self.sign = np.where(np.arange(n) % 2, 1.0, -1.0)[None].repeat(len(datasets), 0)
        self.edge = np.where(self.sign < 0, bounds[self.place, 0], bounds[self.place, 1])
        step = both([d.step for d in datasets], np.nan)
        self.step = np.where(np.isfinite(step) & (step > 0), step, 0.1 * width)
        self.far = FAR * width
        self.best = np.array([d.value for d in datasets])[:, None]
        self.critical = normal_quantile() ** 2

        self.bounded = np.isfinite(self.edge)
        self.inner, self.outer = self.at.copy(), np.full_like(self.at, np.nan)
        self.g_inner = np.full_like(self.at, -math.sqrt(self.critical))
        self.g_outer = self.outer.copy()
        self.last_outside = np.zeros(self.at.shape, int)
        self.trial = np.where(self.bounded, self.edge, self.at + self.sign * self.step)
        self.trial = np.where(self.wanted, self.trial, self.at)
        u = np.stack([d.best for d in datasets])
        self.u: Float[np.ndarray, "data end place"] = np.repeat(u[:, None], n, 1)
        self.first_u: Float[np.ndarray, "data end place"] | None = None
        self.done, self.result = ~self.wanted, self.at.copy()
        self.at_edge = np.full_like(self.at, np.nan)
        self.moved: Bool[np.ndarray, "data end place"] | None = None
        self.gained = np.zeros(self.at.shape)

    def start(self, space: ParameterSpace) -> Float[np.ndarray, "data end place"]:
        """Where the refits begin: no parameter so near a bound that it could not leave it."""
        low, high = np.array([(p.low, p.high) for p in space.places]).T
        margin = np.array([0.01 * (p.start[1] - p.start[0]) for p in space.places])
        flat = jnp.asarray(self.u.reshape(-1, self.u.shape[-1]))
        inside = np.clip(np.asarray(jax.vmap(space.natural)(flat)), low + margin, high - margin)
        self.begun = np.asarray(space.unconstrained(jnp.asarray(inside))).reshape(self.u.shape)
        return self.begun

    def learn(self, value: Float[np.ndarray, "data end"], u) -> None:
        """Moves the brackets by what the refits at `trial` found, and chooses the next trials."""
        drop = 2 * (value - self.best)
        drop = np.where(np.isfinite(drop), drop, np.inf)
        self.gained = np.maximum(self.gained, np.where(self.wanted, -drop / 2, 0.0))
        first = self.moved is None
        if first:
            self.moved = u != self.begun
            self.at_edge = np.where(self.bounded, drop, np.nan)
        g = np.sqrt(np.maximum(drop, 0.0)) - math.sqrt(self.critical)
        open_, inside = ~self.done, g <= 0
        closed_in = inside & self.bounded & (self.trial == self.edge)
        too_far = inside & ~self.bounded & (np.abs(self.trial - self.at) > self.far)
        self.result = np.where(open_, self.trial, self.result)
        self.result = np.where(open_ & too_far, self.sign * np.inf, self.result)
        self._narrow(open_ & inside, open_ & ~inside, g, u)
        narrow = np.abs(self.outer - self.inner) <= 1e-9 * np.maximum(np.abs(self.at), self.step)
        self.done |= open_ & (closed_in | too_far | (np.abs(drop - self.critical) < CLOSE) | narrow)
        self._choose(first)

    def _narrow(self, inside, outside, g, u) -> None:
        """The Illinois rule: an end that stays twice in a row counts half."""
        again = inside & (self.last_outside == -1)
        self.g_outer = np.where(again, self.g_outer / 2, self.g_outer)
        again = outside & (self.last_outside == 1)
        self.g_inner = np.where(again, self.g_inner / 2, self.g_inner)
        self.inner = np.where(inside, self.trial, self.inner)
        self.g_inner = np.where(inside, g, self.g_inner)
        self.outer = np.where(outside, self.trial, self.outer)
        self.g_outer = np.where(outside, g, self.g_outer)
        self.u = np.where(inside[..., None], u, self.u)
        self.last_outside = np.where(inside, -1, np.where(outside, 1, self.last_outside))

    def _choose(self, first: bool) -> None:
        width = self.outer - self.inner
        with np.errstate(invalid="ignore"):
            share = -self.g_inner / (self.g_outer - self.g_inner)
        share = np.where(np.isfinite(share) & (share > 0), np.clip(share, 0.001, 0.999), 0.5)
        between = self.inner + share * width
        guess = self.at + self.sign * self.step
        if first:
            within = np.abs(guess - self.at) < np.abs(self.outer - self.at)
            between = np.where(self.bounded & within, guess, between)
        further = self.at + 3 * (self.trial - self.at)
        trial = np.where(np.isnan(self.outer), further, between)
        self.trial = np.where(self.done, self.trial, trial)

    def interval(self, data: Profiled, i: int, j: int) -> ProfileInterval:
        """That of the j-th wanted parameter of `data`, which is number i."""
        low, high = 2 * j, 2 * j + 1
        known = [k for k in (low, high) if self.bounded[i, k]]
        test = None
        if known:
            k = min(known, key=lambda k: abs(self.edge[i, k] - self.at[i, k]))
            others = data.counts & (np.arange(self.u.shape[-1]) != data.places[j])
            assert self.moved is not None
            statistic = max(float(self.at_edge[i, k]), 0.0)
            statistic = statistic if statistic >= NOTHING else 0.0
            told = self.moved[i, k, others].all()
            p = mixture_p(statistic) if told else math.nan
            test = BoundTest(float(self.edge[i, k]), statistic, p)
        low, high = float(self.result[i, low]), float(self.result[i, high])
        return ProfileInterval(low, high, test, float(self.gained[i, 2 * j :][:2].max()))
