"""A fitted disRNN in words: which bottlenecks are open."""

from __future__ import annotations

from typing import Literal, NamedTuple

import equinox as eqx
import numpy as np
from jaxtyping import Int

from .model import DisRNN

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
    latents, seen, subject = model.latent_names, model.observation_names, model.subject_names
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


@eqx.filter_jit
def _channels(model: DisRNN):
    """Noise of the latents' own bottlenecks; noise and multipliers of all networks' inputs."""
    parts = (model.core, model.choice_network, model.signal_networks)
    readers = (part.reader for part in parts)
    return model.core.bottleneck.sigma, *((r.sigma, r.multiplier) for r in readers)


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
