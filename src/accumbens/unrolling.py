"""A model along recorded trials: its predictions, latent variables and likelihood."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from .errors import DataError
from .models.base import Model, Unrolled, refuse_class
from .models.own import check_own_model
from .trials import Batch, Trials, expect_trials

AT_ONCE = 1_000_000
"""Trials along which a model is unrolled at once; more would need memory for what it computes on
the way."""


def unroll(model: Model, trials: Trials) -> Unrolled:
    """The predictions and latent variables of a model on every trial, given the trials before it.

    In padding they are those of the state at the end of the session: mask by `trials.in_session`.

    Args:
        model: any model.
        trials: along which the model is unrolled.

    Returns:
        NumPy arrays.

    Raises:
        DataError: the model has another number of choices than the trials, or fewer subjects, or
            is not made for such outcomes.

    Example:
        >>> import numpy as np
        >>> import accumbens
        >>> trials = accumbens.trials_from_arrays(np.array([[1, 1, 0]]), np.ones((1, 3, 1)))
        >>> found = accumbens.unroll(accumbens.QLearning(0.5, 2.0, initial_value=0.0), trials)
        >>> found.latents["Q_1"].tolist()  # before each trial
        [[0.0, 0.5, 0.75]]
        >>> found.latents["prediction_error"].tolist()
        [[1.0, 0.5, 1.0]]
    """
    check_fits(model, trials)
    batch = trials.batch()._replace(subject=model.subject_numbers(trials))
    n_sessions, n_trials = batch.valid.shape
    at_once = max(AT_ONCE // n_trials, 1)
    if n_sessions <= at_once:
        return jax.tree.map(np.asarray, _unroll(model, batch))
    parts = []
    for first in range(0, n_sessions, at_once):
        sessions = np.arange(first, first + at_once)
        sessions[sessions >= n_sessions] = -1  # so that all parts have one shape
        parts.append(jax.tree.map(np.asarray, _unroll(model, batch.at(sessions))))
    return jax.tree.map(lambda *of_parts: np.concatenate(of_parts)[:n_sessions], *parts)


@eqx.filter_jit
def _unroll(model: Model, batch: Batch) -> Unrolled:
    return model.unroll(batch)


def check_fits(model: Model, trials: Trials) -> None:
    """Checks that a model can be unrolled along trials.

    Raises:
        ConfigError: a class of models is given instead of a model, or a user's own model cannot
            be run.
        DataError: the model has another number of choices than the trials, or fewer subjects.
    """
    expect_trials(trials)
    refuse_class(model)
    if model.n_choices != trials.n_choices:
        raise DataError(
            f"The model has {model.n_choices} choices but the trials have {trials.n_choices}: "
            f"{trials.names.choices}. Build the model with n_choices={trials.n_choices}."
        )
    check_own_model(model, len(trials.names.outcomes))
    model.subject_numbers(trials)
    model.check_outcomes(trials)


def choice_log_likelihood(
    logits: Float[Array, "session trial choice"], batch: Batch
) -> Float[Array, "session trial"]:
    """log p of the choice made on every scored trial, in nats; 0 elsewhere. Traceable by JAX."""
    log_p = jax.nn.log_softmax(logits)
    made = jnp.where(batch.scored, batch.choice, 0)
    taken = jnp.take_along_axis(log_p, made[..., None], axis=-1)[..., 0]
    return jnp.where(batch.scored, taken, 0.0)


def mean_choice_nll(logits: Float[Array, "session trial choice"], batch: Batch) -> Float[Array, ""]:
    """Mean negative log likelihood per scored trial, in nats."""
    return -choice_log_likelihood(logits, batch).sum() / n_scored(batch)


def n_scored(batch: Batch) -> Float[Array, ""] | Int[Array, ""]:
    """What means over scored trials divide by; at least 1. Traceable by JAX."""
    if batch.counts is not None:
        return jnp.asarray(batch.counts.scored)
    return jnp.maximum(jnp.asarray(batch.scored).sum(), 1)


def n_signal_scored(batch: Batch) -> Float[Array, " signal"] | Int[Array, " signal"]:
    """The same of each signal's scored trials."""
    if batch.counts is not None:
        return jnp.asarray(batch.counts.signal_scored)
    return jnp.maximum(jnp.asarray(batch.signal_scored).sum((0, 1)), 1)


def squared_signal_errors(
    signals: Float[Array, "session trial signal"], batch: Batch
) -> Float[Array, "session trial signal"]:
    """(predicted - measured)^2 on every scored trial, in squared signal units; 0 elsewhere."""
    return jnp.where(batch.signal_scored, (signals - batch.signal) ** 2, 0.0)
