"""What a fit starts from: batch, untrained disRNN, what is trainable; and compiling ahead."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray, PyTree

from ...models.disrnn import DisRNN, DisRNNConfig, Penalties, signal_moments
from ...models.disrnn.passes import loop_implementation
from ...trials import Batch, Trials
from ..gradient.stage import StageConfig
from ..gradient.training import compile_training
from .objectives import ReadOutData, signal_objective

CORE_FIELDS = ("update_reader", "choice_reader", "latent_log_sigma", "z_initial", "embedding")
SIGNAL_FIELDS = ("signal_reader", "signal_embedding")


def longest_first(batch: Batch) -> Batch:
    """The same sessions, those with the latest valid trial first.

    The compiled loop skips what follows the last valid trial of neighbouring sessions, so that
    sessions of unequal length cost about their own trials.
    """
    valid = np.asarray(batch.valid)
    length = np.where(valid.any(1), valid.shape[1] - np.argmax(valid[:, ::-1], axis=1), 0)
    order = np.argsort(-length, kind="stable")
    return jax.tree.map(lambda x: x[order], batch)


_initial = eqx.filter_jit(DisRNN.initial)
"""Compiled as a whole: its arrays one by one would take XLA several times as long."""


def initial_disrnn(trials: Trials, config: DisRNNConfig, key: PRNGKeyArray) -> DisRNN:
    """An untrained disRNN with the inputs, outputs and subjects of `trials`."""
    mean, scale = signal_moments(trials)
    return _initial(
        config,
        n_choices=trials.n_choices,
        outcome_names=trials.names.outcomes,
        signal_names=trials.names.signals,
        n_subjects=len(trials.names.subjects),
        signal_mean=mean,
        signal_scale=scale,
        key=jax.random.fold_in(key, 0),
    )


def trainable_fields(model: DisRNN, fields: tuple[str, ...]) -> PyTree:
    """A pytree of booleans like `model`, True in the named fields."""
    mask = jax.tree.map(lambda _: False, model)
    return eqx.tree_at(
        lambda m: [getattr(m, name) for name in fields],
        mask,
        [jax.tree.map(lambda _: True, getattr(model, name)) for name in fields],
    )


def compile_loop_meanwhile(trials: Trials, config: DisRNNConfig, batch: Batch) -> threading.Thread:
    """Has the C++ compiler at work while XLA's is busy with other things."""

    def shapes_alone(key: PRNGKeyArray) -> PRNGKeyArray:
        loop_implementation(initial_disrnn(trials, config, key), batch)  # compiles to find out
        return key

    return _in_background(lambda: jax.eval_shape(shapes_alone, jax.random.key(0)))


def compile_signal_stage_meanwhile(
    model: DisRNN, batch: Batch, penalties: Penalties, stage: StageConfig
) -> threading.Thread:
    """Has the signal stage's step compiled while earlier stages train."""

    def work() -> None:
        latents = jnp.zeros((batch.valid.shape[1], model.n_latents, batch.valid.shape[0]))
        compile_training(
            model, signal_objective, ReadOutData.of_valid_trials(batch, latents),
            penalties.prices(), stage, trainable=trainable_fields(model, SIGNAL_FIELDS),
        )  # fmt: skip

    return _in_background(work)


def _in_background(work: Callable[[], object]) -> threading.Thread:
    """Whatever goes wrong there, the fit itself meets again, and reports."""

    def quietly() -> None:
        with contextlib.suppress(Exception):
            work()

    thread = threading.Thread(target=quietly)
    thread.start()
    return thread
