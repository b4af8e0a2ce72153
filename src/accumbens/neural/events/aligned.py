"""Traces around events: one row for each event, on a common time axis."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from ...errors import ConfigError, DataError
from ...recordings import Trace
from ...scoring.intervals import mean_interval
from .config import Window

MAX_GAP = 1.5
"""Intervals longer than this multiple of the usual one are gaps, which are not interpolated."""


class AlignedTraces(NamedTuple):
    """A trace around events.

    Attributes:
        time: in s from the event.
        values: of the trace around each event, less its baseline; NaN where it was not measured.
        unit: of the values.
    """

    time: Float[np.ndarray, " time"]
    values: Float[np.ndarray, "event time"]
    unit: str


class MeanCurve(NamedTuple):
    """The mean over events at each time.

    Attributes:
        mean: in the unit of the values; NaN where no event was measured.
        low, high: ends of its interval; NaN where fewer than two events were measured.
        n: number of events measured at each time.
    """

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
    """The trace around each event, less the mean of its baseline.

    Between samples the trace is interpolated linearly, but not over gaps.

    Args:
        trace: to align.
        events: times in s on the clock of the trace; NaN events give rows of NaN.
        window: from and to, in s from the event.
        step: of the time axis, in s; by default the interval between the samples of the trace.
        baseline: from and to, in s from the event; None subtracts nothing.

    Raises:
        ConfigError: the window is empty, the step is not above 0, or the baseline lies outside the
            window.
        DataError: no event lies in the recording.

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
            f"window is {window} s and step is {step:g} s; the window must end after it starts, "
            "and the step must be above 0."
        )
    first, last = np.ceil(window[0] / step - 1e-9), np.floor(window[1] / step + 1e-9)
    time = np.arange(first, last + 1) * step
    at = events[:, None] + time[None, :]
    inside = (at >= trace.times[0]) & (at <= trace.times[-1])
    if not inside.any():
        raise DataError(
            f"{trace.source}: none of the {len(events)} events lies in {trace.name}, which lasts "
            f"from {trace.times[0]:,.2f} to {trace.times[-1]:,.2f} s. Check that both are on the "
            "same clock, in s."
        )
    where = np.where(inside, at, trace.times[0])
    right = np.clip(np.searchsorted(trace.times, where), 1, len(trace.times) - 1)
    gap = np.diff(trace.times)[right - 1] > MAX_GAP * trace.interval
    share = (where - trace.times[right - 1]) / (trace.times[right] - trace.times[right - 1])
    before, after = trace.values[right - 1], trace.values[right]
    between = np.where(share == 0, before, np.where(share == 1, after, 0))
    inner = (share > 0) & (share < 1)
    values = np.where(inner, (1 - share) * before + share * after, between)
    values = np.where(inside & ~(gap & inner), values, np.nan)
    if baseline is not None:
        chosen = (time >= baseline[0]) & (time < baseline[1])
        if not chosen.any():
            raise ConfigError(
                f"The baseline {baseline} holds no time of the window {window}. Choose a baseline "
                "inside the window."
            )
        known = np.isfinite(values[:, chosen])
        total = np.where(known, values[:, chosen], 0).sum(1, keepdims=True)
        count = known.sum(1, keepdims=True)
        values = values - np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return AlignedTraces(time, values, trace.unit)


def mean_curve(values: Float[np.ndarray, "event time"], confidence: float = 0.95) -> MeanCurve:
    """The mean over events at each time, with Student's t interval.

    mean -+ t_{n-1} SD / sqrt(n). Events are taken as independent, and each time has its own
    interval.

    Args:
        values: one row for each event; NaN where not measured.
        confidence: of the interval, between 0 and 1.
    """
    return MeanCurve(*mean_interval(values, confidence))
