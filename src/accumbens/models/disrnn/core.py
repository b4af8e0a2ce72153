"""The recurrent core of a disRNN, and `run_loop`, the one seam for faster implementations.

Per session, with latents z and one update network k per latent:

    x_kj = multiplier_kj z_j + sigma_kj eps_kj                bottlenecks of network k
    o_k  = MLP_k(x_k, observations, subject)
    w_k  = sigmoid(o_k0),  g_k = bound tanh(o_k1 / bound)     gate and target
    m_k  = (1 - w_k) z_k + w_k g_k                            the latent's mean
    z_k <- m_k + sigma_k eps_k                                its own bottleneck

A trial without a valid choice leaves z as it was. Everything that does not feed back (observations,
subject, biases, and all noise) reaches the loop already summed, as `drive` on the first hidden
layer and `jitter` on the latents. Sessions are the last axis throughout. Miller et al. 2023.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from .residual_mlp import ResidualMLPs

LATENT_BOUND = 2.0
"""Targets, hence latents, lie between -LATENT_BOUND and LATENT_BOUND (before noise)."""


class LoopUnrolled(NamedTuple):
    """before: z at the start of each trial, jitter included. mean: m, what the latent's own
    bottleneck received on that trial; z itself on trials without a valid choice."""

    before: Float[Array, "trial latent session"]
    mean: Float[Array, "trial latent session"]


def run_loop(
    w_latent: Float[Array, "latent hidden latent"],
    mlps: ResidualMLPs,
    drive: Float[Array, "trial latent hidden session"],
    jitter: Float[Array, "trial latent session"] | None,
    z_initial: Float[Array, "latent session"],
    valid: Bool[Array, "trial session"],
) -> LoopUnrolled:
    """The core along all trials of all sessions; differentiable in all but `valid`.

    w_latent: first-layer weights from each latent (last axis) to each network's hidden units,
        multipliers included. mlps: the networks, of which the first layer is not used here.
    drive: everything else that the first hidden layer receives. jitter: what each latent's own
        bottleneck adds; None for the deterministic core.
    """

    def trial(z, x):
        drive, jitter, valid = x
        h = jnp.einsum("khj,js->khs", w_latent, z) + drive
        o = mlps.from_hidden(h)
        mean = blend(z, o[:, 0], o[:, 1])
        after = mean if jitter is None else mean + jitter
        return jnp.where(valid, after, z), LoopUnrolled(z, jnp.where(valid, mean, z))

    return jax.lax.scan(trial, z_initial, (drive, jitter, valid))[1]


def blend(
    z: Float[Array, "*latent"], gate: Float[Array, "*latent"], target: Float[Array, "*latent"]
) -> Float[Array, "*latent"]:
    """(1 - w) z + w g, with w = sigmoid(gate) and g = bound tanh(target / bound)."""
    w = jax.nn.sigmoid(gate)
    return z + w * (LATENT_BOUND * jnp.tanh(target / LATENT_BOUND) - z)
