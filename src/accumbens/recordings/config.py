"""What a user chooses about the clocks of recordings."""

from __future__ import annotations

import dataclasses
from typing import Literal


@dataclasses.dataclass(frozen=True)
class ClockConfig:
    """What to use as the times of samples, where the timestamps of a file are wrong."""

    assume_rate: float | None = None
    """Samples per second of a channel (of one light, where lights share a column): times count from
    the first timestamp, the others are not used."""
    clock: str | None = None
    """Channel of the same file whose timestamps are used instead of the channel's own."""
    clock_align: Literal["exact", "start", "end"] = "exact"
    """If that channel has more samples: stop with an error, or use its first, or its last times."""
    believe_stamps: bool = False
    """Use the timestamps of the file as they are, also where they are irregular."""
