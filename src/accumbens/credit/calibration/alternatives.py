"""Other schedules from which rewards may have come than the one that is stated.

Each gives a probability q to every trial, beside the stated p. The product of the likelihood ratios
(q or 1 - q) / (p or 1 - p) has the mean 1 under the stated schedule, whatever the animal does, as
long as q is settled before the outcome is drawn. So it exceeds x with a probability of at most 1/x.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from ...trials import Trials
from ..schedule import Schedule
from .decks import deck_probabilities
from .past import past_of

TILTS = np.array([s * 0.05 * 2**i for s in (-1, 1) for i in range(7)])
"""Log-odds by which a tilted schedule differs for each unit of what it depends on."""
SMALLEST = 1e-6
"""An alternative gives every outcome at least this probability."""


class Alternative(NamedTuple):
    """How much better than the stated schedule another one explains an outcome.

    Attributes:
        outcome: number of the outcome.
        cause: what is wrong if this is the true schedule, in a few words.
        log_ratio: log likelihood ratio of every session, for each of equally likely variants.
        counts: False where it may only name a cause: its q can depend on the outcome itself.
    """

    outcome: int
    cause: str
    log_ratio: Float[np.ndarray, "variant session"]
    counts: bool = True


class _Drawn(NamedTuple):
    """The trials on which an outcome was drawn: with a choice, and a probability between 0 and 1.

    Attributes:
        where: those trials.
        p: stated probability of each.
        came: whether it came.
        session: number of the session.
        n_sessions: of all trials.
    """

    where: Bool[np.ndarray, "session trial"]
    p: Float[np.ndarray, " drawn"]
    came: Bool[np.ndarray, " drawn"]
    session: Int[np.ndarray, " drawn"]
    n_sessions: int

    def sums(self, per_trial: Float[np.ndarray, " drawn"]) -> Float[np.ndarray, "1 session"]:
        return np.bincount(self.session, per_trial, self.n_sessions).astype(float)[None]

    def instead(self, q: Float[np.ndarray, "session trial"]) -> Float[np.ndarray, "1 session"]:
        """Log likelihood ratio of another probability of each trial; the stated one if NaN."""
        q = np.clip(
            np.where(np.isnan(q[self.where]), self.p, q[self.where]), SMALLEST, 1 - SMALLEST
        )
        return self.sums(np.where(self.came, np.log(q / self.p), np.log((1 - q) / (1 - self.p))))

    def tilted(
        self, by: Float[np.ndarray, "session trial"], tilts: Float[np.ndarray, " variant"]
    ) -> Float[np.ndarray, "variant session"]:
        """Log likelihood ratio of logit q = logit p + tilt x by, for each tilt."""
        w = by[self.where]
        parts = []
        for tilt in tilts:
            moved = tilt * w
            parts.append(self.sums(moved * self.came - np.log1p(self.p * np.expm1(moved))))
        return np.concatenate(parts)


def drawn(trials: Trials, schedule: Schedule, outcome: int) -> _Drawn:
    """The trials on which an outcome was drawn, with its stated probabilities."""
    p = schedule.after(trials.choice)[..., outcome]
    where = trials.valid & (p > 0) & (p < 1)
    came = trials.outcome[..., outcome] > 0
    return _Drawn(where, p[where], came[where], np.nonzero(where)[0], trials.n_sessions)


def alternatives(trials: Trials, schedule: Schedule, outcome: int) -> Iterator[Alternative]:
    """Other schedules of one outcome, the more particular ones first.

    Args:
        trials: any number of subjects and sessions.
        schedule: what is stated.
        outcome: number of the outcome.
    """
    names, k = schedule.outcomes, outcome
    data, choice = drawn(trials, schedule, k), np.maximum(trials.choice, 0)
    all_p, p = schedule.probability[:, :, k], schedule.after(trials.choice)
    came = trials.outcome > 0
    rows, columns = np.indices(choice.shape)
    past = past_of(trials.choice, came[..., k], all_p)
    n = trials.n_choices
    for shift in range(1, n):
        yield Alternative(k, SWAPPED, data.instead(all_p[rows, columns, (choice + shift) % n]))
    for j, name in enumerate(names):
        if j != k:
            cause = EXCHANGED.format(*sorted((names[k], name), key=names.index))
            yield Alternative(k, cause, data.instead(p[..., j]))
    yield Alternative(k, BAITED, data.instead(past.baited))
    yield Alternative(k, FIXED, data.instead(past.reversing))
    for shift, cause in ((1, EARLY), (-1, LATE)):
        at = np.clip(columns - shift, 0, choice.shape[1] - 1)
        yield Alternative(k, cause, data.instead(all_p[rows, at, choice]), counts=shift > 0)
    yield Alternative(k, COMPLEMENT, data.instead(1 - p[..., k]))
    logit = np.zeros(choice.shape)
    logit[data.where] = np.log(data.p / (1 - data.p))
    side = np.where(choice == 0, -1.0, 1.0)
    yield Alternative(k, LEVEL, data.tilted(np.ones(choice.shape), TILTS))
    several = len(np.unique(data.p)) > 1  # else the slope moves the level; which bets there are
    for cause, some in ((EXTREME, TILTS < 0), (TIMID, TILTS > 0)):  # must not depend on the data
        yield Alternative(k, cause if several else LEVEL, data.tilted(logit, TILTS[some]))
    yield Alternative(k, SIDE, data.tilted(side, TILTS))
    decks = deck_probabilities(choice, came[..., k], p[..., k], data.where)
    yield Alternative(k, DECKS, np.concatenate([data.instead(q) for q in decks]))
    for series in (past.previous, past.recent, past.recent_here):
        yield Alternative(k, DECKS, data.tilted(series, TILTS[TILTS < 0]))
        yield Alternative(k, RUNS, data.tilted(series, TILTS[TILTS > 0]))
    for j in range(k):
        residual = np.where(trials.valid, came[..., j] - p[..., j], 0.0)
        yield Alternative(k, TOGETHER.format(names[j]), data.tilted(residual, TILTS))


SWAPPED = "the columns of the choices (left and right, say) are swapped"
EXCHANGED = "the columns of {} and {} are exchanged, those of rewards or those of probabilities"
BAITED = (
    "baiting: a reward that was drawn waits until its side is chosen, so that the stated base "
    "probability is not that of the choice; say so with baited=True (--baited), or state the "
    "effective one, 1 - product of (1 - p) over the trials since the side was last chosen"
)
FIXED = (
    "fixed numbers are stated for a task whose better side reverses; give a column for each side"
)
EARLY = "the probabilities stand one trial too early: each trial has those of the trial after it"
LATE = "the probabilities stand one trial too late: each trial has those of the trial before it"
COMPLEMENT = "the stated numbers are probabilities that the reward does not come"
LEVEL = "the stated probability is not that with which it was drawn (mis-stated)"
EXTREME = "the stated probabilities are mis-stated: too far from those with which it was drawn"
TIMID = "the stated probabilities are mis-stated: the true ones lie further apart"
SIDE = "the stated probability of one side is mis-stated"
DECKS = (
    "a reward is less likely after rewards: outcomes come from decks without replacement (so many "
    "rewards in each set of trials), or are balanced in another way; they are no independent draws"
)
RUNS = (
    "rewards come in runs: the probability changes over trials, and the stated one does not "
    "follow; give a column with the probability of each trial"
)
TOGETHER = "it depends on whether {} came on the same trial; outcomes are not independent draws"
