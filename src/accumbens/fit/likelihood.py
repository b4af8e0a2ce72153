"""The likelihood of choices and signals under a cognitive model, in the form that fits fast.

The recurrence is that of `Model.unroll`, with sessions on the last axis, where a CPU handles
several with one instruction, and with nothing kept but what a likelihood needs.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ..models.cognitive import CognitiveModel
from ..trials import Batch

RESIDUAL_FLOOR = 1e-8
"""Residual variance is at least this fraction of the signal's: a signal without noise (simulated
prediction errors) would have an infinite likelihood."""


class Traces(NamedTuple):
    """Per trial: log p(choice made), 0 where not scored; the prediction error, 0 where missed."""

    log_p: Float[Array, "trial session"]
    prediction_error: Float[Array, "trial session"]


class Regression(NamedTuple):
    """signal = gain x prediction_error + offset + Normal(0, variance), by least squares."""

    gain: Float[Array, " signal"]
    offset: Float[Array, " signal"]
    variance: Float[Array, " signal"]


def traces(model: CognitiveModel, batch: Batch) -> Traces:
    """What the likelihoods need of `model` along the sessions of `batch`."""

    def trial(state, x):
        choice, outcome, valid, scored = x
        made = jnp.where(valid, choice, 0)
        log_p = jax.nn.log_softmax(model.choice_logits(state))
        log_p = jnp.sum(jnp.where(jnp.arange(model.n_choices) == made, log_p, 0.0))
        error = model.prediction_error(state, made, outcome)
        moved = model.update(state, made, outcome)
        state = jax.tree.map(lambda new, old: jnp.where(valid, new, old), moved, state)
        return state, Traces(jnp.where(scored, log_p, 0.0), jnp.where(valid, error, 0.0))

    along = jax.vmap(trial, in_axes=-1, out_axes=-1)
    state = jax.vmap(model.initial_state, out_axes=-1)(jnp.asarray(batch.subject))
    x = (batch.choice, batch.outcome, batch.valid, batch.scored)
    sessions_last = tuple(jnp.moveaxis(jnp.asarray(a), 0, -1) for a in x)
    return jax.lax.scan(lambda s, x: along(s, x), state, sessions_last)[1]


def regress_signals(prediction_error: Float[Array, "trial session"], batch: Batch) -> Regression:
    """Least squares of each signal on the prediction error, over its scored trials.

    gain is 0 where the prediction error does not vary.
    """
    signal, scored, count = _signals_last(batch)
    error = jnp.where(scored, prediction_error, 0.0)
    mean_error, mean_signal = (jnp.sum(a, (1, 2)) / count for a in (error, signal))
    error = jnp.where(scored, error - mean_error[:, None, None], 0.0)
    signal = jnp.where(scored, signal - mean_signal[:, None, None], 0.0)
    error_error, signal_error, signal_signal = (
        jnp.sum(a * b, (1, 2)) for a, b in ((error, error), (signal, error), (signal, signal))
    )
    varies = error_error > 0
    gain = jnp.where(varies, signal_error / jnp.where(varies, error_error, 1.0), 0.0)
    residual = jnp.sum((signal - gain[:, None, None] * error) ** 2, (1, 2))
    variance = (residual + RESIDUAL_FLOOR * signal_signal) / count
    return Regression(gain, mean_signal - gain * mean_error, variance)


def choice_negative_log_likelihood(found: Traces) -> Float[Array, ""]:
    """-sum log p(choice made), in nats."""
    return -jnp.sum(found.log_p)


def signal_negative_log_likelihood(
    found: Traces, batch: Batch, regression: Regression
) -> Float[Array, ""]:
    """-sum log Normal(signal; gain x prediction_error + offset, variance), in nats.

    With the regression of these very traces, this is the profile likelihood: gain, offset and
    variance at their best for the other parameters.
    """
    signal, scored, count = _signals_last(batch)
    gain, offset, _ = (a[:, None, None] for a in regression)
    error = jnp.where(scored, signal - gain * found.prediction_error - offset, 0.0)
    squared = jnp.sum(error**2, (1, 2)) / regression.variance
    return 0.5 * jnp.sum(count * jnp.log(2 * math.pi * regression.variance) + squared)


def _signals_last(batch: Batch):
    """[signal, trial, session] of signals, 0 where not scored; of where they are; their counts."""
    scored = jnp.asarray(batch.signal_scored).transpose(2, 1, 0)
    signal = jnp.where(scored, jnp.asarray(batch.signal).transpose(2, 1, 0), 0.0)
    return signal, scored, jnp.sum(scored, (1, 2))
