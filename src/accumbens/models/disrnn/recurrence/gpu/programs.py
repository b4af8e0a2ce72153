"""What one program of the GPU's kernel does: a tile of sessions through all trials, and back.

Everything is two-dimensional and a power of two, as Triton wants it: rows 0 .. n_latents - 1 of
what the networks see are the latents, the following ones what is seen, the last ones nothing.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.experimental import pallas as pl
from jaxtyping import Array, Float

from .....threefry import normal_deviates
from ...config import Activation
from ...residual_mlp import ACTIVATIONS
from ..scan import blend

TILE = 32
"""Sessions of one program."""


class Sizes(NamedTuple):
    """Sizes of the loop. n_rows, n_units: padded; the others are not."""

    n_latents: int
    n_inputs: int
    n_layers: int
    n_rows: int
    n_units: int
    activation: Activation


class Weights(NamedTuple):
    """Weights of one model, padded. multiplier and sigma: of each network's inputs."""

    w_in: Float[Array, "latent unit row"]
    b_in: Float[Array, "latent unit"]
    w_hidden: Float[Array, "layer latent unit unit"]
    b_hidden: Float[Array, "layer latent unit"]
    w_out: Float[Array, "latent 2 unit"]
    b_out: Float[Array, "latent 2"]
    multiplier: Float[Array, "latent row"]
    sigma: Float[Array, "latent row"]
    latent_sigma: Float[Array, " latent"]


class Network(NamedTuple):
    """Weights of the network of one latent, from `Weights`; lists by layer, and by output."""

    w_in: Float[Array, "unit row"]
    b_in: Float[Array, " unit"]
    w_hidden: list[Array]
    b_hidden: list[Array]
    w_out: list[Array]
    b_out: list[Array]
    multiplier: Float[Array, " row"]
    sigma: Float[Array, " row"]
    latent_sigma: Float[Array, ""]


def _trial(
    sizes: Sizes,
    noisy: bool,
    networks: list[Network],
    z: Float[Array, "row session"],
    seen: Float[Array, "row session"],
    eps: list[tuple[Array, Array]],
) -> tuple[Float[Array, "row session"], Float[Array, "row session"]]:
    """The latents after a trial, and their means; one network at a time, in two dimensions."""
    row = jax.lax.broadcasted_iota(jnp.int32, z.shape, 0)
    after, means = z, z
    for k, (net, (inner, own)) in enumerate(zip(networks, eps, strict=True)):
        x = net.multiplier[:, None] * (z + seen)
        if noisy:
            x = x + net.sigma[:, None] * inner
        h = _product(net.w_in, x) + net.b_in[:, None]
        for w, b in zip(net.w_hidden, net.b_hidden, strict=True):
            step = ACTIVATIONS[sizes.activation](_product(w, h) + b[:, None])
            h = h + step / math.sqrt(sizes.n_layers)
        gate, target = (
            (w[:, None] * h).sum(0) + b for w, b in zip(net.w_out, net.b_out, strict=True)
        )
        mean = blend(jnp.where(row == k, z, 0.0).sum(0), gate, target)
        here = mean + net.latent_sigma * own if noisy else mean
        after = jnp.where(row == k, here[None, :], after)
        means = jnp.where(row == k, mean[None, :], means)
    return after, means


def _product(a: Array, b: Array) -> Array:
    return jax.lax.dot(a, b, precision=jax.lax.Precision.HIGHEST)


def _networks(sizes: Sizes, refs: Weights) -> list[Network]:
    """Each network's weights, read from memory."""
    layers = range(sizes.n_layers)
    return [
        Network(
            refs.w_in[k], refs.b_in[k],
            [refs.w_hidden[n, k] for n in layers], [refs.b_hidden[n, k] for n in layers],
            [refs.w_out[k, o] for o in (0, 1)], [refs.b_out[k, o] for o in (0, 1)],
            refs.multiplier[k], refs.sigma[k], refs.latent_sigma[k],
        )
        for k in range(sizes.n_latents)
    ]  # fmt: skip


def _deviates(
    sizes: Sizes, address: tuple[Array, ...], trial: Array, first: Array
) -> list[tuple[Array, Array]]:
    """The deviates of each network's inputs and of the latent's own bottleneck: those of
    `scan.deviates` from session `first` of those here on."""
    key, (start, every) = (address[0], address[1]), address[2:]
    n_pairs = (sizes.n_inputs + 2) // 2
    along = jax.lax.broadcasted_iota(jnp.uint32, (sizes.n_rows, TILE), 1)
    session = start + every * (first + along)
    draw = jax.lax.broadcasted_iota(jnp.uint32, (sizes.n_rows, TILE), 0)
    own = start + every * (first + jax.lax.broadcasted_iota(jnp.uint32, (TILE,), 0))
    last = sizes.n_inputs
    found = []
    for k in range(sizes.n_latents):
        place = (
            trial.astype(jnp.uint32) * jnp.uint32(sizes.n_latents) + jnp.uint32(k)
        ) * jnp.uint32(n_pairs)
        at = jnp.broadcast_to(place + jnp.uint32(last // 2), own.shape)
        found.append(
            (
                normal_deviates(key, (session, place + (draw >> 1)), draw & 1),
                normal_deviates(key, (own, at), jnp.full(own.shape, last & 1, jnp.uint32)),
            )
        )
    return found


def _words(address) -> tuple[Array, ...]:
    return tuple(address[i] for i in range(4))


def _first_session() -> Array:
    return pl.program_id(0).astype(jnp.uint32) * jnp.uint32(TILE)


def _no_deviates(sizes: Sizes) -> list[tuple[Array, Array]]:
    nothing = (jnp.zeros((sizes.n_rows, TILE)), jnp.zeros(TILE))
    return [nothing] * sizes.n_latents


def forward_program(sizes, noisy, *refs):
    weights, (address, z_initial, seen, moves, before, mean) = Weights(*refs[:9]), refs[9:]
    networks, words, first = _networks(sizes, weights), _words(address), _first_session()

    def body(t, z):
        eps = _deviates(sizes, words, t, first) if noisy else _no_deviates(sizes)
        after, means = _trial(sizes, noisy, networks, z, seen[t], eps)
        moved = moves[t][None, :] > 0
        before[t] = z
        mean[t] = jnp.where(moved, means, z)
        return jnp.where(moved, after, z)

    jax.lax.fori_loop(0, seen.shape[0], body, z_initial[...])


def backward_program(sizes, noisy, *refs):
    """The gradient of each trial by `jax.vjp` inside the kernel, last trial first."""
    weights, (address, seen, moves, before, d_before, d_mean), out = (
        Weights(*refs[:9]), refs[9:15], refs[15:],
    )  # fmt: skip
    d_weights, d_z, d_seen = Weights(*out[:9]), out[9], out[10]
    networks, words, first = _networks(sizes, weights), _words(address), _first_session()
    n_trials = seen.shape[0]

    def body(i, carry):
        dz, total = carry
        t = n_trials - 1 - i
        eps = _deviates(sizes, words, t, first) if noisy else _no_deviates(sizes)
        moved = moves[t][None, :] > 0
        _, pull = jax.vjp(
            lambda w, z, s: _trial(sizes, noisy, w, z, s, eps), networks, before[t], seen[t]
        )
        still = jnp.zeros_like(dz)
        d_networks, dz_inside, ds = pull(
            (jnp.where(moved, dz, still), jnp.where(moved, d_mean[t], still))
        )
        d_seen[t] = ds
        dz = d_before[t] + dz_inside + jnp.where(moved, still, dz + d_mean[t])
        return dz, jax.tree.map(jnp.add, total, d_networks)

    start = (jnp.zeros(d_z.shape), jax.tree.map(jnp.zeros_like, networks))
    dz, total = jax.lax.fori_loop(0, n_trials, body, start)
    d_z[...] = dz
    for k, net in enumerate(total):
        for name in ("w_in", "b_in", "multiplier", "sigma", "latent_sigma"):
            getattr(d_weights, name)[0, k] = getattr(net, name)
        for n in range(sizes.n_layers):
            d_weights.w_hidden[0, n, k] = net.w_hidden[n]
            d_weights.b_hidden[0, n, k] = net.b_hidden[n]
        for o in (0, 1):
            d_weights.w_out[0, k, o] = net.w_out[o]
            d_weights.b_out[0, k, o] = net.b_out[o]
