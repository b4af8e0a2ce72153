"""Columns of NWB tables in memory, and the order of their rows in time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float, Shaped

from ...errors import DataError
from ..hdf5 import check_written

_REFERENCES = ("DynamicTableRegion", "TimeSeriesReferenceVectorData")


def table_column(table: Any, name: str) -> Shaped[np.ndarray, " row"] | None:
    """A column of an NWB table in memory; None where its cells are lists or references.

    A column of labels (`EnumData`, or an enumeration of HDF5) has its labels, not their codes.
    Cells that are lists of one value each, as other writers make them, are these values.

    Raises:
        DataError: a code of a column of labels has no label.
    """
    column = table[name]
    kind = type(column).__name__
    if kind in _REFERENCES:
        return None
    if kind == "VectorIndex":
        return _one_each(column)
    check_written(column.data, name)
    values = _single(np.asarray(column.data[:]))
    if values is None:
        return None
    found = getattr(column, "elements", None) if kind == "EnumData" else None
    if found is not None:
        return _labels(values, _text(np.asarray(found.data[:])), name)
    codes = _enumeration(column.data)
    if codes and set(codes) != {"FALSE", "TRUE"}:
        numbers = np.array(list(codes.values()), np.int64)
        place = np.full(int(numbers.max()) + 1, -1, np.int64)
        place[numbers[numbers >= 0]] = np.flatnonzero(numbers >= 0)
        known = (values >= 0) & (values <= numbers.max())
        index = np.where(known, place[np.where(known, values, 0).astype(np.int64)], len(codes))
        return _labels(index, np.array(list(codes), object), name)
    return _text(values)


def start_times(table: Any) -> Float[np.ndarray, " row"] | None:
    """The start of each row in s; None where the table does not say them."""
    if "start_time" not in table.colnames:
        return None
    check_written(table["start_time"].data, "start_time")
    values = _single(np.asarray(table["start_time"].data[:]))
    if values is None or values.dtype.kind not in "iuf" or len(values) != len(table):
        return None
    return values.astype(np.float64)


def in_order_of_time(
    frame: pd.DataFrame, starts: Float[np.ndarray, " row"] | None, path: Path
) -> pd.DataFrame:
    """The trials in order of time, whatever the order of rows and ids.

    Args:
        frame: one row a trial, with its id as `trial`, which becomes the number of the trial in
            time where ids do not ascend with it.
        starts: time of each row in s; None, or all the same: rows are in the order of their ids.
        path: of the file, for messages.

    Raises:
        DataError: some rows have no start_time, and those that have one are not in order.
    """
    if starts is None or len(starts) != len(frame) or not np.isfinite(starts).any():
        return frame
    known = np.isfinite(starts)
    falls = bool((np.diff(starts[known]) < 0).any())
    if not known.all():
        if falls:
            raise DataError(
                f"{path}: the order of the trials is not known: start_time is blank in "
                f"{int((~known).sum())} of {len(known)} trials, and does not ascend in the others. "
                "Fill start_time."
            )
        return frame
    if np.ptp(starts) == 0 and len(starts) > 1:
        return frame
    if falls:
        frame = frame.iloc[np.argsort(starts, kind="stable")].reset_index(drop=True)
    if not (np.diff(frame["trial"].to_numpy(np.int64)) > 0).all():
        frame["trial"] = np.arange(len(frame))
    return frame


def _single(values: np.ndarray) -> np.ndarray | None:
    """One value a row; None where rows hold several."""
    if values.ndim > 1 and values.size == len(values):
        values = values.reshape(-1)
    return values if values.ndim == 1 else None


def _one_each(index: Any) -> np.ndarray | None:
    """The values of a column of lists, if each list has one."""
    ends = np.asarray(index.data[:], np.int64)
    target = index.target
    if type(target).__name__ in (*_REFERENCES, "VectorIndex"):
        return None
    if not np.array_equal(ends, np.arange(1, len(ends) + 1)):
        return None
    check_written(target.data, index.name)
    values = _single(np.asarray(target.data[:]))
    return None if values is None or len(values) != len(ends) else _text(values)


def _text(values: np.ndarray) -> np.ndarray:
    if values.dtype.kind not in "SO":
        return values
    return np.array(
        [v.decode("utf-8", "replace") if isinstance(v, bytes) else v for v in values], object
    )


def _labels(codes: np.ndarray, labels: np.ndarray, name: str) -> np.ndarray:
    """The label of each code; None where the code is below 0, which stands for no value."""
    if codes.dtype.kind not in "iuf" or (codes >= len(labels)).any():
        raise DataError(
            f"The column {name!r} holds codes of {len(labels)} labels, but a code has none (the "
            f"codes are {codes.min()} to {codes.max()}, counted from 0). Export the file again."
        )
    filled = np.array([*labels, None], object)
    return filled[np.where(codes < 0, len(labels), codes).astype(np.int64)]


def _enumeration(data: Any) -> dict[str, int] | None:
    """The names of the values of an HDF5 enumeration; None of other data."""
    kind = getattr(data, "dtype", None)
    try:
        return None if kind is None or not kind.metadata else kind.metadata.get("enum")
    except AttributeError:
        return None
