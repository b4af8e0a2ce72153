"""A recording as it stands in a file, and finding a channel in it."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from ...errors import DataError
from ...recordings import Channel
from ..tables.problems import listed, near_matches, show

TIME_UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6}
"""Seconds in each unit that a column of times may have."""


@dataclasses.dataclass(frozen=True)
class Recording:
    """A recording as it stands in a file.

    Args:
        path: of the file.
        channels: by name.
        events: times of the pulses of each digital line, in s.
        about: the header of the file.
        refused: what stands in the file under a name but is no channel, and why and what to do.
    """

    path: Path
    channels: dict[str, Channel]
    events: dict[str, Float[np.ndarray, " event"]]
    about: dict[str, Any]
    refused: dict[str, str] = dataclasses.field(default_factory=dict)


def find_channel(recording: Recording, name: str, option: str) -> Channel:
    """One channel of a recording by name.

    Args:
        recording: with the channel.
        name: of the channel.
        option: that named it, for the message.

    Raises:
        DataError: there is no such channel; the message lists the channels. Or what has this name
            cannot be used as a channel; the message says why.
    """
    if name in recording.refused:
        raise DataError(f"{recording.path}: {recording.refused[name]}")
    if name not in recording.channels:
        near = near_matches(name, list(recording.channels))
        hint = f" Did you mean {listed(near)}?" if near else ""
        raise DataError(
            f"{recording.path}: there is no channel {show(name)} ({option}).{hint} Its channels "
            f"are {', '.join(recording.channels) or 'none'}."
        )
    return recording.channels[name]
