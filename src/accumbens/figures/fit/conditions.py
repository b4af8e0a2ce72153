"""Each choice with its outcomes, as they occur in the data, and how its lines look."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from ...trials import Trials
from ..labels import choice_labels, outcome_label, printed
from ..style import CHOICE_COLOURS, OUTCOME_LINES

MAX_LEVELS, MAX_CONDITIONS = 3, 16
"""Outcomes of more values are drawn at three of them; of more conditions, the most frequent."""


class Condition(NamedTuple):
    """A choice with its outcomes, as it occurs in the data.

    outcome_number: 0 for the largest outcomes (rewarded), then down; decides how lines look.
    """

    choice: int
    outcome: tuple[float, ...]
    outcome_number: int
    label: str
    n_trials: int


def conditions_of(trials: Trials) -> tuple[Condition, ...]:
    """The conditions that occur, at most `MAX_CONDITIONS`, in order of choice, then outcome."""
    drawn = [_at_levels(column) for column in trials.outcome[trials.valid].T]
    each = np.column_stack([trials.choice[trials.valid], *drawn])
    rows, counts = np.unique(each, axis=0, return_counts=True)
    keep = np.sort(np.argsort(-counts, kind="stable")[:MAX_CONDITIONS])
    outcomes = sorted({tuple(row[1:].tolist()) for row in rows[keep]}, reverse=True)
    words = _different_words(trials.names.outcomes, outcomes)
    conditions = []
    for row, n in zip(rows[keep], counts[keep], strict=True):
        choice, values = int(row[0]), tuple(row[1:].tolist())
        number = outcomes.index(values)
        label = ", ".join(filter(None, (choice_labels(trials.names)[choice], words[number])))
        conditions.append(Condition(choice, values, number, label, int(n)))
    return tuple(sorted(conditions, key=lambda c: (c.choice, c.outcome_number)))


def _different_words(names: Sequence[str], outcomes: list[tuple[float, ...]]) -> list[str]:
    """A label for each outcome, with as many digits as it takes to tell them apart."""
    for digits in (2, 4):
        words = [outcome_label(names, values, digits) for values in outcomes]
        if len(set(words)) == len(words):
            return words
    return [outcome_label(names, values, 17) for values in outcomes]


def _at_levels(column: Float[np.ndarray, " trial"]) -> Float[np.ndarray, " trial"]:
    """The column itself; of many values, the nearest of its 10th, 50th and 90th percentile."""
    levels = np.unique(column)
    if len(levels) <= MAX_LEVELS:
        return column
    levels = np.unique(np.percentile(column, [10, 50, 90]))
    return levels[np.abs(column[:, None] - levels).argmin(1)]


def look(condition: Condition) -> dict[str, Any]:
    """How a condition's line looks: colour for the choice, dashes for the outcome."""
    return {
        "color": CHOICE_COLOURS[condition.choice % len(CHOICE_COLOURS)],
        "linestyle": OUTCOME_LINES[condition.outcome_number % len(OUTCOME_LINES)],
        "label": printed(condition.label),
    }


def legend_columns(conditions: Sequence[Condition], width_mm: float) -> int:
    """Legend entries that fit side by side: as many columns as choices, or a whole part of them."""
    longest = max(len(condition.label) for condition in conditions)
    fitting = max(1, int(width_mm / (12 + 1.25 * longest)))
    n_choices = len({condition.choice for condition in conditions})
    return max(n for n in range(1, n_choices + 1) if n_choices % n == 0 and n <= fitting)
