"""Spikes around events: counts, rates in windows, and responses by condition."""

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
from ..events.windows import Window


@dataclasses.dataclass(frozen=True)
class ResponseConfig:
    """Responses of units around an event."""

    window: Window = (-1.0, 2.0)
    """From and to, in s from the event."""
    bin: float = 0.05
    """Width of a bin of the histogram, in s."""
    smooth: float = 0.0
    """Standard deviation (s) of a Gaussian that smooths each trial's rate; 0: none."""
    baseline: Window = (-1.0, 0.0)
    """From and to, in s from the event: what heatmaps are normalised to."""
    min_rate: float = 0.1
    """Units that fire less, in spikes/s over the whole recording, are left out."""
    min_trials: int = 5
    """Conditions with fewer events are left out."""

    def __post_init__(self) -> None:
        for name in ("window", "baseline"):
            start, stop = getattr(self, name)
            if not start < stop:
                raise ConfigError(f"{name} is {(start, stop)}: give its start, then its end, in s.")
        if not 0 < self.bin <= self.window[1] - self.window[0]:
            raise ConfigError(f"bin is {self.bin} s; it must fit into the window {self.window}.")
        if self.smooth < 0 or self.min_rate < 0 or self.min_trials < 1:
            raise ConfigError("smooth and min_rate cannot be negative, nor min_trials below 1.")


class UnitResponses(NamedTuple):
    """Rates of units around events. rate: mean over a condition's events, in spikes/s, with the
    ends of its 95 % t interval; n: events of each condition; time: middles of the bins, in s;
    z: rate less its baseline mean, in standard deviations of the baseline's bins (NaN if silent).
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
    """Spikes of each unit in bins around each event: `edges[j] <= t - event < edges[j + 1]`.

    Blank events have none. Binary search for each edge, so that long recordings cost little.
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
    """Spikes per second of each unit in a window after each event; NaN where the event is blank,
    or its window leaves the time from the first to the last spike of all units.

    Example:
        >>> import numpy as np
        >>> from accumbens import neural, recordings
        >>> times, clusters = np.array([0.0, 1.1, 1.2, 3.0]), np.array([1, 1, 1, 1])
        >>> units = recordings.units_from_arrays(times, clusters)
        >>> neural.window_rates(units, np.array([1.0, np.nan]), (0.0, 0.5)).tolist()
        [[4.0], [nan]]
    """
    counts = count_spikes(units, events, np.array(window))[:, :, 0]
    start, stop = units.span
    inside = (events + window[0] >= start) & (events + window[1] <= stop)
    return np.where(inside[:, None], counts / (window[1] - window[0]), np.nan)


def active_units(units: Units, min_rate: float) -> Units:
    """The units that fire at least so many spikes/s. Raises DataError where none does."""
    keep = np.flatnonzero(units.rates() >= min_rate)
    if not len(keep):
        raise DataError(
            f"{units.source}: none of {len(units)} units fires {min_rate:g} spikes/s or more (the "
            f"most active {units.rates().max():.3g}). Lower min_rate."
        )
    return units.select(keep)


def unit_responses(
    units: Units,
    events: Float[np.ndarray, " event"],
    conditions: Sequence[str] | None = None,
    config: ResponseConfig | None = None,
) -> UnitResponses:
    """The rate of each unit around events, by condition.

    conditions: one label an event, "" to leave it out; None: all events are alike. They keep the
    order in which they first appear. Units and conditions below the options' least are left out.
    Raises DataError where nothing is left, or the events lie outside the recording.
    """
    config = config or ResponseConfig()
    labels = _labels(events, conditions)
    start, stop = units.span
    inside = (events + config.window[0] >= start) & (events + config.window[1] <= stop)
    if not inside.any():
        known = events[np.isfinite(events)]
        when = f"from {known.min():,.2f} to {known.max():,.2f} s" if len(known) else "blank"
        raise DataError(
            f"{units.source}: no event's window lies in the recording: its spikes are from "
            f"{start:,.2f} to {stop:,.2f} s, the {len(events)} events {when}."
        )
    units = active_units(units, config.min_rate)
    names = [c for c in dict.fromkeys(labels) if c]
    chosen = {c: inside & np.array([label == c for label in labels]) for c in names}
    names = [c for c in names if chosen[c].sum() >= config.min_trials]
    if not names:
        most = max((int(rows.sum()) for rows in chosen.values()), default=0)
        raise DataError(
            f"{units.source}: no condition has {config.min_trials} events in the recording (the "
            f"most frequent {most}). Lower min_trials."
        )
    edges = bin_edges(config)
    time = (edges[:-1] + edges[1:]) / 2
    counts = count_spikes(units, events, edges)
    rates = smoothed(counts / config.bin, config)
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
    """One row a region and condition: units, mean baseline-normalised rate in a window.

    Columns: region ("" where unknown), condition, units, z (mean over units), excited and
    inhibited (units whose mean z is above 2 or below -2).
    """
    inside = (responses.time >= window[0]) & (responses.time < window[1])
    if not inside.any():
        raise ConfigError(f"The window {window} holds no bin of the responses.")
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
    """Edges of whole bins in the window, one of them at the event if it lies inside."""
    first = np.ceil(config.window[0] / config.bin - 1e-9)
    last = np.floor(config.window[1] / config.bin + 1e-9)
    return np.arange(first, last + 1) * config.bin


def smoothed(
    rates: Float[np.ndarray, "event unit bin"], config: ResponseConfig
) -> Float[np.ndarray, "event unit bin"]:
    """Each trial's rate under a Gaussian, mirrored at the window's ends."""
    if not config.smooth:
        return rates
    return ndimage.gaussian_filter1d(rates, config.smooth / config.bin, axis=2, mode="reflect")


def _normalised(
    mean: Float[np.ndarray, "condition unit bin"],
    time: Float[np.ndarray, " bin"],
    config: ResponseConfig,
) -> Float[np.ndarray, "condition unit bin"]:
    """In standard deviations of the baseline's bins, pooled over conditions, from its mean."""
    inside = (time >= config.baseline[0]) & (time < config.baseline[1])
    if inside.sum() < 2:
        raise ConfigError(
            f"The baseline {config.baseline} holds {int(inside.sum())} bins of the window "
            f"{config.window}; it needs at least two."
        )
    before = mean[:, :, inside]
    centre = before.mean(2, keepdims=True)
    spread = np.sqrt(np.square(before - centre).mean(axis=(0, 2)))[None, :, None]
    return np.where(spread > 0, (mean - centre) / np.where(spread > 0, spread, 1), np.nan)


def _labels(events: Float[np.ndarray, " event"], conditions: Sequence[str] | None) -> list[str]:
    labels = ["all events"] * len(events) if conditions is None else list(conditions)
    if len(labels) != len(events):
        raise ConfigError(f"{len(events)} events, but {len(labels)} conditions for them.")
    return labels
