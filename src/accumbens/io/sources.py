"""What kind of file a path names: one place that knows them all, and what each is good for."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from ..errors import DataError
from .nwb.files import ENDINGS as NWB_ENDINGS
from .nwb.files import HDF5_MAGIC, ZARR_FILES
from .tables.files import ENDINGS as TABLE_ENDINGS
from .tables.problems import listed, near_matches

Kind = Literal["nwb", "table", "ppd", "phy", "npz"]

KINDS: dict[Kind, str] = {
    "nwb": "an NWB file (.nwb, .nwb.zarr)",
    "table": f"a table ({', '.join(TABLE_ENDINGS)})",
    "ppd": "a pyPhotometry recording (.ppd)",
    "phy": "a folder of Phy or Kilosort",
    "npz": "arrays of spikes (.npz)",
}
"""What each kind is called in messages."""

PHY_FILES = ("spike_times.npy", "spike_clusters.npy", "params.py", "cluster_group.tsv")
"""A folder with any of these was written by Kilosort or Phy."""

_MAGIC = {
    b"MATLAB": "a MATLAB file: write its trials as a table, its spikes as .npz",
    b"PK\x03\x04": "an Excel workbook or zip archive: save the sheet as CSV",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook: save the sheet as CSV",
    b"PAR1": "a Parquet file: give it the ending .parquet",
    b"\x1f\x8b": "compressed with gzip: a table needs the ending .csv.gz or .tsv.gz",
    b"\x93NUMPY": "an array of numpy: of a Phy folder, name the folder itself",
}


def file_kind(path: str | os.PathLike[str]) -> Kind:
    """What a path names, by its ending, its first bytes, or what a folder holds.

    Raises DataError where it is not there, or is none of the kinds; whether it is whole is for its
    reader to say.
    """
    path = Path(path)
    name = path.name.casefold()
    if path.is_dir():
        return _folder_kind(path)
    if not path.exists():
        raise DataError(f"Cannot read {path}: {_absent(path)}")
    if name.endswith(TABLE_ENDINGS):
        return "table"
    if name.endswith(".ppd"):
        return "ppd"
    if name.endswith(".npz"):
        return "npz"
    try:
        with path.open("rb") as file:
            head = file.read(8)
    except OSError as error:
        raise DataError(f"Cannot read {path}: {error.strerror}. Allow it to be read.") from error
    if name.endswith(NWB_ENDINGS) or head == HDF5_MAGIC:
        return "nwb"
    seems = next((words for magic, words in _MAGIC.items() if head.startswith(magic)), "")
    raise DataError(
        f"Cannot read {path}: it is none of the files that accumbens knows"
        f"{f'; it seems to be {seems}' if seems else ''}. They are: {'; '.join(KINDS.values())}."
    )


def _folder_kind(path: Path) -> Kind:
    if any((path / name).is_file() for name in (*ZARR_FILES, "zarr.json")):
        return "nwb"
    if any((path / name).is_file() for name in PHY_FILES):
        return "phy"
    if path.name.casefold().endswith((*NWB_ENDINGS, ".zarr")):
        return "nwb"
    inside = sorted(p.name for p in path.iterdir() if p.name.casefold().endswith(_known_endings()))
    hint = f" Name a file inside it, such as {inside[0]}." if inside else ""
    raise DataError(
        f"Cannot read {path}: it is a folder, but neither of Phy or Kilosort (which has "
        f"{listed(PHY_FILES[:2], quote=False)}) nor an NWB file in Zarr (which has .zgroup).{hint}"
    )


def _known_endings() -> tuple[str, ...]:
    return (*NWB_ENDINGS, *TABLE_ENDINGS, ".ppd", ".npz")


def _absent(path: Path) -> str:
    if not path.parent.is_dir():
        return f"there is no folder {path.parent}. Check the path."
    close = near_matches(path.name, [p.name for p in path.parent.iterdir()])
    hint = f"Did you mean {listed(close)}?" if close else "Check the path."
    return f"there is no such file. {hint}"
