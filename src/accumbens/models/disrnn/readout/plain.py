"""Networks that read latents on every trial at once: nothing of theirs feeds back."""

from __future__ import annotations

import math
from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, UInt32

from ....errors import ConfigError
from ....noise import SessionShare
from ....threefry import normal_deviates
from ..residual_mlp import ResidualMLPs


class ReadNoise(NamedTuple):
    """The noise of the networks' bottlenecks; key: two words, from `threefry.words_of`; share:
    which sessions of a step these are, None for all."""

    sigma: Float[Array, "net input"]
    key: UInt32[Array, " word"]
    share: SessionShare | None = None


class ReadInputs(eqx.Module):
    """All that the networks need along the trials of all sessions.

    multiplier: of their bottlenecks. Inputs of the networks are the latents before the trial, then
        what comes from outside: observations and subject.
    noise: None for none.
    Raises ConfigError when the shapes of these arrays do not fit together.
    """

    mlps: ResidualMLPs
    multiplier: Float[Array, "net input"]
    noise: ReadNoise | None
    before: Float[Array, "trial latent session"]
    outside: Float[Array, "trial outside session"]

    def __check_init__(self) -> None:
        """Compiled code trusts these shapes, so none gets there that does not fit."""
        mlps, noise = self.mlps, self.noise
        (n_nets, n_inputs), (n_trials, n_latents, n_sessions) = (
            self.multiplier.shape, self.before.shape,
        )  # fmt: skip
        n_units, n_layers, n_outputs = mlps.b_in.shape[-1], len(mlps.w_hidden), mlps.b_out.shape[-1]
        fitting = {
            "w_in": (mlps.w_in, (n_nets, n_units, n_inputs)),
            "b_in": (mlps.b_in, (n_nets, n_units)),
            "w_hidden": (mlps.w_hidden, (n_layers, n_nets, n_units, n_units)),
            "b_hidden": (mlps.b_hidden, (n_layers, n_nets, n_units)),
            "w_out": (mlps.w_out, (n_nets, n_outputs, n_units)),
            "b_out": (mlps.b_out, (n_nets, n_outputs)),
            "what is outside": (self.outside, (n_trials, n_inputs - n_latents, n_sessions)),
        }
        if noise is not None:
            fitting |= {"sigma": (noise.sigma, (n_nets, n_inputs)), "key": (noise.key, (2,))}
        for name, (array, shape) in fitting.items():
            if array.shape != shape:
                raise ConfigError(
                    f"The arrays of a disRNN's networks do not fit together: {name} has shape "
                    f"{array.shape}, and the others need {shape}."
                )


def read_along(inputs: ReadInputs) -> Float[Array, "net output trial session"]:
    """Outputs on all trials at once.

    Draw number p of a row-major [net, input, trial, session] of all sessions of the step is that of
    `threefry.normals_from`.
    """
    n_trials, _, n_sessions = inputs.before.shape
    x = jnp.concatenate([inputs.before, inputs.outside], axis=1)
    x = x.transpose(1, 0, 2).reshape(x.shape[1], -1)  # input, then trial and session in one
    y = inputs.multiplier[:, :, None] * x
    if inputs.noise is not None:
        eps = _deviates(inputs.noise, (y.shape[0], y.shape[1], n_trials, n_sessions))
        y = y + inputs.noise.sigma[:, :, None] * eps.reshape(y.shape)
    out = inputs.mlps(y)
    return out.reshape(*out.shape[:2], n_trials, n_sessions)


def _deviates(
    noise: ReadNoise, shape: tuple[int, int, int, int]
) -> Float[Array, "net input trial session"]:
    share = noise.share or SessionShare.whole(shape[-1])
    row = jnp.arange(math.prod(shape[:-1]), dtype=jnp.uint32)[:, None]
    place = row * share.total + share.numbers(shape[-1])
    counter = (place >> 1, jnp.zeros_like(place))
    return normal_deviates((noise.key[0], noise.key[1]), counter, place & 1).reshape(shape)
