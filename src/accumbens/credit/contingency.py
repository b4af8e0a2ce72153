"""Does a reward depend on the choice? A guard against swapped outcome columns.

Under a reversal schedule the last outcome tells which choice is better now: x_t = +1 after a choice
that repeats a rewarded one or leaves an unrewarded one, else -1. A reward that the choice controls
comes more often where x_t = +1. One that is drawn independently does not, whatever the animal does.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..trials import Trials

SURE = 4.0
"""z above which a reward surely depends on the choice (p < 1e-4)."""
UNSURE = 2.0


class Contingency(NamedTuple):
    """How often one kind of reward came after choices that its own last outcome speaks for or
    against; z: their difference in standard errors, 0 where there is none to compare."""

    outcome: str
    rate_for: float
    rate_against: float
    n_for: int
    n_against: int
    z: float


def contingency(trials: Trials, outcome: int) -> Contingency:
    """The contingency of one outcome column on the choice, over all pairs of successive choices
    within sessions (missed trials are passed over)."""
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
        One sentence for each outcome that depends on the choice though it is a distractor, or does
        not though it is controllable; nothing where all is well, or with a single outcome.
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
        if distractor.z > SURE:
            notes.append(
                f"The distractor column {distractor.outcome!r} depends on the choice: "
                f"{numbers(distractor)}. A distractor must not. Are two columns swapped?"
            )
    if controllable.z < UNSURE:
        notes.append(
            f"The controllable column {controllable.outcome!r} does not depend on the choice: "
            f"{numbers(controllable)}. Are two columns swapped?"
        )
    return tuple(notes)
