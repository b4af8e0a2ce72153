"""Timestamps of coarse resolution: whole milliseconds at 30 Hz have intervals of 33 and 34 ms.

The median interval is no measure of the rate then. But a regular clock whose stamps were rounded
lies along a line: no stamp is farther from it than the resolution.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

RESOLUTIONS = tuple(sorted((m * 10.0**e for e in range(-6, 1) for m in (1, 2, 5)), reverse=True))
"""Resolutions in s that stamps are written with, the coarsest first."""

SMALLEST = 1e-6
"""Finer resolutions in s are not told apart from exact stamps."""

EXACT = 1e-4
"""Stamps are whole multiples of a resolution within this share of it."""

MAX_RESOLUTION = 3.0
"""Stamps that are coarser, in intervals between samples, are not looked at further."""


class RoundedClock(NamedTuple):
    """A regular clock whose stamps were rounded.

    Attributes:
        resolution: of the stamps, in s.
        interval: between samples in s, from the slope over all stamps.
        lost: number of missing samples, as counted from the longer intervals.
    """

    resolution: float
    interval: float
    lost: int


def rounded_clock(times: Float[np.ndarray, " sample"]) -> RoundedClock | None:
    """The clock that stamps were rounded from; None where they are not those of a regular clock.

    Args:
        times: in s, never falling.
    """
    if len(times) < 3 or (np.diff(times) < 0).any():
        return None
    largest = float(np.abs(times).max())
    times = times - times[0]
    resolution = _resolution(times, largest)
    if resolution is None:
        return None
    steps = np.diff(times)
    usual = steps[steps <= np.median(steps) + 1.5 * resolution]
    interval = float(usual.mean()) if len(usual) else 0.0
    if not interval > 0 or (resolution > MAX_RESOLUTION * interval and (steps == 0).mean() < 0.5):
        return None
    for _ in range(3):  # the slope over all samples, once it is known which ones are missing
        whole = np.maximum(np.round(steps / interval), 1)
        count = np.ones(len(steps)) if resolution >= interval else whole
        place = np.concatenate([[0.0], np.cumsum(count)])
        interval, start = np.polyfit(place, times, 1)
        if not interval > 0:
            return None
    off = np.abs(times - start - interval * place)
    if off.max() > resolution * (1 + 1e-6):
        return None
    return RoundedClock(float(resolution), float(interval), int(place[-1]) - len(steps))


def _resolution(times: Float[np.ndarray, " sample"], largest: float) -> float | None:
    """The coarsest resolution that all times are whole multiples of; None where there is none.

    largest: of the stamps as they are written, whose last digit bounds what the times can say.
    """
    steps = np.unique(np.round(np.diff(times), 9))
    gaps = np.diff(steps)
    # of another resolution: frames of a screen, 1/64 s
    between = gaps[gaps > SMALLEST][:1].tolist()
    for resolution in (*RESOLUTIONS, *between):
        ticks = times / resolution
        rounding = EXACT + 4 * np.finfo(float).eps * largest / resolution
        if rounding < 0.01 and (np.abs(ticks - np.round(ticks)) <= rounding).all():
            return float(resolution)
    return None
