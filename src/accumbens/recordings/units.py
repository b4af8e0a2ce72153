"""Spikes of sorted units."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from ..errors import DataError
from .stretches import Stretches, covered, joined, length

if TYPE_CHECKING:
    import pynapple

UNKNOWN_REGION = ""
"""Region of a unit whose region the file does not name."""


class UnsortedSpikesError(DataError):
    """Spike times of a unit are not ascending."""


@dataclasses.dataclass(frozen=True)
class Units:
    """Spike times of several sorted units.

    The spikes of unit i are `times[first[i] : first[i + 1]]`.

    Args:
        times: spike times in s, unit after unit, ascending within each unit.
        first: where the spikes of each unit begin, and, last, the number of all spikes.
        ids: the file's own name of each unit.
        regions: brain region of each unit; "" where unknown.
        source: the file, for messages.
        recorded: start and end of the recording, in s; by default the first and the last spike.
        observed: stretches in which each unit was observed, rows of start and end in s; by default
            the whole recording. Outside of them nothing is known, not even that there is no spike.

    Raises:
        DataError: there are no units, two units have one name, or the parts differ in number.
    """

    times: Float[np.ndarray, " spike"]
    first: Int[np.ndarray, " boundary"]
    ids: tuple[str, ...]
    regions: tuple[str, ...]
    source: str = ""
    recorded: tuple[float, float] | None = None
    observed: tuple[Stretches, ...] | None = None

    def __post_init__(self) -> None:
        if not len(self.ids):
            raise DataError(
                f"{self.source or 'These spikes'}: there are no units. Name a file of sorted units."
            )
        if len(self.first) != len(self.ids) + 1 or len(self.regions) != len(self.ids):
            raise DataError(
                f"{self.source or 'These units'}: there are {len(self.ids)} ids, "
                f"{len(self.regions)} regions and {len(self.first)} boundaries. Each unit needs "
                "one of each, and after the last unit comes one more boundary."
            )
        if len(set(self.ids)) < len(self.ids):
            twice = sorted({i for i in self.ids if self.ids.count(i) > 1})
            raise DataError(
                f"{self.source or 'These units'}: several units are named {twice[0]}. Give each "
                "unit a name of its own."
            )

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def counts(self) -> Int[np.ndarray, " unit"]:
        """Number of spikes of each unit."""
        return np.diff(self.first)

    @property
    def span(self) -> tuple[float, float]:
        """Start and end of the recording in s, by default the first and the last spike of any unit;
        NaN if there is none. Units that are selected keep it."""
        if self.recorded is not None:
            return self.recorded
        if not len(self.times):
            return np.nan, np.nan
        return float(self.times.min()), float(self.times.max())

    def stretches(self, unit: int) -> Stretches:
        """When one unit was observed: rows of start and end in s, in order."""
        if self.observed is not None:
            return joined(self.observed[unit])
        return np.array([self.span])

    def observes(
        self, events: Float[np.ndarray, " event"], window: tuple[float, float]
    ) -> Bool[np.ndarray, "event unit"]:
        """Whether each unit was observed in the whole of a window around each event.

        Args:
            events: times in s; NaN is not observed.
            window: from and to, in s from the event.
        """
        starts, ends = events + window[0], events + window[1]
        each = [covered(starts, ends, self.stretches(i)) for i in range(len(self))]
        return np.stack(each, axis=1)

    def rates(self) -> Float[np.ndarray, " unit"]:
        """Spikes per second of each unit, over the time in which it was observed."""
        return np.array([self._rate(unit) for unit in range(len(self))])

    def _rate(self, unit: int) -> float:
        stretches, spikes = self.stretches(unit), self.spikes(unit)
        seconds = length(stretches)
        if not seconds > 0:
            return 0.0
        after = np.searchsorted(spikes, stretches[:, 1], "right")
        return float((after - np.searchsorted(spikes, stretches[:, 0])).sum() / seconds)

    def spikes(self, unit: int) -> Float[np.ndarray, " spike"]:
        """Spike times of one unit, in s."""
        return self.times[self.first[unit] : self.first[unit + 1]]

    def select(self, chosen: Sequence[int] | Int[np.ndarray, " chosen"]) -> Units:
        """Some of the units, of the same recording.

        Args:
            chosen: their numbers, from 0, in the order wanted.

        Raises:
            DataError: no unit is chosen.
        """
        index = np.asarray(chosen, np.int64)
        parts = [self.spikes(int(i)) for i in index]
        return Units(
            times=np.concatenate(parts) if parts else np.zeros(0),
            first=np.concatenate([[0], np.cumsum([len(p) for p in parts])]).astype(np.int64),
            ids=tuple(self.ids[i] for i in index),
            regions=tuple(self.regions[i] for i in index),
            source=self.source,
            recorded=self.span,
            observed=None if self.observed is None else tuple(self.observed[i] for i in index),
        )

    def to_pynapple(self) -> pynapple.TsGroup:
        """The units as a `pynapple.TsGroup` with metadata `unit` and `region`.

        Needs the extra `neural`.
        """
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
    """Units from the time and the cluster of each spike.

    Args:
        times: of each spike, in s.
        clusters: label of the cluster of each spike.
        regions: brain region of each cluster by its label.
        keep: labels of the clusters to keep, in this order; all by default.
        sort: whether to sort spike times that are not ascending; otherwise they are an error.
        source: the file, for messages.

    Raises:
        DataError: times and clusters differ in number, times are not finite or not ascending,
            or a cluster to keep has no spikes.

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
        raise DataError(
            f"{source}: there are {len(times):,} spike times, but cluster labels for "
            f"{len(clusters):,} spikes. Each spike needs one of each."
        )
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
        raise DataError(
            f"{source}: there are no spikes of cluster {', '.join(unknown[:4])}. Keep others."
        )
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
    """Checks that spike times are ascending within each unit.

    Args:
        falls: True at each spike that comes before the previous one of its unit.
        unit: name of the first such unit.
        source: the file, for messages.

    Raises:
        UnsortedSpikesError: a spike comes before the previous one.
    """
    if falls.any():
        raise UnsortedSpikesError(
            f"{source}: the spike times of unit {unit} are not ascending ({int(falls.sum()):,} "
            "spikes of all units come before the previous one). Sort them (sort=True, "
            "--spikes.sort), or check the clock if recordings were joined."
        )


def _text(value: object) -> str:
    """A cluster's label as text; whole numbers without a point."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    return str(value)
