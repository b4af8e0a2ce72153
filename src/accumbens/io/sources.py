"""The list of kinds of file: how each is recognised, what it holds, and what reads it.

`inspect_file`, `read_sources`, `read_recording`, `read_units`, `convert` and the command line use
this list: a new format is a file with its reader, and an entry here. Readers are named by their
place, so that this module can be imported without pandas.
"""

from __future__ import annotations

import dataclasses
import difflib
import os
from pathlib import Path
from typing import Any, Literal, NamedTuple

from ..errors import DataError
from ..lazy import at_place

Held = Literal["trials", "recording", "units"]
"""What a file may hold: a table of trials, channels in time, spikes of sorted units."""


class Reader(NamedTuple):
    """A function that reads a file, and the options that it takes.

    It returns a `photometry.recording.Recording` or `recordings.Units`.

    Args:
        place: of the function in `io`, `module:name`.
        options: that it takes.
    """

    place: str
    options: tuple[str, ...] = ()

    def read(self, path: str | os.PathLike[str], **options: Any) -> Any:
        """Reads a file; options that this kind of file does not have are left out."""
        known = {name: value for name, value in options.items() if name in self.options}
        return at_place(self.place, __package__)(path, **known)


@dataclasses.dataclass(frozen=True)
class SourceKind:
    """A kind of file.

    Args:
        name: of the kind.
        words: its name in messages and help.
        endings: of the names of its files, in small letters.
        magic: the first bytes of its files, at most `HEAD_BYTES`. Of kinds with one ending, they
            say which it is: a recording as .csv with a first line of its own is no table.
        inside: of a folder: files of which one is enough to recognise it.
        folder_endings: of a folder: endings of its name.
        trials: place of the function `(paths, format) -> SourcedTrials`.
        recording, units: their readers.
        contents: place of the function `path -> Contents`; by default that of any recording or
            units.
        packages: libraries that read it, for the record of a conversion.
    """

    name: str
    words: str
    endings: tuple[str, ...] = ()
    magic: bytes = b""
    inside: tuple[str, ...] = ()
    folder_endings: tuple[str, ...] = ()
    trials: str | None = None
    recording: Reader | None = None
    units: Reader | None = None
    contents: str | None = None
    packages: tuple[str, ...] = ()

    def holds(self, what: Held) -> bool:
        """Whether files of this kind may hold that."""
        return getattr(self, what) is not None


WRITTEN_ENDINGS = (".csv", ".tsv", ".csv.gz", ".tsv.gz", ".parquet")
TABLE_ENDINGS = (*WRITTEN_ENDINGS, ".pqt", ".txt", ".xlsx", ".mat")
NWB_ENDINGS = (".nwb", ".nwb.zarr")
HEAD_BYTES = 64
HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
ZARR_FILES = (".zgroup", ".zattrs", ".zmetadata")

SOURCES: tuple[SourceKind, ...] = (
    SourceKind(
        "nwb", "an NWB file (.nwb, .nwb.zarr)", NWB_ENDINGS, HDF5_MAGIC,
        inside=(*ZARR_FILES, "zarr.json"), folder_endings=(*NWB_ENDINGS, ".zarr"),
        trials="trial_sources:trials_of_nwb",
        recording=Reader("photometry.files:read_nwb_recording"),
        units=Reader("nwb.channels:read_nwb_units", ("sort",)),
        contents="nwb.contents:nwb_contents",
        packages=("pynwb", "hdmf", "hdmf-zarr", "h5py", "zarr"),
    ),
    SourceKind(
        "table", f"a table ({', '.join(TABLE_ENDINGS)})", TABLE_ENDINGS,
        trials="trial_sources:trials_of_tables",
        recording=Reader("photometry.tables:read_table_recording",
                         ("time", "time_unit", "rate", "state")),
        contents="tables.contents:table_contents",
    ),
    SourceKind("ppd", "a pyPhotometry recording (.ppd)", (".ppd",),
               recording=Reader("photometry.ppd:read_ppd")),
    SourceKind(
        "phy", "a folder of Phy or Kilosort",
        inside=("spike_times.npy", "spike_clusters.npy", "params.py", "cluster_group.tsv"),
        units=Reader("spikes.phy:read_phy", ("labels", "label_column", "sort")),
    ),
    SourceKind("npz", "arrays of spikes (.npz)", (".npz",),
               units=Reader("spikes.files:read_spike_arrays", ("sort",))),
)  # fmt: skip
"""All kinds, in the order in which messages list them; a file is of the first kind that fits."""

_OTHERS = {
    b"MATLAB": "a MATLAB file: give it the ending .mat",
    b"PK\x03\x04": "an Excel workbook or zip archive: a workbook has the ending .xlsx",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook: save the sheet as CSV",
    b"PAR1": "a Parquet file: give it the ending .parquet",
    b"\x1f\x8b": "compressed with gzip: a table needs the ending .csv.gz or .tsv.gz",
    b"\x93NUMPY": "an array of numpy: of a Phy folder, name the folder itself",
}
"""What a file of no known kind seems to be, by its first bytes, and what to do."""


def file_kind(path: str | os.PathLike[str]) -> SourceKind:
    """The kind of a file, by its ending and first bytes, or the files in a folder.

    Args:
        path: of a file or folder. Whether it is complete is not checked.

    Raises:
        DataError: there is no such file, it cannot be read, or it is of no known kind.
    """
    path = Path(path)
    if path.is_dir():
        return _folder_kind(path)
    if not path.exists():
        raise DataError(f"Cannot read {path}: {_absent(path)}")
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError as error:
        raise DataError(f"Cannot read {path}: {error.strerror}. Allow it to be read.") from error
    found = _by_name_and_head(path.name.casefold(), head)
    if found is not None:
        return found
    seems = next((words for magic, words in _OTHERS.items() if head.startswith(magic)), "")
    raise DataError(
        f"Cannot read {path}: its kind of file is not known"
        f"{f'; it seems to be {seems}' if seems else ''}. Known are {names_of()}."
    )


def _by_name_and_head(name: str, head: bytes) -> SourceKind | None:
    """The kind whose ending and first bytes fit, else whose ending fits, else whose first bytes."""
    ending = [kind for kind in SOURCES if kind.endings and name.endswith(kind.endings)]
    begun = [kind for kind in SOURCES if kind.magic and head.startswith(kind.magic)]
    if name.endswith(".txt") and begun:
        return begun[0]  # any kind of text has this ending
    both = [kind for kind in ending if kind in begun]
    free = [kind for kind in ending if not kind.magic]
    return next(iter([*both, *free, *ending, *begun]), None)


def reader_of(path: str | os.PathLike[str], what: Literal["recording", "units"]) -> Reader:
    """The reader of the recording or of the units of a file.

    Raises:
        DataError: there is no such file, or its kind has none.
    """
    kind = file_kind(path)
    reader = kind.recording if what == "recording" else kind.units
    if reader is None:
        nothing, things = {
            "recording": ("no recording", "Recordings"), "units": ("no spikes", "Spikes"),
        }[what]  # fmt: skip
        raise DataError(
            f"Cannot read {path}: it is {kind.words}, which has {nothing}. {things} may be in: "
            f"{names_of(what)}."
        )
    return reader


def names_of(what: Held | None = None) -> str:
    """The kinds of file, or those that may hold something, in words."""
    return "; ".join(kind.words for kind in SOURCES if what is None or kind.holds(what))


def _folder_kind(path: Path) -> SourceKind:
    for kind in SOURCES:
        if any((path / name).is_file() for name in kind.inside):
            return kind
    name = path.name.casefold()
    for kind in SOURCES:
        if kind.folder_endings and name.endswith(kind.folder_endings):
            return kind
    known = tuple(ending for kind in SOURCES for ending in kind.endings)
    inside = sorted(p.name for p in path.iterdir() if p.name.casefold().endswith(known))
    hint = f" Name a file inside it, such as {inside[0]}." if inside else ""
    folders = [f"{k.words} has {' or '.join(k.inside[:2])}" for k in SOURCES if k.inside]
    raise DataError(
        f"Cannot read {path}: it is a folder, but not of a known kind: {'; '.join(folders)}.{hint}"
    )


def _absent(path: Path) -> str:
    if not path.parent.is_dir():
        return f"there is no folder {path.parent}. Check the path."
    there = {p.name.casefold(): p.name for p in path.parent.iterdir()}
    close = difflib.get_close_matches(path.name.casefold(), there, 3, 0.7)
    near = " or ".join(f'"{there[name]}"' for name in close)
    hint = f"Did you mean {near}?" if close else "Check the path."
    return f"there is no such file. {hint}"
