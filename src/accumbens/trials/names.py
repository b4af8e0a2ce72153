"""Names of choices, columns, subjects and sessions."""

from __future__ import annotations

import dataclasses

MISSED = -1
"""Value of `Trials.choice` where the animal made no valid choice, and in padding."""

ChoiceCode = int | float | str | bool


@dataclasses.dataclass(frozen=True)
class TrialNames:
    """Names of the choices, columns, subjects and sessions of `Trials`.

    Args:
        choices: the user's own code of each choice ("left", -1, ...).
        outcomes: names of the kinds of outcome.
        signals: names of the neural signals.
        contexts: names of the context columns.
        subjects: names of the subjects.
        sessions: label of each session, unique within its subject.
    """

    choices: tuple[ChoiceCode, ...] = (0, 1)
    outcomes: tuple[str, ...] = ("reward",)
    signals: tuple[str, ...] = ()
    contexts: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ("subject",)
    sessions: tuple[str, ...] = ()
