"""Recordings in tables: a column of times, and a column for each channel."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import NamedTuple, cast

import numpy as np
import pandas as pd
from jaxtyping import Float

from ...errors import ConfigError, DataError
from ...recordings import Channel
from ..tables.cells import BLANKS, factorized, is_number, numbers, samples
from ..tables.files import open_table
from ..tables.problems import Problems, listed, near_matches, show
from .interleaved import interleaving, split
from .recording import TIME_UNITS, Recording

DEFAULT_TIME = "time"


class Columns(NamedTuple):
    """The columns of a table of a recording.

    Attributes:
        values: of the columns of numbers, by name.
        refused: why each other column is no channel, and what to do.
    """

    values: dict[str, Float[np.ndarray, " sample"]]
    refused: dict[str, str]


def read_table_recording(
    path: str | os.PathLike[str],
    *,
    time: str | None = DEFAULT_TIME,
    time_unit: str = "s",
    rate: float | None = None,
    state: str | None = "auto",
) -> Recording:
    """Reads channels from a table.

    Args:
        path: of the table.
        time: column of times; None: there is none, so that the number of samples per second must be
            given (`ClockConfig.assume_rate`).
        time_unit: unit of the times, "s", "ms" or "us".
        rate: number of samples per second that is to be used, in Hz; a table without a column
            "time" needs none then.
        state: column that says which light was on in each row, where several share a column in
            turn; "auto" finds it by its name, None: there is none.

    Returns:
        A recording with a channel for each other column of numbers; blank cells are missing
        samples. A column that several lights share in turn is a channel for each, such as
        Region0G:470. Columns that cannot be channels are in `refused`.

    Raises:
        ConfigError: the unit is unknown.
        DataError: the file is missing or damaged, or has no such column of times or states.
    """
    path = Path(path)
    if time_unit not in TIME_UNITS:
        raise ConfigError(f"time_unit is {show(time_unit)}; choose one of {', '.join(TIME_UNITS)}.")
    file = open_table(path)
    file.problems.raise_if_any()
    labels = [str(label) for label in file.frame.columns]
    if time == DEFAULT_TIME and time not in labels and rate is not None:
        time = None
    columns = read_columns(file.frame, file.problems)
    times = None
    if time is not None:
        times = _times(path, time, labels, columns) * TIME_UNITS[time_unit]
    channels = {
        name: Channel(name, values, times, source=str(path))
        for name, values in columns.values.items()
        if name != time
    }
    refused = columns.refused
    found = interleaving(path, file.frame, state, time)
    if found is not None:
        channels, more = split(channels, found)
        refused = refused | more
    return Recording(path, channels, {}, {}, refused)


def read_table_channels(
    path: str | os.PathLike[str], *, time: str | None = DEFAULT_TIME, time_unit: str = "s"
) -> dict[str, Channel]:
    """The channels of a table. Arguments and errors: `read_table_recording`."""
    return read_table_recording(path, time=time, time_unit=time_unit).channels


def read_columns(frame: pd.DataFrame, problems: Problems) -> Columns:
    """The columns of numbers, and why the others are none.

    Args:
        frame: the table; columns without a name and without a value are passed over.
        problems: names its rows.
    """
    labels = [str(label) for label in frame.columns]
    found = Columns({}, {})
    for place, name in enumerate(labels):
        cells = cast(pd.Series, frame.iloc[:, place])
        if not name.strip() and _blank(cells):
            continue
        alike = [i for i, label in enumerate(labels) if label == name]
        if len(alike) > 1:
            found.refused[name] = (
                f"{len(alike)} columns are named {show(name)} (columns "
                f"{listed([i + 1 for i in alike])} of the table). Rename or remove all but one."
            )
            continue
        values, unread = numbers(cells)
        if unread.any():
            what = samples(cells, unread)
            found.refused[name] = (
                f"column {show(name)}, {problems.name_rows(unread)} ({problems.counting}): not a "
                f"number: {what}. {_hint(cells, unread)}Correct these cells, or leave them blank."
            )
        else:
            found.values[name] = values
    return found


def _times(
    path: Path, time: str, labels: list[str], columns: Columns
) -> Float[np.ndarray, " sample"]:
    if time in columns.refused:
        raise DataError(
            f"{path}: the times cannot be read: {columns.refused[time]} All rows need a time."
        )
    if time not in columns.values:
        near = near_matches(time, [label for label in labels if label.strip()])
        hint = f" Did you mean {listed(near)}?" if near else ""
        raise DataError(
            f"{path}: there is no column of times {show(time)} (--photometry.time).{hint} Its "
            f"columns are {', '.join(labels)}. {_header(labels)}If it has no times, give its "
            "number of samples per second (--assume-rate HZ) and --photometry.time None."
        )
    return columns.values[time]


def _header(labels: list[str]) -> str:
    """What to do where the first row does not look like names of columns."""
    named = [label for label in labels if label.strip()]
    if named and all(is_number(label) for label in named):
        return (
            "The first row holds numbers, so the file seems to have no row with the names of its "
            "columns: put one first. "
        )
    return ""


def _blank(cells: pd.Series) -> bool:
    return all(str(value).strip().casefold() in BLANKS for value in factorized(cells)[1])


def _hint(cells: pd.Series, unread: np.ndarray) -> str:
    """What the cells seem to be instead of numbers."""
    texts = [str(value).strip() for value in factorized(cells.loc[unread])[1]]
    if all(re.fullmatch(r"[-+]?\d{1,3}(,\d{3})+(\.\d*)?", text) for text in texts):
        return "They have commas between thousands: write them without. "
    if all(re.fullmatch(r"[-+]?\d+,\d+([eE][-+]?\d+)?", text) for text in texts):
        return "They have a comma for a point: write a point. "
    if all(re.fullmatch(r"[-+]?[\d.]+\s*[^\d\s.,]{1,8}", text) for text in texts):
        return "They have a unit: write the number alone, and the unit in the name of the column. "
    if len(cells) and bool(unread[0]) and int(unread.sum()) == 1:
        return (
            "It is the first row below the names: if it holds units or a second row of names, "
            "remove it. "
        )
    return ""
