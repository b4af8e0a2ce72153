"""Do events and recording seem to be in the same unit of time? Checked before windows are cut.

A recording in ms that is read as s is 1,000 times too long: all windows lie inside it, and hold
nothing. Nothing else would tell.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from ...errors import DataError
from .config import Window

MIN_SHARE = 0.01
"""Events over a smaller share of the recording are doubted."""

MIN_EVENTS = 5
"""Fewer events may lie close to each other in a long recording."""

MAX_RATE = 1000.0
"""No neuron fires faster, in spikes/s, over a whole recording."""

SILENT_RATE, FAR_APART = 0.05, 300.0
"""If no unit fires faster, in spikes/s, and trials are farther apart, in s, both are doubted."""

COVERED = 0.1
"""In their right unit, events lie over a larger share of the recording."""

SCALES = {1e3: "ms", 1e6: "us"}
SAMPLE_RATES = (2e4, 2.5e4, 3e4, 3.2e4, 4e4, 5e4)


def check_unit_of_time(
    events: Float[np.ndarray, " trial"],
    window: Window,
    recorded: tuple[float, float],
    what: str,
    *,
    interval: float | None = None,
    rates: Float[np.ndarray, " unit"] | None = None,
) -> None:
    """Checks that events and recording are likely to be in the same unit of time.

    Args:
        events: times in s; NaN for none.
        window: around each event, in s.
        recorded: start and end of the recording, in s.
        what: the recording, for messages.
        interval: between samples in s, of a trace.
        rates: of units over the recording, in spikes/s.

    Raises:
        DataError: a window is shorter than the interval between samples, the events lie in a small
            part of the recording, or rates are not those of neurons; with the likely unit.
    """
    known = events[np.isfinite(events)]
    go_on = "If all is right, go on with --unlikely allow."
    likely = likely_unit(known, recorded)
    if interval is not None and window[1] - window[0] < interval * (1 - 1e-9):
        raise DataError(
            f"{what}: there is a sample every {interval:,.4g} s, so a window of "
            f"{window[1] - window[0]:g} s holds less than one. "
            + (_recording_in(likely or "ms") if interval > 5 else "Choose a longer window. ")
            + go_on
        )
    span, length = (float(np.ptp(known)) if len(known) else 0.0), recorded[1] - recorded[0]
    if len(known) >= MIN_EVENTS and length > 0 and span < MIN_SHARE * length:
        raise DataError(
            f"{what}: the events are from {known.min():,.2f} to {known.max():,.2f} s, which is "
            f"{100 * span / length:.2g} % of the recording (from {recorded[0]:,.2f} to "
            f"{recorded[1]:,.2f} s). {_recording_in(likely)}{go_on}"
        )
    if rates is None or not len(rates):
        return
    if rates.max() > MAX_RATE:
        raise DataError(
            f"{what}: a unit fires at {rates.max():,.0f} spikes/s over the recording, which no "
            "neuron does. Its times seem to be too small: check their unit, or the sample rate "
            f"that they were counted with. {go_on}"
        )
    apart = float(np.median(np.diff(np.sort(known)))) if len(known) > 1 else 0.0
    if rates.max() < SILENT_RATE and apart > FAR_APART:
        raise DataError(
            f"{what}: no unit fires faster than {rates.max():.2g} spikes/s, and trials are "
            f"{apart:,.0f} s apart. Spikes and events seem to be in ms, not s: write the spike "
            f"times in s, and give --event-unit ms. {go_on}"
        )


def likely_unit(events: Float[np.ndarray, " event"], recorded: tuple[float, float]) -> str:
    """The unit of a recording, if events in s would lie in it then; else ""."""
    span, length = (float(np.ptp(events)) if len(events) else 0.0), recorded[1] - recorded[0]
    scales = SCALES | dict.fromkeys(SAMPLE_RATES, "sample numbers")
    for scale, unit in scales.items():
        if _inside(events * scale, recorded) > 0.9 and span * scale > COVERED * length:
            return unit
    return ""


def hint_for_events(events: Float[np.ndarray, " event"], recorded: tuple[float, float]) -> str:
    """In which unit events outside a recording would lie in it, in words; else ""."""
    for scale, unit in SCALES.items():
        if _inside(events / scale, recorded) > 0.9:
            return f"The events seem to be in {unit}: give --event-unit {unit}. "
    for scale, unit in SCALES.items():
        if _inside(events * scale, recorded) > 0.9:
            return _recording_in(unit)
    return ""


def _inside(events: Float[np.ndarray, " event"], recorded: tuple[float, float]) -> float:
    if not len(events):
        return 0.0
    return float(((events >= recorded[0]) & (events <= recorded[1])).mean())


def _recording_in(unit: str) -> str:
    if not unit:
        return "Check that both are on the same clock and in the same unit. "
    option = f" (a table's with --photometry.time-unit {unit})" if len(unit) == 2 else ""
    return f"The times of the recording seem to be in {unit}, not in s: read them as such{option}. "
