"""Bleaching: the slow decay of a photometry trace."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy import optimize, signal

from ...errors import DataError

MAX_POINTS = 2000
"""Longer traces are fitted through the medians of this many parts of equal length."""


class Bleaching(NamedTuple):
    """A double exponential decay, offset + size[0] exp(-t/time[0]) + size[1] exp(-t/time[1]).

    Attributes:
        offset, size: in the unit of the trace.
        time: time constants in s, the shorter one first.
    """

    offset: float
    size: tuple[float, float]
    time: tuple[float, float]

    def at(self, t: Float[np.ndarray, " sample"]) -> Float[np.ndarray, " sample"]:
        """The curve at times t, in s from the start of the trace."""
        parts = [a * np.exp(-t / tau) for a, tau in zip(self.size, self.time, strict=True)]
        return self.offset + parts[0] + parts[1]


def fit_double_exponential(
    t: Float[np.ndarray, " sample"], values: Float[np.ndarray, " sample"]
) -> Bleaching:
    """Fits a double exponential decay to a trace.

    Sizes are not negative, and time constants lie between two samples and ten times the recording.
    The fit is to the medians of up to 2,000 parts of the trace, with a soft L1 loss beyond its
    noise, so that transients hardly matter.

    Args:
        t: in s from the start of the trace.
        values: of the trace; NaN where missing.

    Raises:
        DataError: fewer than 20 samples are not missing, or no curve fits.
    """
    known = np.isfinite(values)
    t, values = t[known], values[known]
    if len(t) < 20:
        raise DataError(
            f"Only {len(t)} samples are not missing, which is too few to fit the bleaching. Choose "
            "--photometry.bleaching none."
        )
    t, values = _medians(t, values)
    span, spread = float(t[-1] - t[0]), float(np.ptp(values))
    if spread == 0:
        return Bleaching(float(values[0]), (0.0, 0.0), (span, span))
    level = float(np.median(values[-max(len(values) // 20, 1) :]))
    noise = float(np.median(np.abs(np.diff(values)))) / spread or 1e-6
    scaled = (values - level) / spread

    def linear(log_times: Float[np.ndarray, " two"]) -> Float[np.ndarray, " three"]:
        """The offset and the sizes, not negative, that fit best with these times."""
        basis = np.column_stack([np.ones_like(t), *(np.exp(-t / np.exp(x)) for x in log_times)])
        low = [-np.inf, 0.0, 0.0]
        return optimize.lsq_linear(basis, scaled, (low, np.inf)).x

    def residuals(p: Float[np.ndarray, " five"]) -> Float[np.ndarray, " point"]:
        curve = p[0] + p[1] * np.exp(-t / np.exp(p[3])) + p[2] * np.exp(-t / np.exp(p[4]))
        return (scaled - curve) / noise

    shortest, longest = np.log(2 * span / len(t)), np.log(10 * span)
    bounds = ([-np.inf, 0, 0, shortest, shortest], [np.inf, np.inf, np.inf, longest, longest])
    best = None
    for fast, slow in ((0.03, 1.0), (0.15, 3.0)):
        times = np.clip(np.log([fast * span, slow * span]), shortest + 1e-6, longest - 1e-6)
        start = np.concatenate([linear(times), times])
        start[1:3] = np.maximum(start[1:3], 1e-6)
        try:
            found = optimize.least_squares(residuals, start, bounds=bounds, loss="soft_l1")
        except (ValueError, np.linalg.LinAlgError):
            continue
        if best is None or found.cost < best.cost:
            best = found
    if best is None or not np.isfinite(best.x).all():
        raise DataError(
            "The bleaching cannot be fitted by a double exponential. Choose "
            "--photometry.bleaching high_pass."
        )
    offset, a, b = best.x[:3] * spread
    times = np.exp(best.x[3:])
    order = np.argsort(times)
    sizes, times = np.array([a, b])[order], times[order]
    return Bleaching(float(offset + level), tuple(sizes.tolist()), tuple(times.tolist()))


def slow_part(
    values: Float[np.ndarray, " sample"], rate: float, cutoff: float
) -> Float[np.ndarray, " sample"]:
    """The slow part of a trace, by a zero-phase second-order Butterworth low-pass filter.

    Missing samples are interpolated for the filter, and are missing in the result.

    Args:
        values: of the trace; NaN where missing.
        rate: samples per second.
        cutoff: of the filter, in Hz.

    Raises:
        DataError: the cutoff does not lie between 0 and half the rate, or fewer than 20 samples are
            not missing.
    """
    if not 0 < cutoff < rate / 2:
        raise DataError(
            f"The cutoff of the filter is {cutoff:g} Hz; it must lie between 0 and half the sample "
            f"rate of {rate:.4g} Hz. Choose another frequency."
        )
    known = np.isfinite(values)
    if known.sum() < 20:
        raise DataError(
            f"Only {int(known.sum())} samples are not missing, which is too few to filter. Name "
            "another channel."
        )
    index = np.arange(len(values))
    bridged = np.interp(index, index[known], values[known])
    sections = signal.butter(2, cutoff, fs=rate, output="sos")
    padding = min(len(values) - 1, int(3 * rate / cutoff))
    smooth = signal.sosfiltfilt(sections, bridged, padtype="odd", padlen=padding)
    return np.where(known, smooth, np.nan)


def _medians(
    t: Float[np.ndarray, " sample"], values: Float[np.ndarray, " sample"]
) -> tuple[Float[np.ndarray, " point"], Float[np.ndarray, " point"]]:
    """Medians of parts with equal numbers of samples; a last, shorter part is left out."""
    each = max(1, len(t) // MAX_POINTS)
    n = len(t) // each
    return (
        np.median(t[: n * each].reshape(n, each), axis=1),
        np.median(values[: n * each].reshape(n, each), axis=1),
    )
