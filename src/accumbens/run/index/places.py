"""Where the results below a folder are, found by the files that mark each kind."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ...errors import DataError
from ..kinds import KINDS
from ..sweep.cell import RECORD
from ..sweep.plan import CELLS, PLAN

INSIDE = {"models", "figures", "checkpoints", "slurm"}
"""Folders of results that hold no others."""
MARKS = tuple(kind.mark for kind in KINDS if kind.mark)
ENDINGS = tuple(mark for mark in MARKS if mark.startswith("."))
FILES_OF_FITS = {"metrics.json", "split.json"}
"""By two of these a folder that has lost its config.toml is known to have been a run."""


class Place(NamedTuple):
    """Where a result is, or what is left of one.

    Attributes:
        path: folder, or the file that is the result itself.
        sweep: folder of the sweep whose cell it is; None for others.
        unreadable: why the system does not let it be read; "" where it does.
    """

    path: Path
    sweep: Path | None = None
    unreadable: str = ""


def places_below(folder: Path) -> Iterator[Place]:
    """All results at and below a folder, in the order of their paths; hidden folders are passed by.

    Links to folders are followed, and no folder is met twice.

    Args:
        folder: to look in.

    Raises:
        DataError: there is no such folder.
    """
    if not folder.is_dir():
        what = "is a file, and no folder" if folder.exists() else "is not there"
        raise DataError(f"{folder} {what}. Name a folder below which there are runs.")
    yield from _below(folder, None, set())


def _below(folder: Path, sweep: Path | None, met: set[str]) -> Iterator[Place]:
    real = os.path.realpath(folder)
    if real in met:
        return
    met.add(real)
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        yield Place(folder, sweep, error.strerror or str(error))
        return
    files = {entry.name for entry in entries if _is_file(entry)}
    is_result = _is_result(files)
    if is_result:
        yield Place(folder, sweep)
    for name in sorted(files):
        if name.endswith(ENDINGS) and name not in ENDINGS:
            yield Place(folder / name)
    for entry in entries:
        hidden = entry.name.startswith(".") or (is_result and entry.name in INSIDE)
        if not hidden and _is_folder(entry):
            own = folder if PLAN in files and entry.name == CELLS else sweep
            yield from _below(folder / entry.name, own, met)


def _is_result(files: set[str]) -> bool:
    """Whether a folder with these files holds a result, or did; sweeps are known by their cells."""
    if "config.toml" in files or RECORD in files or PLAN in files:
        return True
    return bool(files & set(MARKS)) or files >= FILES_OF_FITS


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:
        return False


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False
