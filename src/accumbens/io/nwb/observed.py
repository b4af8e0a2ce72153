"""When units and time series of an NWB file were observed: `obs_intervals` and `invalid_times`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ...errors import DataError
from ...recordings.stretches import Stretches


def observed_by_unit(table: Any, path: Path) -> list[Stretches] | None:
    """The `obs_intervals` of each unit, rows of start and end in s; None where the file has none.

    A unit without a row was observed as the file says nothing else: its rows are empty.

    Raises:
        DataError: the intervals are damaged.
    """
    if "obs_intervals" not in table.colnames:
        return None
    column = table["obs_intervals"]
    if hasattr(column, "target"):
        rows, ends = np.asarray(column.target.data[:]), np.asarray(column.data[:], np.int64)
    else:
        rows = np.asarray(column.data[:])
        ends = np.arange(1, len(rows) + 1)
    rows = rows.astype(np.float64).reshape(-1, 2) if rows.size % 2 == 0 else rows
    starts = np.concatenate([[0], ends[:-1]])
    if rows.ndim != 2 or len(ends) != len(table) or (ends < starts).any() or ends[-1] != len(rows):
        raise DataError(
            f"{path}: the obs_intervals of the units are damaged: they are {len(rows):,} intervals "
            f"for {len(table):,} units, and their index does not fit. Export the file again."
        )
    if not np.isfinite(rows).all() or (rows[:, 1] < rows[:, 0]).any():
        raise DataError(
            f"{path}: some obs_intervals of the units end before they start, or are not numbers. "
            "Correct them, because rates are counted over the time observed."
        )
    return [rows[low:high] for low, high in zip(starts, ends, strict=True)]


def invalid_times(file: Any, series: Any = None) -> Stretches:
    """The stretches that an open file calls invalid, rows of start and end in s.

    Args:
        file: open NWB file.
        series: a time series: those that name other series only are left out; None (units): those
            that name any series are.
    """
    table = file.invalid_times
    if table is None or not len(table):
        return np.zeros((0, 2))
    starts = np.asarray(table["start_time"].data[:], np.float64)
    stops = np.asarray(table["stop_time"].data[:], np.float64)
    concerns = np.array([_concerns(table, row, series) for row in range(len(table))])
    keep = concerns & (stops > starts)
    return np.column_stack([starts, stops])[keep]


def _concerns(table: Any, row: int, series: Any) -> bool:
    if "timeseries" not in table.colnames:
        return True
    named = [getattr(one, "timeseries", one) for one in table["timeseries"][row]]
    named = [one for one in named if one is not None]
    return not named or (series is not None and any(one is series for one in named))
