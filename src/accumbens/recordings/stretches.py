"""Stretches of time in which something was observed: rows of start and end in s."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float

Stretches = Float[np.ndarray, "_ 2"]


def joined(stretches: Stretches) -> Stretches:
    """The same times as stretches in order that neither touch nor overlap; empty ones left out."""
    rows = stretches[stretches[:, 1] > stretches[:, 0]]
    rows = rows[np.argsort(rows[:, 0], kind="stable")]
    found: list[list[float]] = []
    for start, end in rows.tolist():
        if found and start <= found[-1][1]:
            found[-1][1] = max(found[-1][1], end)
        else:
            found.append([start, end])
    return np.array(found, np.float64).reshape(-1, 2)


def without(stretches: Stretches, gaps: Stretches) -> Stretches:
    """The stretches less the times in the gaps."""
    rows = joined(stretches)
    for start, end in joined(gaps).tolist():
        before = np.column_stack([rows[:, 0], np.minimum(rows[:, 1], start)])
        after = np.column_stack([np.maximum(rows[:, 0], end), rows[:, 1]])
        rows = joined(np.concatenate([before, after]))
    return rows


def covered(
    starts: Float[np.ndarray, " window"], ends: Float[np.ndarray, " window"], stretches: Stretches
) -> Bool[np.ndarray, " window"]:
    """Whether each window lies wholly in one stretch; False where it is NaN.

    Args:
        starts, ends: of the windows, in s.
        stretches: in order, as `joined` gives them.
    """
    if not len(stretches):
        return np.zeros(len(starts), bool)
    place = np.searchsorted(
        stretches[:, 0], np.where(np.isfinite(starts), starts, -np.inf), "right"
    )
    here = np.maximum(place - 1, 0)
    return (place > 0) & (starts >= stretches[here, 0]) & (ends <= stretches[here, 1])


def length(stretches: Stretches) -> float:
    """Seconds in all stretches, which do not overlap."""
    return float((stretches[:, 1] - stretches[:, 0]).sum())
