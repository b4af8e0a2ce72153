"""A fitted disRNN in words: which bottlenecks are open, and latents in one order everywhere."""

from __future__ import annotations

from typing import Literal, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

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
    own, update, choice, signal = _channels(model)
    everything = (*latents, *seen, *subject)
    rows = [_row("latent", name, name, float(s), 1.0) for name, s in zip(latents, own, strict=True)]
    rows += _reader_rows("update", update, latents, everything)
    rows += _reader_rows("choice", choice, ("choice",), (*latents, *subject))
    rows += _reader_rows("signal", signal, model.signal_names, everything)
    return rows


def open_latents(model: DisRNN) -> Int[np.ndarray, " open"]:
    """Numbers (from 0) of the latents that carry anything: own bottleneck not closed."""
    sigma = np.asarray(_channels(model)[0])
    return np.flatnonzero(sigma <= CLOSED_ABOVE)


def in_order(model: DisRNN) -> DisRNN:
    """The same model with latents from most open to most closed, each pointing one way.

    Larger values of each latent favour the last choice (right, of left and right). Both changes
    leave every prediction as it is.
    """
    flip = np.asarray(_choice_slopes(model)) < 0
    order = np.argsort(np.asarray(model.latent_log_sigma), kind="stable")
    on_host = jax.tree.map(np.asarray, model)
    return jax.tree.map(jnp.asarray, _flipped(_permuted(on_host, order), flip[order]))


def _permuted(model: DisRNN, order: Int[np.ndarray, " latent"]) -> DisRNN:
    update = model.update_reader
    update = eqx.tree_at(
        lambda r: [r.latent, r.observation, r.subject],
        update,
        [
            jax.tree.map(lambda x: x[order], b)
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


def _latents_permuted(reader: Reader, order: Int[np.ndarray, " latent"]) -> Reader:
    """The reader's inputs from latents in a new order."""
    k = len(order)
    w_in = reader.mlps.w_in
    return eqx.tree_at(
        lambda r: [r.latent.multiplier, r.latent.log_sigma, r.mlps.w_in],
        reader,
        [reader.latent.multiplier[:, order], reader.latent.log_sigma[:, order],
         np.concatenate([w_in[:, :, order], w_in[:, :, k:]], axis=2)],
    )  # fmt: skip


def _flipped(model: DisRNN, flip: Bool[np.ndarray, " latent"]) -> DisRNN:
    """The same model with z -> -z for the latents in `flip` (targets are odd in their input)."""
    sign = np.where(flip, -1.0, 1.0).astype(model.z_initial.dtype)
    k = len(sign)

    def inputs(w_in):
        return np.concatenate([w_in[:, :, :k] * sign, w_in[:, :, k:]], axis=2)

    def mlps(m: DisRNN):
        readers = (m.update_reader, m.choice_reader, m.signal_reader)
        return [reader.mlps.w_in for reader in readers]

    model = eqx.tree_at(mlps, model, [inputs(w) for w in mlps(model)])
    out = model.update_reader.mlps
    of_outputs = np.stack([np.ones_like(sign), sign], axis=1)  # gate, then target
    return eqx.tree_at(
        lambda m: [m.update_reader.mlps.w_out, m.update_reader.mlps.b_out, m.z_initial],
        model,
        [out.w_out * of_outputs[:, :, None], out.b_out * of_outputs, model.z_initial * sign],
    )


@eqx.filter_jit
def _choice_slopes(model: DisRNN) -> Float[Array, " latent"]:
    """Change of the last choice's log-odds as each latent goes from -0.5 to 0.5."""
    subject = model.embedding.mean(0)

    def logit(z: Array) -> Array:
        logits = model.choice_reader(z, jnp.zeros(0), subject)[0]
        return logits[-1] - logits[0]

    steps = 0.5 * jnp.eye(model.n_latents)
    return jax.vmap(lambda step: logit(step) - logit(-step))(steps)


@eqx.filter_jit
def _channels(model: DisRNN):
    """Noise of the latents' own bottlenecks; noise and multipliers of the three readers'."""
    readers = (model.update_reader, model.choice_reader, model.signal_reader)
    return noise_scale(model.latent_log_sigma), *((r.sigma, r.multiplier) for r in readers)


def _reader_rows(kind: str, channels, names, inputs) -> list[BottleneckRow]:
    sigma, multiplier = (np.asarray(x) for x in channels)
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
