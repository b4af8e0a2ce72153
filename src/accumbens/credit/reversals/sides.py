"""The better side of each trial, and whether it reversed as a rule says."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from ...errors import DataError
from ...trials import Trials
from ..schedule import Schedule
from .machine import Machine

TOLERANCE = 1e-6
"""Probabilities that differ by less are the same (tables may hold single precision)."""


class Sides(NamedTuple):
    """The better side of one session, at its trials with a choice.

    Attributes:
        better: the choice with the higher probability of the controllable reward.
        high, low: probability of that reward after the better and after the other choice.
    """

    better: Int[np.ndarray, " trial"]
    high: float
    low: float


def sides_of(trials: Trials, schedule: Schedule, session: int) -> Sides:
    """The better side of one session.

    Args:
        trials: with two choices.
        schedule: of these trials; the base probabilities where rewards are baited.
        session: number of the session.

    Raises:
        DataError: both sides are equally good on a trial, or the two probabilities of the
            controllable reward are not the same two numbers on every trial of the session.
    """
    made = np.flatnonzero(trials.valid[session])
    p = schedule.controllable[session, made]
    high, low = p.max(1), p.min(1)
    equal = high - low < TOLERANCE
    moved = np.maximum(np.abs(high - high[:1]), np.abs(low - low[:1])) >= TOLERANCE
    for wrong, why in (
        (equal, "both choices have the same probability of"),
        (moved, "the two choices have other probabilities than on the first trial of"),
    ):
        if wrong.any():
            t = int(np.argmax(wrong))
            raise DataError(
                f"A rule of reversals needs a better and a worse side whose probabilities change "
                f"places, but in session {trials.session_labels[session]}, trial "
                f"{trials.number[session, made[t]]}, {why} {trials.names.outcomes[0]}: "
                f"{p[t, 0]:g} and {p[t, 1]:g} (first trial: {p[0, 0]:g} and {p[0, 1]:g}). State "
                "the base probabilities of both sides; of baited rewards too (with --baited)."
            )
    return Sides(p.argmax(1), float(high[0]), float(low[0]))


def check_reversals(
    trials: Trials,
    session: int,
    better: Int[np.ndarray, " trial"],
    types: Int[np.ndarray, " trial"],
    machine: Machine,
    rule: object,
) -> None:
    """Checks that the better side reversed as the rule allows.

    Args:
        trials: of any number of sessions.
        session: number of the session.
        better: side of each trial with a choice.
        types: outcome type of each of these trials.
        machine: the rule.
        rule: the same in words.

    Raises:
        DataError: the side reversed where the rule does not let it, or stayed where it must not.
    """
    made = np.flatnonzero(trials.valid[session])
    choice, state = trials.choice[session, made], np.zeros(1, np.int64)
    since = 0
    for t in range(len(made) - 1):
        after, p = machine.step(state, np.array([choice[t] == better[t]]), int(types[t]))
        reversed_, since = bool(better[t + 1] != better[t]), since + 1
        if p[0] == (0.0 if reversed_ else 1.0):
            did = "changes" if reversed_ else "does not change"
            says = "keeps it" if reversed_ else "changes it"
            raise DataError(
                f"The better side does not follow the rule of reversals ({rule}): in session "
                f"{trials.session_labels[session]} it {did} before trial "
                f"{trials.number[session, made[t + 1]]}, {since} trials with a choice after the "
                f"last reversal or the start, where the rule {says}. Counts begin anew at each "
                "reversal and each session, and pass over missed trials. Correct the rule, or the "
                "columns of probabilities."
            )
        state = np.zeros(1, np.int64) if reversed_ else after
        since = 0 if reversed_ else since


def baited_schedule(trials: Trials, schedule: Schedule) -> Schedule:
    """The effective probabilities of baited controllable rewards.

    A reward that was drawn waits until its side is chosen. After a choice it came with the
    probability 1 - product of (1 - p) over the trials since that side was last chosen, this one
    included. Missed trials are passed over.

    Args:
        trials: with any number of choices.
        schedule: with the base probabilities.

    Returns:
        The schedule in which the controllable reward has the effective probability after the
        choice made; after other choices it is NaN.
    """
    p = schedule.controllable
    effective, absent = np.full(p.shape, np.nan), np.ones((len(p), p.shape[2]))
    rows = np.arange(len(p))
    for t in range(p.shape[1]):
        made = trials.valid[:, t]
        choice = np.maximum(trials.choice[:, t], 0)
        none = absent * (1 - p[:, t])
        effective[rows[made], t, choice[made]] = 1 - none[rows[made], choice[made]]
        absent = np.where(made[:, None], none, absent)
        absent[rows[made], choice[made]] = 1.0
    probability = schedule.probability.copy()
    probability[:, :, 0] = effective
    return dataclasses.replace(schedule, probability=probability)
