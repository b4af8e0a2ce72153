"""How open the bottlenecks of a disRNN's parts are, as rows and in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import equinox as eqx
import numpy as np

from ...summary import listed
from .core import Core
from .heads import ChoiceNetwork, SignalNetworks

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


class Parts(NamedTuple):
    """The parts of a disRNN, and the names of what they read and predict.

    subject, signal_subject: numbers that describe a subject to core and choice network, and to the
    signal networks.
    """

    core: Core
    choice_network: ChoiceNetwork
    signal_networks: SignalNetworks
    latents: Sequence[str]
    observations: Sequence[str]
    subject: Sequence[str]
    signal_subject: Sequence[str]
    signals: Sequence[str]


def bottleneck_rows(parts: Parts) -> list[BottleneckRow]:
    """Every bottleneck: latents' own, then of each network in the order of its inputs."""
    latents, subject = parts.latents, parts.subject
    own, update, choice, signal = _channels(parts[:3])
    everything = (*latents, *parts.observations, *subject)
    rows = [_row("latent", name, name, float(s), 1.0) for name, s in zip(latents, own, strict=True)]
    rows += _reader_rows("update", update, latents, everything)
    rows += _reader_rows("choice", choice, ("choice",), (*latents, *subject))
    to_signals = (*latents, *parts.observations, *parts.signal_subject)
    rows += _reader_rows("signal", signal, parts.signals, to_signals)
    return rows


def what_is_read(rows: Sequence[BottleneckRow]) -> list[tuple[str, str]]:
    """Each network that matters and the inputs that it reads: (network, inputs), for summaries.

    Latents whose own bottleneck is closed are left out, as networks and as inputs.
    """
    latents = {row.reader: row.openness != "closed" for row in rows if row.kind == "latent"}
    alive = [name for name, is_open in latents.items() if is_open]
    inputs: dict[str, list[str]] = {}
    for row in rows:
        if row.kind == "latent" or (row.kind == "update" and not latents[row.reader]):
            continue
        name = f"update of {row.reader}" if row.kind == "update" else row.reader
        read = inputs.setdefault(f"{name} reads", [])
        if row.openness != "closed" and latents.get(row.input, True):
            read.append(f"{row.input} (partly)" if row.openness == "partial" else row.input)
    facts = [("latents", f"{len(latents)}; open: {listed(alive)}")]
    return facts + [(name, listed(read)) for name, read in inputs.items()]


@eqx.filter_jit
def _channels(parts: tuple[Core, ChoiceNetwork, SignalNetworks]):
    """Noise of the latents' own bottlenecks; noise and multipliers of all networks' inputs."""
    readers = (part.reader for part in parts)
    return parts[0].bottleneck.sigma, *((r.sigma, r.multiplier) for r in readers)


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
