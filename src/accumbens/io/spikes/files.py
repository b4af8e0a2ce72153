"""Sorted spikes in files: Phy and Kilosort folders, arrays in `.npz`, NWB."""

from __future__ import annotations

import ast
import contextlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, cast

import numpy as np
import pandas as pd

from ...errors import DataError
from ...recordings import Units, units_from_arrays
from ..nwb.channels import REGION_COLUMNS
from ..sources import reader_of
from ..tables.cells import labels as cell_labels
from ..tables.files import read_table

LABEL_FILES = ("cluster_info.tsv", "cluster_group.tsv", "cluster_KSLabel.tsv")
"""Files of a Phy folder that may label the clusters, best first."""

LABEL_COLUMNS = ("group", "KSLabel")


class ClusterTable(NamedTuple):
    """What a file of a Phy folder says about clusters.

    Attributes:
        file: its name.
        labels: label of each cluster; "" where it has none.
        regions: brain region of each cluster; "" where unknown.
    """

    file: str
    labels: dict[str, str]
    regions: dict[str, str]


def read_units(
    path: str | os.PathLike[str], *, labels: Sequence[str] = ("good",), sort: bool = False
) -> Units:
    """Reads the sorted units of any kind of file that `io.sources` lists: NWB, a folder of Phy, ...

    Args:
        path: of the file or folder.
        labels: of a Phy folder: labels of the clusters to keep; empty keeps all.
        sort: whether to sort spike times that are not ascending; otherwise they are an error.

    Raises:
        ConfigError: the file is NWB and the extra `neural` is not installed.
        DataError: there are no units, or a file is missing or damaged.
    """
    return reader_of(path, "units").read(path, labels=labels, sort=sort)


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
    times, clusters = _flat(found["spike_times"], path), _flat(found["spike_clusters"], path)
    return units_from_arrays(times.astype(np.float64), clusters, sort=sort, source=str(path))


def read_phy(
    folder: str | os.PathLike[str], *, labels: Sequence[str] = ("good",), sort: bool = False
) -> Units:
    """Reads the units of a folder that Kilosort wrote or Phy curated.

    Spike times are sample numbers (`spike_times.npy`) at the `sample_rate` of `params.py`; clusters
    are in `spike_clusters.npy`. Labels are in `cluster_info.tsv`, `cluster_group.tsv` or
    `cluster_KSLabel.tsv`, where a column such as `region` or `brain_area` names brain regions.

    Args:
        folder: path of the folder.
        labels: of the clusters to keep; empty keeps all, labelled or not.
        sort: whether to sort spike times that are not ascending; otherwise they are an error.

    Raises:
        DataError: a file is missing or damaged, no file labels the clusters, or no cluster has one
            of the labels.
    """
    folder = Path(folder)
    samples = _array(folder / "spike_times.npy")
    clusters = _array(folder / "spike_clusters.npy")
    rate = read_sample_rate(folder)
    table, keep = read_cluster_table(folder), None
    if labels:
        if table is None or not table.labels:
            raise DataError(
                f"{folder}: no file ({', '.join(LABEL_FILES)}) labels the clusters, so they cannot "
                "be chosen by label. Keep all of them (labels=()), or curate them in Phy."
            )
        wanted = {name for name, label in table.labels.items() if label in labels}
        keep = [name for name in map(str, np.unique(clusters)) if name in wanted]
        if not keep:
            there = ", ".join(sorted({label for label in table.labels.values() if label}))
            raise DataError(
                f"{folder}: no cluster has the label {' or '.join(labels)}; the labels are "
                f"{there}. Name some of these."
            )
    regions = {} if table is None else table.regions
    return units_from_arrays(
        samples.astype(np.float64) / rate, clusters, regions=regions, keep=keep, sort=sort,
        source=str(folder),
    )  # fmt: skip


def _array(path: Path) -> np.ndarray:
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
    return _flat(array, path)


def _flat(array: np.ndarray, path: Path) -> np.ndarray:
    """An array with one number for each spike; Kilosort writes matrices of one column."""
    if array.dtype.kind not in "iuf" or array.size != max(array.shape, default=0):
        raise DataError(
            f"{path}: the array has the shape {array.shape} and the type {array.dtype}, but there "
            "must be one number for each spike. Export it again."
        )
    return array.reshape(-1)


def read_sample_rate(folder: Path) -> float:
    """The sample rate in Hz of a Phy folder, from params.py, which is read but not run.

    Raises:
        DataError: params.py is missing, or gives no positive number as sample_rate.
    """
    path = folder / "params.py"
    if not path.is_file():
        raise DataError(f"{path.parent}: there is no params.py with the sample_rate. Add one.")
    try:
        lines = ast.parse(path.read_text()).body
        values = [
            ast.literal_eval(line.value)
            for line in lines
            if isinstance(line, ast.Assign) and getattr(line.targets[0], "id", "") == "sample_rate"
        ]
        rate = float(values[-1])
    except (SyntaxError, ValueError, IndexError, TypeError, OSError, RecursionError) as error:
        raise DataError(f"{path}: the file gives no number as sample_rate. Add it.") from error
    if not (rate > 0 and np.isfinite(rate)):
        raise DataError(f"{path}: sample_rate is {rate}; it must be a positive number of Hz.")
    return rate


def read_cluster_table(folder: Path) -> ClusterTable | None:
    """What the first of `LABEL_FILES` says about clusters; None where there is no such file.

    Raises:
        DataError: the file is damaged, or no column names the clusters.
    """
    name = next((name for name in LABEL_FILES if (folder / name).is_file()), None)
    if name is None:
        return None
    table = read_table(folder / name)
    ids = next((c for c in ("cluster_id", "id") if c in table.columns), None)
    if ids is None:
        raise DataError(
            f"{folder}: {name} has no column cluster_id; its columns are "
            f"{', '.join(map(str, table.columns))}. Export it again."
        )
    clusters = _texts(table, ids)
    label = next((c for c in LABEL_COLUMNS if c in table.columns), None)
    region = next((c for c in REGION_COLUMNS if c in table.columns), None)
    return ClusterTable(
        name,
        {} if label is None else dict(zip(clusters, _texts(table, label), strict=True)),
        {} if region is None else dict(zip(clusters, _texts(table, region), strict=True)),
    )


def other_arrays(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    """The arrays of an `.npz` other than those of spikes; unreadable ones are left out."""
    found = {}
    with np.load(path, allow_pickle=False) as arrays:
        for name in arrays:
            if name not in ("spike_times", "spike_clusters"):
                with contextlib.suppress(Exception):  # whatever numpy meets in damaged bytes
                    found[name] = arrays[name]
    return found


def _texts(table: pd.DataFrame, column: str) -> list[str]:
    """The cells of a column as labels; "" where blank."""
    index, names = cell_labels(cast(pd.Series, table[column]))
    return [names[i] if i >= 0 else "" for i in index]
