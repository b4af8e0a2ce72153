"""MATLAB files (`.mat`) as tables: a struct of columns, a struct array of rows, or vectors.

Files of version 5 to 7 are read by SciPy; those of version 7.3 are HDF5, which needs h5py (extra
`neural`). Objects of MATLAB's class `table` are in a form that is not documented: MATLAB's
`table2struct(T, 'ToScalar', true)` makes a struct of them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ...errors import ConfigError, DataError
from .matlab_elements import check_elements
from .problems import listed

HDF5_AT = 512
"""Where HDF5 begins in a file of version 7.3."""


def read_matlab(path: Path, data: bytes) -> pd.DataFrame:
    """The table in a MATLAB file: its one struct or struct array, or else its vectors.

    Args:
        path: of the file.
        data: its bytes.

    Raises:
        ConfigError: the file is of version 7.3 and h5py is not installed.
        DataError: the file is damaged, or does not hold one table.
    """
    try:
        variables = (
            _of_7_3(path) if data[HDF5_AT : HDF5_AT + 4] == b"\x89HDF" else _of_5(path, data)
        )
    except (ConfigError, DataError):
        raise
    except Exception as error:  # whatever the reader meets in damaged bytes
        words = (str(error).strip().splitlines() or [type(error).__name__])[0][:200].rstrip(".")
        raise DataError(
            f"Cannot read {path}: the MATLAB file is damaged, or not one ({words}). Save it again."
        ) from error
    structs = {name: frame for name, value in variables.items()
               if (frame := _table(value, name, path)) is not None}  # fmt: skip
    if len(structs) == 1:
        return next(iter(structs.values()))
    if len(structs) > 1:
        raise DataError(
            f"Cannot read {path}: it holds several tables, {listed(list(structs), quote=False)}. "
            "Save one variable alone."
        )
    columns = {name: column for name, value in variables.items()
               if (column := _column(value)) is not None and len(column) > 1}  # fmt: skip
    if columns and len({len(column) for column in columns.values()}) == 1:
        return pd.DataFrame(columns)
    sizes = [f"{name} ({_described(value)})" for name, value in variables.items()]
    raise DataError(
        f"Cannot read {path}: it holds no table, which is a struct with a vector for each column, "
        "a struct array with an element for each row, or vectors of one length. It holds "
        f"{listed(sizes, quote=False) if sizes else 'nothing'}. Of a table T, save "
        "S = table2struct(T, 'ToScalar', true)."
    )


def _of_5(path: Path, data: bytes) -> dict[str, Any]:
    import warnings

    from scipy import io

    try:
        check_elements(data)
    except DataError as error:
        raise DataError(
            f"Cannot read {path}: the MATLAB file is damaged, or not one ({error}). Save it again."
        ) from None

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = io.loadmat(str(path), simplify_cells=True)
    return {name: value for name, value in found.items() if not name.startswith("__")}


def _of_7_3(path: Path) -> dict[str, Any]:
    try:
        import h5py
    except ImportError as error:
        raise ConfigError(
            f"MATLAB files of version 7.3 need h5py, which is not installed ({error}). Install it "
            "with pip install 'accumbens[neural]', or save with save(..., '-v7')."
        ) from error
    from ..hdf5 import check_hdf5

    check_hdf5(path)
    with h5py.File(path, "r") as file:
        return {str(name): _value(file, file[str(name)]) for name in file if str(name)[:1] != "#"}


def _value(file: Any, item: Any) -> Any:
    """What stands in an item of HDF5, as MATLAB means it."""
    import h5py

    kind = item.attrs.get("MATLAB_class", b"")
    kind = kind.decode() if isinstance(kind, bytes) else str(kind)
    if "MATLAB_object_decode" in item.attrs:
        return object()  # a string array, say, whose form is not documented
    if isinstance(item, h5py.Group):
        fields = {name: _value(file, item[name]) for name in item}
        lengths = [v.n for v in fields.values() if isinstance(v, _Elements)]
        if fields and len(lengths) == len(fields) and len(set(lengths)) == 1:
            return [{name: v.values[i] for name, v in fields.items()} for i in range(lengths[0])]
        return {name: v.values if isinstance(v, _Elements) else v for name, v in fields.items()}
    if "MATLAB_empty" in item.attrs or item.size == 0:
        return "" if kind == "char" else np.zeros(0)
    values = np.asarray(item[()])
    if values.dtype == object and h5py.check_ref_dtype(item.dtype) is not None:
        found = [_value(file, file[ref]) for ref in values.T.ravel()]
        return np.array([*found, None], object)[:-1] if kind == "cell" else _Elements(found)
    if kind == "char":
        rows = ["".join(map(chr, row)).rstrip() for row in np.atleast_2d(values.T)]
        return rows[0] if len(rows) == 1 else np.array(rows, object)
    values = values.T.astype(bool) if kind == "logical" else values.T
    return values.reshape(-1) if values.size == max(values.shape, default=1) else values


class _Elements:
    """One field of all elements of a struct array."""

    def __init__(self, values: list[Any]) -> None:
        self.values, self.n = values, len(values)


def _table(value: Any, variable: str, path: Path) -> pd.DataFrame | None:
    """A struct of columns or a struct array of rows; None for anything else.

    A field of one value has it in every row. Raises DataError where another field has not one value
    for each row: it would be lost.
    """
    if isinstance(value, dict):
        columns = {name: _column(cells) for name, cells in value.items()}
        n_rows = max((len(cells) for cells in columns.values() if cells is not None), default=0)
        if n_rows < 2:
            return None
        for name, cells in value.items():
            if isinstance(cells, (str, bool, int, float, np.generic)):
                columns[name] = pd.Series([cells] * n_rows)
        lost = [n for n, c in columns.items() if c is None or len(c) not in (0, n_rows)]
        if lost:
            raise DataError(
                f"Cannot read {path}: the fields {listed(lost)} of {variable} have not one value "
                f"for each of {n_rows} rows. Correct or remove them; save text as a cell array "
                "(cellstr)."
            )
        return pd.DataFrame({n: c for n, c in columns.items() if c is not None and len(c)})
    rows = value.tolist() if isinstance(value, np.ndarray) and value.dtype == object else value
    if isinstance(rows, list) and len(rows) > 1 and all(isinstance(row, dict) for row in rows):
        frame = {name: [_cell(row.get(name)) for row in rows] for name in rows[0]}
        return pd.DataFrame({name: pd.Series(c, dtype=object).infer_objects()
                             for name, c in frame.items()})  # fmt: skip
    return None


def _column(value: Any) -> pd.Series | None:
    """A vector, or a cell array of one value each, as a column; None for anything else."""
    if not isinstance(value, (list, np.ndarray)):
        return None
    if isinstance(value, np.ndarray) and value.dtype != object:
        if value.dtype.kind not in "biufU" or value.size != max(value.shape, default=0):
            return None
        return pd.Series(value.reshape(-1))
    cells = [_cell(cell) for cell in (value.ravel() if isinstance(value, np.ndarray) else value)]
    if any(isinstance(cell, (dict, list, np.ndarray)) for cell in cells):
        return None
    return pd.Series(cells, dtype=object).infer_objects()


def _cell(value: Any) -> Any:
    """One value; None where MATLAB has an empty array."""
    if isinstance(value, np.ndarray):
        return None if not value.size else value.reshape(-1)[0] if value.size == 1 else value
    return value


def _described(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return " x ".join(map(str, value.shape)) or "one value"
    return {dict: "a struct", str: "text", list: "cells"}.get(type(value), "a MATLAB object")
