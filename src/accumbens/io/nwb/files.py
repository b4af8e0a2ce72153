"""NWB files on disk, as HDF5 or Zarr; whatever is wrong with a file becomes one error."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from ...errors import AccumbensError, DataError
from ...extras import from_extra
from ..hdf5 import check_hdf5
from ..sources import HDF5_MAGIC, NWB_ENDINGS, ZARR_FILES
from ..tables.problems import listed, near_matches
from .storage import check_zarr


def neural_extra(module: str) -> ModuleType:
    """Imports a module of the optional extra `neural`.

    Raises:
        ConfigError: it is not installed.
    """
    return from_extra(module, "neural")


def nwb_kind(path: str | os.PathLike[str]) -> Literal["hdf5", "zarr"]:
    """How an NWB file is stored: "hdf5" or "zarr".

    Raises:
        DataError: there is no such file, it cannot be read, or it is neither.
    """
    path = Path(path)
    if path.is_dir():
        if any((path / name).is_file() for name in ZARR_FILES):
            return "zarr"
        if (path / "zarr.json").is_file():
            raise DataError(
                f"Cannot read {path}: it is Zarr of format 3, and hdmf-zarr reads format 2. Write "
                "it again with zarr_format=2, or as HDF5."
            )
        raise DataError(
            f"Cannot read {path}: it is a folder, but not an NWB file in Zarr (it has no .zgroup). "
            "Name the .nwb file, or the .nwb.zarr folder itself."
        )
    if not path.exists():
        there = path.parent.iterdir() if path.parent.is_dir() else ()
        close = near_matches(path.name, [p.name for p in there if p.name.endswith(NWB_ENDINGS)])
        hint = f"Did you mean {listed(close)}?" if close else "Check the path."
        raise DataError(f"Cannot read {path}: there is no such file. {hint}")
    try:
        with path.open("rb") as file:
            head = file.read(8)
    except OSError as error:
        raise DataError(f"Cannot read {path}: {error.strerror}. Allow it to be read.") from error
    if not head:
        raise DataError(f"Cannot read {path}: the file is empty. Export or copy it again.")
    if head != HDF5_MAGIC:
        raise DataError(
            f"Cannot read {path}: it is not an NWB file (it does not begin like an HDF5 file). "
            "Name an .nwb file or an .nwb.zarr folder, or copy it again if it was damaged."
        )
    return "hdf5"


@contextmanager
def open_nwb(path: str | os.PathLike[str]) -> Iterator[Any]:
    """Opens an NWB file for as long as the context lasts.

    Data are read from the disk when they are used, so copy what is needed within the context.

    Returns:
        The `pynwb.NWBFile`.

    Raises:
        ConfigError: the extra `neural` is not installed.
        DataError: the file cannot be read, or is damaged, also where this shows within the context.
    """
    path = Path(path)
    kind = nwb_kind(path)
    if kind == "hdf5":
        reader = neural_extra("pynwb").NWBHDF5IO
    else:
        neural_extra("pynwb")
        reader = neural_extra("hdmf_zarr").NWBZarrIO
    with damage_named(path):
        (check_hdf5 if kind == "hdf5" else check_zarr)(path)
        io = reader(str(path), "r", load_namespaces=True)
        try:
            yield io.read()
        finally:
            io.close()


@contextmanager
def damage_named(path: str | os.PathLike[str], what: str = "NWB file") -> Iterator[None]:
    """A context in which any error of a library becomes one DataError, and warnings are silent.

    Args:
        path: of the file, for the message.
        what: kind of file, for the message.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except AccumbensError:
        raise
    except Exception as error:
        words = (str(error).strip().splitlines() or [type(error).__name__])[0][:200].rstrip(".")
        raise DataError(
            f"Cannot read {path}: the {what} is cut short, damaged, or not of its kind "
            f"({type(error).__name__}: {words}). Copy or export it again."
        ) from error


def subject_of(file: Any, path: str | os.PathLike[str]) -> str:
    """The id of the subject in an open NWB file.

    Raises:
        DataError: the file names no subject.
    """
    subject = None if file.subject is None else file.subject.subject_id
    if not subject or not str(subject).strip():
        raise DataError(f"{path}: the file names no subject. Name it with --subject-id.")
    return str(subject)


def session_of(file: Any) -> str:
    """The id of the session in an open NWB file, or else the unique identifier of the file."""
    label = str(file.session_id or "").strip()
    return label or str(file.identifier)
