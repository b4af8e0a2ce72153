"""The equations' weights found anew from the choices, with the network's structure.

A network says which terms there are; how large they are it knows through noise and penalties. With
the terms fixed, the weights follow from the choices by maximum likelihood, and their intervals from
how much the sessions differ.
"""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ...errors import DataError, DivergedError
from ...fit.likelihood.lbfgs import minimize_lbfgs
from ...models.distilled import Distilled
from ...trials import Batch, Trials
from ...unrolling import choice_log_likelihood
from .assembly import assembled
from .equation import unit_factors
from .result import Distillation

SINGULAR = 1e-6
"""Directions in which the likelihood curves less than this share of the most are units of latents,
which no choice can tell; they get no variance."""
ENOUGH = 1e-5
"""Nats, of all trials together, that a search may leave."""


class Refit(NamedTuple):
    """Equations whose weights are those most likely to give the choices.

    Attributes:
        equations: the same terms; draws are from the curvature of the likelihood and the sessions'
            own gradients, a bootstrap over sessions (animals from three on) in one Newton step.
        log_likelihood: of the choices, in nats per scored trial.
        before: the same with the network's weights.
    """

    equations: Distillation
    log_likelihood: float
    before: float


def refit_equations(
    found: Distillation, trials: Trials | None = None, *, max_evaluations: int = 200
) -> Refit:
    """The equations with the weights of maximum likelihood.

    Weights of the updates and of the choice rule, and the latents at the start of a session, are
    moved together; terms stay as they are. Signals keep their rule.

    Args:
        found: equations of a network.
        trials: whose choices are explained; by default those from which the equations are.
        max_evaluations: of the likelihood.

    Raises:
        DataError: the trials have other sessions in number than those of the equations, whose
            resamples give the intervals.
        DivergedError: the likelihood is not finite where the search begins.
    """
    trials = found.trials if trials is None else trials
    if trials.n_sessions != found.trials.n_sessions:
        raise DataError(
            f"The equations are of {found.trials.n_sessions} sessions, whose resamples give the "
            f"intervals, but these trials have {trials.n_sessions}. Give as many sessions."
        )
    free = _Free.of(found)
    with jax.enable_x64(True):
        batch = jax.tree.map(jnp.asarray, trials.batch())
        start = free.values(found.model)
        value, x, hessian, gradients = (
            np.asarray(one) for one in _solved(free, start, batch, jnp.asarray(max_evaluations))
        )
    if not np.isfinite(value).all():
        raise DivergedError(
            "The equations cannot be refitted: with the network's weights the likelihood of these "
            "choices is not a finite number. Distil with a larger tolerance."
        )
    steps = _steps(hessian, gradients, found)
    equations = dataclasses.replace(_with_weights(found, free, x, x + steps), trials=trials)
    n = max(int(trials.scored.sum()), 1)
    return Refit(equations, float(-value[1] / n), float(-value[0] / n))


class _Free(NamedTuple):
    """Which numbers of a model move: the weights of equations, by row and column, and all starting
    values."""

    template: Distilled
    update: tuple[np.ndarray, np.ndarray]
    choice: tuple[np.ndarray, np.ndarray]

    @classmethod
    def of(cls, found: Distillation) -> _Free:
        return cls(found.model, _places(found.updates, 0), _places(found.choice_rule, 1))

    def values(self, model: Distilled) -> Float[Array, " free"]:
        return jnp.concatenate(
            [
                jnp.asarray(model.update_rule.weight[self.update], float),
                jnp.asarray(model.choice_rule.weight[self.choice], float),
                jnp.asarray(model.initial, float),
            ]
        )

    def build(self, x: Float[Array, " free"]) -> Distilled:
        n, m = len(self.update[0]), len(self.choice[0])
        rules = self.template.update_rule.weight, self.template.choice_rule.weight
        update = jnp.zeros(rules[0].shape, x.dtype).at[self.update].set(x[:n])
        choice = jnp.zeros(rules[1].shape, x.dtype).at[self.choice].set(x[n : n + m])
        return eqx.tree_at(
            lambda model: (model.update_rule.weight, model.choice_rule.weight, model.initial),
            jax.tree.map(
                lambda a: a.astype(x.dtype) if eqx.is_inexact_array(a) else a, self.template
            ),
            (update, choice, x[n + m :]),
        )


def _places(equations, first: int) -> tuple[np.ndarray, np.ndarray]:
    """Row and column of each weight, as `assembled` puts them."""
    sizes = [one.terms.n for one in equations]
    return np.repeat(np.arange(first, first + len(sizes)), sizes), np.arange(sum(sizes))


@eqx.filter_jit
def _solved(free: _Free, start, batch: Batch, max_evaluations):
    """Both negative log likelihoods, the best values, curvature and sessions' gradients there."""

    def by_session(x):
        logits = free.build(x).unroll(batch).choice_logits
        return -choice_log_likelihood(logits, batch).sum(1)

    def total(x):
        return by_session(x).sum()

    found = minimize_lbfgs(total, start, tolerance=ENOUGH, max_evaluations=max_evaluations)
    hessian = jax.jacfwd(jax.grad(total))(found.x)
    return jnp.stack([total(start), found.value]), found.x, hessian, jax.jacfwd(by_session)(found.x)


def _steps(hessian, gradients, found: Distillation) -> Float[np.ndarray, "draw free"]:
    """How far each resample's maximum lies from that of all sessions: one Newton step."""
    size = np.sqrt(np.maximum(np.diag(hessian), 1e-12))
    values, vectors = np.linalg.eigh((hessian + hessian.T) / 2 / np.outer(size, size))
    known = values > SINGULAR * max(values.max(initial=0.0), 1e-300)
    inverse = (vectors[:, known] / values[known]) @ vectors[:, known].T / np.outer(size, size)
    return -((found.drawn.weights - 1) @ gradients) @ inverse


def _with_weights(found: Distillation, free: _Free, x, draws) -> Distillation:
    """The equations with new weights; the unit of each latent is what it was said to be."""
    everything = np.vstack([x, draws])
    n, m = len(free.update[0]), len(free.choice[0])
    parts = everything[:, :n], everything[:, n : n + m]
    rules = []
    for equations, places, values, first in (
        (found.updates, free.update, parts[0], 0), (found.choice_rule, free.choice, parts[1], 1)
    ):  # fmt: skip
        renewed = []
        for row, one in enumerate(equations, start=first):
            mine = values[:, places[0] == row]
            renewed.append(dataclasses.replace(one, weight=mine[0], draws=mine[1:]))
        rules.append(tuple(renewed))
    factors = unit_factors(rules[0], found.scales, len(draws))
    updates = tuple(one.rescaled(factors, k) for k, one in enumerate(rules[0]))
    choice_rule = tuple(one.rescaled(factors) for one in rules[1])
    signal_rule = tuple(
        one.rescaled(np.vstack([factors[:1]] * (1 + len(one.draws)))) for one in found.signal_rule
    )
    factor = factors[0]
    bounds = np.asarray(found.model.lowest) / factor, np.asarray(found.model.highest) / factor
    model = assembled(
        updates, choice_rule, signal_rule, found.latents, found.trials.names,
        x[n + m :] / factor, bounds,
    )  # fmt: skip
    scales = tuple(
        s._replace(one=s.zero + f * (s.one - s.zero))
        for s, f in zip(found.scales, factor, strict=True)
    )
    return dataclasses.replace(
        found, scales=scales, updates=updates, choice_rule=choice_rule, signal_rule=signal_rule,
        model=model, divergence=np.nan,
    )  # fmt: skip
