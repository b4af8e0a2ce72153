"""One channel in time: as a file has it, and after its clock has been checked."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from ..errors import DataError

if TYPE_CHECKING:
    import pynapple

ROUNDED = 1e-3
"""If the mean interval differs by more from the median, the median says little about the rate."""


@dataclasses.dataclass(frozen=True)
class Channel:
    """A channel as it stands in a file. Nothing has been checked: values and times may differ in
    number.

    Args:
        name: of the channel.
        values: the samples, in `unit`; NaN where missing.
        times: one timestamp a sample, in s; None where the file gives `start` and `rate` instead.
        start: time of the first sample in s, where there are no timestamps.
        rate: samples per second, where there are no timestamps.
        unit: of the values.
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
        """The time of each sample in s: the file's timestamps, or start + number of sample / rate.

        Raises:
            DataError: the file has neither timestamps nor a rate.
        """
        if self.times is not None:
            return self.times
        if self.rate is None or not self.rate > 0:
            raise DataError(
                f"{self.source}: the channel {self.name} has neither timestamps nor a rate. "
                "Give its number of samples per second (--assume-rate HZ)."
            )
        return self.start + np.arange(len(self.values)) / self.rate


@dataclasses.dataclass(frozen=True)
class Trace:
    """A channel whose clock has been checked: `values[i]` was measured at `times[i]`.

    Args:
        name: of the channel.
        times: of the samples in s, ascending.
        values: in `unit`; NaN where missing.
        unit: of the values.
        source: the file, for messages.

    Raises:
        DataError: there are fewer than two samples, values and times differ in number, or times
            are not ascending finite numbers.
    """

    name: str
    times: Float[np.ndarray, " sample"]
    values: Float[np.ndarray, " sample"]
    unit: str = ""
    source: str = ""

    def __post_init__(self) -> None:
        if len(self.times) != len(self.values) or len(self.times) < 2:
            raise DataError(
                f"{self.source}: the channel {self.name} has {len(self.values):,} values and "
                f"{len(self.times):,} timestamps. A trace needs the same number of both, and at "
                "least two."
            )
        if not (np.isfinite(self.times).all() and (np.diff(self.times) > 0).all()):
            raise DataError(
                f"{self.source}: the timestamps of the channel {self.name} are not ascending "
                "finite numbers. Sort and correct them."
            )

    @property
    def interval(self) -> float:
        """Usual time between samples, in s: the median, or, of stamps that were rounded, the mean
        of those near it."""
        steps = np.diff(self.times)
        median = float(np.median(steps))
        near = float(steps[np.abs(steps - median) < 0.6 * median].mean())
        return near if abs(near - median) > ROUNDED * median else median

    @property
    def rate(self) -> float:
        """Samples per second, from the usual interval."""
        return 1.0 / self.interval

    def with_values(self, values: Float[np.ndarray, " sample"], unit: str = "") -> Trace:
        """The same times with these values instead.

        Args:
            values: one a sample; NaN where missing.
            unit: of the values; by default the trace's own.
        """
        return dataclasses.replace(self, values=values, unit=unit or self.unit)

    def to_pynapple(self) -> pynapple.Tsd:
        """The trace as a `pynapple.Tsd`. Needs the extra `neural`."""
        import pynapple

        return pynapple.Tsd(t=self.times, d=self.values)
