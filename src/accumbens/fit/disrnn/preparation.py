"""What a fit starts from: batch, untrained disRNN, what is trainable; and compiling ahead."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray, PyTree

from ...models.disrnn import DisRNN, DisRNNConfig, Penalties
from ...models.disrnn.bottleneck import relative_learning_rates
from ...models.signal_units import SignalUnits
from ...trials import Batch, Trials
from ..gradient.training import compile_training
from ..unseen import mean_for_unseen
from .config import DisRNNStageConfig
from .objectives import ReadOutData, signal_objective

Parts = Callable[[DisRNN], tuple[PyTree, ...]]
"""Which parts of a disRNN a stage trains."""


def choice_parts(model: DisRNN) -> tuple[PyTree, ...]:
    """What predicts choices."""
    return model.core, model.choice_network


def signal_parts(model: DisRNN) -> tuple[PyTree, ...]:
    """What predicts signals, given the latents."""
    return (model.signal_networks,)


def all_parts(model: DisRNN) -> tuple[PyTree, ...]:
    """What predicts choices and signals."""
    return (*choice_parts(model), *signal_parts(model))


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
    return _initial(
        config,
        n_choices=trials.n_choices,
        outcome_names=trials.names.outcomes,
        signal_names=trials.names.signals,
        n_subjects=len(trials.names.subjects),
        signal_units=SignalUnits.of(trials),
        key=jax.random.fold_in(key, 0),
    )


@eqx.filter_jit
def latents_before(model: DisRNN, batch: Batch) -> Float[Array, "trial latent session"]:
    """The latents at the start of each trial of a batch, without noise."""
    return model.core.along(model.observed(batch), None).before


def with_unseen_subjects(model: DisRNN, batch: Batch) -> DisRNN:
    """The same model; subjects without a valid trial in `batch` are described by the mean of the
    others (see `mean_for_unseen`).

    The core and the signal networks each have descriptions of their own: arrays [subject, number].
    Without any, or where all subjects were seen, nothing changes.
    """
    return eqx.tree_at(
        lambda m: [m.core.embedding, m.signal_networks.embedding],
        model,
        replace_fn=lambda numbers: mean_for_unseen(numbers, batch),
    )


def learning_rates(model: DisRNN, parts: Parts, stage: DisRNNStageConfig) -> PyTree:
    """Learning rates for `train`: these parts learn, bottlenecks at a rate of their own."""
    frozen = jax.tree.map(lambda _: None, model)
    rates = tuple(
        relative_learning_rates(part, stage.bottleneck_rate, 1.0) for part in parts(model)
    )
    return eqx.tree_at(parts, frozen, rates, is_leaf=lambda x: x is None)


def compile_loop_meanwhile(trials: Trials, config: DisRNNConfig, batch: Batch) -> threading.Thread:
    """Has the C++ compiler at work while XLA's is busy with other things."""

    def shapes_alone(key: PRNGKeyArray) -> PRNGKeyArray:
        initial_disrnn(trials, config, key).loop_implementation(batch)  # compiles to find out
        return key

    return _in_background(lambda: jax.eval_shape(shapes_alone, jax.random.key(0)))


def compile_signal_stage_meanwhile(
    model: DisRNN, batch: Batch, penalties: Penalties, stage: DisRNNStageConfig
) -> threading.Thread:
    """Has the signal stage's step compiled while earlier stages train."""

    def work() -> None:
        latents = jnp.zeros((batch.valid.shape[1], model.n_latents, batch.valid.shape[0]))
        compile_training(
            model, signal_objective, ReadOutData.of_valid_trials(batch, latents),
            penalties.weights(), stage, rates=learning_rates(model, signal_parts, stage),
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
