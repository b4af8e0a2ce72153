"""Is a photometry channel good enough? One row a channel and session."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...recordings import Channel, Trace, check_clock
from ..regression import MAD_OF_NORMAL
from .preprocessing import Preprocessed


def channel_quality(
    channel: Channel, trace: Trace, control: Trace | None, result: Preprocessed
) -> dict[str, Any]:
    """The facts from which to judge a channel, before and after preprocessing.

    Args:
        channel: as it stands in the file.
        trace: the channel with times that have been checked.
        control: the control, if there is one.
        result: of preprocessing.

    Returns:
        channel, control: names. samples: their number. missing: share of missing samples.
        control_correlation: of signal and control after correction for bleaching. control_slope: of
        the regression. low, high: 1st and 99th percentile of the raw channel, in its unit.
        bleached: share of F0 lost from start to end. signal_to_noise: SD of the result over that of
        its sample-to-sample noise. clock: "ok", or what is wrong with the file's timestamps. rate
        (Hz), start, stop (s): those that were used. lost: number of lost samples.
    """
    known = np.isfinite(trace.values)
    low, high = np.percentile(trace.values[known], [1, 99])
    own = check_clock(channel)
    used = check_clock(Channel(trace.name, trace.values, trace.times))
    base = result.baseline[np.isfinite(result.baseline)]
    steps = np.diff(result.trace.values)
    steps = np.abs(steps[np.isfinite(steps)])
    noise = float(np.median(steps)) / (MAD_OF_NORMAL * np.sqrt(2)) if len(steps) else np.nan
    spread = float(np.nanstd(result.trace.values))
    return {
        "channel": trace.name,
        "control": "" if control is None else control.name,
        "samples": len(trace.values),
        "missing": float(1 - known.mean()),
        "control_correlation": result.correlation,
        "control_slope": result.slope,
        "low": float(low),
        "high": float(high),
        "bleached": float(1 - base[-1] / base[0]) if base[0] else np.nan,
        "signal_to_noise": spread / noise if noise > 0 else np.nan,
        "rate": used.rate,
        "start": float(trace.times[0]),
        "stop": float(trace.times[-1]),
        "lost": used.lost,
        "clock": "; ".join(own.problems) or "ok",
    }
