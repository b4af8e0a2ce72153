"""Fitting a GRU: how well can an unconstrained network predict the same choices and signals?

    loss = -mean log p(choice) + mean squared standardised signal error + L2

Some training sessions are set aside; training stops when the loss on them no longer falls, and the
best model so far is kept.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from ...errors import ConfigError
from ...models.gru import GRU
from ...models.signal_units import SignalUnits
from ...noise import NoiseSource
from ...progress.base import Progress
from ...trials import Batch, Trials
from ...unrolling import mean_choice_nll, squared_signal_errors
from ..gradient.objective import Terms
from ..gradient.training import TrainingState, train
from .config import GRUConfig


class _GRUData(NamedTuple):
    batch: Batch
    units: SignalUnits


def fit_gru(
    trials: Trials,
    config: GRUConfig,
    *,
    key: PRNGKeyArray,
    progress: Progress | None = None,
) -> tuple[GRU, dict[str, Float[np.ndarray, " step"]]]:
    """A GRU fitted to choices and signals of `trials`, and its history.

    Raises ConfigError with fewer than two sessions, DivergedError when training cannot be rescued.
    """
    if trials.n_sessions < 2:
        raise ConfigError("A GRU needs at least two training sessions: one decides when to stop.")
    index = np.arange(trials.n_sessions)
    aside = index % config.validate_every == min(config.validate_every, trials.n_sessions) - 1
    units = SignalUnits.of(trials)
    data, validation = (
        _GRUData(jax.tree.map(jnp.asarray, trials.select_sessions(index[which]).batch()), units)
        for which in (~aside, aside)
    )
    model = GRU(
        n_choices=trials.n_choices,
        n_outcomes=len(trials.names.outcomes),
        n_signals=len(trials.names.signals),
        hidden=config.hidden,
        n_subjects=len(trials.names.subjects),
        embedding=config.subject_embedding,
        signal_mean=units.mean,
        signal_scale=units.scale,
        key=jax.random.fold_in(key, 0),
    )
    best: dict[str, Any] = {"loss": np.inf, "step": 0, "model": model}

    def on_dispatch(state: TrainingState, history: dict[str, np.ndarray]) -> bool:
        current = eqx.combine(state.trained, model)
        loss = float(_validation_loss(current, validation))
        if loss < best["loss"]:
            best.update(loss=loss, step=state.step, model=current)
        task.update(state.step, terms={"validation": loss})
        return state.step - best["step"] >= config.patience

    rates = jax.tree.map(lambda x: 1.0 if eqx.is_inexact_array(x) else None, model)
    with (progress or Progress()).task("gru", config.stage.steps) as task:
        trained = train(
            model, gru_objective, data, jnp.asarray(config.l2), config.stage, noisy=False,
            rates=rates, key=jax.random.fold_in(key, 1), on_dispatch=on_dispatch,
        )  # fmt: skip
    return best["model"], trained.history


def gru_objective(
    model: GRU, data: _GRUData, l2: Float[Array, ""], noise: NoiseSource | None
) -> tuple[Float[Array, ""], Terms]:
    """The loss above and its terms."""
    del noise
    unrolled = model.unroll(data.batch)
    nll = mean_choice_nll(unrolled.choice_logits, data.batch)
    terms = {"choice_nll": nll}
    if model.n_signals:
        n = jnp.maximum(data.batch.signal_scored.sum((0, 1)), 1)
        errors = squared_signal_errors(unrolled.signals, data.batch).sum((0, 1)) / n
        terms["signal_mse"] = (errors / data.units.scale**2).mean()
    arrays = jax.tree.leaves(eqx.filter(model, eqx.is_inexact_array))
    squares = sum((jnp.sum(leaf**2) for leaf in arrays if leaf.ndim > 1), jnp.zeros(()))
    loss = sum(terms.values(), jnp.zeros(()))
    return loss + l2 * squares, {"loss": loss, **terms}


@eqx.filter_jit
def _validation_loss(model: GRU, data: _GRUData) -> Float[Array, ""]:
    return gru_objective(model, data, jnp.zeros(()), None)[1]["loss"]
