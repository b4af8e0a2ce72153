"""What an NWB file holds, so that a user can name its columns."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ...recordings import Channel, check_clock
from ..contents import CHANNEL_COLUMNS, Contents, Listing
from ..tables.contents import COLUMNS as DESCRIBED
from ..tables.contents import describe_columns
from .channels import read_nwb_channels
from .columns import table_column
from .files import nwb_kind, open_nwb

_COLUMNS = [*DESCRIBED, "description"]


class NwbContents(NamedTuple):
    """What an NWB file holds.

    Attributes:
        path: of the file.
        about: facts by name, such as subject, session and start.
        tables: number of rows of each table of intervals, by name.
        columns: one row for each column of these tables: table, column, type, blank, values, range,
            description.
        channels: one row for each channel (see `describe_channel`).
        units: one row for each column of the units table, like `columns`.
        n_units: number of units.
    """

    path: Path
    about: dict[str, str]
    tables: dict[str, int]
    columns: pd.DataFrame
    channels: pd.DataFrame
    units: pd.DataFrame
    n_units: int


def inspect_nwb(path: str | os.PathLike[str]) -> NwbContents:
    """What an NWB file holds.

    Raises:
        ConfigError: the extra `neural` is not installed.
        DataError: the file cannot be read.
    """
    path = Path(path)
    kind = nwb_kind(path)
    with open_nwb(path) as file:
        subject = file.subject
        about = {
            "stored as": {"hdf5": "NWB in HDF5", "zarr": "NWB in Zarr"}[kind],
            "subject": "" if subject is None else str(subject.subject_id or ""),
            "species": "" if subject is None else str(subject.species or ""),
            "session": str(file.session_id or ""),
            "identifier": str(file.identifier),
            "start": str(file.session_start_time),
            "description": str(file.session_description or ""),
        }
        intervals = {} if file.intervals is None else dict(file.intervals)
        if file.trials is not None:
            intervals = {"trials": file.trials, **intervals}
        tables = {name: len(table) for name, table in intervals.items()}
        parts = [_columns(name, table) for name, table in intervals.items()]
        units = [] if file.units is None else [_columns("units", file.units)]
        n_units = 0 if file.units is None else len(file.units)
    channels = [describe_channel(name, one) for name, one in read_nwb_channels(path).items()]
    return NwbContents(
        path, {key: value for key, value in about.items() if value}, tables,
        _joined(parts), pd.DataFrame(channels), _joined(units), n_units,
    )  # fmt: skip


def nwb_contents(path: Path) -> Contents:
    """What an NWB file holds, to be printed.

    Raises:
        ConfigError: the extra `neural` is not installed.
        DataError: the file cannot be read.
    """
    found = inspect_nwb(path)
    listings = []
    for name, n in found.tables.items():
        here = found.columns.loc[found.columns["table"] == name]
        listings.append(Listing(f"table {name}: {n} rows", here.reindex(columns=_COLUMNS)))
    if len(found.channels):
        listings.append(
            Listing("time series (s, Hz)", found.channels.reindex(columns=CHANNEL_COLUMNS))
        )
    if found.n_units:
        listings.append(Listing(f"units: {found.n_units}", found.units.reindex(columns=_COLUMNS)))
    return Contents(path, found.about, tuple(listings))


def describe_channel(name: str, channel: Channel) -> dict[str, Any]:
    """Facts about a channel: its length, and whether its timestamps are right.

    Args:
        name: of the channel.
        channel: as it stands in the file.

    Returns:
        name, kind ("events" where all values are the same, "trace", or "blank"), samples, unit,
        rate (Hz), start and span (s), clock ("ok", or what is wrong with the timestamps).
    """
    check = check_clock(channel)
    values = channel.values[np.isfinite(channel.values)]
    events = len(values) > 0 and (values == values[0]).all()
    kind = "events" if events else "trace" if len(values) else "blank"
    return {
        "name": name,
        "kind": kind,
        "samples": len(channel.values),
        "unit": channel.unit,
        "rate": check.rate if kind != "events" else np.nan,
        "start": check.start,
        "span": check.span,
        "clock": "ok" if kind == "events" or not check.problems else "; ".join(check.problems),
    }


def _columns(name: str, table: Any) -> pd.DataFrame:
    rows = []
    for column in table.colnames:
        values = table_column(table, column)
        row = dict.fromkeys(DESCRIBED, "") | {"column": column, "type": "list", "blank": 0}
        if values is not None:
            row = describe_columns(pd.DataFrame({column: values})).iloc[0].to_dict()
        row["description"] = str(getattr(table[column], "description", "") or "")
        rows.append({"table": name} | row)
    return pd.DataFrame(rows)


def _joined(parts: list[pd.DataFrame]) -> pd.DataFrame:
    columns = ["table", *DESCRIBED, "description"]
    parts = [part for part in parts if len(part)]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame({c: [] for c in columns})
