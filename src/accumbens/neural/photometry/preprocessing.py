"""From a photometry channel and its control to dF/F or z-score: bleaching, artefacts, scale."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from ...errors import DataError
from ...recordings import Trace
from ..regression import fit_line
from .bleaching import fit_double_exponential, slow_part
from .config import PreprocessConfig

MIN_OVERLAP = 0.9
"""Smallest share of the signal's samples at which the control was measured too."""


class Preprocessed(NamedTuple):
    """A channel after preprocessing, and what was subtracted.

    Attributes:
        trace: the result.
        baseline: F0, in the unit of the file.
        artefact: the fitted control, in the unit of the file; 0 without a control.
        slope: of the signal on the control; NaN without a control.
        correlation: of signal and control after correction for bleaching; NaN without a control.
    """

    trace: Trace
    baseline: Float[np.ndarray, " sample"]
    artefact: Float[np.ndarray, " sample"]
    slope: float
    correlation: float


def preprocess(
    signal: Trace, control: Trace | None = None, config: PreprocessConfig | None = None
) -> Preprocessed:
    """Corrects a channel for bleaching and artefacts, and scales it.

    dF/F = 100 (F - F_bleached - artefact) / F0, in %. F0 is the bleaching curve, or with
    bleaching="high_pass" the slow part of the channel. Without correction for bleaching it is the
    fitted control (Lerner et al. 2015), or the median where there is no control. Missing samples
    stay missing.

    Args:
        signal: the channel.
        control: isosbestic or red channel; it is interpolated to the times of the signal.
        config: how each step is done.

    Returns:
        The result as z-score, dF/F in %, or in the unit of the file; and what was subtracted.

    Raises:
        DataError: signal and control hardly overlap in time, one of them does not vary or has too
            few samples, or F0 is not above 0.

    Source:
        Simpson et al. (2024), Neuron 112:718; the defaults are those of pyPhotometry's guide.
    """
    config = config or PreprocessConfig()
    raw = _smoothed(signal, config)
    base, bleached = _without_bleaching(signal, raw, config)
    artefact, slope, correlation = np.zeros(len(raw)), np.nan, np.nan
    if control is not None and config.regression != "none":
        other = align_control(signal, _resmoothed(control, config))
        _, reference = _without_bleaching(control, other, config, signal.times)
        both = np.isfinite(bleached) & np.isfinite(reference)
        try:
            line = fit_line(reference[both], bleached[both], robust=config.regression == "robust")
        except DataError as error:
            raise DataError(f"{control.source}: {control.name}: {error}") from error
        slope, correlation = line.slope, _correlation(reference[both], bleached[both])
        artefact = line.slope * reference + line.offset
        if config.bleaching == "none":
            base = artefact
    values = bleached - artefact
    if config.scale == "raw":
        return Preprocessed(signal.with_values(values), base, artefact, slope, correlation)
    if not (base[np.isfinite(values)] > 0).all():
        raise DataError(
            f"{signal.source}: the baseline F0 of {signal.name} is not above 0 everywhere, so dF/F "
            "has no meaning. Was an offset subtracted already? Choose --photometry.scale raw."
        )
    values, unit = 100 * values / base, "dF/F (%)"
    if config.scale == "z_score":
        spread = float(np.nanstd(values))
        if not spread > 0:
            raise DataError(f"{signal.source}: {signal.name} does not vary. Name another channel.")
        values, unit = (values - np.nanmean(values)) / spread, "z-score"
    trace = signal.with_values(values, unit)
    return Preprocessed(trace, base, artefact, slope, correlation)


def align_control(signal: Trace, control: Trace) -> Float[np.ndarray, " sample"]:
    """The control at the times of the signal, by linear interpolation.

    Returns:
        One value for each sample of the signal; NaN where the control was not recorded.

    Raises:
        DataError: less than 90 % of the signal overlaps with the control in time.
    """
    half = 0.5 * max(signal.interval, control.interval)
    inside = (signal.times >= control.times[0] - half) & (signal.times <= control.times[-1] + half)
    if inside.mean() < MIN_OVERLAP:
        raise DataError(
            f"{signal.source}: {signal.name} lasts from {signal.times[0]:,.2f} to "
            f"{signal.times[-1]:,.2f} s, but its control {control.name} from "
            f"{control.times[0]:,.2f} to {control.times[-1]:,.2f} s: only {inside.mean():.0%} "
            "overlap. Correct the clock that is wrong (--assume-rate, --clock)."
        )
    return np.where(inside, np.interp(signal.times, control.times, control.values), np.nan)


def _smoothed(trace: Trace, config: PreprocessConfig) -> Float[np.ndarray, " sample"]:
    if np.isfinite(trace.values).sum() < 20:
        raise DataError(
            f"{trace.source}: only {int(np.isfinite(trace.values).sum())} of the "
            f"{len(trace.values):,} samples of {trace.name} are not missing. Name another channel."
        )
    if config.low_pass is None:
        return trace.values
    return _named(trace, slow_part, trace.values, trace.rate, config.low_pass)


def _resmoothed(trace: Trace, config: PreprocessConfig) -> Trace:
    return trace.with_values(_smoothed(trace, config))


def _without_bleaching(
    trace: Trace,
    values: Float[np.ndarray, " sample"],
    config: PreprocessConfig,
    times: Float[np.ndarray, " sample"] | None = None,
) -> tuple[Float[np.ndarray, " sample"], Float[np.ndarray, " sample"]]:
    """The baseline, and the values minus the baseline; unchanged with bleaching="none"."""
    if config.bleaching == "none":
        return np.full(len(values), np.nanmedian(values)), values
    if config.bleaching == "high_pass":
        slow = _named(trace, slow_part, values, trace.rate, config.high_pass)
        return slow, values - slow
    times = trace.times if times is None else times
    since = times - times[0]
    curve = _named(trace, fit_double_exponential, since, values).at(since)
    return curve, values - curve


def _named(trace: Trace, function, *arguments):
    """The result of a function; its errors name the channel."""
    try:
        return function(*arguments)
    except DataError as error:
        raise DataError(f"{trace.source}: {trace.name}: {error}") from error


def _correlation(x: Float[np.ndarray, " sample"], y: Float[np.ndarray, " sample"]) -> float:
    spread = float(np.std(x) * np.std(y))
    return float(np.mean((x - x.mean()) * (y - y.mean())) / spread) if spread > 0 else np.nan
