"""Photometry recordings in files: pyPhotometry (`.ppd`), tables with a column of times, NWB."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
import pandas as pd
from jaxtyping import Float

from ...errors import ConfigError, DataError
from ...recordings import Channel
from ..nwb.channels import read_nwb_channels
from ..sources import reader_of
from ..tables.cells import numbers, samples
from ..tables.files import read_table
from ..tables.problems import listed, near_matches, show

TIME_UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6}
"""Seconds in each unit that a column of times may have."""


class Recording(NamedTuple):
    """A recording as it stands in a file.

    Attributes:
        path: of the file.
        channels: by name.
        events: times of the pulses of each digital line, in s.
        about: the header of the file.
    """

    path: Path
    channels: dict[str, Channel]
    events: dict[str, Float[np.ndarray, " event"]]
    about: dict[str, Any]


def read_recording(
    path: str | os.PathLike[str], *, time: str = "time", time_unit: str = "s"
) -> Recording:
    """Reads a recording from any kind of file that `io.sources` lists.

    Args:
        path: of the file.
        time: of a table: its column of times.
        time_unit: of a table: the unit of its times, "s", "ms" or "us".

    Raises:
        ConfigError: the unit is unknown, or the extra `neural` is not installed, which NWB needs.
        DataError: the file is missing or damaged.
    """
    return reader_of(path, "recording").read(path, time=time, time_unit=time_unit)


def read_nwb_recording(path: str | os.PathLike[str]) -> Recording:
    """Reads the time series of an NWB file.

    Raises:
        ConfigError: the extra `neural` is not installed.
        DataError: the file cannot be read.
    """
    return Recording(Path(path), read_nwb_channels(path), {}, {})


def read_table_recording(
    path: str | os.PathLike[str], *, time: str = "time", time_unit: str = "s"
) -> Recording:
    """Reads a table with a column of times. Arguments and errors: `read_table_channels`."""
    channels = read_table_channels(path, time=time, time_unit=time_unit)
    return Recording(Path(path), channels, {}, {})


def read_ppd(path: str | os.PathLike[str]) -> Recording:
    """Reads a pyPhotometry file.

    The file has the length of the header (2 bytes), the header as JSON, and samples of 16 bits that
    alternate between the analog channels; the lowest bit of each sample is a digital line.

    Returns:
        The recording, with channels `analog_1`, `analog_2`, ... in V, and the rising edges of the
        digital lines as events.

    Raises:
        DataError: the file is missing or damaged.

    Source:
        pyPhotometry, Akam & Walton (2019), Sci Rep 9:3521.
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
            f"Cannot read {path}: sampling_rate or volts_per_division are missing in its header, "
            f"or not numbers ({error!r}). Export it again with pyPhotometry."
        ) from error
    if not (0 < rate < 1e7 and 0 < n_analog <= 16 and 0 <= n_digital <= n_analog and volts):
        raise DataError(
            f"Cannot read {path}: its header gives {n_analog} analog and {n_digital} digital "
            f"signals at {rate} Hz, which is impossible. Export it again with pyPhotometry."
        )
    if len(body) % (2 * n_analog) or not body:
        raise DataError(
            f"Cannot read {path}: its {len(body):,} bytes of samples are not a whole number of "
            f"samples of {n_analog} channels, so the file is cut short. Copy it again."
        )
    raw = np.frombuffer(body, "<u2").reshape(-1, n_analog)
    channels, events = {}, {}
    for i in range(n_analog):
        values = (raw[:, i] >> 1) * volts[min(i, len(volts) - 1)]
        name = f"analog_{i + 1}"
        channels[name] = Channel(name, values, None, 0.0, rate, "V", str(path))
    for i in range(n_digital):
        line = (raw[:, i] & 1).astype(np.int8)
        events[f"digital_{i + 1}"] = (np.flatnonzero(np.diff(line) == 1) + 1) / rate
    return Recording(path, channels, events, header)


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


def read_table_channels(
    path: str | os.PathLike[str], *, time: str = "time", time_unit: str = "s"
) -> dict[str, Channel]:
    """Reads channels from a table with a column of times.

    Args:
        path: of a CSV, TSV or Parquet file.
        time: column of times.
        time_unit: its unit, "s", "ms" or "us".

    Returns:
        A channel for each other column of numbers; blank cells are missing samples.

    Raises:
        ConfigError: the unit is unknown.
        DataError: the file is missing or damaged, or has no such column of times.
    """
    path = Path(path)
    if time_unit not in TIME_UNITS:
        raise ConfigError(f"time_unit is {show(time_unit)}; choose one of {', '.join(TIME_UNITS)}.")
    frame = read_table(path)
    if time not in frame.columns:
        near = near_matches(time, [str(c) for c in frame.columns])
        hint = f" Did you mean {listed(near)}?" if near else ""
        raise DataError(
            f"{path}: there is no column of times {show(time)} (--photometry.time).{hint} Its "
            f"columns are {', '.join(map(str, frame.columns))}."
        )
    columns: dict[str, np.ndarray] = {}
    for name in map(str, frame.columns):
        cells = cast(pd.Series, frame[name])
        values, unread = numbers(cells)
        if not unread.any():
            columns[name] = values
        elif name == time:
            what = samples(cells, unread)
            raise DataError(
                f"{path}: the column of times {show(time)} holds {what}, which is not a number. "
                "Correct these cells."
            )
    times = columns.pop(time) * TIME_UNITS[time_unit]
    return {
        name: Channel(name, values, times, source=str(path)) for name, values in columns.items()
    }


def find_channel(recording: Recording, name: str, option: str) -> Channel:
    """One channel of a recording by name.

    Args:
        recording: with the channel.
        name: of the channel.
        option: that named it, for the message.

    Raises:
        DataError: there is no such channel; the message lists the channels.
    """
    if name not in recording.channels:
        near = near_matches(name, list(recording.channels))
        hint = f" Did you mean {listed(near)}?" if near else ""
        raise DataError(
            f"{recording.path}: there is no channel {show(name)} ({option}).{hint} Its channels "
            f"are {', '.join(recording.channels) or 'none'}."
        )
    return recording.channels[name]
