"""disRNNs whose mechanism is known: latents with stated gates and targets, in any order and scale.

Every network is linear in what it reads (no hidden layers): a gate and a target for each choice and
reward, and log-odds that are a weighted sum of the latents.
"""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from accumbens.models.disrnn import DisRNN, DisRNNConfig

UNITS = 4
CLOSED, OPEN = np.log(0.999), np.log(0.01)


class PlantedLatent(NamedTuple):
    """z <- (1 - w) z + w g.

    rates: w after the first and after the second choice. target: g = target[0] + target[1] choice
    (-1, 1) + target[2] reward (of each outcome column). weight: of the latent in the log-odds of
    the second choice.
    """

    rates: tuple[float, float]
    target: tuple[float, ...]
    weight: float
    initial: float = 0.0


def value_of(choice: int, rate: float = 0.3, forgetting: float = 0.0, weight: float = 3.0):
    """Q of a choice: moved to +1 or -1 by reward after it, and to 0 at the forgetting rate; signed
    by what it does to the log-odds."""
    rates = (rate, max(forgetting, 1e-6))
    return PlantedLatent(
        rates if choice == 0 else rates[::-1], (-1.0, 0.0, 2.0), weight * (2 * choice - 1)
    )


def habit(rate: float = 0.2, weight: float = 1.0):
    """A trace of choices."""
    return PlantedLatent((rate, rate), (0.0, 1.0, 0.0), weight)


def planted(
    latents, *, n_all: int = 4, order=None, signs=None, scales=None, outcomes=("reward",),
    bias: float = 0.0,
) -> DisRNN:  # fmt: skip
    """A disRNN of so many latents in all, of which these are open.

    order: place of each in the network. signs, scales: the network's latent is scale x sign x the
    planted one. Targets are exact up to tanh, which is inverted at the targets that occur, so
    outcomes must be 0 or 1 and scaled targets lie within the network's bound of 2.
    """
    n = len(latents)
    order = range(n) if order is None else order
    factor = np.ones(n) if scales is None else np.asarray(scales, float)
    factor = factor * (1 if signs is None else np.asarray(signs, float))
    config = DisRNNConfig(
        latents=n_all, update_layers=0, update_units=UNITS, choice_layers=0, choice_units=UNITS
    )
    model = DisRNN.initial(config, outcome_names=outcomes, key=jax.random.key(0))
    n_inputs = n_all + 1 + len(outcomes)
    w_in, b_in = np.zeros((n_all, UNITS, n_inputs)), np.zeros((n_all, UNITS))
    w_out, b_out = np.zeros((n_all, 2, UNITS)), np.zeros((n_all, 2))
    z_1, own = np.zeros(n_all), np.full(n_all, CLOSED)
    weights = np.zeros(n_all)
    read = np.full((n_all, 1 + len(outcomes)), CLOSED)
    for planted_latent, place, f in zip(latents, order, factor, strict=True):
        low, high = (np.log(r / (1 - r)) for r in planted_latent.rates)
        w_in[place, 0, n_all] = 1.0  # choice, then the outcomes
        w_out[place, 0, 0], b_out[place, 0] = (high - low) / 2, (high + low) / 2
        ends = np.array(planted_latent.target)
        # A linear sum within tanh: exact where at most one of choice and outcomes moves the target.
        at = [ends[0], *(ends[0] + step for step in ends[1:])]
        inner = [2 * np.arctanh(np.clip(f * x / 2, -0.999, 0.999)) for x in at]
        w_in[place, 1] = 0.0
        for i, value in enumerate(inner[1:]):
            w_in[place, 1, n_all + i] = value - inner[0]
        w_out[place, 1, 1], b_out[place, 1] = 1.0, inner[0]
        z_1[place], own[place] = f * planted_latent.initial, OPEN
        weights[place] = planted_latent.weight / f
        read[place] = np.where(np.abs(w_in[place, :, n_all:]).sum(0) > 0, OPEN, CLOSED)
    choice_in = np.zeros((1, UNITS, n_all))
    choice_in[0, 0] = weights
    choice_out = np.zeros((1, 2, UNITS))
    choice_out[0, 1, 0] = 1.0
    reads_choice = np.where(weights != 0, OPEN, CLOSED)[None]
    core, chooser = model.core.reader, model.choice_network.reader

    def arrays(*values):
        return [jnp.asarray(value, jnp.float32) for value in values]

    model = eqx.tree_at(
        lambda m: [
            m.core.reader.mlps.w_in, m.core.reader.mlps.b_in, m.core.reader.mlps.w_out,
            m.core.reader.mlps.b_out, m.core.z_initial, m.core.bottleneck.log_sigma,
            m.core.reader.latent.log_sigma, m.core.reader.observation.log_sigma,
            m.choice_network.reader.mlps.w_in, m.choice_network.reader.mlps.b_in,
            m.choice_network.reader.mlps.w_out, m.choice_network.reader.mlps.b_out,
            m.choice_network.reader.latent.log_sigma,
        ],
        model,
        arrays(
            w_in, b_in, w_out, b_out, z_1, own,
            np.full(core.latent.log_sigma.shape, CLOSED), read,
            choice_in, np.zeros(chooser.mlps.b_in.shape), choice_out, np.array([[0.0, bias]]),
            reads_choice,
        ),
    )  # fmt: skip
    return model
