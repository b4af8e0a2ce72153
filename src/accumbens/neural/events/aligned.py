"""Traces around events: one row an event, on a common time axis."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy import stats

from ...errors import ConfigError, DataError
from ...recordings import Trace
from .windows import Window

LONGEST_GAP = 1.5
"""Intervals longer than so many usual ones are gaps, over which nothing is interpolated."""


class AlignedTraces(NamedTuple):
    """`values[e, j]` of a trace at `time[j]` s from event e; NaN where it was not measured."""

    time: Float[np.ndarray, " time"]
    values: Float[np.ndarray, "event time"]
    unit: str


class MeanCurve(NamedTuple):
    """Mean over events, and the ends of its interval; n: events measured at each time."""

    mean: Float[np.ndarray, " time"]
    low: Float[np.ndarray, " time"]
    high: Float[np.ndarray, " time"]
    n: Float[np.ndarray, " time"]


def align_trace(
    trace: Trace,
    events: Float[np.ndarray, " event"],
    window: Window = (-2.0, 4.0),
    *,
    step: float | None = None,
    baseline: Window | None = (-1.0, 0.0),
) -> AlignedTraces:
    """The trace around each event, by straight lines between samples, less each one's baseline.

    step: of the time axis in s; by default the trace's own interval. Blank events give blank rows.
    Raises DataError where no event lies in the recording, ConfigError for impossible windows.

    Example:
        >>> import numpy as np
        >>> from accumbens import neural, recordings
        >>> times = np.arange(0.0, 20.0, 0.1)
        >>> trace = recordings.Trace("dLight", times, np.floor(times))  # rises by 1 each second
        >>> events = np.array([5.0, 9.0])
        >>> found = neural.align_trace(trace, events, (-1.0, 1.5), baseline=(-1.0, -0.5))
        >>> found.values.shape, found.values[0, ::10].round(6).tolist()
        ((2, 26), [0.0, 1.0, 2.0])
    """
    step = trace.interval if step is None else step
    if not (step > 0 and window[0] < window[1]):
        raise ConfigError(
            f"A window from {window[0]} to {window[1]} s in steps of {step} s is none."
        )
    first, last = np.ceil(window[0] / step - 1e-9), np.floor(window[1] / step + 1e-9)
    time = np.arange(first, last + 1) * step
    at = events[:, None] + time[None, :]
    inside = (at >= trace.times[0]) & (at <= trace.times[-1])
    if not inside.any():
        raise DataError(
            f"{trace.source}: none of {len(events)} events lies in {trace.name}, which lasts from "
            f"{trace.times[0]:,.2f} to {trace.times[-1]:,.2f} s. They are on different clocks."
        )
    where = np.where(inside, at, trace.times[0])
    right = np.clip(np.searchsorted(trace.times, where), 1, len(trace.times) - 1)
    gap = np.diff(trace.times)[right - 1] > LONGEST_GAP * trace.interval
    share = (where - trace.times[right - 1]) / (trace.times[right] - trace.times[right - 1])
    before, after = trace.values[right - 1], trace.values[right]
    between = np.where(share == 0, before, np.where(share == 1, after, 0))
    inner = (share > 0) & (share < 1)
    values = np.where(inner, (1 - share) * before + share * after, between)
    values = np.where(inside & ~(gap & inner), values, np.nan)
    if baseline is not None:
        chosen = (time >= baseline[0]) & (time < baseline[1])
        if not chosen.any():
            raise ConfigError(f"The baseline {baseline} lies outside the window {window}.")
        known = np.isfinite(values[:, chosen])
        total = np.where(known, values[:, chosen], 0).sum(1, keepdims=True)
        count = known.sum(1, keepdims=True)
        values = values - np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return AlignedTraces(time, values, trace.unit)


def mean_curve(values: Float[np.ndarray, "event time"], confidence: float = 0.95) -> MeanCurve:
    """Mean over events at each time with its t interval; NaN where fewer than two were measured.

    mean -+ t_{n-1} sd / sqrt(n): the interval of each time by itself, events taken as independent.
    """
    known = np.isfinite(values)
    n = known.sum(0).astype(float)
    filled = np.where(known, values, 0)
    mean = np.where(n > 0, filled.sum(0) / np.maximum(n, 1), np.nan)
    squares = np.where(known, np.square(values - mean), 0).sum(0)
    freedom = np.maximum(n - 1, 1)
    error = np.sqrt(squares / freedom / np.maximum(n, 1))
    half = np.where(n > 1, stats.t.ppf((1 + confidence) / 2, freedom) * error, np.nan)
    return MeanCurve(mean, mean - half, mean + half, n)
