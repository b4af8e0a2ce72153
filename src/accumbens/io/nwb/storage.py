"""Is a Zarr folder whole, and does it hold its own data? Checked before a library reads it.

A missing chunk reads as zeros, and a link may lead to any file of the user's: neither is an error
of the libraries.
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
from ..hdf5 import check_size


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
        check_size(path, name, math.prod(shape) * item, kept)
        if stored:
            check_size(path, name, math.prod(chunks) * item, max(stored.values()))
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
