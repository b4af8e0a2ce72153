"""From the trials tables of NWB files (HDF5 or Zarr) to `Trials`."""

from __future__ import annotations

import dataclasses
import json
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
import pandas as pd
from jaxtyping import Float, Shaped

from ...errors import ConfigError, DataError
from ...trials import Trials
from ..tables.cells import numbers, samples
from ..tables.format import TableFormat
from ..tables.free_water import counted_in, free_water, sides_unclear, uncounted
from ..tables.problems import listed, near_matches, show
from ..tables.trials import from_table
from .columns import in_order_of_time, start_times, table_column
from .files import open_nwb, session_of, subject_of
from .format import NwbFormat, outcome_columns, resolved, table_format

DEFAULT_NWB_FORMAT = NwbFormat()
NAMES = "accumbens_trials"
"""Scratch entry that accumbens writes: what the columns of the trials table mean, as JSON."""


class NwbSession(NamedTuple):
    """The trials of one NWB file.

    Attributes:
        path: of the file.
        subject, session: their names.
        table: one row for each trial; `from_table(table, format)` reads it.
        format: which column of the table means what.
        notes: what a user must know about the trials.
    """

    path: Path
    subject: str
    session: str
    table: pd.DataFrame
    format: TableFormat
    notes: tuple[str, ...] = ()


def read_nwb(
    paths: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    format: NwbFormat = DEFAULT_NWB_FORMAT,
) -> Trials:
    """Reads the trials of NWB files, one session each, in the order of the files.

    Outcomes, signals and context keep their units (times are in s). Water given freely that no
    outcome counts is a warning.

    Args:
        paths: of one or several NWB files, HDF5 or Zarr.
        format: which columns mean what.

    Raises:
        ConfigError: the columns of choices or outcomes are not known and not named, or the extra
            `neural` is not installed.
        DataError: a file cannot be used, or two files are the same session.
    """
    if isinstance(paths, (str, os.PathLike)):
        paths = [paths]
    sessions = [read_nwb_session(path, format) for path in paths]
    for note in (note for session in sessions for note in session.notes):
        warnings.warn(note, stacklevel=2)
    return join_sessions(sessions)


def read_nwb_session(
    path: str | os.PathLike[str], format: NwbFormat = DEFAULT_NWB_FORMAT
) -> NwbSession:
    """Reads the trials table of one NWB file.

    Arguments and errors are those of `read_nwb`.
    """
    path = Path(path)
    notes: tuple[str, ...] = ()
    with open_nwb(path) as file:
        table = find_table(file, format.table, path)
        names = _own_names(file, path)
        format = resolved(format, tuple(table.colnames), ours=names is not None)
        subject = format.subject_id or (names or {}).get("subject") or subject_of(file, path)
        session = format.session_id or (names or {}).get("session") or session_of(file)
        if format.preset == "accumbens":
            frame, columns = _own_frame(table, names, path)
            columns = dataclasses.replace(columns, labels_differ=format.labels_differ)
        else:
            starts = None if names else start_times(table)  # ours: rows are in order
            frame, notes = _named_frame(table, format, path, starts)
            columns = table_format(format)
    frame.insert(0, "subject", subject)
    frame.insert(1, "session", session)
    frame.index = pd.Index([f"{path.name}:{row}" for row in range(len(frame))])
    return NwbSession(path, subject, session, frame, columns, notes)


def join_sessions(sessions: Sequence[NwbSession]) -> Trials:
    """Joins the sessions of several files, in their order.

    Raises:
        ConfigError: there is no session.
        DataError: two files are the same session, or have different outcomes, signals or context.
    """
    if not sessions:
        raise ConfigError("There is no NWB file to read. Name at least one.")
    seen: dict[tuple[str, str], Path] = {}
    for session in sessions:
        key = (session.subject, session.session)
        if key in seen:
            raise DataError(
                f"{seen[key]} and {session.path} are both session {show(session.session)} of "
                f"subject {show(session.subject)}. Name each file once, or convert them apart "
                "with different labels (--session-id)."
            )
        seen[key] = session.path
    first = sessions[0].format
    for session in sessions[1:]:
        if session.format != first:
            raise DataError(
                f"{sessions[0].path} and {session.path} were written with different choices, "
                "outcomes, signals or context. Read them apart."
            )
    table = pd.concat([session.table for session in sessions])
    try:
        return from_table(table, first)
    except DataError as error:
        files = listed([str(session.path) for session in sessions], quote=False)
        text = str(error).replace("this table", f"the trials of {files}", 1)
        raise DataError(text.replace("rows named by its index", "rows counted from 0")) from error


def find_table(file: Any, name: str, path: Path) -> Any:
    """The table of intervals with this name in an open NWB file.

    Raises:
        DataError: there is no such table, or it has no rows.
    """
    tables = {} if file.intervals is None else dict(file.intervals)
    if file.trials is not None:
        tables["trials"] = file.trials
    if name not in tables:
        other = (
            f"the file has {listed(list(tables))} (--table)" if tables else "the file has no tables"
        )
        raise DataError(
            f"{path}: there is no table {show(name)} of intervals; {other}. Name another table."
        )
    if not len(tables[name]):
        raise DataError(f"{path}: its table {show(name)} has no rows. Export it again.")
    return tables[name]


def _named_frame(
    table: Any, format: NwbFormat, path: Path, starts: Float[np.ndarray, " row"] | None
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The columns that a format names, under the names of `table_format(format)`; and notes."""
    columns: dict[str, Any] = {"trial": np.asarray(table.id.data[:]).reshape(-1)}
    columns["choice"] = _column(table, cast(str, format.choice), "--choice", path)
    for text in format.outcome:
        name, parts = outcome_columns(text)
        columns[name] = _any_of([_column(table, part, "--outcome", path) for part in parts])
    for field in ("signal", "context"):
        for name in getattr(format, field):
            columns[name] = _column(table, name, f"--{field}", path)
    for name in format.optional_context:
        there = name in table.colnames
        columns[name] = (
            _column(table, name, "--optional-context", path)
            if there
            else np.full(len(table), np.nan)
        )
    if format.instructed:
        columns["instructed"] = _column(table, format.instructed, "--instructed", path)
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        odd = {name: n for name, n in lengths.items() if n != lengths["trial"]}
        raise DataError(
            f"{path}: the columns of the trials table differ in length. There are "
            f"{lengths['trial']} trials, but {', '.join(f'{c} has {n}' for c, n in odd.items())}. "
            "Export the file again."
        )
    frame, notes = _with_free_water(table, pd.DataFrame(columns), format, path)
    return in_order_of_time(frame, starts, path), notes


def _with_free_water(
    table: Any, frame: pd.DataFrame, format: NwbFormat, path: Path
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The trials with free water as the format says, and a note where it is not counted."""
    named = [outcome_columns(text) for text in format.outcome]
    counted = {part for _, parts in named for part in parts}
    water = free_water(
        table.colnames,
        lambda name: table_column(table, name),
        frame["choice"].to_numpy(),
        counted,
        format.missed,
    )
    outcome = named[0][0]
    if water is None:
        if format.free_water != "leave":
            raise DataError(
                f"{path}: no column says that water was given freely (--free-water); the columns "
                f"are {', '.join(table.colnames)}. Leave the option out."
            )
        return frame, ()
    if water.unclear:
        said = (
            f"{path.name}: {sides_unclear(water.unclear)}Name the columns in "
            f"--outcome ({outcome}=...|{water.unclear[0]}) to count it."
        )
        if format.free_water != "leave":
            raise DataError(said)
        return frame, (said,)
    frame, more, rewarded = counted_in(frame, water, format.free_water, outcome)
    if not more or format.free_water != "leave":
        return frame, ()
    return frame, (uncounted(path.name, water, more, rewarded, outcome),)


def _column(table: Any, name: str, option: str, path: Path) -> Shaped[np.ndarray, " row"]:
    if name not in table.colnames:
        near = near_matches(name, list(table.colnames))
        hint = f" Did you mean {listed(near)}?" if near else ""
        raise DataError(
            f"{path}: the trials have no column {show(name)} ({option}).{hint} Their columns are "
            f"{', '.join(table.colnames)}."
        )
    values = table_column(table, name)
    if values is None:
        raise DataError(
            f"{path}: each cell of column {show(name)} ({option}) is a list or a reference, not "
            "one value. Name another column."
        )
    return values


def _any_of(parts: list[Shaped[np.ndarray, " row"]]) -> Shaped[np.ndarray, " row"]:
    """The largest of several columns in each row, blank where all are; one column as it is."""
    if len(parts) == 1:
        return parts[0]
    values = []
    for part in parts:
        value, unread = numbers(pd.Series(part))
        if unread.any():
            raise DataError(
                f"An outcome is made of several columns, and one of them holds "
                f"{samples(pd.Series(part), unread)}, which are not numbers. Name other columns "
                "(--outcome)."
            )
        values.append(value)
    return np.fmax.reduce(values)


def _own_names(file: Any, path: Path) -> dict[str, Any] | None:
    """What accumbens wrote about the columns; None where it did not write the file."""
    entry = (file.scratch or {}).get(NAMES)
    if entry is None:
        return None
    try:
        names = json.loads(str(entry.data))
        return dict(names)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"{path}: the scratch entry {NAMES} is damaged. Write the file again, or name its "
            "columns (--preset none --choice COLUMN --outcome COLUMN)."
        ) from error


def _own_frame(
    table: Any, names: dict[str, Any] | None, path: Path
) -> tuple[pd.DataFrame, TableFormat]:
    """The trials of a file that accumbens wrote: choices by their number, -1 missed."""
    if names is None:
        raise DataError(f"{path}: accumbens did not write this file. Choose another --preset.")
    try:
        codes = tuple(names["choices"])
        format = TableFormat(
            outcome=tuple(names["outcomes"]),
            signal=tuple(names["signals"]),
            context=tuple(names["contexts"]),
            instructed="instructed",
            choices=codes,
        )
        index = np.asarray(_column(table, "choice", "--choice", path), np.int64)
        if ((index < -1) | (index >= len(codes))).any():
            raise DataError(
                f"{path}: the choices are not numbers from -1 to {len(codes) - 1}. Write the file "
                "again."
            )
        frame = pd.DataFrame({"trial": np.asarray(table.id.data[:])})
        lookup = pd.array([*codes, None], dtype=object)
        frame["choice"] = pd.Series(lookup[index], dtype=object)
        for name in (*format.outcome, *format.signal, *format.context, "instructed"):
            frame[name] = _column(table, name, "a file of accumbens", path)
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{path}: the trials are not as accumbens wrote them ({error}). Write the file again."
        ) from error
    return frame, format
