"""The situations in which update networks are compared: choices with their outcomes, and trials."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from ..trials import Trials

MAX_LEVELS, MAX_CONDITIONS = 3, 16
"""Outcomes of more values are taken at their 10th, 50th and 90th percentile; of more conditions,
the most frequent."""
MAX_TRIALS = 2_000
"""Trials along which updates are compared; of more, as many, evenly spaced."""


class Conditions(NamedTuple):
    """What may happen on a trial: a choice and its outcomes, as they occur in the data.

    Attributes:
        choice: number of the choice.
        outcome: value of each kind of outcome.
        share: of the trials with a choice; they sum to 1.
    """

    choice: Int[np.ndarray, " condition"]
    outcome: Float[np.ndarray, "condition outcome"]
    share: Float[np.ndarray, " condition"]


def conditions_of(trials: Trials) -> Conditions:
    """The conditions that occur, at most `MAX_CONDITIONS`, in order of choice, then outcome."""
    valid = trials.valid
    columns = [_at_levels(column) for column in trials.outcome[valid].T]
    each = np.column_stack([trials.choice[valid], *columns])
    rows, counts = np.unique(each, axis=0, return_counts=True)
    keep = np.sort(np.argsort(-counts, kind="stable")[:MAX_CONDITIONS])
    share = counts[keep] / counts[keep].sum()
    return Conditions(rows[keep, 0].astype(np.int64), rows[keep, 1:].astype(np.float64), share)


def evenly(n: int, most: int = MAX_TRIALS) -> Int[np.ndarray, " chosen"]:
    """Numbers of at most so many of n things, evenly spaced."""
    return np.unique(np.linspace(0, n - 1, min(n, most)).round().astype(np.int64))


def _at_levels(column: Float[np.ndarray, " trial"]) -> Float[np.ndarray, " trial"]:
    levels = np.unique(column)
    if len(levels) <= MAX_LEVELS:
        return column
    levels = np.unique(np.percentile(column, [10, 50, 90]))
    return levels[np.abs(column[:, None] - levels).argmin(1)]
