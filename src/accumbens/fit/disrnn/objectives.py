"""What gradient training minimises: one function a stage, each a mean per valid trial.

    loss = -mean log p(choice) + signal_weight * mean squared standardised signal error
           + sum over kinds of penalty weight * nats per trial + L2

Every objective has the form (model, data, weights, noise) -> (loss, terms); without noise, or at an
amount of 0 (the warm-up), no penalty is charged.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from ...models.disrnn import DisRNN
from ...models.disrnn.core import Core
from ...models.disrnn.heads import ChoiceNetwork, SignalNetworks
from ...models.disrnn.observations import MeanSquares
from ...noise import NoiseSource, split_noise
from ...trials import Batch, Counts
from ...unrolling import mean_choice_nll, n_signal_scored, squared_signal_errors
from ..gradient.objective import Terms
from ..gradient.processes import divisible

Weights = dict[str, Float[Array, ""]]
"""`Penalties.weights()`: the weight of each kind of penalty."""


class ReadOutData(NamedTuple):
    """Data of the second stage: the batch, and the frozen core's latents before each trial."""

    batch: Batch
    before: Float[Array, "trial latent session"]

    @classmethod
    def of_valid_trials(
        cls, batch: Batch, before: Float[Array, "trial latent session"]
    ) -> ReadOutData:
        """Valid trials alone, each as a session of one trial, so that padding costs nothing."""
        trial, session = np.nonzero(np.asarray(batch.valid).T)
        arrays = {name: np.asarray(x) for name, x in batch._asdict().items() if name != "counts"}
        subject = arrays.pop("subject")[session]
        alone = {name: x[session, trial][:, None] for name, x in arrays.items()}
        latents = np.asarray(before)[trial, :, session].T[None]
        batch = jax.tree.map(jnp.asarray, Batch(**alone, subject=subject, counts=None))
        return cls(batch, jnp.asarray(latents))

    def at(self, sessions: Int[Array, " place"], counts: Counts | None = None) -> ReadOutData:
        """Some of the sessions, as of `Batch.at`."""
        return ReadOutData(self.batch.at(sessions, counts), self.before[:, :, sessions])


class JointData(NamedTuple):
    """Data of joint training: the batch, and the weight of the signal's squared error."""

    batch: Batch
    signal_weight: Float[Array, ""]

    def at(self, sessions: Int[Array, " place"], counts: Counts | None = None) -> JointData:
        """Some of the sessions, as of `Batch.at`."""
        return self._replace(batch=self.batch.at(sessions, counts))


@divisible
def choice_objective(
    model: DisRNN, batch: Batch, weights: Weights, noise: NoiseSource | None
) -> tuple[Float[Array, ""], Terms]:
    """First stage: predict choices, pay for the core's and the choice network's bottlenecks."""
    return penalised_choices(
        model, batch, lambda logits: mean_choice_nll(logits, batch), weights, noise
    )


def penalised_choices(
    model: DisRNN,
    batch: Batch,
    nll: Callable[[Float[Array, "session trial choice"]], Float[Array, ""]],
    weights: Weights,
    noise: NoiseSource | None,
) -> tuple[Float[Array, ""], Terms]:
    """The loss of the first stage. nll: what the logits are worth, in nats per scored trial."""
    logits, _, nats = _choices(model, batch, *split_noise(noise, 2))
    l2 = _squared_weights(model.core) + _squared_weights(model.choice_network)
    return _total({"choice_nll": nll(logits)}, nats, l2, weights, noise)


@divisible
def signal_objective(
    model: DisRNN, data: ReadOutData, weights: Weights, noise: NoiseSource | None
) -> tuple[Float[Array, ""], Terms]:
    """Second stage: predict the signals from the frozen core's latents."""
    mse, nats = _signals(model, data.batch, data.before, noise)
    l2 = _squared_weights(model.signal_networks) / max(model.n_signals, 1)
    return _total({"signal_mse": mse}, nats, l2, weights, noise)


@divisible
def joint_objective(
    model: DisRNN, data: JointData, weights: Weights, noise: NoiseSource | None
) -> tuple[Float[Array, ""], Terms]:
    """Choices and signals at once, every bottleneck paid for."""
    for_core, for_choice, for_signal = split_noise(noise, 3)
    logits, before, nats = _choices(model, data.batch, for_core, for_choice)
    nll = mean_choice_nll(logits, data.batch)
    mse, signal_nats = _signals(model, data.batch, before, for_signal)
    parts = (model.core, model.choice_network, model.signal_networks)
    l2 = sum((_squared_weights(part) for part in parts), jnp.zeros(()))
    fits = {"choice_nll": nll, "signal_mse": mse}
    return _total(fits, nats | signal_nats, l2, weights, noise, data.signal_weight)


def signal_mse(
    model: DisRNN, standardised: Float[Array, "session trial signal"], batch: Batch
) -> Float[Array, ""]:
    """Mean squared error in units of each signal's variance, averaged over signals."""
    target = batch._replace(signal=model.signal_units.standardised(batch.signal))
    errors = squared_signal_errors(standardised, target).sum((0, 1))
    return (errors / n_signal_scored(batch)).mean()


def _choices(
    model: DisRNN, batch: Batch, for_core: NoiseSource | None, for_choice: NoiseSource | None
) -> tuple[Float[Array, "session trial choice"], Float[Array, "trial latent session"], Terms]:
    """Logits, latents before each trial, and nats by kind of bottleneck."""
    observed = model.observed(batch)
    path = model.core.along(observed, for_core)
    logits = model.choices_along(path.before, observed, for_choice)
    nats = model.core.penalties(path) | model.choice_network.penalties(path.received)
    return logits, path.before, nats


def _signals(
    model: DisRNN, batch: Batch, before: Float[Array, "trial latent session"],
    noise: NoiseSource | None,
) -> tuple[Float[Array, ""], Terms]:  # fmt: skip
    """Squared error, and nats by kind of bottleneck, given the latents before each trial."""
    observed, networks = model.observed(batch), model.signal_networks
    subject = networks.described(observed.subject).T
    standardised = networks.along(before, observed, subject, noise)
    nats = networks.penalties(MeanSquares.of(before, observed, subject))
    return signal_mse(model, standardised, batch), nats


def _squared_weights(part: Core | ChoiceNetwork | SignalNetworks) -> Float[Array, ""]:
    return part.reader.mlps.squared_weights()


def _total(
    fits: Terms,
    nats: Terms,
    l2: Array,
    weights: Weights,
    noise: NoiseSource | None,
    signal_weight: Array | float = 1.0,
) -> tuple[Float[Array, ""], Terms]:
    """The loss and its terms, from fits and penalties before they are weighted."""
    weight = {"choice_nll": 1.0, "signal_mse": signal_weight}
    loss = sum((weight[name] * value for name, value in fits.items()), weights["l2"] * l2)
    penalties = {name: weights[name] * value for name, value in nats.items()}
    if noise is not None:
        loss = loss + noise.amount * sum(penalties.values())
    return loss, {"loss": loss, **fits, **{f"penalty_{k}": v for k, v in penalties.items()}}
