"""NWB files on disk, as HDF5 or Zarr: opened, and whatever is wrong with them said in one error."""

from __future__ import annotations

import importlib
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from ...errors import AccumbensError, ConfigError, DataError
from ..sources import HDF5_MAGIC, NWB_ENDINGS, ZARR_FILES
from ..tables.problems import listed, near_matches


def neural_extra(module: str) -> ModuleType:
    """A module of the optional extra `neural`. Raises ConfigError where it is not installed."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return importlib.import_module(module)
    except ImportError as error:
        raise ConfigError(
            f"This needs {module.partition('.')[0]}, which is not installed ({error}). "
            "Install it: pip install 'accumbens[neural]'"
        ) from error


def nwb_kind(path: str | os.PathLike[str]) -> Literal["hdf5", "zarr"]:
    """How an NWB file is stored, by what it begins with. Raises DataError if it is neither."""
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
            f"Cannot read {path}: it is a folder, but not of a Zarr file (it has no .zgroup). "
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
            f"Cannot read {path}: it is not an NWB file (an HDF5 file begins with other bytes). "
            "Name an .nwb file or an .nwb.zarr folder, or copy it again if it was damaged."
        )
    return "hdf5"


@contextmanager
def open_nwb(path: str | os.PathLike[str]) -> Iterator[Any]:
    """The `pynwb.NWBFile` in a file, for as long as the context lasts.

    Copy what is needed out of it within the context: it is read from disk only then, and anything
    that goes wrong in reading it is one DataError.
    """
    path = Path(path)
    kind = nwb_kind(path)
    if kind == "hdf5":
        reader = neural_extra("pynwb").NWBHDF5IO
    else:
        neural_extra("pynwb")
        reader = neural_extra("hdmf_zarr").NWBZarrIO
    with damage_named(path):
        io = reader(str(path), "r", load_namespaces=True)
        try:
            yield io.read()
        finally:
            io.close()


@contextmanager
def damage_named(path: str | os.PathLike[str], what: str = "NWB file") -> Iterator[None]:
    """Within it, whatever a library meets in damaged bytes becomes one DataError; no warnings."""
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
    """The subject's id in an NWB file. Raises DataError where it has none."""
    subject = None if file.subject is None else file.subject.subject_id
    if not subject or not str(subject).strip():
        raise DataError(f"{path}: the file names no subject. Name it with --subject-id.")
    return str(subject)


def session_of(file: Any) -> str:
    """The session's id in an NWB file, or else the file's unique identifier."""
    label = str(file.session_id or "").strip()
    return label or str(file.identifier)
