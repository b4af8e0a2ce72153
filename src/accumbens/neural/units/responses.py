"""Spikes around events: counts, rates in windows, and mean responses by condition."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from scipy import ndimage

from ...errors import ConfigError, DataError
from ...recordings import Units
from ..events.aligned import mean_curve
from ..events.config import Window


@dataclasses.dataclass(frozen=True)
class ResponseConfig:
    """Responses of units around an event."""

    window: Window = (-1.0, 2.0)
    """Start and end of the responses, in s from the event."""
    bin: float = 0.05
    """Width of a bin of the histogram, in s."""
    smooth: float = 0.0
    """Standard deviation (s) of a Gaussian that smooths each trial's rate; 0: none."""
    baseline: Window = (-1.0, 0.0)
    """Start and end of the baseline that heatmaps are normalised to, in s from the event."""
    min_rate: float = 0.1
    """Units with a lower rate over the whole recording, in spikes/s, are left out."""
    min_trials: int = 5
    """Conditions with fewer events are left out."""

    def __post_init__(self) -> None:
        for name in ("window", "baseline"):
            start, stop = getattr(self, name)
            if not start < stop:
                raise ConfigError(
                    f"{name} is {(start, stop)}; it must be a start and a later end, in s from the "
                    "event."
                )
        if not 0 < self.bin <= self.window[1] - self.window[0]:
            raise ConfigError(
                f"bin is {self.bin} s; it must be above 0 and fit into the window {self.window}."
            )
        if self.smooth < 0 or self.min_rate < 0 or self.min_trials < 1:
            raise ConfigError(
                f"smooth is {self.smooth}, min_rate {self.min_rate} and min_trials "
                f"{self.min_trials}; smooth and min_rate must be at least 0, min_trials at least 1."
            )


class UnitResponses(NamedTuple):
    """Mean rates of units around events, by condition.

    Attributes:
        time: middles of the bins, in s from the event.
        rate: mean over the events of a condition, in spikes/s.
        low, high: 95 % t interval of the rate; events are taken as independent.
        z: rate minus its mean in the baseline, in standard deviations of the baseline's bins; NaN
            for units without spikes in the baseline.
        n: number of events of each condition.
        conditions: their names.
        ids: names of the units.
        regions: brain region of each unit; "" where unknown.
    """

    time: Float[np.ndarray, " bin"]
    rate: Float[np.ndarray, "condition unit bin"]
    low: Float[np.ndarray, "condition unit bin"]
    high: Float[np.ndarray, "condition unit bin"]
    z: Float[np.ndarray, "condition unit bin"]
    n: tuple[int, ...]
    conditions: tuple[str, ...]
    ids: tuple[str, ...]
    regions: tuple[str, ...]


def count_spikes(
    units: Units, events: Float[np.ndarray, " event"], edges: Float[np.ndarray, " edge"]
) -> Int[np.ndarray, "event unit bin"]:
    """Number of spikes of each unit in bins around each event.

    Args:
        units: whose spikes are counted.
        events: times in s; NaN events have no spikes.
        edges: of the bins, in s from the event; bin j holds edges[j] <= t - event < edges[j + 1].
    """
    at = np.where(np.isfinite(events), events, np.inf)[:, None] + edges[None, :]
    counts = np.empty((len(events), len(units), len(edges) - 1), np.int64)
    for i in range(len(units)):
        before = np.searchsorted(units.spikes(i), at.ravel()).reshape(at.shape)
        counts[:, i] = np.diff(before, axis=1)
    return counts


def window_rates(
    units: Units, events: Float[np.ndarray, " event"], window: Window
) -> Float[np.ndarray, "event unit"]:
    """The rate of each unit in a window around each event.

    Args:
        units: whose spikes are counted.
        events: times in s.
        window: from and to, in s from the event.

    Returns:
        Spikes per second; NaN where the event is NaN, or the unit was not observed in the whole
        window (by default it was between the first and the last spike of the recording).

    Example:
        >>> import numpy as np
        >>> from accumbens import neural, recordings
        >>> times, clusters = np.array([0.0, 1.1, 1.2, 3.0]), np.array([1, 1, 1, 1])
        >>> units = recordings.units_from_arrays(times, clusters)
        >>> neural.window_rates(units, np.array([1.0, np.nan]), (0.0, 0.5)).tolist()
        [[4.0], [nan]]
    """
    counts = count_spikes(units, events, np.array(window))[:, :, 0]
    return np.where(units.observes(events, window), counts / (window[1] - window[0]), np.nan)


def active_units(units: Units, min_rate: float) -> Units:
    """The units with at least a rate of `min_rate` spikes/s over the recording.

    Raises:
        DataError: no unit has this rate.
    """
    keep = np.flatnonzero(units.rates() >= min_rate)
    if not len(keep):
        raise DataError(
            f"{units.source}: none of the {len(units)} units fires at {min_rate:g} spikes/s or "
            f"more; the most active one at {units.rates().max():.3g}. Lower min_rate."
        )
    return units.select(keep)


def unit_responses(
    units: Units,
    events: Float[np.ndarray, " event"],
    conditions: Sequence[str] | None = None,
    config: ResponseConfig | None = None,
) -> UnitResponses:
    """The mean rate of each unit around events, by condition.

    Args:
        units: whose spikes are counted.
        events: times in s; NaN where there is none.
        conditions: the condition of each event; events with "" are left out. None: all events are
            of one condition.
        config: window, bins and baseline, and which units and conditions are left out.

    Returns:
        The responses, with conditions in the order in which they first appear.

    Raises:
        ConfigError: there is not one condition for each event, or the baseline is too short.
        DataError: no event lies in the recording, or no unit or condition is left.
    """
    config = config or ResponseConfig()
    labels = _labels(events, conditions)
    start, stop = units.span
    inside = (events + config.window[0] >= start) & (events + config.window[1] <= stop)
    if not inside.any():
        known = events[np.isfinite(events)]
        when = f"from {known.min():,.2f} to {known.max():,.2f} s" if len(known) else "blank"
        raise DataError(
            f"{units.source}: the window of no event lies in the recording. Its spikes are from "
            f"{start:,.2f} to {stop:,.2f} s, the {len(events)} events {when}. Check that both are "
            "on the same clock, in s."
        )
    units = active_units(units, config.min_rate)
    names = [c for c in dict.fromkeys(labels) if c]
    chosen = {c: inside & np.array([label == c for label in labels]) for c in names}
    names = [c for c in names if chosen[c].sum() >= config.min_trials]
    if not names:
        largest = max((int(rows.sum()) for rows in chosen.values()), default=0)
        raise DataError(
            f"{units.source}: no condition has {config.min_trials} events in the recording "
            f"(min_trials); the most frequent one has {largest}. Lower min_trials."
        )
    edges = bin_edges(config)
    time = (edges[:-1] + edges[1:]) / 2
    counts = count_spikes(units, events, edges)
    rates = smoothed(counts / config.bin, config)
    if units.observed is not None:
        rates = np.where(units.observes(events, config.window)[:, :, None], rates, np.nan)
    curves = [[mean_curve(rates[chosen[c], i]) for i in range(len(units))] for c in names]
    mean, low, high = (
        np.array([[getattr(curve, part) for curve in row] for row in curves])
        for part in ("mean", "low", "high")
    )
    return UnitResponses(
        time, mean, low, high, _normalised(mean, time, config),
        tuple(int(chosen[c].sum()) for c in names), tuple(names), units.ids, units.regions,
    )  # fmt: skip


def by_region(responses: UnitResponses, window: Window = (0.0, 1.0)) -> pd.DataFrame:
    """The mean response of each region, by condition.

    Args:
        responses: of `unit_responses`.
        window: from and to, in s from the event.

    Returns:
        One row for each region and condition, with columns region ("" where unknown), condition,
        units, z (mean over units of z in the window), excited and inhibited (units with a z above
        2 or below -2).

    Raises:
        ConfigError: the window holds no bin of the responses.
    """
    inside = (responses.time >= window[0]) & (responses.time < window[1])
    if not inside.any():
        raise ConfigError(
            f"The window {window} holds no bin of the responses, which are from "
            f"{responses.time[0]:g} to {responses.time[-1]:g} s. Choose a window inside."
        )
    rows = []
    for region in dict.fromkeys(responses.regions):
        chosen = np.array([r == region for r in responses.regions])
        for c, condition in enumerate(responses.conditions):
            z = responses.z[c][chosen][:, inside].mean(1)
            z = z[np.isfinite(z)]
            rows.append(
                {"region": region, "condition": condition, "units": int(chosen.sum()),
                 "z": float(z.mean()) if len(z) else np.nan, "excited": int((z > 2).sum()),
                 "inhibited": int((z < -2).sum())}
            )  # fmt: skip
    return pd.DataFrame(rows)


def bin_edges(config: ResponseConfig) -> Float[np.ndarray, " edge"]:
    """Edges in s of the whole bins in the window; one edge is at the event if it lies inside."""
    first = np.ceil(config.window[0] / config.bin - 1e-9)
    last = np.floor(config.window[1] / config.bin + 1e-9)
    return np.arange(first, last + 1) * config.bin


def smoothed(
    rates: Float[np.ndarray, "event unit bin"], config: ResponseConfig
) -> Float[np.ndarray, "event unit bin"]:
    """The rate of each event, smoothed by a Gaussian; mirrored at the ends of the window."""
    if not config.smooth:
        return rates
    return ndimage.gaussian_filter1d(rates, config.smooth / config.bin, axis=2, mode="reflect")


def _normalised(
    mean: Float[np.ndarray, "condition unit bin"],
    time: Float[np.ndarray, " bin"],
    config: ResponseConfig,
) -> Float[np.ndarray, "condition unit bin"]:
    """The rate minus its mean in the baseline, in SDs of the baseline's bins of all conditions."""
    inside = (time >= config.baseline[0]) & (time < config.baseline[1])
    if inside.sum() < 2:
        raise ConfigError(
            f"The baseline {config.baseline} holds {int(inside.sum())} bins of the window "
            f"{config.window}; it must hold at least two. Choose a longer baseline in the window."
        )
    before = mean[:, :, inside]
    centre = before.mean(2, keepdims=True)
    spread = np.sqrt(np.square(before - centre).mean(axis=(0, 2)))[None, :, None]
    return np.where(spread > 0, (mean - centre) / np.where(spread > 0, spread, 1), np.nan)


def _labels(events: Float[np.ndarray, " event"], conditions: Sequence[str] | None) -> list[str]:
    labels = ["all events"] * len(events) if conditions is None else list(conditions)
    if len(labels) != len(events):
        raise ConfigError(
            f"There are {len(events)} events, but conditions for {len(labels)}. Give one condition "
            "for each event."
        )
    return labels
