"""Spikes of sorted units."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from ..errors import DataError

if TYPE_CHECKING:
    import pynapple

UNKNOWN_REGION = ""
"""Region of a unit of which the file does not say it."""


@dataclasses.dataclass(frozen=True)
class Units:
    """Spike times of several units, one after the other, ascending (s) within each unit.

    The spikes of unit i are `times[first[i] : first[i + 1]]`.
    ids: the file's own name of each unit; regions: its brain region, "" where unknown.
    Raises DataError when the parts contradict each other.
    """

    times: Float[np.ndarray, " spike"]
    first: Int[np.ndarray, " boundary"]
    ids: tuple[str, ...]
    regions: tuple[str, ...]
    source: str = ""

    def __post_init__(self) -> None:
        if not len(self.ids):
            raise DataError(f"{self.source or 'These spikes'}: there are no units.")
        if len(self.first) != len(self.ids) + 1 or len(self.regions) != len(self.ids):
            raise DataError(
                f"{self.source or 'These units'}: {len(self.ids)} ids, {len(self.regions)} regions "
                f"and {len(self.first)} boundaries; there must be one of each a unit, and a last "
                "boundary."
            )
        if len(set(self.ids)) < len(self.ids):
            twice = sorted({i for i in self.ids if self.ids.count(i) > 1})
            raise DataError(
                f"{self.source or 'These units'}: several units are named {twice[0]}. Rename them."
            )

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def counts(self) -> Int[np.ndarray, " unit"]:
        """Spikes of each unit."""
        return np.diff(self.first)

    @property
    def span(self) -> tuple[float, float]:
        """Times of the first and of the last spike of any unit, in s; NaN if there is none."""
        if not len(self.times):
            return np.nan, np.nan
        return float(self.times.min()), float(self.times.max())

    def rates(self) -> Float[np.ndarray, " unit"]:
        """Spikes per second of each unit, between the first and last spike of all units."""
        start, stop = self.span
        return self.counts / (stop - start) if stop > start else np.zeros(len(self))

    def spikes(self, unit: int) -> Float[np.ndarray, " spike"]:
        """Spike times of one unit, in s."""
        return self.times[self.first[unit] : self.first[unit + 1]]

    def select(self, chosen: Sequence[int] | Int[np.ndarray, " chosen"]) -> Units:
        """The named units in the named order. Raises DataError if none is named."""
        index = np.asarray(chosen, np.int64)
        parts = [self.spikes(int(i)) for i in index]
        return Units(
            times=np.concatenate(parts) if parts else np.zeros(0),
            first=np.concatenate([[0], np.cumsum([len(p) for p in parts])]).astype(np.int64),
            ids=tuple(self.ids[i] for i in index),
            regions=tuple(self.regions[i] for i in index),
            source=self.source,
        )

    def to_pynapple(self) -> pynapple.TsGroup:
        """The units as a `pynapple.TsGroup` with metadata `unit` and `region`. Needs `neural`."""
        import pandas as pd
        import pynapple

        about = pd.DataFrame({"unit": self.ids, "region": self.regions})
        spikes = {i: pynapple.Ts(self.spikes(i)) for i in range(len(self))}
        return pynapple.TsGroup(spikes, metadata=about)


def units_from_arrays(
    times: Float[np.ndarray, " spike"],
    clusters: Shaped[np.ndarray, " label"],
    *,
    regions: dict[str, str] | None = None,
    keep: Sequence[object] | None = None,
    sort: bool = False,
    source: str = "these spikes",
) -> Units:
    """Units from the time of each spike (s) and the cluster that it belongs to.

    regions: the brain region by cluster. keep: clusters to keep, in this order; default all.
    sort: spikes are in no order; put them in order. Without it that is an error.
    Raises DataError when lengths differ, times are not numbers or fall, or clusters are unknown.

    Example:
        >>> import numpy as np
        >>> from accumbens import recordings
        >>> times, clusters = np.array([0.1, 1.2, 1.3, 2.1]), np.array([7, 7, 9, 9])
        >>> units = recordings.units_from_arrays(times, clusters, regions={"7": "ACA", "9": "MOs"})
        >>> units.ids, units.regions
        (('7', '9'), ('ACA', 'MOs'))
    """
    times = np.asarray(times, np.float64)
    if len(times) != len(clusters):
        raise DataError(f"{source}: {len(times):,} spike times, but {len(clusters):,} clusters.")
    bad = int((~np.isfinite(times)).sum())
    if bad:
        raise DataError(
            f"{source}: {bad:,} of {len(times):,} spike times are not numbers. Remove those spikes."
        )
    label, place = np.unique(clusters, return_inverse=True)
    names = [_text(value) for value in label]
    wanted = names if keep is None else [_text(value) for value in keep]
    unknown = [name for name in wanted if name not in names]
    if unknown:
        raise DataError(f"{source}: there are no spikes of cluster {', '.join(unknown[:4])}.")
    keys = (times, place) if sort else (place,)
    order = np.lexsort(keys)
    ordered, of = times[order], place[order]
    falls = (ordered[1:] < ordered[:-1]) & (of[1:] == of[:-1])
    check_order(falls, names[of[np.flatnonzero(falls)[0]]] if falls.any() else "", source)
    edge = np.searchsorted(of, np.arange(len(names) + 1))
    regions = {_text(k): v for k, v in (regions or {}).items()}
    units = Units(
        ordered, edge.astype(np.int64), tuple(names),
        tuple(regions.get(name, UNKNOWN_REGION) for name in names), source,
    )  # fmt: skip
    return units if keep is None else units.select([names.index(name) for name in wanted])


def check_order(falls: Bool[np.ndarray, " step"], unit: str, source: str) -> None:
    """Raises DataError where spike times of a unit go back in time."""
    if falls.any():
        raise DataError(
            f"{source}: the spike times of unit {unit} are not in order (they go back "
            f"{int(falls.sum()):,} times in all). Sort them (sort=True, --spikes.sort), or check "
            "the clock if recordings were joined."
        )


def _text(value: object) -> str:
    """A cluster's label as text; whole numbers without a point."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    return str(value)
