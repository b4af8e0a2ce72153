"""What a file of any kind holds: facts and listings, ready to be printed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from ..lazy import at_place
from .sources import file_kind

CHANNEL_COLUMNS = ["name", "kind", "samples", "unit", "rate", "start", "span", "clock"]


class Listing(NamedTuple):
    """Rows about one kind of thing in a file, such as its columns, channels or clusters.

    Attributes:
        title: what the rows are about.
        rows: one for each thing.
        long: whether there may be hundreds, so that some are enough to show.
    """

    title: str
    rows: pd.DataFrame
    long: bool = False


class Contents(NamedTuple):
    """What a file holds.

    Attributes:
        path: of the file.
        about: facts by name, without blank ones.
        listings: rows about its columns, channels, units and so on.
    """

    path: Path
    about: dict[str, str]
    listings: tuple[Listing, ...]


def inspect_file(path: str | os.PathLike[str]) -> Contents:
    """What a file holds, of any kind that `io.sources` lists.

    Raises:
        DataError: it is of no known kind, or cannot be read.
    """
    path, kind = Path(path), file_kind(path)
    place = kind.contents or (
        "photometry.contents:recording_contents"
        if kind.recording
        else "spikes.contents:spike_contents"
    )
    return at_place(place, __package__)(path)
