"""Parquet files in row groups: the columns that are wanted, and text as one number a cell.

Of a table that is larger than memory, what stays in memory is the columns that are wanted, about
eight bytes a cell, and once each distinct text.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa
from pyarrow import parquet

ROWS = 2**17
"""At most so many rows are decoded at once."""

Wanted = Callable[[Sequence[str]], Collection[str]]
"""From the labels of all columns to those that are to be read."""


def read_row_groups(
    path: Path, wanted: Wanted | None = None
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The wanted columns of a Parquet file, and the labels of all.

    Args:
        path: of the file.
        wanted: chooses columns; text in them becomes categories. By default all, as they are.

    Raises:
        Exception: whatever Arrow meets in damaged bytes.
    """
    with parquet.ParquetFile(path) as file:
        labels = tuple(file.schema_arrow.names)
        if wanted is None or len(set(labels)) < len(labels):
            table = file.read()
            table.validate(full=True)
            return table.to_pandas(ignore_metadata=True), labels
        chosen = set(wanted(labels))
        fields = [field for field in file.schema_arrow if field.name in chosen]
        names = [field.name for field in fields]
        parts: list[list[pa.Array]] = [[] for _ in names]
        for batch in file.iter_batches(ROWS, columns=names) if names else ():
            batch.validate(full=True)
            for part, name in zip(parts, names, strict=True):
                part.append(_compact(batch.column(name)))
        n_rows = file.metadata.num_rows
    arrays = [
        pa.chunked_array(part, None if part else field.type).unify_dictionaries()
        for part, field in zip(parts, fields, strict=True)
    ]
    del parts
    if not names:
        return pd.DataFrame(index=pd.RangeIndex(n_rows)), labels
    table = pa.table(arrays, names)
    del arrays
    frame = table.to_pandas(ignore_metadata=True, split_blocks=True, self_destruct=True)
    return frame, labels


def _compact(cells: pa.Array) -> pa.Array:
    """Text as numbers of its distinct cells; anything else as it is."""
    kind = cells.type
    text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    return cells.dictionary_encode() if text else cells
