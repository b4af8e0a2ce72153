"""Channels and units of NWB files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from ...errors import DataError
from ...recordings import Channel, Units
from ...recordings.stretches import Stretches, covered, joined, without
from ...recordings.units import UNKNOWN_REGION, check_order
from ..hdf5 import check_written
from .files import open_nwb
from .observed import invalid_times, observed_by_unit

REGION_COLUMNS = ("region", "brain_region", "brain_area", "location", "area", "structure")
"""Columns of the units table, or of its electrodes, that may name the brain region."""


def read_nwb_channels(path: str | os.PathLike[str]) -> dict[str, Channel]:
    """Reads all time series of numbers in an NWB file, also those of fiber photometry.

    These are the time series of acquisition, stimulus and the processing modules. Timestamps are
    not checked. Samples in `invalid_times` are missing, except where these name other series.

    Returns:
        The channels by name. A time series with several columns (fibers) is one channel for each,
        `name:0`, `name:1`, ... A name that occurs in several modules is `module/name` after the
        first.

    Raises:
        ConfigError: the extra `neural` is not installed.
        DataError: the file cannot be read.
    """
    found: dict[str, Channel] = {}
    with open_nwb(path) as file:
        for where, item in series_objects(file):
            gaps = invalid_times(file, item)
            for channel in _columns(item, str(path), gaps):
                name = channel.name if channel.name not in found else f"{where}/{channel.name}"
                found[name] = channel
    return found


def series_objects(file: Any) -> list[tuple[str, Any]]:
    """The time series of an open NWB file, each with the name of the part that it stands in."""
    places = [("acquisition", file.acquisition), ("stimulus", file.stimulus)]
    places += [(name, module.data_interfaces) for name, module in file.processing.items()]
    found: list[tuple[str, Any]] = []
    for where, items in places:
        for item in items.values():
            for inner in getattr(item, "time_series", None) or {"": item}:
                one = item if inner == "" else item.time_series[inner]
                if hasattr(one, "timestamps") and hasattr(one, "data"):
                    found.append((where, one))
    return found


def _columns(item: Any, source: str, gaps: Stretches) -> list[Channel]:
    """A time series of an open file as channels, one for each column."""
    if item.data is None:
        return []
    check_written(item.data, item.name)
    values = np.asarray(item.data[:])
    if values.dtype.kind not in "biuf" or values.ndim not in (1, 2):
        return []
    scale = 1.0 if item.conversion is None else float(item.conversion)
    values = values.astype(np.float64) * scale + float(item.offset or 0.0)
    times = None if item.timestamps is None else np.asarray(item.timestamps[:], np.float64)
    rate = None if item.rate is None else float(item.rate)
    start = float(item.starting_time or 0.0)
    about = (times, start, rate, str(item.unit or ""), source)
    at = times if times is not None else start + np.arange(len(values)) / (rate or np.nan)
    if len(gaps) and len(at) == len(values):
        values[covered(at, at, joined(gaps))] = np.nan
    if values.ndim == 1:
        return [Channel(item.name, values, *about)]
    return [Channel(f"{item.name}:{i}", column, *about) for i, column in enumerate(values.T)]


def read_nwb_units(path: str | os.PathLike[str], *, sort: bool = False) -> Units:
    """Reads the sorted units of an NWB file.

    The brain region is a column of the units table, or of the electrodes that the units refer to.
    Units are observed in their `obs_intervals`, or else from the first to the last spike of the
    file, less the `invalid_times`.

    Args:
        path: of the file.
        sort: whether to sort spike times that are not ascending; otherwise they are an error.

    Raises:
        ConfigError: the extra `neural` is not installed.
        DataError: there are no units, or spike times are damaged or not ascending.
    """
    path = Path(path)
    with open_nwb(path) as file:
        table = file.units
        if table is None or not len(table):
            raise DataError(f"{path}: the file holds no units. Name a file of sorted spikes.")
        if "spike_times" not in table.colnames:
            raise DataError(
                f"{path}: the units have no spike times; their columns are "
                f"{', '.join(table.colnames)}. Export the file again."
            )
        index = table["spike_times"]
        ends = np.asarray(index.data[:], np.int64)
        check_written(index.target.data, "spike_times")
        times = np.asarray(index.target.data[:], np.float64)
        ids = tuple(str(i) for i in table.id.data[:])
        regions = _regions(file, table)
        observed = observed_by_unit(table, path)
        gaps = invalid_times(file)
    first = np.concatenate([[0], ends])
    if (np.diff(first) < 0).any() or first[-1] != len(times) or len(ends) != len(ids):
        raise DataError(
            f"{path}: the index of the spikes is damaged: it ends at {int(first[-1]):,}, but there "
            f"are {len(times):,} spikes. Export the file again."
        )
    times = _in_order(times, first, ids, str(path), sort)
    if observed is None and not len(gaps):
        return Units(times, first, ids, regions, str(path))
    known = [rows for rows in observed or () if len(rows)]
    ends = np.concatenate([times, *(rows.ravel() for rows in known)])
    span = (float(ends.min()), float(ends.max())) if len(ends) else (np.nan, np.nan)
    whole = np.array([span])
    each = observed or [np.zeros((0, 2))] * len(ids)
    stretches = tuple(without(rows if len(rows) else whole, gaps) for rows in each)
    return Units(times, first, ids, regions, str(path), span, stretches)


def _in_order(
    times: Float[np.ndarray, " spike"],
    first: np.ndarray,
    ids: tuple[str, ...],
    source: str,
    sort: bool,
) -> Float[np.ndarray, " spike"]:
    bad = int((~np.isfinite(times)).sum())
    if bad:
        raise DataError(
            f"{source}: {bad:,} of {len(times):,} spike times are not numbers. Remove those spikes."
        )
    unit = np.repeat(np.arange(len(ids)), np.diff(first))
    if sort:
        return times[np.lexsort((times, unit))]
    falls = (np.diff(times) < 0) & (np.diff(unit) == 0)
    check_order(falls, ids[unit[np.flatnonzero(falls)[0]]] if falls.any() else "", source)
    return times


def _regions(file: Any, table: Any) -> tuple[str, ...]:
    """The region of each unit; "" where the file does not name it."""
    for name in REGION_COLUMNS:
        if name in table.colnames:
            return tuple(_region(value) for value in table[name].data[:])
    if "electrodes" in table.colnames and file.electrodes is not None:
        for name in REGION_COLUMNS:
            if name not in file.electrodes.colnames:
                continue
            of_electrode = [_region(value) for value in file.electrodes[name].data[:]]
            index = table["electrodes"]
            rows, ends = np.asarray(index.target.data[:]), np.asarray(index.data[:], np.int64)
            starts = np.concatenate([[0], ends[:-1]])
            return tuple(
                of_electrode[int(rows[a])] if b > a else UNKNOWN_REGION
                for a, b in zip(starts, ends, strict=True)
            )
    return (UNKNOWN_REGION,) * len(table)


def _region(value: object) -> str:
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return UNKNOWN_REGION if text.strip().casefold() in ("", "unknown", "none", "nan") else text
