"""What a file holds, whatever its kind: facts about it, then listings, ready to be printed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from .nwb.contents import describe_series, inspect_nwb
from .photometry.files import read_ppd
from .sources import file_kind
from .spikes.contents import inspect_spikes
from .tables.contents import describe_columns
from .tables.files import open_table

_COLUMNS = ["column", "type", "blank", "values", "range", "description"]
_SERIES = ["name", "kind", "samples", "unit", "rate", "start", "span", "clock"]


class Listing(NamedTuple):
    """Rows about one thing in a file: its columns, series, clusters.

    long: there may be hundreds, of which some are enough to see what they are like.
    """

    title: str
    rows: pd.DataFrame
    long: bool = False


class Contents(NamedTuple):
    """What a file holds. about: facts by name, blank ones left out."""

    path: Path
    about: dict[str, str]
    listings: tuple[Listing, ...]


def inspect_file(path: str | os.PathLike[str]) -> Contents:
    """What a file holds: NWB, table, pyPhotometry recording, Phy folder or `.npz` of spikes.

    Raises DataError when it is none of them, or cannot be read.
    """
    path = Path(path)
    match file_kind(path):
        case "nwb":
            return _nwb(path)
        case "table":
            return _table(path)
        case "ppd":
            return _ppd(path)
        case _:
            return _spikes(path)


def _nwb(path: Path) -> Contents:
    found = inspect_nwb(path)
    listings = []
    for name, n in found.tables.items():
        here = found.columns.loc[found.columns["table"] == name]
        listings.append(Listing(f"table {name}: {n} rows", _only(here, _COLUMNS)))
    if len(found.series):
        listings.append(Listing("time series (s, Hz)", _only(found.series, _SERIES)))
    if found.n_units:
        listings.append(Listing(f"units: {found.n_units}", _only(found.units, _COLUMNS)))
    return Contents(path, found.about, tuple(listings))


def _table(path: Path) -> Contents:
    file = open_table(path)
    file.problems.raise_if_any()
    about = {
        "stored as": "Parquet"
        if file.typed
        else "TSV"
        if ".tsv" in path.name.casefold()
        else "CSV",
        "rows": f"{len(file.frame):,}",
        "columns": f"{file.frame.shape[1]:,}",
        "note": " ".join(file.problems.notes),
    }
    listing = Listing("columns", describe_columns(file.frame))
    return Contents(path, {key: value for key, value in about.items() if value}, (listing,))


def _ppd(path: Path) -> Contents:
    recording = read_ppd(path)
    series = [describe_series(name, one) for name, one in recording.series.items()]
    listings = [Listing("time series (s, Hz)", _only(pd.DataFrame(series), _SERIES))]
    lines = [
        {
            "line": name,
            "pulses": len(times),
            "first": float(times[0]) if len(times) else float("nan"),
            "last": float(times[-1]) if len(times) else float("nan"),
        }
        for name, times in recording.events.items()
    ]
    if lines:
        listings.append(Listing("digital lines (s)", pd.DataFrame(lines)))
    about = {str(key): str(value) for key, value in recording.about.items()}
    return Contents(path, {"stored as": "pyPhotometry recording"} | about, tuple(listings))


def _spikes(path: Path) -> Contents:
    found = inspect_spikes(path)
    unknown = [name for name in ("label", "region") if not any(found.clusters[name])]
    listings = (
        Listing("labels", found.labels),
        Listing("clusters (s, spikes/s)", found.clusters.drop(columns=unknown), long=True),
        Listing("further arrays", found.arrays),
    )
    return Contents(path, found.about, tuple(one for one in listings if len(one.rows)))


def _only(frame: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """These columns, in this order."""
    return frame.reindex(columns=columns)
