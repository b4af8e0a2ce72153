"""One channel in time: as a file has it, and after its clock has been checked."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from ..errors import DataError

if TYPE_CHECKING:
    import pynapple


@dataclasses.dataclass(frozen=True)
class Series:
    """A channel as it stands in a file; nothing has been checked, and lengths may differ.

    times: one timestamp a sample, in s; None where the file gives `start` and `rate` (Hz) instead.
    source: the file, for messages.
    """

    name: str
    values: Float[np.ndarray, " value"]
    times: Float[np.ndarray, " timestamp"] | None = None
    start: float = 0.0
    rate: float | None = None
    unit: str = ""
    source: str = ""

    def timestamps(self) -> Float[np.ndarray, " timestamp"]:
        """The file's timestamps, or those that its start and rate amount to, in s.

        Raises DataError where it has neither.
        """
        if self.times is not None:
            return self.times
        if self.rate is None or not self.rate > 0:
            raise DataError(
                f"{self.source}: {self.name} has neither timestamps nor a rate. "
                "Say how many samples a second there are (--assume-rate HZ)."
            )
        return self.start + np.arange(len(self.values)) / self.rate


@dataclasses.dataclass(frozen=True)
class Trace:
    """A channel whose clock is settled: `values[i]` was measured at `times[i]` (s, ascending).

    values: in `unit`; NaN where missing. source: the file. Raises DataError when the parts
    contradict each other.
    """

    name: str
    times: Float[np.ndarray, " sample"]
    values: Float[np.ndarray, " sample"]
    unit: str = ""
    source: str = ""

    def __post_init__(self) -> None:
        if len(self.times) != len(self.values) or len(self.times) < 2:
            raise DataError(
                f"{self.source}: {self.name} has {len(self.values):,} values and "
                f"{len(self.times):,} timestamps; a trace needs as many of each, and at least two."
            )
        if not (np.isfinite(self.times).all() and (np.diff(self.times) > 0).all()):
            raise DataError(
                f"{self.source}: the timestamps of {self.name} are not ascending numbers. Sort "
                "and correct them."
            )

    @property
    def interval(self) -> float:
        """Median time between samples, in s."""
        return float(np.median(np.diff(self.times)))

    @property
    def rate(self) -> float:
        """Samples per second, from the median interval."""
        return 1.0 / self.interval

    def with_values(self, values: Float[np.ndarray, " sample"], unit: str = "") -> Trace:
        """The same samples with these values instead."""
        return dataclasses.replace(self, values=values, unit=unit or self.unit)

    def to_pynapple(self) -> pynapple.Tsd:
        """The trace as a `pynapple.Tsd`. Needs the extra `neural`."""
        import pynapple

        return pynapple.Tsd(t=self.times, d=self.values)
