"""Windows around events: checks of where they lie, and the response of a trace in each."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from ...errors import DataError
from ...recordings import Trace
from .config import Window, WindowConfig
from .units_of_time import hint_for_events


def check_windows(
    events: Float[np.ndarray, " trial"],
    baseline_events: Float[np.ndarray, " trial"],
    config: WindowConfig,
    recorded: tuple[float, float],
    what: str,
) -> None:
    """Checks that the windows of all trials lie in the recording and do not overlap.

    Args:
        events: time of the event of each trial, in s; NaN (missed trials) has no windows.
        baseline_events: time of the event that the baseline is relative to.
        config: the windows, and what is allowed.
        recorded: first and last time of the recording, in s.
        what: the recording, for messages.

    Raises:
        DataError: a window leaves the recording or overlaps with that of the next trial, unless the
            options allow it; no window lies in the recording; or all events are NaN.
    """
    there = np.isfinite(events)
    if not there.any():
        raise DataError(
            f"{what}: the event {config.event!r} is blank in every trial. Name another event."
        )
    starts, ends = _spans(events[there], baseline_events[there], config)
    left = (starts < recorded[0]) | (ends > recorded[1])
    if left.any() and config.outside == "error":
        raise DataError(
            f"{what}: the windows of {int(left.sum())} of {len(starts)} events ({config.event}) "
            f"are not inside the recording, which lasts from {recorded[0]:,.2f} to "
            f"{recorded[1]:,.2f} s; the windows are from {starts.min():,.2f} to {ends.max():,.2f} "
            f"s. {hint_for_events(events[there], recorded)}Check that both use the same clock and "
            "unit of time (option event-unit), or leave those trials blank (option outside)."
        )
    if left.all():
        raise DataError(
            f"{what}: no window lies in the recording, which lasts from {recorded[0]:,.2f} to "
            f"{recorded[1]:,.2f} s; the windows are from {starts.min():,.2f} to {ends.max():,.2f} "
            f"s. {hint_for_events(events[there], recorded)}They are on different clocks, or in "
            "different units of time: check both."
        )
    order = np.argsort(starts)
    over = ends[order][:-1] - starts[order][1:]
    if (over > 1e-9).any() and config.overlap == "error":
        first = int(np.argmax(over > 1e-9))
        raise DataError(
            f"{what}: {int((over > 1e-9).sum())} of {len(starts)} windows overlap with that of the "
            f"next trial, by up to {over.max():.3g} s: one ends at {ends[order][first]:,.3f} s, "
            f"the next begins at {starts[order][first + 1]:,.3f} s. Make the windows shorter, or "
            "allow it (option overlap)."
        )


def trial_responses(
    trace: Trace,
    events: Float[np.ndarray, " trial"],
    config: WindowConfig,
    baseline_events: Float[np.ndarray, " trial"] | None = None,
) -> Float[np.ndarray, " trial"]:
    """The response of each trial: one number of its window, minus the mean of its baseline.

    Args:
        trace: the recording.
        events: time of the event of each trial in s, on the clock of the trace; NaN for none.
        config: windows, and the statistic of the response.
        baseline_events: time of the event that the baseline is relative to; `events` by default.

    Returns:
        The response in the unit of the trace (x s for an area); NaN where the event is NaN, or
        too small a share of either window was measured.

    Raises:
        DataError: a window leaves the recording or overlaps with that of the next trial, unless the
            options allow it; or no window lies in the recording.
    """
    events = events + config.shift
    base_at = events if baseline_events is None else baseline_events + config.shift
    half = trace.interval / 2
    recorded = (float(trace.times[0]) - half, float(trace.times[-1]) + half)
    check_windows(events, base_at, config, recorded, f"{trace.source}: {trace.name}")
    numbers = np.full(len(events), np.nan)
    for i, event in enumerate(events):
        base = 0.0
        if config.baseline is not None:
            _, before = window_samples(trace, base_at[i], config.baseline, config.min_coverage)
            base = before.mean() if len(before) else np.nan
        times, values = window_samples(trace, event, config.window, config.min_coverage)
        if len(values):
            numbers[i] = _statistic(times, values - base, config)
    return numbers


def window_samples(
    trace: Trace, event: float | np.floating, window: Window, min_coverage: float
) -> tuple[Float[np.ndarray, " sample"], Float[np.ndarray, " sample"]]:
    """The samples that were measured in a window.

    A window includes its start and excludes its end, so that a baseline up to the event and a
    response from the event share no sample.

    Args:
        trace: the recording.
        event: time in s; NaN has no samples.
        window: from and to, in s from the event.
        min_coverage: share of the samples below which none are returned.

    Returns:
        Times in s, and values.
    """
    nothing = np.zeros(0), np.zeros(0)
    if not np.isfinite(event):
        return nothing
    ends = np.array([event + window[0], event + window[1]])
    low, high = np.searchsorted(trace.times, ends)
    values = trace.values[low:high]
    known = np.isfinite(values)
    expected = (window[1] - window[0]) / trace.interval
    if known.sum() < max(1.0, min_coverage * np.floor(expected)):
        return nothing
    return trace.times[low:high][known], values[known]


def _statistic(
    times: Float[np.ndarray, " sample"], values: Float[np.ndarray, " sample"], config: WindowConfig
) -> float:
    match config.statistic:
        case "mean":
            return float(values.mean())
        case "peak":
            return float(values.max())
        case "trough":
            return float(values.min())
        case _:
            return float(values.mean() * (config.window[1] - config.window[0]))


def _spans(
    events: Float[np.ndarray, " event"],
    baseline_events: Float[np.ndarray, " event"],
    config: WindowConfig,
) -> tuple[Float[np.ndarray, " event"], Float[np.ndarray, " event"]]:
    """Where the windows of each trial begin and end, the baseline included."""
    starts, ends = events + config.window[0], events + config.window[1]
    if config.baseline is None:
        return starts, ends
    before = np.where(np.isfinite(baseline_events), baseline_events, events)
    return (
        np.minimum(starts, before + config.baseline[0]),
        np.maximum(ends, before + config.baseline[1]),
    )
