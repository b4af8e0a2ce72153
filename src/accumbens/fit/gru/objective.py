"""What a GRU is fitted to, how far off it is, and where it starts.

    loss = -mean log p(choice) + 1/2 mean squared standardised signal error + L2

The second mean is over trials, then over signals. An untrained GRU says the base rate of each
choice and the mean of each signal: its read-outs start at 0. So whatever it predicts better than
a model without memory, it has learned.
"""

from __future__ import annotations

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, PRNGKeyArray, PyTree

from ...models.gru import GRU
from ...models.signal_units import SignalUnits
from ...noise import NoiseSource
from ...trials import Batch, Trials
from ...unrolling import (
    choice_log_likelihood,
    mean_choice_nll,
    n_signal_scored,
    squared_signal_errors,
)
from ..gradient.objective import Terms
from ..unseen import mean_for_unseen

SIGNAL_WEIGHT = 0.5
"""Half a squared standardised error is the negative log likelihood (nats) of a Gaussian with the
signal's own variance, up to a constant: choices and signals weigh as they inform."""


def initial_gru(
    trials: Trials, batch: Batch, *, hidden: int, embedding: int, key: PRNGKeyArray
) -> GRU:
    """An untrained GRU for `trials` that says base rates and means of what `batch` scores."""
    units = SignalUnits.of(trials)
    model = _random(
        n_choices=trials.n_choices, n_outcomes=len(trials.names.outcomes),
        n_signals=len(trials.names.signals), hidden=hidden,
        n_subjects=len(trials.names.subjects), embedding=embedding, signal_mean=units.mean,
        signal_scale=units.scale, key=key,
    )  # fmt: skip
    made = np.asarray(batch.choice)[np.asarray(batch.scored)]
    counts = np.maximum(np.bincount(made, minlength=trials.n_choices), 0.5)
    scored = np.asarray(batch.signal_scored)
    standardised = np.asarray(units.standardised(jnp.asarray(batch.signal)))
    total = np.where(scored, standardised, 0).sum((0, 1))
    base_rates = jnp.asarray(np.log(counts / counts.sum()), jnp.float32)
    means = jnp.asarray(total / np.maximum(scored.sum((0, 1)), 1), jnp.float32)
    return eqx.tree_at(
        lambda m: [m.w_choice, m.b_choice, m.w_signal, m.b_signal],
        model,
        [jnp.zeros_like(model.w_choice), base_rates, jnp.zeros_like(model.w_signal), means],
    )


_random = eqx.filter_jit(GRU)
"""Compiled as a whole: its arrays one by one would take XLA several times as long."""


def learning_rates(model: GRU) -> PyTree:
    """For `train`: everything learns but the signals' units."""
    rates = jax.tree.map(lambda x: 1.0 if eqx.is_inexact_array(x) else None, model)
    return eqx.tree_at(lambda m: [m.signal_mean, m.signal_scale], rates, [None, None])


def gru_objective(
    model: GRU, batch: Batch, l2: Float[Array, ""], noise: NoiseSource | None
) -> tuple[Float[Array, ""], Terms]:
    """The loss above and its terms. l2: weight of the sum of squared weights."""
    del noise
    unrolled = model.unroll(batch)
    terms = {"choice_nll": mean_choice_nll(unrolled.choice_logits, batch)}
    if model.n_signals:
        errors = squared_signal_errors(unrolled.signals, batch).sum((0, 1))
        errors = errors / n_signal_scored(batch)
        terms["signal_mse"] = (errors / model.signal_scale**2).mean()
    arrays = jax.tree.leaves(eqx.filter(model, eqx.is_inexact_array))
    squares = sum((jnp.sum(leaf**2) for leaf in arrays if leaf.ndim > 1), jnp.zeros(()))
    loss = terms["choice_nll"] + SIGNAL_WEIGHT * terms.get("signal_mse", 0.0)
    return loss + l2 * squares, {"loss": loss, **terms}


class Score(NamedTuple):
    """What a GRU says of some trials of each session, in parts.

    choice: log likelihood (nats). signal: minus the weighted squared errors of its signals, each in
    units of its variance, times (scored trials) / (trials on which it was measured), averaged over
    signals. Both together are, per scored trial, minus the loss without its penalty.
    """

    choice: Float[np.ndarray, "part session"]
    signal: Float[np.ndarray, "part session"]


def score(
    model: GRU, fitted: Batch, batch: Batch, counted: Bool[Array, "part session trial"]
) -> Score:
    """The score of each part of `batch`. fitted: subjects that this lacks are described by the mean
    of the others. counted: the trials of each part."""
    return Score(*map(np.asarray, _score(with_unseen_subjects(model, fitted), batch, counted)))


def with_unseen_subjects(model: GRU, batch: Batch) -> GRU:
    """The same model; subjects without a valid trial in `batch` are described by the mean of the
    others (see `mean_for_unseen`)."""
    return eqx.tree_at(
        lambda m: m.embedding, model, replace_fn=lambda numbers: mean_for_unseen(numbers, batch)
    )


@eqx.filter_jit
def _score(model: GRU, batch: Batch, counted) -> tuple[Array, Array]:
    said = model.unroll(batch)
    log_p = choice_log_likelihood(said.choice_logits, batch)
    n = jnp.maximum(batch.signal_scored.sum((0, 1)), 1)
    errors = squared_signal_errors(said.signals, batch) / model.signal_scale**2
    errors = (errors * batch.scored.sum() / n).sum(-1) / max(model.n_signals, 1)
    signal = -SIGNAL_WEIGHT * errors
    return jnp.where(counted, log_p, 0.0).sum(-1), jnp.where(counted, signal, 0.0).sum(-1)
