"""Probabilities of rewards as users state them: columns of a table, or numbers."""

from __future__ import annotations

from collections.abc import Sequence

from ...credit.columns import probability_columns
from ...errors import ConfigError

ROLES = ("controllable", "distractor")
"""What the columns of probabilities may be named after, instead of the two outcomes."""


def check_probabilities(entries: Sequence[str], n_outcomes: int, n_choices: int = 2) -> None:
    """Checks that the probabilities that a user states are as many as they must be.

    Args:
        entries: each a column or a number; either of the first outcome after each choice and then
            one for each further outcome, or of every outcome after each choice. None at all is
            right too.

    Raises:
        ConfigError: there are too few or too many.
    """
    some, all = n_choices + n_outcomes - 1, n_choices * n_outcomes
    if len(entries) not in (0, some, all):
        ways = f"{some} of them: the probability of the first outcome after each choice"
        if n_outcomes > 1:
            ways += f", then one for each further outcome; or {all}: of every outcome after each"
            ways += " choice"
        raise ConfigError(
            f"probabilities has {len(entries)} entries. For {n_choices} choices and {n_outcomes} "
            f"outcome{'s' * (n_outcomes > 1)} give {ways}. Each is a column or a number."
        )


def columns_among(entries: Sequence[str]) -> tuple[str, ...]:
    """The entries that name columns, each once."""
    return tuple(dict.fromkeys(name for name in entries if number(name) is None))


def usual_columns(outcomes: Sequence[str], n_choices: int = 2) -> tuple[str, ...]:
    """The columns in which a table may hold the probabilities of these outcomes.

    Returns:
        `<outcome>_probability` and, for each choice, `<outcome>_probability_<number>`; of two
        outcomes also those with `controllable` and `distractor` in place of their names.
    """
    named = (*outcomes, *(ROLES if len(outcomes) == len(ROLES) else ()))
    columns = (name for outcome in named for name in probability_columns(outcome, n_choices))
    return tuple(dict.fromkeys(columns))


def number(text: str) -> float | None:
    """The number that `text` is, or None if it is a name."""
    try:
        return float(text)
    except ValueError:
        return None
