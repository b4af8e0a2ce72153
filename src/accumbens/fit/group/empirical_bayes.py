"""Hierarchical fits by empirical Bayes: a Laplace approximation of every subject, and the group.

    u_i ~ Normal(mean, diag(variance)),   data of subject i ~ p(. | u_i)

Passes over all trials give each subject's log likelihood, score and information where its
parameters are; the group that suits these expansions is found in closed form
(`normal_group`), and every subject moves to its most probable parameters under it. What one pass
of expectation maximisation does by small steps, this does at once.

    log evidence = sum_i log p(data_i | u_i) + log Normal(u_i; mean, variance)
                   - log |F_i + D^-1| / 2 + (places / 2) log(2 pi)

Source: Huys et al. (2011), PLoS Comput Biol 7:e1002028, Methods, "Model fitting"; Piray et al.
(2019), PLoS Comput Biol 15:e1007043.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from .normal_group import (
    MIN_VARIANCE,
    Alone,
    Expansion,
    Held,
    NormalGroup,
    alone,
    fitted_group,
    mean_precision,
    posterior,
)
from .terms import Terms

FIRST_VARIANCE = 0.5
"""Of the group at the beginning."""
TOLERANCE = 1e-3
"""Largest step of any number that is left, in its standard errors."""
MAX_PASSES = 200
MAX_STEP = 2.0
"""Of a parameter in one pass, in its scale."""
MIN_SHARE = 0.02
"""Passes that would go back where the last one came from go a smaller share of the way."""


class GroupFit(NamedTuple):
    """A group and its subjects, on the unconstrained scale.

    Attributes:
        group: mean and variance.
        of_subject: most probable parameters of each subject.
        covariance: of each subject's posterior, the group taken as known.
        mean_covariance: of the group's mean.
        alone: what each subject's data say of each parameter by themselves.
        log_evidence: Laplace approximation, in nats.
        converged: whether the last pass changed nothing.
        passes: over all trials.
        near: the expansions at the subjects' parameters.
    """

    group: NormalGroup
    of_subject: Float[Array, "subject place"]
    covariance: Float[Array, "subject place place"]
    mean_covariance: Float[Array, "place place"]
    alone: Alone
    log_evidence: Float[Array, ""]
    converged: Bool[Array, ""]
    passes: Int[Array, ""]
    near: Expansion


class _Search(NamedTuple):
    """u, terms: where each subject is. way: of the group and its subjects in the last pass, had it
    gone all of it, in standard errors. share: how much of it a pass goes."""

    u: Float[Array, "subject place"]
    terms: Terms
    group: NormalGroup
    way: Float[Array, " any"]
    share: Float[Array, ""]
    passes: Int[Array, ""]


@eqx.filter_jit
def fit_group(
    terms: Callable[[Float[Array, "subject place"]], Terms],
    start: Float[Array, " place"],
    scale: Float[Array, " place"],
    n_subjects: int,
    held: Held | None = None,
) -> GroupFit:
    """The group, and each subject in it, from the same start for all.

    Args:
        terms: log likelihood, score and information of every subject; a pytree.
        start: on the unconstrained scale.
        scale: of each place; nothing moves by more than `MAX_STEP` of them at once.
        n_subjects: how many there are.
        held: means and variances that are not fitted.
    """
    n_places = start.shape[0]
    everyone = jnp.broadcast_to(start, (n_subjects, n_places))
    first_variance = FIRST_VARIANCE * scale**2
    if held is not None:
        first_variance = jnp.where(held.variance, MIN_VARIANCE * scale**2, first_variance)
    group = NormalGroup(start, first_variance, start, scale, held)
    way = jnp.full((2 + n_subjects) * n_places, jnp.inf)
    first = _Search(everyone, terms(everyone), group, way, jnp.array(1.0), jnp.array(1))

    def one_pass(now: _Search) -> _Search:
        near = Expansion(now.u, now.terms.score, now.terms.information)
        wanted = fitted_group(now.group, near)
        group = _towards(now.group, wanted, now.share)
        probable, covariance = posterior(wanted, near)
        own = now.u - now.group.mean
        step = _bounded(probable - wanted.mean - own, scale)
        u = group.mean + own + now.share * step
        way = _way(now.group, wanted, near, step, covariance)
        found = terms(u)
        fine = jnp.isfinite(found.log_p) & jnp.isfinite(found.score).all(1)
        found, u = _where(fine, (found, u), (now.terms, now.u))
        back = (jnp.nan_to_num(now.way, posinf=0.0) @ way < 0) | ~fine.all()
        share = jnp.where(back, now.share / 2, jnp.minimum(1.25 * now.share, 1.0))
        return _Search(u, found, group, way, jnp.maximum(share, MIN_SHARE), now.passes + 1)

    def goes_on(now: _Search):
        return (jnp.abs(now.way).max(initial=0.0) > TOLERANCE) & (now.passes < MAX_PASSES)

    return _described(jax.lax.while_loop(goes_on, one_pass, first))


def moved_with(fit: GroupFit, mean: Float[Array, " place"]) -> GroupFit:
    """The fit with each subject where a group of this mean has it, C_i D^-1 of the way the mean
    moves: all of it where the subject's data say nothing."""
    step = (mean - fit.group.mean) / fit.group.variance
    moved = fit.of_subject + jnp.einsum("ipq,q->ip", fit.covariance, step)
    return fit._replace(of_subject=moved)


def _where(fine, new, old):
    def kept(new, old):
        return jnp.where(fine.reshape(-1, *[1] * (new.ndim - 1)), new, old)

    return jax.tree.map(kept, new, old)


def _bounded(step, scale):
    """A step of which no entry is longer than `MAX_STEP` scales; the direction stays."""
    longest = jnp.abs(step / scale).max(-1, keepdims=True, initial=0.0)
    return step * jnp.minimum(1.0, MAX_STEP / jnp.maximum(longest, 1e-12))


def _towards(old: NormalGroup, new: NormalGroup, share) -> NormalGroup:
    """Part of the way to a new group, by a bounded step."""
    mean = _bounded(new.mean - old.mean, old.scale)
    spread = jnp.clip(jnp.log(new.variance / old.variance), -3.0, 3.0)
    return old._replace(
        mean=old.mean + share * mean, variance=old.variance * jnp.exp(share * spread)
    )


def _way(old: NormalGroup, new: NormalGroup, near: Expansion, step, covariance):
    """How far means, variances and subjects are from where they would go, in standard errors."""
    error = jnp.sqrt(jnp.diagonal(jnp.linalg.inv(mean_precision(new, near))))
    errors = jnp.sqrt(jnp.diagonal(covariance, axis1=1, axis2=2))
    of_mean = (new.mean - old.mean) / error
    of_spread = (new.variance - old.variance) / (new.variance + error**2)
    return jnp.concatenate([of_mean, of_spread, (step / errors).ravel()])


def _described(found: _Search) -> GroupFit:
    near = Expansion(found.u, found.terms.score, found.terms.information)
    group = found.group
    _, covariance = posterior(group, near)
    own = alone(group, near)
    distance = ((found.u - group.mean) ** 2 / group.variance + jnp.log(group.variance)).sum(1)
    evidence = found.terms.log_p - 0.5 * distance + 0.5 * jnp.linalg.slogdet(covariance)[1]
    return GroupFit(
        group, found.u, covariance, jnp.linalg.inv(mean_precision(group, near)),
        own, evidence.sum(), jnp.abs(found.way).max(initial=0.0) <= TOLERANCE, found.passes,
        near,
    )  # fmt: skip
