"""What gradient training minimises: one function a stage, each a mean per valid trial.

    loss = -mean log p(choice) + signal_weight * mean squared standardised signal error
           + sum over kinds of penalty weight * nats per trial + L2

Every objective has the form (model, data, prices, noise) -> (loss, terms); without noise, or at an
amount of 0 (the warm-up), no penalty is charged.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ...models.disrnn import DisRNN
from ...models.disrnn.passes import NoiseSource, choice_pass, core_pass, signal_pass
from ...trials import Batch
from ...unrolling import choice_log_likelihood, squared_signal_errors

Terms = dict[str, Float[Array, ""]]
Prices = dict[str, Float[Array, ""]]
"""`Penalties.prices()`: what each kind of penalty costs."""
Objective = Callable[[Any, Any, Any, NoiseSource | None], tuple[Float[Array, ""], Terms]]


class ReadOutData(NamedTuple):
    """For the second stage: the batch, and the frozen core's latents before each trial."""

    batch: Batch
    before: Float[Array, "trial latent session"]

    @classmethod
    def of_valid_trials(
        cls, batch: Batch, before: Float[Array, "trial latent session"]
    ) -> ReadOutData:
        """Valid trials alone, each as a session of one trial, so that padding costs nothing."""
        trial, session = np.nonzero(np.asarray(batch.valid).T)
        arrays = {name: np.asarray(x) for name, x in batch._asdict().items()}
        subject = arrays.pop("subject")[session]
        alone = {name: x[session, trial][:, None] for name, x in arrays.items()}
        latents = np.asarray(before)[trial, :, session].T[None]
        batch = jax.tree.map(jnp.asarray, Batch(**alone, subject=subject))
        return cls(batch, jnp.asarray(latents))


class JointData(NamedTuple):
    """For joint training: the batch, and the weight of the signal's squared error."""

    batch: Batch
    signal_weight: Float[Array, ""]


def choice_objective(
    model: DisRNN, batch: Batch, prices: Prices, noise: NoiseSource | None
) -> tuple[Float[Array, ""], Terms]:
    """First stage: predict choices, pay for the core's and the choice network's bottlenecks."""
    of_core, of_choice = (None, None) if noise is None else noise.split(2)
    core = core_pass(model, batch, of_core)
    nll = choice_nll(choice_pass(model, batch, core.before, of_choice), batch)
    l2 = model.update_reader.mlps.squared_weights() + model.choice_reader.mlps.squared_weights()
    return _total({"choice_nll": nll}, core.penalties, l2, prices, noise)


def signal_objective(
    model: DisRNN, data: ReadOutData, prices: Prices, noise: NoiseSource | None
) -> tuple[Float[Array, ""], Terms]:
    """Second stage: predict the signals from the frozen core's latents."""
    out, costs = signal_pass(model, data.batch, data.before, noise)
    mse = signal_mse(model, out, data.batch)
    l2 = model.signal_reader.mlps.squared_weights() / max(model.n_signals, 1)
    return _total({"signal_mse": mse}, costs, l2, prices, noise)


def joint_objective(
    model: DisRNN, data: JointData, prices: Prices, noise: NoiseSource | None
) -> tuple[Float[Array, ""], Terms]:
    """Choices and signals at once, every bottleneck paid for."""
    sources = (None, None, None) if noise is None else noise.split(3)
    core = core_pass(model, data.batch, sources[0])
    nll = choice_nll(choice_pass(model, data.batch, core.before, sources[1]), data.batch)
    out, costs = signal_pass(model, data.batch, core.before, sources[2])
    mse = signal_mse(model, out, data.batch)
    readers = (model.update_reader, model.choice_reader, model.signal_reader)
    l2 = sum((reader.mlps.squared_weights() for reader in readers), jnp.zeros(()))
    fits = {"choice_nll": nll, "signal_mse": mse}
    return _total(fits, core.penalties | costs, l2, prices, noise, data.signal_weight)


def choice_nll(logits: Float[Array, "session trial choice"], batch: Batch) -> Float[Array, ""]:
    """Mean negative log likelihood per scored trial, in nats."""
    n = jnp.maximum(jnp.asarray(batch.scored).sum(), 1)
    return -choice_log_likelihood(logits, batch).sum() / n


def signal_mse(
    model: DisRNN, standardised: Float[Array, "session trial signal"], batch: Batch
) -> Float[Array, ""]:
    """Mean squared error in units of each signal's variance, averaged over signals."""
    target = batch._replace(signal=(batch.signal - model.signal_mean) / model.signal_scale)
    n = jnp.maximum(jnp.asarray(batch.signal_scored).sum((0, 1)), 1)
    return (squared_signal_errors(standardised, target).sum((0, 1)) / n).mean()


def _total(
    fits: Terms,
    costs: Terms,
    l2: Array,
    prices: Prices,
    noise: NoiseSource | None,
    signal_weight: Array | float = 1.0,
) -> tuple[Float[Array, ""], Terms]:
    weight = {"choice_nll": 1.0, "signal_mse": signal_weight}
    loss = sum((weight[name] * value for name, value in fits.items()), prices["l2"] * l2)
    priced = {name: prices[name] * nats for name, nats in costs.items()}
    if noise is not None:
        loss = loss + noise.amount * sum(priced.values())
    return loss, {"loss": loss, **fits, **{f"penalty_{k}": v for k, v in priced.items()}}
