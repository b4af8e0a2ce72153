"""Arrays of spikes in files."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ...errors import DataError


def read_array(path: Path) -> np.ndarray:
    """One array of a folder of Phy or Kilosort, with one number for each spike.

    Raises:
        DataError: there is no such file, it is damaged, or holds something else.
    """
    if not path.is_file():
        raise DataError(
            f"{path.parent}: there is no {path.name}, which every folder of Phy or Kilosort has. "
            "Name such a folder."
        )
    try:
        with path.open("rb") as file:
            array = np.load(file, allow_pickle=False)
    except Exception as error:  # whatever numpy meets in damaged bytes
        raise DataError(f"Cannot read {path}: it is damaged ({error}). Copy it again.") from error
    return one_a_spike(array, path)


def one_a_spike(array: np.ndarray, path: Path) -> np.ndarray:
    """An array with one number for each spike; Kilosort writes matrices of one column."""
    if array.dtype.kind not in "iuf" or array.size != max(array.shape, default=0):
        raise DataError(
            f"{path}: the array has the shape {array.shape} and the type {array.dtype}, but there "
            "must be one number for each spike. Export it again."
        )
    return array.reshape(-1)
