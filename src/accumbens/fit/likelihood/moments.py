"""The likelihood of choices and signals under a cognitive model, in a form that is fast to fit.

The recurrence is that of `Model.unroll`, with sessions on the last axis, where a CPU handles
several with one instruction. Only a few sums over its values are kept (`Moments`), which are all
that the likelihoods and their derivatives need.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ...models.catalogue import Target
from ...models.cognitive import CognitiveModel
from ...trials import Batch

MIN_RESIDUAL = 1e-8
"""Residual variance is at least this fraction of the signal's: a signal without noise (simulated
prediction errors) would have an infinite likelihood."""


class Moments(NamedTuple):
    """Sums over trials from which the likelihoods follow.

    With y a signal and x the prediction error, over the trials that y is scored on:

    Attributes:
        log_p: sum of log p(choice made) over scored trials, in nats.
        n: number of trials.
        x, xx, xy, yy: sums of x, x^2, x (y - centre) and (y - centre)^2.
        centre: mean of y, in its unit.
    """

    log_p: Float[Array, ""]
    n: Float[Array, " signal"]
    x: Float[Array, " signal"]
    xx: Float[Array, " signal"]
    xy: Float[Array, " signal"]
    yy: Float[Array, " signal"]
    centre: Float[Array, " signal"]


class Regression(NamedTuple):
    """The regression of each signal y on the prediction error x.

    y = gain x + offset + Normal(0, variance).
    """

    gain: Float[Array, " signal"]
    offset: Float[Array, " signal"]
    variance: Float[Array, " signal"]


def moments(model: CognitiveModel, batch: Batch) -> Moments:
    """The sums of a model along the sessions of a batch. Traceable by JAX."""

    def trial(state, seen):
        choice, outcome, valid, scored = seen
        made = jnp.where(valid, choice, 0)
        log_p = jax.nn.log_softmax(model.choice_logits(state))
        log_p = jnp.sum(jnp.where(jnp.arange(model.n_choices) == made, log_p, 0.0))
        error = model.prediction_error(state, made, outcome)
        moved = model.update(state, made, outcome)
        state = jax.tree.map(lambda new, old: jnp.where(valid, new, old), moved, state)
        return state, (jnp.where(scored, log_p, 0.0), jnp.where(valid, error, 0.0))

    def sessions_last(array):
        return jnp.moveaxis(jnp.asarray(array), 0, -1)

    start = jax.vmap(model.initial_state, out_axes=-1)(jnp.asarray(batch.subject))
    start = jax.tree.map(  # a user's jnp.zeros is in single precision
        lambda a, b: a.astype(jnp.result_type(a, b)), start, _moved_once(model, batch)
    )
    seen = tuple(map(sessions_last, (batch.choice, batch.outcome, batch.valid, batch.scored)))
    step = jax.vmap(trial, in_axes=-1, out_axes=-1)
    _, (log_p, x) = jax.lax.scan(step, start, seen)

    counts = sessions_last(batch.signal_scored)
    y, x, trial_and_session = sessions_last(batch.signal), x[:, None, :], (0, 2)
    n = jnp.sum(counts, trial_and_session, dtype=x.dtype)
    centre = jnp.sum(jnp.where(counts, y, 0.0), trial_and_session) / n
    y = jnp.where(counts, y - centre[:, None], 0.0)
    x = jnp.where(counts, x, 0.0)
    x_, xx, xy, yy = (jnp.sum(a, trial_and_session) for a in (x, x * x, x * y, y * y))
    return Moments(jnp.sum(log_p), n, x_, xx, xy, yy, centre)


def _moved_once(model: CognitiveModel, batch: Batch) -> Any:
    """Shapes and types of the state after a trial."""
    number = jax.ShapeDtypeStruct((), jnp.int32)
    outcome = jax.ShapeDtypeStruct(batch.outcome.shape[2:], batch.outcome.dtype)
    state = jax.eval_shape(model.initial_state, number)
    return jax.eval_shape(model.update, state, number, outcome)


def regress_signals(sums: Moments) -> Regression:
    """Least squares of each signal on the prediction error; gain 0 if that is constant."""
    spread = sums.xx - sums.x**2 / sums.n
    varies = spread > 1e-12 * sums.xx
    gain = jnp.where(varies, sums.xy / jnp.where(varies, spread, 1.0), 0.0)
    residual = jnp.maximum(sums.yy - gain * sums.xy, 0.0)
    variance = (residual + MIN_RESIDUAL * sums.yy) / sums.n
    return Regression(gain, sums.centre - gain * sums.x / sums.n, variance)


def choice_negative_log_likelihood(sums: Moments) -> Float[Array, ""]:
    """-sum log p(choice made), in nats."""
    return -sums.log_p


def signal_negative_log_likelihood(sums: Moments, regression: Regression) -> Float[Array, ""]:
    """-sum log Normal(y; gain x + offset, variance), in nats.

    With the regression of the same sums this is the profile likelihood: gain, offset and variance
    are the best ones for the parameters from which the sums come.
    """
    gain, offset, variance = regression
    offset = offset - sums.centre
    fitted = gain**2 * sums.xx + 2 * gain * offset * sums.x + sums.n * offset**2
    squared = sums.yy - 2 * gain * sums.xy + fitted
    return 0.5 * jnp.sum(sums.n * jnp.log(2 * math.pi * variance) + squared / variance)


def negative_log_likelihood(sums: Moments, target: Target) -> Float[Array, ""]:
    """That of the target, in nats; of signals, with the regression that suits the sums best."""
    value = jnp.zeros(())
    if target != "signal":
        value += choice_negative_log_likelihood(sums)
    if target != "choice":
        value += signal_negative_log_likelihood(sums, regress_signals(sums))
    return value


def pad_batch(batch: Batch, n_sessions: int, n_trials: int) -> Batch:
    """Further trials and sessions in which nothing is valid."""

    def pad(array):
        more = [(0, n_sessions - array.shape[0])]
        if array.ndim > 1:
            more += [(0, n_trials - array.shape[1])] + [(0, 0)] * (array.ndim - 2)
        return np.pad(array, more)

    return jax.tree.map(pad, batch)
