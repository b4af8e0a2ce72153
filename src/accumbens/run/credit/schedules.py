"""Probabilities of rewards as users state them: columns of the table, or numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from ...credit.randomization import SCHEDULE_COLUMNS, Schedule
from ...errors import ConfigError
from ...trials import Trials


def check_probabilities(entries: Sequence[str]) -> None:
    """Raises ConfigError unless there are three entries, or none."""
    if len(entries) not in (0, 3):
        raise ConfigError(
            f"probabilities has {len(entries)} entries; give three, each a column or a number: of "
            "the controllable reward after the first and after the second choice, and of the "
            "distractor."
        )


def schedule_entries(entries: Sequence[str], columns: Sequence[str]) -> tuple[str, ...]:
    """Those entries; without any, the usual columns if all are there."""
    if not entries and set(SCHEDULE_COLUMNS) <= set(columns):
        return SCHEDULE_COLUMNS
    return tuple(entries)


def columns_among(entries: Sequence[str]) -> tuple[str, ...]:
    """The entries that name columns, each once."""
    return tuple(dict.fromkeys(name for name in entries if number(name) is None))


def stated_schedule(trials: Trials, entries: Sequence[str]) -> Schedule:
    """The schedule whose three entries are context columns of the trials, or numbers."""

    def values(entry: str) -> Float[np.ndarray, "session trial"]:
        stated = number(entry)
        if stated is not None:
            return np.full(trials.choice.shape, stated)
        return trials.context[..., trials.names.contexts.index(entry)]

    first, second, distractor = map(values, entries)
    return Schedule(np.stack([first, second], axis=-1), distractor)


def number(text: str) -> float | None:
    """The number that `text` is, or None if it is a name."""
    try:
        return float(text)
    except ValueError:
        return None
