"""Does a reward depend on the choice? A guard against swapped outcome columns.

Under a reversal schedule the last outcome tells which choice is better now: x_t = +1 after a choice
that repeats a rewarded one or leaves an unrewarded one, else -1. A reward that the choice controls
comes more often where x_t = +1. One that is drawn independently does not, whatever the animal does.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..trials import Trials

MAX_Z_OF_DISTRACTOR = 4.0
"""A distractor with a larger z surely depends on the choice (p < 1e-4)."""
MIN_Z_OF_CONTROLLABLE = 2.0
"""A controllable reward with a smaller z does not clearly depend on the choice."""


class Contingency(NamedTuple):
    """How often one kind of reward came, by what its own last outcome said about the choice made.

    Attributes:
        outcome: name of the outcome column.
        rate_for: share of trials with the reward among choices that its last outcome spoke for
            (x = +1); NaN where there are no such choices, or none of the others.
        rate_against: the same among choices that its last outcome spoke against (x = -1).
        n_for, n_against: numbers of these choices.
        z: rate_for - rate_against in standard errors; 0 where the rates cannot be compared.
    """

    outcome: str
    rate_for: float
    rate_against: float
    n_for: int
    n_against: int
    z: float


def contingency(trials: Trials, outcome: int) -> Contingency:
    """How far one outcome depends on the choice.

    All pairs of successive choices within sessions count; missed trials are passed over.

    Args:
        trials: any number of subjects and sessions.
        outcome: number of the outcome column, from 0.
    """
    speaks, came = [], []
    for s in range(trials.n_sessions):
        made = np.flatnonzero(trials.valid[s])
        choice, reward = trials.choice[s, made], trials.outcome[s, made, outcome] > 0
        speaks.append((choice[1:] == choice[:-1]) == reward[:-1])
        came.append(reward[1:])
    x, r = np.concatenate(speaks), np.concatenate(came)
    n_for, n_against = int(x.sum()), int((~x).sum())
    name = trials.names.outcomes[outcome]
    if min(n_for, n_against) == 0:
        return Contingency(name, np.nan, np.nan, n_for, n_against, 0.0)
    rate_for, rate_against = float(r[x].mean()), float(r[~x].mean())
    variance = r.mean() * (1 - r.mean()) * (1 / n_for + 1 / n_against)
    z = (rate_for - rate_against) / variance**0.5 if variance > 0 else 0.0
    return Contingency(name, rate_for, rate_against, n_for, n_against, float(z))


def contingency_warnings(trials: Trials) -> tuple[str, ...]:
    """What looks wrong when the first outcome is controllable and the others are distractors.

    Returns:
        One sentence for each distractor that depends on the choice, and for a controllable reward
        that does not. Nothing where all is well, or where there is a single outcome.
    """
    n_outcomes, notes = len(trials.names.outcomes), []
    if n_outcomes < 2:
        return ()

    def numbers(c: Contingency) -> str:
        return (
            f"it came on {c.rate_for:.1%} of {c.n_for:,} trials where its last outcome spoke for "
            f"the choice made and on {c.rate_against:.1%} of {c.n_against:,} others (z = {c.z:.1f})"
        )

    controllable, *distractors = (contingency(trials, k) for k in range(n_outcomes))
    for distractor in distractors:
        if distractor.z > MAX_Z_OF_DISTRACTOR:
            notes.append(
                f"The distractor column {distractor.outcome!r} depends on the choice: "
                f"{numbers(distractor)}. A distractor must not. Are two columns swapped?"
            )
    comparable = min(controllable.n_for, controllable.n_against) > 0
    if comparable and controllable.z < MIN_Z_OF_CONTROLLABLE:
        notes.append(
            f"The controllable column {controllable.outcome!r} does not depend on the choice: "
            f"{numbers(controllable)}. Are two columns swapped?"
        )
    return tuple(notes)
