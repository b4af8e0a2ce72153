"""Is a photometry channel good enough? One row a channel and session."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...recordings import Series, Trace, clock_report
from ..regression import MAD_OF_NORMAL
from .preprocessing import Preprocessed


def channel_quality(
    series: Series, trace: Trace, control: Trace | None, result: Preprocessed
) -> dict[str, Any]:
    """What decides whether to believe a channel, before and after preprocessing.

    missing: share of blank samples. control_correlation: of signal and control, both without
    bleaching. control_slope: of the regression. low, high: 1st and 99th percentile of the raw
    channel, in its unit. bleached: share of F0 lost from start to end. signal_to_noise: spread of
    the result over that of its sample-to-sample noise. clock: "ok", or what contradicts the file's
    own timestamps; rate (Hz) and start, stop (s) are those used, lost the samples skipped.
    """
    known = np.isfinite(trace.values)
    low, high = np.percentile(trace.values[known], [1, 99])
    own = clock_report(series)
    used = clock_report(Series(trace.name, trace.values, trace.times))
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
