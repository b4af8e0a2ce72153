"""What a Phy or Kilosort folder, or an `.npz` of spikes, holds."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from ...recordings import Units
from ...recordings.units import UnsortedSpikesError
from ..contents import Contents, Listing
from ..sources import file_kind
from .files import other_arrays, read_units
from .phy import read_cluster_table, read_sample_rate


class SpikeContents(NamedTuple):
    """What a file of spikes holds. Times are in s, rates in spikes/s over the span of all spikes.

    Attributes:
        about: facts by name, such as the numbers of clusters and spikes.
        clusters: one row a cluster, with columns cluster, label, region, spikes, rate, first, last.
        labels: one row a label, with columns label, clusters, spikes; empty where no file labels
            the clusters.
        arrays: one row for each further array of an `.npz`, with columns array, type, shape, range.
    """

    about: dict[str, str]
    clusters: pd.DataFrame
    labels: pd.DataFrame
    arrays: pd.DataFrame


def spike_contents(path: Path) -> Contents:
    """What a file of spikes holds, to be printed. Raises DataError when it cannot be read."""
    found = inspect_spikes(path)
    unknown = [name for name in ("label", "region") if not any(found.clusters[name])]
    listings = (
        Listing("labels", found.labels),
        Listing("clusters (s, spikes/s)", found.clusters.drop(columns=unknown), long=True),
        Listing("further arrays", found.arrays),
    )
    return Contents(path, found.about, tuple(one for one in listings if len(one.rows)))


def inspect_spikes(path: str | os.PathLike[str]) -> SpikeContents:
    """What a Phy or Kilosort folder, or an `.npz` of spikes, holds; clusters of any label.

    Raises:
        DataError: the file cannot be read.
    """
    path = Path(path)
    units, order = _in_any_order(path)
    start, stop = units.span
    kind = file_kind(path)
    about = {
        "stored as": kind.words,
        "clusters": f"{len(units):,}",
        "spikes": f"{len(units.times):,}",
        "rate": f"{units.rates().sum():,.2f} spikes/s, all clusters together",
        "span": f"{start:,.3f} to {stop:,.3f} s",
        "spike times": order,
    }
    table = read_cluster_table(path, check=False) if kind.name == "phy" else None
    if kind.name == "phy":
        about["sample rate"] = f"{read_sample_rate(path):,g} Hz"
        about["labels"] = "no file labels the clusters" if table is None else table.file
    clusters = _clusters(units, {} if table is None else table.labels)
    labels = pd.DataFrame({"label": [], "clusters": [], "spikes": []})
    if table is not None and table.labels:
        grouped = clusters.groupby("label", sort=True)["spikes"]
        labels = grouped.agg(clusters="size", spikes="sum").reset_index()
        labels["label"] = labels["label"].replace("", "(none)")
    more = other_arrays(path) if kind.name == "npz" else {}
    arrays = [_array(name, values) for name, values in more.items()]
    return SpikeContents(about, clusters, labels, pd.DataFrame(arrays))


def _in_any_order(path: Path) -> tuple[Units, str]:
    try:
        return read_units(path, labels=()), "in order"
    except UnsortedSpikesError:
        return read_units(
            path, labels=(), sort=True
        ), "not in order (--spikes.sort puts them in order)"


def _clusters(units: Units, labels: dict[str, str]) -> pd.DataFrame:
    rows = []
    for i, (name, rate) in enumerate(zip(units.ids, units.rates(), strict=True)):
        spikes = units.spikes(i)
        rows.append(
            {
                "cluster": name,
                "label": labels.get(name, ""),
                "region": units.regions[i],
                "spikes": len(spikes),
                "rate": float(rate),
                "first": float(spikes[0]),
                "last": float(spikes[-1]),
            }
        )
    return pd.DataFrame(rows)


def _array(name: str, array: np.ndarray) -> dict[str, str]:
    span = ""
    if array.size and array.dtype.kind in "iuf":
        span = f"{np.nanmin(array):,.6g} to {np.nanmax(array):,.6g}"
    shape = " x ".join(str(n) for n in array.shape) or "one value"
    return {"array": name, "type": str(array.dtype), "shape": shape, "range": span}
