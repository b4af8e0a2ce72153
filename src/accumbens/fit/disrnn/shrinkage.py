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

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from ...models.base import Model
from ...models.disrnn import DisRNN
from ...noise import NoiseSource
from ...trials import Batch, Counts, Trials
from ...unrolling import n_scored, unroll
from ..gradient.objective import Terms
from .objectives import Weights, penalised_choices


class SoftChoices(NamedTuple):
    """A batch, and the probabilities of the choices that are to be predicted on each trial."""

    batch: Batch
    target: Float[Array, "session trial choice"]

    def at(self, sessions: Int[Array, " place"], counts: Counts | None = None) -> SoftChoices:
        """Some of the sessions, as of `Batch.at`."""
        return SoftChoices(self.batch.at(sessions, counts), self.target[sessions])


def soft_choice_objective(
    model: DisRNN, data: SoftChoices, weights: Weights, noise: NoiseSource | None
) -> tuple[Float[Array, ""], Terms]:
    """The objective `choice_objective`, with the cross-entropy to the targets as the likelihood."""

    def cross_entropy(logits: Float[Array, "session trial choice"]) -> Float[Array, ""]:
        of_trial = -(data.target * jax.nn.log_softmax(logits)).sum(-1)
        return jnp.where(data.batch.scored, of_trial, 0.0).sum() / n_scored(data.batch)

    return penalised_choices(model, data.batch, cross_entropy, weights, noise)


def soft_targets(
    trials: Trials, guide: Model | None, share: float
) -> Float[np.ndarray, "session trial choice"]:
    """Targets along `trials` with that share of the guide's probabilities; None at a share of 0."""
    if share == 0:
        return np.eye(trials.n_choices, dtype=np.float32)[np.maximum(trials.choice, 0)]
    assert guide is not None
    made = np.eye(trials.n_choices)[np.maximum(trials.choice, 0)]
    logits = np.asarray(unroll(guide, trials).choice_logits, np.float64)
    p = np.exp(logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True))
    return ((1 - share) * made + share * p).astype(np.float32)
