"""Photometry recordings in files: pyPhotometry `.ppd`, tables with a column of times, NWB."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
import pandas as pd
from jaxtyping import Float

from ...errors import ConfigError, DataError
from ...recordings import Series
from ..nwb.series import read_nwb_series
from ..sources import reader_of
from ..tables.cells import numbers, samples
from ..tables.files import read_table
from ..tables.problems import listed, near_matches, show

TIME_UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6}
"""Seconds in a unit of a table's time column."""


class Recording(NamedTuple):
    """A recording as its file has it: channels by name, times of digital pulses (s), header."""

    path: Path
    series: dict[str, Series]
    events: dict[str, Float[np.ndarray, " event"]]
    about: dict[str, Any]


def read_recording(
    path: str | os.PathLike[str], *, time: str = "time", time_unit: str = "s"
) -> Recording:
    """The channels of a recording, of any kind of file that `io.sources` lists.

    time, time_unit: a table's column of times and what it counts ("s", "ms" or "us").
    Raises DataError when the file is missing, damaged or not of a known kind.
    """
    return reader_of(path, "recording").read(path, time=time, time_unit=time_unit)


def read_nwb_recording(path: str | os.PathLike[str]) -> Recording:
    """The time series of an NWB file. Raises DataError when it cannot be read."""
    return Recording(Path(path), read_nwb_series(path), {}, {})


def read_table_recording(
    path: str | os.PathLike[str], *, time: str = "time", time_unit: str = "s"
) -> Recording:
    """The number columns of a table with a column of times; as `read_table_series`."""
    series = read_table_series(path, time=time, time_unit=time_unit)
    return Recording(Path(path), series, {}, {})


def read_ppd(path: str | os.PathLike[str]) -> Recording:
    """A pyPhotometry file: `analog_1`, `analog_2`, ... in V, and rising edges of digital lines.

    The file is a header's length (2 bytes), a JSON header, and 16-bit samples that take turns
    between the analog channels; the lowest bit of each is a digital line.
    Raises DataError when the file is missing or damaged.
    Source: pyPhotometry, Akam & Walton (2019), Sci Rep 9:3521.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"Cannot read {path}: {error.strerror}. Check the path.") from error
    header, body = _ppd_header(path, data)
    try:
        rate = float(header["sampling_rate"])
        volts = [float(v) for v in header["volts_per_division"]]
        n_analog = int(header.get("n_analog_signals", 2))
        n_digital = int(header.get("n_digital_signals", 2))
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"Cannot read {path}: its header lacks sampling_rate or volts_per_division, or they "
            f"are no numbers ({error!r}). Export it again with pyPhotometry."
        ) from error
    if not (0 < rate < 1e7 and 0 < n_analog <= 16 and 0 <= n_digital <= n_analog and volts):
        raise DataError(
            f"Cannot read {path}: its header says {n_analog} analog and {n_digital} digital "
            f"signals at {rate} Hz, which cannot be."
        )
    if len(body) % (2 * n_analog) or not body:
        raise DataError(
            f"Cannot read {path}: {len(body):,} bytes of samples are no whole number of samples of "
            f"{n_analog} channels; the file is cut short. Copy it again."
        )
    raw = np.frombuffer(body, "<u2").reshape(-1, n_analog)
    series, events = {}, {}
    for i in range(n_analog):
        values = (raw[:, i] >> 1) * volts[min(i, len(volts) - 1)]
        name = f"analog_{i + 1}"
        series[name] = Series(name, values, None, 0.0, rate, "V", str(path))
    for i in range(n_digital):
        line = (raw[:, i] & 1).astype(np.int8)
        events[f"digital_{i + 1}"] = (np.flatnonzero(np.diff(line) == 1) + 1) / rate
    return Recording(path, series, events, header)


def _ppd_header(path: Path, data: bytes) -> tuple[dict[str, Any], bytes]:
    length = int.from_bytes(data[:2], "little")
    try:
        header = json.loads(data[2 : 2 + length].decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise DataError(
            f"Cannot read {path}: it does not begin with the header of a pyPhotometry file "
            f"({len(data):,} bytes). Name a .ppd file, or copy it again."
        ) from error
    if len(data) < 2 + length or not isinstance(header, dict):
        raise DataError(f"Cannot read {path}: its header is cut short. Copy it again.")
    return header, data[2 + length :]


def read_table_series(
    path: str | os.PathLike[str], *, time: str = "time", time_unit: str = "s"
) -> dict[str, Series]:
    """The number columns of a table, each on the clock of its column of times.

    Blank cells are missing samples. Raises DataError where the times or cells are no numbers.
    """
    path = Path(path)
    if time_unit not in TIME_UNITS:
        raise ConfigError(f"time_unit {show(time_unit)}: it is one of {', '.join(TIME_UNITS)}.")
    frame = read_table(path)
    if time not in frame.columns:
        near = near_matches(time, [str(c) for c in frame.columns])
        hint = f" Did you mean {listed(near)}?" if near else ""
        raise DataError(
            f"{path}: there is no column of times {show(time)} (--photometry.time).{hint} Its "
            f"columns: {', '.join(map(str, frame.columns))}."
        )
    columns: dict[str, np.ndarray] = {}
    for name in map(str, frame.columns):
        cells = cast(pd.Series, frame[name])
        values, unread = numbers(cells)
        if not unread.any():
            columns[name] = values
        elif name == time:
            what = samples(cells, unread)
            raise DataError(f"{path}: column {show(time)} holds {what}, which is no time.")
    times = columns.pop(time) * TIME_UNITS[time_unit]
    return {name: Series(name, values, times, source=str(path)) for name, values in columns.items()}


def channel(recording: Recording, name: str, option: str) -> Series:
    """One channel by name. Raises DataError that lists those there are."""
    if name not in recording.series:
        near = near_matches(name, list(recording.series))
        hint = f" Did you mean {listed(near)}?" if near else ""
        raise DataError(
            f"{recording.path}: there is no series {show(name)} ({option}).{hint} It has "
            f"{', '.join(recording.series) or 'none'}."
        )
    return recording.series[name]
