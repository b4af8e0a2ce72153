"""Is an NWB file whole, and does it hold its own data? Checked before a library reads it.

A missing chunk reads as zeros, a damaged size asks for more memory than there is, and a link may
lead to any file of the user's: none of these is an error of the libraries.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import DataError

LARGE = 2**28
"""Bytes from which a declared size is compared with what is stored."""

MAX_RATIO = 1000
"""Declared bytes for each stored one that are still believed of large arrays."""


def check_zarr(path: Path) -> None:
    """Checks that every chunk that the arrays of a Zarr folder declare is there.

    Raises:
        DataError: a chunk or an array is missing, a size is impossible, or a link leaves the
            folder.
    """
    _check_links(path)
    lacking: list[str] = []
    for name, about in _arrays(path):
        try:
            shape = [int(n) for n in about["shape"]]
            chunks = [int(n) for n in about["chunks"]]
            item = np.dtype(_kind(about["dtype"])).itemsize or 1
            separator = str(about.get("dimension_separator", "."))
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(
                f"Cannot read {path}: the metadata of its array {name} are damaged "
                f"({type(error).__name__}). Copy or export it again."
            ) from error
        if len(shape) != len(chunks) or any(n < 0 for n in shape) or any(n < 1 for n in chunks):
            raise DataError(
                f"Cannot read {path}: its array {name} has the shape {shape} in chunks of "
                f"{chunks}, which is impossible. Copy or export it again."
            )
        grid = [math.ceil(n / c) for n, c in zip(shape, chunks, strict=True)]
        stored = _stored(path / name)
        kept = sum(stored.values())
        _check_size(path, name, math.prod(shape) * item, kept)
        if stored:
            _check_size(path, name, math.prod(chunks) * item, max(stored.values()))
        if math.prod(grid) > len(stored):
            wanted = (separator.join(map(str, at)) or "0" for at in _places(grid))
            first = next(chunk for chunk in wanted if chunk not in stored)
            n = math.prod(grid) - len(stored)
            lacking.append(f"{name} ({n} of {math.prod(grid)}, such as {first})")
    lacking = list(dict.fromkeys(lacking))
    if lacking:
        more = f" and {len(lacking) - 4} more arrays" if len(lacking) > 4 else ""
        raise DataError(
            f"Cannot read {path}: chunks are missing of {', '.join(lacking[:4])}{more}. They would "
            "be read as zeros. Copy the whole folder again."
        )


def check_hdf5(path: Path) -> None:
    """Checks that an HDF5 file holds its own data, in sizes that it can hold.

    Raises:
        DataError: a link or a data set leads to another file, or a size is impossible.
    """
    import h5py

    held = path.stat().st_size
    outside: list[str] = []

    def link(name: str, one: object) -> None:
        if isinstance(one, h5py.ExternalLink):
            outside.append(f"{name} (a link to {one.filename})")

    def item(name: str, one: object) -> None:
        if not isinstance(one, h5py.Dataset):
            return
        if one.external:
            outside.append(f"{name} (stored in {one.external[0][0]})")
        elif one.is_virtual and any(s.file_name != "." for s in one.virtual_sources()):
            outside.append(f"{name} (parts of other files)")
        stored = int(one.id.get_storage_size())
        if one.chunks is None and stored > held and not one.external:
            raise DataError(
                f"Cannot read {path}: its data set {name} declares {stored:,} bytes, but the file "
                f"has {held:,}. It is cut short or damaged: copy it again."
            )
        _check_size(path, name, one.size * one.dtype.itemsize if one.size else 0, stored)

    with h5py.File(path, "r") as file:
        file.visititems_links(link)
        if not outside:
            file.visititems(item)
    if outside:
        raise DataError(
            f"Cannot read {path}: data are not in the file itself: {', '.join(outside[:4])}. Data "
            "of other files are not read. Export the session into one file."
        )


def check_written(data: Any, name: str) -> None:
    """Checks that an open HDF5 data set was written, for what was not reads as zeros.

    Args:
        data: of a column or time series; other than HDF5 is passed over.
        name: of it, for messages.

    Raises:
        DataError: it was never written, or in part.
    """
    import h5py

    data = getattr(data, "dataset", data)
    if not isinstance(data, h5py.Dataset) or not data.size or data.is_virtual:
        return
    lacks = not data.id.get_storage_size()
    if not lacks and data.chunks is not None:
        grid = [math.ceil(n / c) for n, c in zip(data.shape, data.chunks, strict=True)]
        lacks = data.id.get_num_chunks() < math.prod(grid)
    if lacks:
        raise DataError(
            f"{data.file.filename}: the data set {name} was never written, or in part, so that it "
            "would be read as zeros. Export the file again."
        )


def _arrays(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The arrays of a Zarr folder by their place."""
    return _entries(path, ".zarray")


def _entries(path: Path, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """What files of one kind say, by their place; then what the consolidated metadata say."""
    for file in sorted(path.rglob(kind)):
        yield file.parent.relative_to(path).as_posix(), _json(path, file)
    if (path / ".zmetadata").is_file():
        entries = _json(path, path / ".zmetadata").get("metadata", {})
        for key, about in entries.items() if isinstance(entries, dict) else ():
            if key.endswith(kind) and isinstance(about, dict):
                yield key.removesuffix(kind).rstrip("/") or ".", about


def _json(path: Path, file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(
            f"Cannot read {path}: {file.relative_to(path)} is damaged ({type(error).__name__}). "
            "Copy or export it again."
        ) from error
    return found if isinstance(found, dict) else {}


def _stored(folder: Path) -> dict[str, int]:
    """The chunks in the folder of an array and their bytes; nested ones as a/b."""
    if not folder.is_dir():
        return {}
    files = (f for f in folder.rglob("*") if f.is_file() and not f.name.startswith("."))
    return {f.relative_to(folder).as_posix(): f.stat().st_size for f in files}


def _places(grid: list[int]) -> Iterator[tuple[int, ...]]:
    return itertools.product(*(range(n) for n in grid))


def _kind(kind: Any) -> Any:
    """A dtype as .zarray writes it: text, or a list of fields."""
    if isinstance(kind, list):
        return [tuple(_kind(part) if i == 1 else part for i, part in enumerate(f)) for f in kind]
    return kind


def _check_size(path: Path, name: str, declared: int, stored: int) -> None:
    if declared > LARGE and declared > MAX_RATIO * max(stored, 1):
        raise DataError(
            f"Cannot read {path}: its array {name} declares {declared:,} bytes, but {stored:,} are "
            "stored. It is damaged: copy or export it again."
        )


def _check_links(path: Path) -> None:
    root = path.resolve()
    for name, about in _entries(path, ".zattrs"):
        links = about.get("zarr_link") or ()
        for link in links if isinstance(links, list) else ():
            source = link.get("source") if isinstance(link, dict) else None
            if not isinstance(source, str) or source in (".", ""):
                continue
            there = (path / source).resolve()
            if there.exists() and there != root and root not in there.parents:
                raise DataError(
                    f"Cannot read {path}: {name} has a link to {source}, "
                    "which is not in the folder. Data of other files are not read. Export the "
                    "session into one folder."
                )
