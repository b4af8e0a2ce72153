"""Windows around events: where they lie, whether they fit, and one number of a trace for each."""

from __future__ import annotations

import dataclasses
from typing import Literal

import numpy as np
from jaxtyping import Float

from ...errors import ConfigError, DataError
from ...recordings import Trace

Window = tuple[float, float]


@dataclasses.dataclass(frozen=True)
class WindowConfig:
    """Which stretch of a recording belongs to a trial, in s from an event of the trial."""

    event: str = ""
    """Context column with the time of the event in each trial, such as reward_outcome_time."""
    shift: float = 0.0
    """Seconds to add to each event's time, for a known delay."""
    window: Window = (0.0, 1.0)
    """From and to, relative to the event: the response."""
    baseline: Window | None = (-1.0, 0.0)
    """From and to, whose mean is taken off; None: nothing is taken off."""
    baseline_event: str | None = None
    """Event that the baseline is relative to, if another one (the cue before the choice)."""
    statistic: Literal["mean", "peak", "trough", "area"] = "mean"
    """Mean, largest or smallest value, or area (unit x s) of the response less the baseline."""
    min_coverage: float = 0.5
    """Windows of which a smaller share was measured give a blank."""
    outside: Literal["error", "blank"] = "error"
    """Events whose windows leave the recording: stop with an error, or leave them blank."""
    overlap: Literal["error", "allow"] = "error"
    """Windows of one trial that reach into those of the next: stop with an error, or allow it."""

    def __post_init__(self) -> None:
        for name in ("window", "baseline"):
            span = getattr(self, name)
            if span is not None and not (np.isfinite(span).all() and span[0] < span[1]):
                raise ConfigError(f"{name} is {span}: give its start, then its end, in s.")
        if not 0 < self.min_coverage <= 1:
            raise ConfigError(f"min_coverage is {self.min_coverage}; it is a share, up to 1.")


def check_windows(
    events: Float[np.ndarray, " trial"],
    baseline_events: Float[np.ndarray, " trial"],
    config: WindowConfig,
    recorded: tuple[float, float],
    what: str,
) -> None:
    """Raises DataError where windows leave the recording, or reach into the next trial's.

    Blank events (missed trials) have no windows. recorded: first and last time of the recording.
    """
    there = np.isfinite(events)
    if not there.any():
        raise DataError(f"{what}: event {config.event!r} is blank in every trial.")
    starts, ends = _spans(events[there], baseline_events[there], config)
    left = (starts < recorded[0]) | (ends > recorded[1])
    if left.any() and config.outside == "error":
        raise DataError(
            f"{what}: the windows of {int(left.sum())} of {len(starts)} events ({config.event}) "
            f"leave the recording: it lasts from {recorded[0]:,.2f} to {recorded[1]:,.2f} s, they "
            f"from {starts.min():,.2f} to {ends.max():,.2f} s. Check that both use the same clock "
            "and unit of time (option event-unit), or leave those trials blank (option outside)."
        )
    if left.all():
        raise DataError(
            f"{what}: no window lies in the recording: it lasts from {recorded[0]:,.2f} to "
            f"{recorded[1]:,.2f} s, the events from {starts.min():,.2f} to {ends.max():,.2f} s. "
            "They are on different clocks."
        )
    order = np.argsort(starts)
    over = ends[order][:-1] - starts[order][1:]
    if (over > 1e-9).any() and config.overlap == "error":
        first = int(np.argmax(over > 1e-9))
        raise DataError(
            f"{what}: {int((over > 1e-9).sum())} of {len(starts)} windows reach into the next "
            f"trial's, by up to {over.max():.3g} s: one ends at {ends[order][first]:,.3f} s, the "
            f"next begins at {starts[order][first + 1]:,.3f} s. Make the windows shorter, or allow "
            "it (option overlap)."
        )


def trial_numbers(
    trace: Trace,
    events: Float[np.ndarray, " trial"],
    config: WindowConfig,
    baseline_events: Float[np.ndarray, " trial"] | None = None,
) -> Float[np.ndarray, " trial"]:
    """One number a trial: the response in its window less the mean of its baseline.

    In the trace's unit (x s for an area); NaN where the event is blank, or too little of either
    window was measured. events: their times in s on the trace's clock.
    Raises DataError where windows leave the recording or overlap, unless the options allow it.
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
    """Times and values of the samples measured in a window; none where they are too few.

    A window is closed at its start and open at its end, so that a baseline up to the event and a
    response from the event share no sample.
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
    """Where each trial's windows begin and end, baseline included."""
    starts, ends = events + config.window[0], events + config.window[1]
    if config.baseline is None:
        return starts, ends
    before = np.where(np.isfinite(baseline_events), baseline_events, events)
    return (
        np.minimum(starts, before + config.baseline[0]),
        np.maximum(ends, before + config.baseline[1]),
    )
