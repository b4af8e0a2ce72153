"""Tables that together are larger than memory: joined one at a time, into a Parquet file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa
from pyarrow import parquet

from ...files import replacing
from .format import TableFormat
from .several import Together, one_table

LARGE = 2**28
"""Bytes of text; what needs less is joined in memory."""
PACKED = 8
"""Bytes of text that a byte of a Parquet or compressed file stands for, about."""


def are_large(files: Sequence[Path]) -> bool:
    """Whether these tables, joined in memory, might need more than there is."""

    def size(path: Path) -> int:
        packed = path.suffix.casefold() in (".parquet", ".pqt", ".gz")
        return path.stat().st_size * (PACKED if packed else 1)

    return sum(size(path) for path in files if path.is_file()) > LARGE


def join_one_by_one(
    files: Sequence[Path], format: TableFormat, to: Path, template: str | None = None
) -> None:
    """Writes all rows of several tables to a Parquet file, with one of them in memory at a time.

    Each is read twice: for the types of its columns, which must be those of all files, and to be
    written. Types that differ become one: whole and fractional numbers numbers, others text.

    Args:
        files: tables.
        format: which column means what.
        to: path of the Parquet file.
        template: of the names of the files, as for `fields_of_name`.

    Raises:
        ConfigError, DataError: as `joined_tables`.
    """
    types: dict[str, pa.DataType] = {}
    together: Together | None = None
    for path in files:
        frame = one_table(path, format, template)
        together = together or Together(path, frame, format)
        together.check(path, frame)
        for field in pa.Schema.from_pandas(frame, preserve_index=False):
            types[field.name] = _common(types.get(field.name, pa.null()), field.type)
    schema = pa.schema(list(types.items()))
    with replacing(to) as part, parquet.ParquetWriter(part, schema) as writer:
        for path in files:
            frame = one_table(path, format, template)
            columns = [_as(frame, name, kind) for name, kind in types.items()]
            writer.write_table(pa.table(columns, schema=schema))


def _as(frame: pd.DataFrame, name: str, kind: pa.DataType) -> pa.Array:
    """A column in the type that it has in all files; blank where the file has none."""
    if name not in frame:
        return pa.nulls(len(frame), kind)
    column = frame[name]
    if pa.types.is_string(kind):
        column = column.map(str, na_action="ignore").astype(object)
        column = column.where(column.notna(), None)
    return pa.Array.from_pandas(column, type=kind)


def _common(one: pa.DataType, other: pa.DataType) -> pa.DataType:
    """The type that holds the cells of both."""
    if pa.types.is_null(one) or one == other:
        return _plain(other)
    if pa.types.is_null(other):
        return one
    one, other = _plain(one), _plain(other)
    numbers = [pa.types.is_integer(x) or pa.types.is_floating(x) for x in (one, other)]
    if all(numbers):
        whole = pa.types.is_integer(one) and pa.types.is_integer(other)
        return pa.int64() if whole else pa.float64()
    return one if one == other else pa.string()


def _plain(kind: pa.DataType) -> pa.DataType:
    """Text and categories of text as strings."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    return pa.string() if text else kind
