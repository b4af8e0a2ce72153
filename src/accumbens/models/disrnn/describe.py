"""A fitted disRNN in words: which bottlenecks are open, and latents in one order everywhere."""

from __future__ import annotations

from typing import Literal, NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from .bottleneck import noise_scale
from .model import DisRNN, Reader

Openness = Literal["open", "partial", "closed"]

OPEN_BELOW, CLOSED_ABOVE = 0.5, 0.9
"""A bottleneck is open where its noise lies below the first, closed where above the second."""


class BottleneckRow(NamedTuple):
    """One bottleneck.

    kind: "latent" (a latent's own), "update", "choice" or "signal" (inputs of those networks).
    reader: who reads through it: a latent's name, "choice", or the signal's name.
    input: what comes in: a latent's, observation's or subject number's name.
    sigma, multiplier: as learned; a latent's own bottleneck has multiplier 1.
    noise: share of noise in what comes out if the input has variance 1, as a standard deviation,
        max(sigma, sigma / sqrt(sigma^2 + multiplier^2)), cut at 1: 0 is open, 1 is closed.
    """

    kind: str
    reader: str
    input: str
    sigma: float
    multiplier: float
    noise: float
    openness: Openness


def bottlenecks(model: DisRNN) -> list[BottleneckRow]:
    """Every bottleneck: latents' own, then of each network in the order of its inputs."""
    latents, seen = model.latent_names, model.observation_names
    subject = tuple(f"subject_{i + 1}" for i in range(model.embedding.shape[1]))
    sigma = np.asarray(noise_scale(model.latent_log_sigma))
    rows = [
        _row("latent", name, name, float(s), 1.0) for name, s in zip(latents, sigma, strict=True)
    ]
    rows += _reader_rows("update", model.update_reader, latents, (*latents, *seen, *subject))
    rows += _reader_rows("choice", model.choice_reader, ("choice",), (*latents, *subject))
    rows += _reader_rows(
        "signal", model.signal_reader, model.signal_names, (*latents, *seen, *subject)
    )
    return rows


def open_latents(model: DisRNN) -> Int[np.ndarray, " open"]:
    """Numbers (from 0) of the latents that carry anything: own bottleneck not closed."""
    sigma = np.asarray(noise_scale(model.latent_log_sigma))
    return np.flatnonzero(sigma <= CLOSED_ABOVE)


@eqx.filter_jit
def in_order(model: DisRNN) -> DisRNN:
    """The same model with latents from most open to most closed, each pointing one way.

    Larger values of each latent favour the last choice (right, of left and right). Both changes
    leave every prediction as it is.
    """
    order = jnp.argsort(model.latent_log_sigma, stable=True)
    ordered = _permuted(model, order)
    return _flipped(ordered, _choice_slopes(ordered) < 0)


def _permuted(model: DisRNN, order: Int[Array, " latent"]) -> DisRNN:
    update = model.update_reader
    update = eqx.tree_at(
        lambda r: [r.latent, r.observation, r.subject],
        update,
        [
            type(b)(b.multiplier[order], b.log_sigma[order])
            for b in (update.latent, update.observation, update.subject)
        ],
    )
    mlps = update.mlps
    mlps = eqx.tree_at(
        lambda m: [m.w_in, m.b_in, m.w_hidden, m.b_hidden, m.w_out, m.b_out],
        mlps,
        [mlps.w_in[order], mlps.b_in[order], mlps.w_hidden[:, order], mlps.b_hidden[:, order],
         mlps.w_out[order], mlps.b_out[order]],
    )  # fmt: skip
    update = eqx.tree_at(lambda r: r.mlps, update, mlps)
    return eqx.tree_at(
        lambda m: [m.update_reader, m.choice_reader, m.signal_reader, m.latent_log_sigma,
                   m.z_initial],
        model,
        [_latents_permuted(update, order), _latents_permuted(model.choice_reader, order),
         _latents_permuted(model.signal_reader, order), model.latent_log_sigma[order],
         model.z_initial[order]],
    )  # fmt: skip


def _latents_permuted(reader: Reader, order: Int[Array, " latent"]) -> Reader:
    """The reader's inputs from latents in a new order."""
    k = len(order)
    w_in = reader.mlps.w_in
    return eqx.tree_at(
        lambda r: [r.latent.multiplier, r.latent.log_sigma, r.mlps.w_in],
        reader,
        [reader.latent.multiplier[:, order], reader.latent.log_sigma[:, order],
         jnp.concatenate([w_in[:, :, order], w_in[:, :, k:]], axis=2)],
    )  # fmt: skip


def _flipped(model: DisRNN, flip: Array) -> DisRNN:
    """The same model with z -> -z for the latents in `flip` (targets are odd in their input)."""
    sign = jnp.where(flip, -1.0, 1.0)
    k = len(sign)

    def inputs(w_in: Array) -> Array:
        return jnp.concatenate([w_in[:, :, :k] * sign, w_in[:, :, k:]], axis=2)

    def mlps(m: DisRNN):
        readers = (m.update_reader, m.choice_reader, m.signal_reader)
        return [reader.mlps.w_in for reader in readers]

    model = eqx.tree_at(mlps, model, [inputs(w) for w in mlps(model)])
    out = model.update_reader.mlps
    return eqx.tree_at(
        lambda m: [m.update_reader.mlps.w_out, m.update_reader.mlps.b_out, m.z_initial],
        model,
        [out.w_out.at[:, 1].multiply(sign[:, None]), out.b_out.at[:, 1].multiply(sign),
         model.z_initial * sign],
    )  # fmt: skip


def _choice_slopes(model: DisRNN) -> Float[Array, " latent"]:
    """Change of the last choice's log-odds as each latent goes from -0.5 to 0.5."""
    subject = model.embedding.mean(0)

    def logit(z: Array) -> Array:
        logits = model.choice_reader(z, jnp.zeros(0), subject)[0]
        return logits[-1] - logits[0]

    steps = 0.5 * jnp.eye(model.n_latents)
    return jnp.stack([logit(step) - logit(-step) for step in steps])


def _reader_rows(kind: str, reader: Reader, names, inputs) -> list[BottleneckRow]:
    sigma, multiplier = np.asarray(reader.sigma), np.asarray(reader.multiplier)
    return [
        _row(kind, name, source, float(sigma[n, i]), float(multiplier[n, i]))
        for n, name in enumerate(names)
        for i, source in enumerate(inputs)
    ]


def _row(kind: str, reader: str, source: str, sigma: float, multiplier: float) -> BottleneckRow:
    share = sigma / np.hypot(sigma, multiplier)
    noise = float(min(1.0, max(sigma, share if kind != "latent" else 0.0)))
    openness = "open" if noise < OPEN_BELOW else "closed" if noise > CLOSED_ABOVE else "partial"
    return BottleneckRow(kind, reader, source, sigma, multiplier, noise, openness)
