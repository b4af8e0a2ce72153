"""Shrinking a disRNN towards the best cognitive model: soft targets for the choices.

The choices' loss is the cross-entropy of the disRNN against

    target = (1 - share) [choice made] + share p(choice | past, cognitive model)

along the recorded trials. A share of 0 is the likelihood; at 1 the disRNN learns what the cognitive
model says of the recorded histories. That has no noise of single choices in it, so a thousand
trials are enough to learn the rule. In between, the disRNN is fitted as if the cognitive model had
made part of the choices. The cognitive model is fitted to the same trials as the disRNN, never to
those that are held out.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, PRNGKeyArray

from ...models.base import Model
from ...models.bias import BiasOnly
from ...models.cognitive import CognitiveModel
from ...models.dfq import DFQ
from ...models.disrnn import DisRNN
from ...models.q_learning import QLearning
from ...models.structured import StructureMixture
from ...noise import NoiseSource
from ...trials import Batch, Trials
from ...unrolling import choice_log_likelihood, unroll
from ..gradient.objective import Terms
from ..likelihood.lbfgs import minimize_lbfgs
from ..likelihood.moments import moments
from ..likelihood.parameter_space import ParameterSpace, parameter_space
from .objectives import Weights, penalised_choices

GUIDES: dict[str, tuple[type[CognitiveModel], int]] = {
    "bias_only": (BiasOnly, 0),
    "q_learning": (QLearning, 1),
    "dfq": (DFQ, 1),
    "structure_mixture": (StructureMixture, 2),
}
"""Cognitive models, and how many kinds of outcome each needs. A disRNN may be shrunk towards the
best of them."""
TOLERANCE = 1e-4
"""Tolerance of the log likelihood in nats, far below the differences between guides."""


class SoftChoices(NamedTuple):
    """A batch, and the probabilities of the choices that are to be predicted on each trial."""

    batch: Batch
    target: Float[Array, "session trial choice"]


class Guide(NamedTuple):
    """The cognitive model with the highest likelihood on held-out trials of the training sessions.

    models: its fit without each fold, then its fit to all. held_out: log likelihood (nats) of each
    session's trials under the fits that did not see them, of every model that was tried.
    """

    name: str
    models: list[Model]
    held_out: dict[str, Float[np.ndarray, " session"]]


def soft_choice_objective(
    model: DisRNN, data: SoftChoices, weights: Weights, noise: NoiseSource | None
) -> tuple[Float[Array, ""], Terms]:
    """The objective `choice_objective`, with the cross-entropy to the targets as the likelihood."""

    def cross_entropy(logits: Float[Array, "session trial choice"]) -> Float[Array, ""]:
        of_trial = -(data.target * jax.nn.log_softmax(logits)).sum(-1)
        n = jnp.maximum(jnp.asarray(data.batch.scored).sum(), 1)
        return jnp.where(data.batch.scored, of_trial, 0.0).sum() / n

    return penalised_choices(model, data.batch, cross_entropy, weights, noise)


def soft_targets(
    trials: Trials, guide: Model, share: float
) -> Float[np.ndarray, "session trial choice"]:
    """Targets along `trials` with that share of the guide's probabilities."""
    made = np.eye(trials.n_choices)[np.maximum(trials.choice, 0)]
    logits = np.asarray(unroll(guide, trials).choice_logits, np.float64)
    p = np.exp(logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True))
    return ((1 - share) * made + share * p).astype(np.float32)


def best_guide(
    trials: Trials,
    folds: list[Bool[np.ndarray, "session trial"]],
    *,
    key: PRNGKeyArray,
    n_starts: int = 4,
) -> Guide:
    """Each of `GUIDES` fitted without each fold and to all, and the best on the folds.

    folds: the trials that each fold holds out. key: draws the starts. n_starts: of each fit.
    """
    counted = np.stack([*(~fold for fold in folds), np.ones(trials.choice.shape, bool)])
    batch, fits, held_out = trials.batch(), {}, {}
    for name, (kind, n_outcomes) in GUIDES.items():
        if len(trials.names.outcomes) < n_outcomes:
            continue
        fits[name] = most_likely_models(kind, trials, counted, key, n_starts)
        log_p = np.zeros(trials.choice.shape)
        for fold, model in zip(folds, fits[name], strict=False):
            logits = jnp.asarray(unroll(model, trials).choice_logits)
            log_p = np.where(fold, np.asarray(choice_log_likelihood(logits, batch)), log_p)
        held_out[name] = log_p.sum(1)
    best = max(held_out, key=lambda name: float(held_out[name].sum()))
    return Guide(best, fits[best], held_out)


def most_likely_models(
    kind: type[CognitiveModel], trials: Trials, counted: Bool[np.ndarray, "fit session trial"],
    key: PRNGKeyArray, n_starts: int,
) -> list[Model]:  # fmt: skip
    """The most likely model of that kind over the trials that count, for each set of them."""
    space = parameter_space(kind, trials.n_choices)
    batch = trials.select_signals(()).batch(np.float64)
    with jax.enable_x64(True):
        found = _most_likely(space, batch, counted, space.draw_starts(key, n_starts))
        models = [space.build(u, jnp.zeros(0), jnp.zeros(0)) for u in found]
    return [jax.tree.map(lambda x: jnp.asarray(np.asarray(x, np.float32)), m) for m in models]


@eqx.filter_jit
def _most_likely(space: ParameterSpace, batch: Batch, counted: Any, starts: Any) -> Any:
    def most_likely(counted):
        seen = batch._replace(scored=batch.scored & counted)

        def cost(u):
            return -moments(space.build(u, jnp.zeros(0), jnp.zeros(0)), seen).log_p

        minima = jax.vmap(
            lambda u: minimize_lbfgs(cost, u, tolerance=TOLERANCE, max_evaluations=200)
        )(starts)
        return minima.x[jnp.argmin(jnp.where(jnp.isnan(minima.value), jnp.inf, minima.value))]

    return jax.lax.map(most_likely, counted)
