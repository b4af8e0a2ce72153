"""Firing rates of units around an event of each trial, as signal columns of the trials."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from ...errors import ConfigError, DataError
from ...io.spikes.files import read_units
from ...neural.events.config import WindowConfig
from ...neural.events.units_of_time import check_unit_of_time
from ...neural.events.windows import check_windows
from ...neural.units.responses import active_units, window_rates
from ...progress.base import Progress
from ...recordings import Units
from ...trials import Trials
from .alignment import DEFAULT_CLOCK, EventClock, event_times, files_of_sessions
from .config import SpikesConfig


def spike_signals(
    trials: Trials,
    paths: Sequence[Path],
    config: SpikesConfig,
    events_on: EventClock = DEFAULT_CLOCK,
    progress: Progress | None = None,
) -> tuple[Float[np.ndarray, "session trial signal"], tuple[str, ...], list[dict[str, Any]]]:
    """The rate of each unit in a window around an event of each trial.

    Args:
        trials: of the sessions.
        paths: file of each session that may hold its spikes too; none for tables.
        config: units and window.
        events_on: how the column of event times is counted.
        progress: told of recordings read.

    Returns:
        The rates in spikes/s; the names of the signals, `unit_<id>`, or with several sessions
        `<session>/unit_<id>`, which is NaN in all other sessions; and a row about each unit.

    Raises:
        ConfigError: there is not one file for each session, or no such event, unit or region.
        DataError: a file cannot be used, or is not aligned with the trials.
    """
    files = files_of_sessions(trials, paths, config.file, "files of spikes", "--spikes.file")
    blocks, names, rows = [], [], []
    for s, path in enumerate((progress or Progress()).each("spikes", files)):
        units = read_units(
            path, labels=config.labels, label_column=config.label_column, sort=config.sort
        )
        units = _chosen(units, config)
        events = event_times(trials, s, config.event, "--spikes.event", events_on)
        if not events_on.unlikely_allowed:
            check_unit_of_time(events, config.window, units.span, units.source, rates=units.rates())
        units = active_units(units, config.min_rate)
        what = WindowConfig(
            config.event, 0.0, config.window, None, outside=config.outside, overlap="allow"
        )
        check_windows(events, events, what, units.span, units.source)
        rates = window_rates(units, events, config.window)
        measured = int(np.isfinite(rates).any(1).sum())
        each = np.isfinite(rates).sum(0)
        if measured < config.min_trials:
            raise DataError(
                f"{units.source}: {measured} trials of session {trials.session_labels[s]} were "
                f"recorded, fewer than {config.min_trials} (--spikes.min-trials). Lower it, or "
                "leave the session out."
            )
        seen = np.flatnonzero(each)
        if len(seen) < len(units):  # units that were observed in no trial
            units, rates, each = units.select(seen), rates[:, seen], each[seen]
        block = np.full((*trials.choice.shape, len(units)), np.nan)
        block[s, : len(events)] = rates
        blocks.append(block)
        prefix = f"{trials.session_labels[s]}/" if trials.n_sessions > 1 else ""
        names += [f"{prefix}unit_{i}" for i in units.ids]
        own = units.rates()
        for i, unit in enumerate(units.ids):
            rows.append(
                {
                    "session": trials.session_labels[s],
                    "unit": unit,
                    "signal": f"{prefix}unit_{unit}",
                    "region": units.regions[i],
                    "rate": float(own[i]),
                    "rate_in_window": float(np.nanmean(rates[:, i])),
                    "trials": int(each[i]),
                }
            )
    return np.concatenate(blocks, axis=2), tuple(names), rows


def _chosen(units: Units, config: SpikesConfig) -> Units:
    """The units that the options name. Raises ConfigError where there are none."""
    unknown = [name for name in config.unit if name not in units.ids]
    if unknown:
        raise ConfigError(
            f"{units.source}: there is no unit {unknown[0]} (--spikes.unit). Name others."
        )
    there = sorted(set(units.regions))
    missing = [name for name in config.region if name not in there]
    if missing:
        known = ", ".join(name or "unknown" for name in there)
        raise ConfigError(
            f"{units.source}: no unit is in {missing[0]} (--spikes.region); the regions are "
            f"{known}."
        )
    keep = [
        i
        for i, (name, region) in enumerate(zip(units.ids, units.regions, strict=True))
        if (not config.unit or name in config.unit)
        and (not config.region or region in config.region)
    ]
    return units.select(keep)
