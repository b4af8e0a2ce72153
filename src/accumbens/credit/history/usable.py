"""Animals whose choices say nothing of their history: without a free choice, or all on one side."""

from __future__ import annotations

import dataclasses

import numpy as np

from ...errors import DataError
from ...summary import counted
from ...trials import Trials
from ..schedule import Schedule


def left_out(trials: Trials, how: str = "without index and p-value") -> dict[int, str]:
    """The subjects that cannot be regressed, by number, and why. Only choices decide, no outcome.

    Args:
        trials: of any number of subjects.
        how: they are left out, in a few words.
    """
    found = {}
    for s in np.unique(trials.subject):
        own = trials.subject == s
        free = trials.choice[own][trials.scored[own]]
        name = trials.names.subjects[s]
        if not free.size:
            why = (
                f"not one of its {counted(int(trials.length[own].sum()), 'trial')} has a free "
                "choice (all are missed or instructed)"
            )
        elif (free == free[0]).all():
            side = trials.names.choices[free[0]]
            why = f"all its {counted(free.size, 'free choice')} are {side!r}"
        else:
            continue
        found[int(s)] = f"{name}: left out, {how}, because {why}."
    return found


def usable(
    trials: Trials, schedule: Schedule | None
) -> tuple[Trials, Schedule | None, tuple[str, ...]]:
    """The sessions of the subjects that can be regressed, their schedule, and who is left out.

    Args:
        trials: of any number of subjects.
        schedule: of these trials, or None.

    Raises:
        DataError: no subject can be regressed.
    """
    out = left_out(trials)
    if not out:
        return trials, schedule, ()
    index = np.flatnonzero(~np.isin(trials.subject, list(out)))
    if not index.size:
        raise DataError(
            "No subject has choices to regress. " + " ".join(out.values()) + " Check the columns "
            "of choices and of instructed trials."
        )
    kept = trials.select_sessions(index)
    if schedule is not None:
        probability = schedule.probability[index, : kept.choice.shape[1]]
        schedule = dataclasses.replace(schedule, probability=probability)
    return kept, schedule, tuple(out.values())
