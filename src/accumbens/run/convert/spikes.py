"""Firing rates of units around an event of each trial, as signal columns of the trials."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from jaxtyping import Float

from ...errors import ConfigError, DataError
from ...io.sources import names_of
from ...io.spikes.files import read_units
from ...neural.events.windows import Window, WindowConfig, check_windows
from ...neural.units.responses import active_units, window_rates
from ...progress.base import Progress
from ...recordings import Units
from ...trials import Trials
from ..options import Note
from .alignment import event_times, files_of_sessions

KNOWN = Note(lambda: f"Known are {names_of('units')}.")


@dataclasses.dataclass(frozen=True)
class SpikesConfig:
    """Which units' rates become signals, and in which window."""

    event: str = ""
    """Context column with the time of the event in each trial; none: no spikes."""
    window: Window = (0.0, 1.0)
    """From and to, in s from the event: where spikes are counted."""
    file: Annotated[tuple[Path, ...], KNOWN] = ()
    """Spikes, one a session, where they are not in the sessions' own files."""
    labels: tuple[str, ...] = ("good",)
    """Of a Phy folder: labels of the clusters to keep."""
    unit: tuple[str, ...] = ()
    """Units to keep by their id; none named: all that fire enough."""
    region: tuple[str, ...] = ()
    """Regions to keep; none named: all."""
    min_rate: float = 0.1
    """Units that fire fewer spikes/s over the recording are left out."""
    min_trials: int = 20
    """Sessions with fewer trials in the recording are an error."""
    sort: bool = False
    """Put spike times in order where they are not, instead of stopping with an error."""
    outside: Literal["error", "blank"] = "error"
    """Events whose windows leave the recording: stop with an error, or leave them blank."""


def spike_signals(
    trials: Trials,
    paths: Sequence[Path],
    config: SpikesConfig,
    event_unit: str = "s",
    progress: Progress | None = None,
) -> tuple[Float[np.ndarray, "session trial signal"], tuple[str, ...], list[dict[str, Any]]]:
    """Rates (spikes/s), names of the signal columns, and one row about each unit.

    The column of a unit is `unit_<id>`, of several sessions `<session>/unit_<id>`, blank in the
    sessions that the unit was not recorded in. paths: the file of each session that may
    hold its spikes too; none for tables. event_unit: what the
    column of event times counts, s, ms or us.
    Raises DataError for files that cannot be used, or recordings that the trials lie outside of.
    """
    files = files_of_sessions(trials, paths, config.file, "files of spikes", "--spikes.file")
    blocks, names, rows = [], [], []
    for s, path in enumerate((progress or Progress()).each("spikes", files)):
        units = read_units(path, labels=config.labels, sort=config.sort)
        units = active_units(_chosen(units, config), config.min_rate)
        events = event_times(trials, s, config.event, "--spikes.event", event_unit)
        what = WindowConfig(
            config.event, 0.0, config.window, None, outside=config.outside, overlap="allow"
        )
        check_windows(events, events, what, units.span, units.source)
        rates = window_rates(units, events, config.window)
        measured = int(np.isfinite(rates).any(1).sum())
        if measured < config.min_trials:
            raise DataError(
                f"{units.source}: {measured} trials of session {trials.session_labels[s]} were "
                f"recorded, fewer than {config.min_trials} (--spikes.min-trials)."
            )
        block = np.full((*trials.choice.shape, len(units)), np.nan)
        block[s, : len(events)] = rates
        blocks.append(block)
        prefix = f"{trials.session_labels[s]}/" if trials.n_sessions > 1 else ""
        names += [f"{prefix}unit_{i}" for i in units.ids]
        for i, unit in enumerate(units.ids):
            rows.append(
                {
                    "session": trials.session_labels[s],
                    "unit": unit,
                    "signal": f"{prefix}unit_{unit}",
                    "region": units.regions[i],
                    "rate": float(units.rates()[i]),
                    "rate_in_window": float(np.nanmean(rates[:, i])),
                    "trials": measured,
                }
            )
    return np.concatenate(blocks, axis=2), tuple(names), rows


def _chosen(units: Units, config: SpikesConfig) -> Units:
    """The units that the options name. Raises ConfigError where there are none such."""
    unknown = [name for name in config.unit if name not in units.ids]
    if unknown:
        raise ConfigError(f"{units.source}: there is no unit {unknown[0]} (--spikes.unit).")
    there = sorted(set(units.regions))
    missing = [name for name in config.region if name not in there]
    if missing:
        known = ", ".join(name or "unknown" for name in there)
        raise ConfigError(f"{units.source}: no unit is in {missing[0]} (--spikes.region); {known}.")
    keep = [
        i
        for i, (name, region) in enumerate(zip(units.ids, units.regions, strict=True))
        if (not config.unit or name in config.unit)
        and (not config.region or region in config.region)
    ]
    return units.select(keep)
