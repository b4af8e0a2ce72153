"""Does an HDF5 file hold its own data, in sizes that it can hold? Checked before it is read.

A damaged size asks for more memory than there is, a data set may stand in any other file of the
user's, and one that was never written reads as zeros: none of these is an error of the library.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from ..errors import DataError

LARGE = 2**28
"""Bytes from which a declared size is compared with what is stored."""

MAX_RATIO = 10_000
"""Declared bytes for each stored one that are still believed of large arrays."""


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
        check_size(path, name, one.size * one.dtype.itemsize if one.size else 0, stored)

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


def check_size(path: Path, name: str, declared: int, stored: int) -> None:
    """Checks that an array can be as large as it says.

    Args:
        path: of the file, for messages.
        name: of the array.
        declared, stored: its bytes in memory, and in the file.

    Raises:
        DataError: it is large, and declares far more than is stored.
    """
    if declared > LARGE and declared > MAX_RATIO * max(stored, 1):
        raise DataError(
            f"Cannot read {path}: its array {name} declares {declared:,} bytes, but {stored:,} are "
            "stored. It is damaged: copy or export it again."
        )
