"""What a user chooses about windows around events."""

from __future__ import annotations

import dataclasses
import math
from typing import Literal

from ...errors import ConfigError

Window = tuple[float, float]


@dataclasses.dataclass(frozen=True)
class WindowConfig:
    """Which part of a recording is the response of a trial, in s from an event of the trial."""

    event: str = ""
    """Context column with the time of the event in each trial, such as reward_outcome_time."""
    shift: float = 0.0
    """Seconds to add to each event's time, for a known delay."""
    window: Window = (0.0, 1.0)
    """Start and end of the response, relative to the event."""
    baseline: Window | None = (-1.0, 0.0)
    """Start and end of the baseline, whose mean is subtracted; None: nothing is subtracted."""
    baseline_event: str | None = None
    """Event that the baseline is relative to, if it is another one (the cue before the choice)."""
    statistic: Literal["mean", "peak", "trough", "area"] = "mean"
    """Mean, largest or smallest value, or area (unit x s) of the response minus the baseline."""
    min_coverage: float = 0.5
    """Trials with a smaller share of measured samples in either window are blank."""
    outside: Literal["error", "blank"] = "error"
    """Where windows are not inside the recording: stop with an error, or leave the trial blank."""
    overlap: Literal["error", "allow"] = "error"
    """Where windows of successive trials overlap: stop with an error, or allow it."""

    def __post_init__(self) -> None:
        for name in ("window", "baseline"):
            span = getattr(self, name)
            if span is not None and not (all(map(math.isfinite, span)) and span[0] < span[1]):
                raise ConfigError(
                    f"{name} is {span}; it must be a start and a later end, in s from the event."
                )
        if not 0 < self.min_coverage <= 1:
            raise ConfigError(
                f"min_coverage is {self.min_coverage}; it must be a share above 0 and up to 1."
            )
