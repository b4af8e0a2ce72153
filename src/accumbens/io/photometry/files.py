"""Photometry recordings in files of any kind: pyPhotometry, tables, NWB."""

from __future__ import annotations

import os
from pathlib import Path

from ..nwb.channels import read_nwb_channels
from ..sources import reader_of
from .recording import Recording


def read_recording(
    path: str | os.PathLike[str],
    *,
    time: str | None = "time",
    time_unit: str = "s",
    rate: float | None = None,
    state: str | None = "auto",
) -> Recording:
    """Reads a recording from any kind of file that `io.sources` lists.

    Args:
        path: of the file.
        time: of a table: its column of times; None: it has none.
        time_unit: of a table: the unit of its times, "s", "ms" or "us".
        rate: of a table: its number of samples per second in Hz, where its times are not used.
        state: of a table: the column that says which light was on in each row, where several share
            a column in turn; "auto" finds it by its name, None: there is none.

    Raises:
        ConfigError: the unit is unknown, or the extra `neural` is not installed, which NWB needs.
        DataError: the file is missing or damaged.
    """
    return reader_of(path, "recording").read(
        path, time=time, time_unit=time_unit, rate=rate, state=state
    )


def read_nwb_recording(path: str | os.PathLike[str]) -> Recording:
    """Reads the time series of an NWB file.

    Raises:
        ConfigError: the extra `neural` is not installed.
        DataError: the file cannot be read.
    """
    return Recording(Path(path), read_nwb_channels(path), {}, {})
