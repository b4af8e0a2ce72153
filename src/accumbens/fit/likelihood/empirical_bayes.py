"""Hierarchical fits by empirical Bayes: each subject's parameters, and the group they come from.

    u_i ~ Normal(mean, diag(variance)),   choices of subject i ~ p(. | u_i)

where u are the parameters on their unconstrained scale. The group's mean and variance are those
that make all choices most likely, with each subject's parameters integrated out by a Laplace
approximation, found by expectation maximisation:

    E: u_i = argmax log p(choices_i | u) + log Normal(u; mean, variance);   S_i = inverse Hessian
    M: mean = average of u_i;   variance = average of (u_i - mean)^2 + diag(S_i)

Source: Huys et al. (2011), PLoS Comput Biol 7:e1002028, Methods, "Model fitting".
"""

from __future__ import annotations

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from ...trials import Batch, Trials
from .lbfgs import minimize_lbfgs
from .maximum_likelihood import pad_batch
from .moments import moments
from .parameter_space import ParameterSpace

TOLERANCE = 1e-3
"""In nats of each subject's log posterior, in one step of expectation maximisation."""
FIRST_VARIANCE, MIN_VARIANCE = 0.5, 1e-4
"""Of the group, on the unconstrained scale: at the beginning, and where subjects are all alike."""
MIN_CURVATURE = 1e-3
"""Of a subject's log posterior, where the Laplace approximation would be no maximum."""


class Group(NamedTuple):
    """Parameters of a group and of its subjects, on the unconstrained scale.

    mean, variance: of the group. of_subject: most probable parameters of each subject.
    error: variance of the posterior of each subject's parameters.
    """

    mean: Float[Array, " place"]
    variance: Float[Array, " place"]
    of_subject: Float[Array, "subject place"]
    error: Float[Array, "subject place"]


def subjects_apart(trials: Trials, counted: Bool[np.ndarray, "*fit session trial"]) -> Batch:
    """Choices of each subject as a batch of its own, padded to one shape: leaves [subject, ...].

    counted: which trials count, for each fit; `scored` has axes [subject, *fit, session, trial].
    A subject of whom `trials` has no session gets a batch in which nothing is valid.
    """
    whole = trials.select_signals(()).batch(np.float64)
    of = [np.flatnonzero(trials.subject == i) for i in range(len(trials.names.subjects))]
    n_sessions, n_trials = max(map(len, of)), trials.choice.shape[1]
    parts = [
        pad_batch(jax.tree.map(lambda x, at=at: x[at], whole), n_sessions, n_trials) for at in of
    ]
    scored = [
        np.pad(
            (whole.scored & counted)[..., at, :],
            [(0, 0)] * (counted.ndim - 2) + [(0, n_sessions - len(at)), (0, 0)],
        )
        for at in of
    ]
    return jax.tree.map(lambda *x: np.stack(x), *parts)._replace(scored=np.stack(scored))


@eqx.filter_jit
def most_probable_groups(
    space: ParameterSpace, batches: Batch, starts: Float[Array, "fit place"], n_steps: int = 20
) -> Group:
    """The group of each fit, by expectation maximisation: leaves with a leading axis `fit`.

    batches: of `subjects_apart`. starts: the pooled estimate of each fit. n_steps: of
    expectation maximisation.
    """

    def one(fit: tuple[Any, Any]) -> Group:
        scored, start = fit
        return _most_probable_group(space, batches._replace(scored=scored), start, n_steps)

    return jax.lax.map(one, (jnp.moveaxis(jnp.asarray(batches.scored), 1, 0), starts))


def _most_probable_group(space, batches: Batch, start, n_steps: int) -> Group:
    n_places = start.shape[0]
    seen = jnp.asarray(batches.scored).any((1, 2))
    n_seen = jnp.maximum(seen.sum(), 1)

    def cost(u, batch: Batch):
        return -moments(space.build(u, jnp.zeros(0), jnp.zeros(0)), batch).log_p

    def of_one(u, batch: Batch, group: Group):
        def posterior(u):
            return cost(u, batch) + 0.5 * ((u - group.mean) ** 2 / group.variance).sum()

        u = minimize_lbfgs(posterior, u, tolerance=TOLERANCE, max_evaluations=40).x
        return u, jax.jacfwd(jax.grad(posterior))(u)

    def expected(group: Group) -> Group:
        u, hessian = jax.vmap(of_one, in_axes=(0, 0, None))(group.of_subject, batches, group)
        values, vectors = jnp.linalg.eigh((hessian + jnp.moveaxis(hessian, 1, 2)) / 2)
        inverse = 1 / jnp.maximum(values, MIN_CURVATURE)
        return group._replace(of_subject=u, error=(vectors**2 * inverse[:, None, :]).sum(-1))

    def step(_, group: Group) -> Group:
        group = expected(group)
        count = seen[:, None]
        mean = jnp.where(count, group.of_subject, 0.0).sum(0) / n_seen
        squared = (group.of_subject - mean) ** 2 + group.error
        variance = jnp.where(count, squared, 0.0).sum(0) / n_seen
        return group._replace(mean=mean, variance=jnp.maximum(variance, MIN_VARIANCE))

    everyone = jnp.broadcast_to(start, (seen.shape[0], n_places))
    first = Group(start, jnp.full(n_places, FIRST_VARIANCE), everyone, jnp.zeros_like(everyone))
    return expected(jax.lax.fori_loop(0, n_steps, step, first))
