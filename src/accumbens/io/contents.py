"""What a file holds, whatever its kind: facts about it, then listings, ready to be printed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from ..lazy import at_place
from .sources import file_kind

SERIES_COLUMNS = ["name", "kind", "samples", "unit", "rate", "start", "span", "clock"]


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
    """What a file holds, of any kind that `io.sources` lists.

    Raises DataError when it is none of them, or cannot be read.
    """
    path, kind = Path(path), file_kind(path)
    place = kind.contents or (
        "photometry.contents:recording_contents"
        if kind.recording
        else "spikes.contents:spike_contents"
    )
    return at_place(place, __package__)(path)
