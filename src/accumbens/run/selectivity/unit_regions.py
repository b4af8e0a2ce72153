"""What is known about units besides the trial table: their columns and brain regions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from ...errors import ConfigError, DataError
from ...io.tables.trials import read_table
from ..convert.record import record_path


class ConvertedUnits(NamedTuple):
    """What the record of `accumbens convert` says about units.

    Attributes:
        signals: all signal columns of its table.
        regions: brain region of each column that is a unit; "" where the recording does not name
            it.
    """

    signals: tuple[str, ...]
    regions: dict[str, str]


def converted_units(table: Path) -> ConvertedUnits | None:
    """Reads the record beside a table; None where there is none.

    Raises:
        DataError: there is no such table, or its record cannot be read.
    """
    if not table.is_file():
        read_table(table)  # it says what is wrong with the path
    path = record_path(table)
    if not path.is_file():
        return None
    try:
        record: dict[str, Any] = json.loads(path.read_text())
        signals = tuple(map(str, record["columns"]["signal"]))
        units = [row for row in record["units"] if "signal" in row]
        return ConvertedUnits(signals, {str(u["signal"]): str(u["region"]) for u in units})
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{path} is not a record of accumbens convert ({type(error).__name__}: {error}). "
            "Convert the recordings again, or remove it and name --signal and --regions."
        ) from None


def chosen_signals(
    named: tuple[str, ...], known: ConvertedUnits | None, table: Path
) -> tuple[str, ...]:
    """The signals that the user named, or all signals of the record.

    Raises:
        ConfigError: there are none.
    """
    found = named or (known.signals if known else ())
    if not found:
        why = "has no signals" if known else "is not there"
        raise ConfigError(
            f"It is not known which columns are units: the record {record_path(table)} {why}. Name "
            "them with --signal."
        )
    return found


def read_regions(path: Path, units: tuple[str, ...]) -> dict[str, str]:
    """Reads the region of each unit from a table with columns unit and region.

    Args:
        path: of the table.
        units: names of the units.

    Raises:
        DataError: a column is missing, a unit is in two regions, or none of the units is in it.
    """
    frame = read_table(path, text=("unit", "region"))
    missing = [name for name in ("unit", "region") if name not in frame.columns]
    if missing:
        raise DataError(
            f"{path}: there is no column {missing[0]}; the columns are "
            f"{', '.join(map(str, frame.columns))}. A table of regions needs the columns unit and "
            "region."
        )
    regions: dict[str, str] = {}
    for unit, region in zip(frame["unit"], frame["region"], strict=True):
        name, place = str(unit), "" if pd.isna(region) else str(region)
        if regions.setdefault(name, place) != place:
            raise DataError(f"{path}: {name} is in {regions[name]} and in {place}. Keep one row.")
    if not set(units) & set(regions):
        raise DataError(
            f"{path}: the table of regions has none of the units. It names "
            f"{_some(tuple(regions))}, but the signal columns are {_some(units)}. Name the units "
            "like their columns."
        )
    return regions


def _some(names: tuple[str, ...]) -> str:
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
