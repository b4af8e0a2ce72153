"""The recurrent core of a disRNN, and `run_loop`, the one seam for faster implementations.

Per session, with latents z and one update network k per latent:

    x_kj = multiplier_kj z_j + sigma_kj eps_kj                bottlenecks of network k
    o_k  = MLP_k(x_k, observations, subject)
    w_k  = sigmoid(o_k0),  g_k = bound tanh(o_k1 / bound)     gate and target
    m_k  = (1 - w_k) z_k + w_k g_k                            the latent's mean
    z_k <- m_k + sigma_k eps_k                                its own bottleneck

A trial without a valid choice leaves z as it was. The deterministic core has no noise. eps is drawn
by address: a trial's numbers depend on the key and on latent, input, trial and session alone, so
every implementation draws the same ones, wherever and as often as it needs them. Sessions are the
last axis throughout. Miller et al. 2023.
"""

from __future__ import annotations

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, UInt32

from ....errors import ConfigError
from ....noise import SessionShare
from ....threefry import normal_deviates
from ..residual_mlp import ResidualMLPs

LATENT_BOUND = 2.0
"""Targets, hence latents, lie between -LATENT_BOUND and LATENT_BOUND (before noise)."""


class Noise(NamedTuple):
    """The noise of training.

    sigma: of each network's bottlenecks; latent_sigma: of each latent's own bottleneck; key: two
    words, from `threefry.words_of`; share: which sessions of a step these are, None for all.
    """

    sigma: Float[Array, "latent input"]
    latent_sigma: Float[Array, " latent"]
    key: UInt32[Array, " word"]
    share: SessionShare | None = None


class LoopInputs(eqx.Module):
    """All that the core needs along the trials of all sessions.

    mlps: the update networks, one a latent; outputs gate and target. multiplier: of their
        bottlenecks. Inputs of the networks are the latents, then what is seen.
    noise: None for the deterministic core.
    seen: observations and subject. valid: a choice was made; False in padding.
    Raises ConfigError when the shapes of these arrays do not fit together.
    """

    mlps: ResidualMLPs
    multiplier: Float[Array, "latent input"]
    noise: Noise | None
    z_initial: Float[Array, "latent session"]
    seen: Float[Array, "trial outside session"]
    valid: Bool[Array, "trial session"]

    def __check_init__(self) -> None:
        """Compiled code trusts these shapes, so none gets there that does not fit."""
        (n_latents, n_inputs), mlps, noise = self.multiplier.shape, self.mlps, self.noise
        n_trials, n_outside, n_sessions = self.seen.shape
        n_units, n_layers = mlps.b_in.shape[-1], len(mlps.w_hidden)
        fitting = {
            "w_in": (mlps.w_in, (n_latents, n_units, n_latents + n_outside)),
            "b_in": (mlps.b_in, (n_latents, n_units)),
            "w_hidden": (mlps.w_hidden, (n_layers, n_latents, n_units, n_units)),
            "b_hidden": (mlps.b_hidden, (n_layers, n_latents, n_units)),
            "w_out": (mlps.w_out, (n_latents, 2, n_units)),
            "b_out": (mlps.b_out, (n_latents, 2)),
            "multiplier": (self.multiplier, (n_latents, n_latents + n_outside)),
            "z_initial": (self.z_initial, (n_latents, n_sessions)),
            "valid": (self.valid, (n_trials, n_sessions)),
        }
        if noise is not None:
            fitting |= {
                "sigma": (noise.sigma, (n_latents, n_inputs)),
                "latent_sigma": (noise.latent_sigma, (n_latents,)),
                "key": (noise.key, (2,)),
            }
        for name, (array, shape) in fitting.items():
            if array.shape != shape:
                raise ConfigError(
                    f"The arrays of a disRNN's core do not fit together: {name} has shape "
                    f"{array.shape}, and the others need {shape}."
                )


class LoopUnrolled(NamedTuple):
    """The latents along all trials.

    before: z at the start of each trial, noise included. mean: m, what the latent's own bottleneck
    received on that trial; z itself on trials without a valid choice.
    """

    before: Float[Array, "trial latent session"]
    mean: Float[Array, "trial latent session"]


def run_loop(inputs: LoopInputs) -> LoopUnrolled:
    """The core along all trials of all sessions; differentiable in all but `valid` and the key.

    Memory: the outputs, and little more; the gradient computes each trial again.
    Source: Miller et al. 2023.
    """
    noise, multiplier = inputs.noise, inputs.multiplier
    n_latents, n_inputs = multiplier.shape

    @jax.checkpoint
    def trial(z, x):
        t, seen, valid = x
        received = multiplier[:, :, None] * jnp.concatenate([z, seen])
        if noise is not None:
            eps = deviates(noise, t, (n_latents, n_inputs + 1, z.shape[1])).astype(z.dtype)
            received = received + noise.sigma[:, :, None] * eps[:, :-1]
        o = inputs.mlps(received)
        mean = blend(z, o[:, 0], o[:, 1])
        after = mean if noise is None else mean + noise.latent_sigma[:, None] * eps[:, -1]
        return jnp.where(valid, after, z), LoopUnrolled(z, jnp.where(valid, mean, z))

    trials = jnp.arange(len(inputs.seen), dtype=jnp.uint32)
    return jax.lax.scan(trial, inputs.z_initial, (trials, inputs.seen, inputs.valid))[1]


def deviates(
    noise: Noise, trial: UInt32[Array, ""], shape: tuple[int, int, int]
) -> Float[Array, "latent draw session"]:
    """A trial's standard normal deviates. Draws 2p and 2p + 1 of latent k in session s are the pair
    at counter (s, (trial n_latents + k) n_pairs + p)."""
    n_latents, n_draws, n_sessions = shape
    session = (noise.share or SessionShare.whole(n_sessions)).numbers(n_sessions)
    latent = jnp.arange(n_latents, dtype=jnp.uint32)[:, None, None]
    draw = jnp.arange(n_draws, dtype=jnp.uint32)[:, None]
    n_pairs = jnp.uint32((n_draws + 1) // 2)
    place = (trial * jnp.uint32(n_latents) + latent) * n_pairs + (draw >> 1)
    return normal_deviates((noise.key[0], noise.key[1]), (session, place), draw & 1)


def blend(
    z: Float[Array, "*latent"], gate: Float[Array, "*latent"], target: Float[Array, "*latent"]
) -> Float[Array, "*latent"]:
    """(1 - w) z + w g, with w = sigmoid(gate) and g = bound tanh(target / bound)."""
    w = jax.nn.sigmoid(gate)
    return z + w * (LATENT_BOUND * jnp.tanh(target / LATENT_BOUND) - z)
