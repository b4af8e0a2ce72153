"""The record of a conversion: what a trial table was made of, and how, as JSON beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...errors import DataError
from ..stored import read_json

ENDING = ".convert.json"


def record_path(table: Path) -> Path:
    """The path of the record of a converted table, which is beside it."""
    name = table.name
    for ending in (".gz", ".csv", ".tsv", ".parquet"):
        name = name.removesuffix(ending)
    return table.with_name(f"{name}{ENDING}")


def read_record(path: str | Path) -> dict[str, Any]:
    """The record in a file: sessions, quality and units (a row each), columns and options.

    Raises DataError when it cannot be read or is something else.
    """
    record = read_json(Path(path))
    missing = {"sessions", "quality", "units", "columns", "options"} - set(record)
    if missing:
        raise DataError(
            f"{path} is not a record of accumbens convert: it has no {sorted(missing)[0]}. Convert "
            "the recordings again."
        )
    return record
