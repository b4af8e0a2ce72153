"""Sorted spikes in files: Phy and Kilosort folders, arrays in `.npz`, NWB."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ...errors import DataError
from ...recordings import Units, units_from_arrays
from ..sources import reader_of
from .arrays import one_a_spike


def read_units(
    path: str | os.PathLike[str],
    *,
    labels: Sequence[str] = ("good",),
    label_column: str | None = None,
    sort: bool = False,
) -> Units:
    """Reads the sorted units of any kind of file that `io.sources` lists: NWB, a folder of Phy, ...

    Args:
        path: of the file or folder.
        labels: of a Phy folder: labels of the clusters to keep; empty, or "all", keeps all.
        label_column: of a Phy folder: column of the labels; by default group, or KSLabel where
            there is no group.
        sort: whether to sort spike times that are not ascending; otherwise they are an error.

    Raises:
        ConfigError: the file is NWB and the extra `neural` is not installed.
        DataError: there are no units, or a file is missing or damaged.
    """
    return reader_of(path, "units").read(path, labels=labels, label_column=label_column, sort=sort)


def read_spike_arrays(path: str | os.PathLike[str], *, sort: bool = False) -> Units:
    """Reads units from the arrays `spike_times` (s) and `spike_clusters` of an `.npz` file.

    Args:
        path: of the file; both arrays have one entry for each spike.
        sort: whether to sort spike times that are not ascending; otherwise they are an error.

    Raises:
        DataError: an array is missing or damaged, or spike times are not ascending.
    """
    path = Path(path)
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            names = list(arrays)
            found = {name: arrays[name] for name in ("spike_times", "spike_clusters")}
    except KeyError as error:
        raise DataError(
            f"{path}: there is no array {error.args[0].split()[0]}; the file has "
            f"{', '.join(names)}. Save both spike_times and spike_clusters."
        ) from error
    except Exception as error:  # whatever numpy meets in damaged bytes
        raise DataError(
            f"Cannot read {path}: it is not an .npz file, or damaged ({error}). Save it again."
        ) from error
    times, clusters = (
        one_a_spike(found["spike_times"], path),
        one_a_spike(found["spike_clusters"], path),
    )
    return units_from_arrays(times.astype(np.float64), clusters, sort=sort, source=str(path))


def other_arrays(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    """The arrays of an `.npz` other than those of spikes; unreadable ones are left out."""
    found = {}
    with np.load(path, allow_pickle=False) as arrays:
        for name in arrays:
            if name not in ("spike_times", "spike_clusters"):
                with contextlib.suppress(Exception):  # whatever numpy meets in damaged bytes
                    found[name] = arrays[name]
    return found
