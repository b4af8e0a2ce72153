"""A normal distribution of parameters over subjects, from quadratic expansions of their likelihood.

    log p(data_i | u) = const + g_i (u - u_i) - (u - u_i) F_i (u - u_i) / 2,   u ~ Normal(mean, D)

with D diagonal. Posterior of a subject: precision F_i + D^-1. The mean is the generalised least
squares estimate over subjects; each variance is the one at which the subjects lie as far from the
mean as they should, sum (y_i - mean)^2 / (variance + e_i^2) = n - 1, where y_i is what the data of
subject i alone say of the parameter, and e_i^2 its error. It is unbiased where maximum likelihood
with few subjects is too small, and 0 where subjects differ by no more than their errors.

Sources: Laird & Ware (1982), Biometrics 38:963 (posterior, mean); Paule & Mandel (1982), J Res Natl
Bur Stand 87:377, and DerSimonian & Kacker (2007), Contemp Clin Trials 28:105 (variance).
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from ...scoring.weighted import about_weighted_mean

MIN_VARIANCE = 1e-4
"""Of the group where subjects are all alike, in squared scales: an SD of 0.01."""
WEAK = 5.0
"""SD of what is known of a mean beforehand, about its start and in scales: what no subject tells
stays there. A subject whose error is as large counts as half a subject."""
FIRM = 1e-5
"""The same SD of a mean that is held."""
_BISECTIONS = 40


class Expansion(NamedTuple):
    """A quadratic expansion of each subject's log likelihood at u, with score and information."""

    at: Float[Array, "subject place"]
    score: Float[Array, "subject place"]
    information: Float[Array, "subject place place"]


class Held(NamedTuple):
    """What is known of a group beforehand.

    Attributes:
        mean: places whose mean stays at its start.
        variance: places in which subjects are all alike.
        spent: number of means that were fitted to each place's subjects, usually 1.
    """

    mean: Bool[Array, " place"]
    variance: Bool[Array, " place"]
    spent: Float[Array, " place"]


class NormalGroup(NamedTuple):
    """Mean and variance over subjects.

    Attributes:
        mean, variance: of each place.
        start: where the mean began.
        scale: of each place; 1 is a large difference.
        held: what is not fitted; None where all is.
    """

    mean: Float[Array, " place"]
    variance: Float[Array, " place"]
    start: Float[Array, " place"]
    scale: Float[Array, " place"]
    held: Held | None = None

    @property
    def weak(self) -> Float[Array, " place"]:
        """Precision with which the mean is drawn to its start where it is fitted."""
        return (WEAK * self.scale) ** -2

    @property
    def firm(self) -> Float[Array, " place"]:
        """Precision with which the mean is held to its start."""
        if self.held is None:
            return self.weak
        return jnp.where(self.held.mean, (FIRM * self.scale) ** -2, self.weak)


class Alone(NamedTuple):
    """What each subject's data say of each parameter, the others under their group.

    Attributes:
        value: y_i.
        error: its variance e_i^2.
        counts: how much of a subject it is, from 0 where the data say nothing to 1.
    """

    value: Float[Array, "subject place"]
    error: Float[Array, "subject place"]
    counts: Float[Array, "subject place"]


def posterior(
    group: NormalGroup, near: Expansion
) -> tuple[Float[Array, "subject place"], Float[Array, "subject place place"]]:
    """Mean and covariance of each subject's parameters."""
    covariance = jnp.linalg.inv(near.information + jnp.diag(1 / group.variance))
    slope = near.score - (near.at - group.mean) / group.variance
    return near.at + jnp.einsum("ipq,iq->ip", covariance, slope), covariance


def alone(group: NormalGroup, near: Expansion) -> Alone:
    """What each subject's data say by themselves of each parameter."""
    mean, covariance = posterior(group, near)
    own = jnp.diagonal(covariance, axis1=1, axis2=2)
    weight = jnp.clip(1 - own / group.variance, 1e-12, 1.0)
    value, error = group.mean + (mean - group.mean) / weight, own / weight
    return Alone(value, error, 1 / (1 + error * group.weak))


def mean_precision(group: NormalGroup, near: Expansion) -> Float[Array, "place place"]:
    """Precision of the group's mean, given its variance."""
    _, covariance = posterior(group, near)
    inverse = 1 / group.variance
    lost = covariance.sum(0) * inverse[:, None] * inverse[None, :]
    return jnp.diag(inverse * covariance.shape[0] + group.firm) - lost


def fitted_group(group: NormalGroup, near: Expansion, n_sweeps: int = 5) -> NormalGroup:
    """Mean and variance that suit the expansions, by a few sweeps from those of `group`."""

    def sweep(_, group: NormalGroup) -> NormalGroup:
        _, covariance = posterior(group, near)
        told = jnp.einsum("ipq,iq->ip", near.information, near.at) + near.score
        pull = jnp.einsum("ipq,iq->p", covariance, told) / group.variance
        mean = jnp.linalg.solve(mean_precision(group, near), pull + group.firm * group.start)
        if group.held is not None:
            mean = jnp.where(group.held.mean, group.start, mean)
        group = group._replace(mean=mean)
        found = alone(group, near)
        return group._replace(variance=_variance(group, found))

    return jax.lax.fori_loop(0, n_sweeps, sweep, group)


def _variance(group: NormalGroup, found: Alone) -> Float[Array, " place"]:
    """The group's variance, given what subjects say by themselves and its mean."""
    held, least = group.held, MIN_VARIANCE * group.scale**2
    if held is None:
        return jnp.maximum(spread_at(found, found.counts.sum(0) - 1), least)
    about = jnp.where(held.mean, group.start, jnp.nan)
    wanted = found.counts.sum(0) - jnp.where(held.mean, 0.0, held.spent)
    return jnp.where(held.variance, least, jnp.maximum(spread_at(found, wanted, about), least))


@jax.jit
def spread_at(
    found: Alone, wanted: Float[Array, " place"], about: Float[Array, " place"] | None = None
) -> Float[Array, " place"]:
    """The variance over subjects at which Q, their weighted squared distance from the mean, is
    `wanted`; 0 where Q is smaller at every variance.

    Q = sum w_i (y_i - sum w y / sum w)^2,   w_i = counts_i / (variance + e_i^2)

    about: what stands for the mean, where it is known; NaN elsewhere.
    """
    value, counts = found.value, found.counts
    known = jnp.nan if about is None else about

    def centred(mean):
        return jnp.where(jnp.isnan(known), mean, known)

    _, squares = about_weighted_mean(value, counts, centred)
    positive = wanted > 0
    highest = squares / jnp.where(positive, wanted, 1.0)

    def distance(variance):
        return about_weighted_mean(value, counts / (variance + found.error), centred)[1]

    def halve(_, bounds):
        low, high = bounds
        middle = (low + high) / 2
        above = distance(middle) > wanted
        return jnp.where(above, middle, low), jnp.where(above, high, middle)

    low, high = jax.lax.fori_loop(0, _BISECTIONS, halve, (jnp.zeros_like(highest), highest))
    exceeds = positive & (distance(jnp.zeros_like(highest)) > wanted)
    return jnp.where(exceeds, (low + high) / 2, 0.0)
