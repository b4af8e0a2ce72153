"""Folders that Kilosort wrote or Phy curated: spikes, the sample rate, labels of the clusters."""

from __future__ import annotations

import ast
import os
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, cast

import numpy as np
import pandas as pd

from ...errors import DataError
from ...recordings import Units, units_from_arrays
from ..nwb.channels import REGION_COLUMNS
from ..tables.cells import labels as cell_labels
from ..tables.files import read_table
from ..tables.problems import listed, near_matches, show
from .arrays import read_array

LABEL_FILES = ("cluster_info.tsv", "cluster_group.tsv", "cluster_KSLabel.tsv")
"""Files of a Phy folder that usually label the clusters; so may any other cluster_*.tsv."""

LABEL_COLUMNS = ("group", "KSLabel")
"""Columns of labels, what was curated first: group is set by hand, KSLabel by Kilosort."""

ALL = "all"
"""In place of labels: all clusters, labelled or not."""

NO_LABEL = ("", "unsorted")


class ClusterTable(NamedTuple):
    """What the files of a Phy folder say about clusters.

    Attributes:
        file: names of the files.
        column: of the labels; "" where no column labels the clusters.
        labels: label of each cluster; "" where it has none.
        regions: brain region of each cluster; "" where unknown.
        columns: all columns of labels, of which `labels` is one.
    """

    file: str
    column: str
    labels: dict[str, str]
    regions: dict[str, str]
    columns: dict[str, dict[str, str]]


def read_phy(
    folder: str | os.PathLike[str],
    *,
    labels: Sequence[str] = ("good",),
    label_column: str | None = None,
    sort: bool = False,
) -> Units:
    """Reads the units of a folder that Kilosort wrote or Phy curated.

    Spike times are sample numbers (`spike_times.npy`) at the `sample_rate` of `params.py`; clusters
    are in `spike_clusters.npy`. Labels are in `cluster_info.tsv`, `cluster_group.tsv`,
    `cluster_KSLabel.tsv` or another `cluster_*.tsv`, where a column such as `region` or
    `brain_area` names brain regions.

    Args:
        folder: path of the folder.
        labels: of the clusters to keep; empty, or "all", keeps all, labelled or not.
        label_column: column of the labels; by default group, or KSLabel where there is no group.
        sort: whether to sort spike times that are not ascending; otherwise they are an error.

    Raises:
        DataError: a file is missing or damaged, files contradict each other, no file labels the
            clusters, or no cluster has one of the labels.
    """
    folder = Path(folder)
    samples = read_array(folder / "spike_times.npy")
    clusters = read_array(folder / "spike_clusters.npy")
    rate = read_sample_rate(folder)
    wanted = [label.strip().casefold() for label in labels]
    everything = not wanted or wanted == [ALL]
    table = read_cluster_table(folder, label_column, check=not everything)
    keep = None
    if not everything:
        there = [str(name) for name in np.unique(clusters)]
        keep = _labelled(folder, table, wanted, labels, there)
    regions = {} if table is None else table.regions
    return units_from_arrays(
        samples.astype(np.float64) / rate, clusters, regions=regions, keep=keep, sort=sort,
        source=str(folder),
    )  # fmt: skip


def _labelled(
    folder: Path,
    table: ClusterTable | None,
    wanted: Sequence[str],
    labels: Sequence[str],
    clusters: Sequence[str],
) -> list[str]:
    """The clusters with one of the labels."""
    every = "keep all clusters (--spikes.labels all)"
    if table is None or not table.columns:
        raise DataError(
            f"{folder}: no file ({', '.join(LABEL_FILES)}) labels the clusters, so they cannot "
            f"be chosen by label. Curate them in Phy, or {every}."
        )
    keep = [c for c in clusters if table.labels.get(c, "").strip().casefold() in wanted]
    if keep:
        return keep
    words = {name: _counted(column, clusters) for name, column in table.columns.items()}
    others = [f"{name} holds {text}" for name, text in words.items() if name != table.column]
    other = next((name for name in words if name != table.column and words[name]), "")
    choose = f" Take the labels of {other} (--spikes.label-column {other}), or" if other else " Or"
    if not words[table.column]:
        raise DataError(
            f"{folder}: the column {table.column} is blank for all {len(clusters)} clusters, as "
            f"before anything was curated in Phy; {'; '.join(others) or 'there are no others'}."
            f"{choose} {every}."
        )
    also = f" {'; '.join(others)}." if others else ""
    raise DataError(
        f"{folder}: no cluster has the label {' or '.join(labels)}; the labels are "
        f"{words[table.column]} ({table.column}).{also} Name some of these (--spikes.labels), or "
        f"{every}."
    )


def _counted(column: dict[str, str], clusters: Sequence[str]) -> str:
    """The labels of the clusters and how often they occur, in words; "" where there are none."""
    count = Counter(column.get(name, "") for name in clusters)
    found = [f"{label} ({n})" for label, n in sorted(count.items()) if label not in NO_LABEL]
    return ", ".join(found)


def read_sample_rate(folder: Path) -> float:
    """The sample rate in Hz of a Phy folder, from params.py, which is read but not run.

    Only its line of the sample rate is read: Python need not understand the others, such as
    Windows paths.

    Raises:
        DataError: params.py is missing, or gives no positive number as sample_rate.
    """
    path = folder / "params.py"
    if not path.is_file():
        raise DataError(f"{path.parent}: there is no params.py with the sample_rate. Add one.")
    try:
        text = path.read_bytes().decode("utf-8-sig", "replace")
    except OSError as error:
        raise DataError(f"Cannot read {path}: {error.strerror}. Allow it to be read.") from error
    found = None
    for number, line in enumerate(re.split(r"\r\n|\r|\n", text), 1):
        match = re.match(r"\s*sample_rate\s*(?::[^=]*)?=(?!=)(.*)", line)
        if match:
            found = number, match[1].partition("#")[0].strip().rstrip(";").strip()
    if found is None:
        raise DataError(
            f"{path}: no line gives the sample_rate. Add one, such as sample_rate = 30000."
        )
    try:
        rate = float(ast.literal_eval(found[1]))
    except (
        SyntaxError,
        ValueError,
        TypeError,
        RecursionError,
        MemoryError,
        OverflowError,
    ) as error:
        raise DataError(
            f"{path}: line {found[0]} gives {show(found[1])} as sample_rate, which is not a "
            "number. Write the number of samples per second there."
        ) from error
    if not (rate > 0 and np.isfinite(rate)):
        raise DataError(f"{path}: sample_rate is {rate}; it must be a positive number of Hz.")
    return rate


def read_cluster_table(
    folder: Path, label_column: str | None = None, *, check: bool = True
) -> ClusterTable | None:
    """What the files `cluster_*.tsv` say about clusters; None where there is no such file.

    Args:
        folder: of Phy.
        label_column: column of the labels; by default group, or KSLabel where there is no group.
        check: whether files that give a cluster different labels are an error.

    Raises:
        DataError: a file is damaged, no column names the clusters, files contradict each other, or
            there is no such column of labels.
    """
    others = sorted(p.name for p in folder.glob("cluster_*.tsv") if p.name not in LABEL_FILES)
    names = [name for name in (*LABEL_FILES, *others) if (folder / name).is_file()]
    if not names:
        return None
    columns: dict[str, dict[str, str]] = {}
    came_from: dict[tuple[str, str], str] = {}
    regions: dict[str, str] = {}
    for name in names:
        table = _read(folder, name)
        for column, cells in table.items():
            into = columns.setdefault(column, {})
            for cluster, label in cells.items():
                known = into.get(cluster, "")
                labels = column in (*LABEL_COLUMNS, label_column)
                if check and labels and label != known and not {label, known} & set(NO_LABEL):
                    _contradict(folder, column, cluster, (came_from[column, cluster], known),
                                (name, label))  # fmt: skip
                if known in NO_LABEL:
                    into[cluster] = label
                    came_from[column, cluster] = name
        region = next((c for c in REGION_COLUMNS if c in table), None)
        regions = regions or ({} if region is None else table[region])
    column = label_column or next((c for c in LABEL_COLUMNS if c in columns), "")
    if label_column is not None and label_column not in columns:
        near = near_matches(label_column, list(columns))
        hint = f" Did you mean {listed(near)}?" if near else ""
        raise DataError(
            f"{folder}: no file has a column of labels {show(label_column)} "
            f"(--spikes.label-column).{hint} The columns are {', '.join(columns) or 'none'}."
        )
    choices = [c for c in columns if c in (*LABEL_COLUMNS, column)]
    return ClusterTable(
        " and ".join(names), column, columns.get(column, {}), regions,
        {name: columns[name] for name in choices},
    )  # fmt: skip


def _contradict(
    folder: Path, column: str, cluster: str, first: tuple[str, str], second: tuple[str, str]
) -> None:
    raise DataError(
        f"{folder}: {first[0]} gives cluster {cluster} the {column} {first[1]}, but {second[0]} "
        f"gives it {second[1]}. One of the files is out of date: save in Phy again, or move the "
        "old file out of the folder."
    )


def _read(folder: Path, name: str) -> dict[str, dict[str, str]]:
    """The columns of a file, each the text of each cluster; "" where blank."""
    if name not in LABEL_FILES and not (folder / name).stat().st_size:
        return {}
    table = read_table(folder / name)
    ids = next((c for c in ("cluster_id", "id") if c in table.columns), None)
    if ids is None:
        if name not in LABEL_FILES:
            return {}
        raise DataError(
            f"{folder}: {name} has no column cluster_id; its columns are "
            f"{', '.join(map(str, table.columns))}. Export it again."
        )
    clusters = _texts(table, ids)
    twice = [str(c) for c in table.columns if list(table.columns).count(c) > 1]
    found = [str(c) for c in table.columns if c != ids and str(c) not in twice]
    return {c: dict(zip(clusters, _texts(table, c), strict=True)) for c in found}


def _texts(table: pd.DataFrame, column: str) -> list[str]:
    """The cells of a column as labels; "" where blank."""
    index, names = cell_labels(cast(pd.Series, table[column]))
    return [names[i] if i >= 0 else "" for i in index]
