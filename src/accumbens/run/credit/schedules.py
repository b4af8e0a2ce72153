"""Probabilities of rewards as users state them: columns of the table, or numbers."""

from __future__ import annotations

from collections.abc import Sequence

from ...credit.schedule import Schedule, present_columns, schedule_from_columns
from ...trials import Trials
from .columns import ROLES, check_probabilities, number


def stated_schedule(trials: Trials, entries: Sequence[str]) -> Schedule:
    """The schedule whose entries (see `check_probabilities`) are context columns or numbers."""
    outcomes, n_choices = trials.names.outcomes, trials.n_choices
    check_probabilities(entries, len(outcomes), n_choices)
    values = [name if (stated := number(name)) is None else stated for name in entries]
    each = n_choices if len(values) == n_choices * len(outcomes) else 1
    columns, rest = {outcomes[0]: values[:n_choices]}, values[n_choices:]
    for k, outcome in enumerate(outcomes[1:]):
        columns[outcome] = rest[k * each : (k + 1) * each]
    return schedule_from_columns(trials, columns)


def schedule_in_table(trials: Trials) -> Schedule | None:
    """The schedule that the context columns of the trials hold (see `usual_columns`).

    Returns:
        The schedule from the columns that are named after the outcomes; where these are not all
        there, from those named after the roles of two outcomes; None where neither are.
    """
    outcomes = trials.names.outcomes
    for names in (outcomes, ROLES):
        columns = [present_columns(trials, name) for name in names]
        if len(names) == len(outcomes) and all(columns):
            return schedule_from_columns(trials, dict(zip(outcomes, columns, strict=True)))
    return None
