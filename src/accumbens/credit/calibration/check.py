"""Is the stated schedule the true one? Asked before any reward is redrawn from it.

A test that redraws rewards is exact if they came with the stated probabilities, and wrong
otherwise. The check bets against the stated schedule: on swapped columns, fixed numbers, baiting,
decks and schedules tilted in other ways, over all sessions, over each subject's, and in each
session by itself. The mean of the likelihood ratios of all bets has the mean 1 if the schedule is
true, whatever the animals do and whatever rule moves the probabilities. It then exceeds 1,000 with
a probability of at most 0.001 (Ville's inequality): no approximation, and nothing to correct for.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy.special import logsumexp

from ...errors import DataError
from ...summary import Summary, counted, number, summarized
from ...trials import Trials
from ..schedule import Schedule, check_schedule
from .alternatives import Alternative, alternatives
from .rates import OutcomeCalibration, StatedRate, outcome_calibration, stated_rates

LEVEL = 0.001
"""The probability, at most, with which a true schedule is refused."""
GO_ON = (
    "Correct the probabilities; or, if they are right and the tests are wanted all the same, go on "
    "with trust_schedule (--trust-schedule)"
)


@summarized
class Calibration(NamedTuple):
    """What the rewards that came say of the stated schedule.

    Attributes:
        outcomes: sum, slope and autocorrelation of each outcome.
        rates: the observed rate at each stated probability, by outcome and choice.
        evidence: log10 of the mean likelihood ratio of all bets against the stated schedule.
        outcome: the outcome that speaks most against the schedule; "" where none does.
        cause: what most likely is wrong with the schedule; "" where nothing is.
        where: the sessions concerned, in words; "" where nothing is wrong.
    """

    outcomes: tuple[OutcomeCalibration, ...]
    rates: tuple[StatedRate, ...]
    evidence: float
    outcome: str = ""
    cause: str = ""
    where: str = ""

    @property
    def believable(self) -> bool:
        """Whether the rewards can have come with the stated probabilities (at a level of 0.001)."""
        return self.evidence < -math.log10(LEVEL)

    def problem(self) -> str:
        """What is wrong, why most likely, and the rates that show it; "" where nothing is."""
        if self.believable:
            return ""
        rates = "; ".join(
            f"{r.outcome} after {r.choice}: stated {r.stated:.2f}, came {r.observed:.2f} of "
            f"{r.trials:,}"
            for r in self.rates
            if r.outcome == self.outcome
        )
        return (
            f"The rewards did not come with the stated probabilities: the outcome {self.outcome!r} "
            f"contradicts its own {self.where} (by chance this happens at most once in "
            f"10^{math.floor(self.evidence)}). Likely cause: {self.cause}. Observed rates: "
            f"{rates}."
        )

    def _summary(self) -> Summary:
        heads = ["outcome", "choice", "stated", "came", "trials"]
        rows = [
            [r.outcome, r.choice, number(r.stated), number(r.observed), f"{r.trials:,}"]
            for r in self.rates
        ]
        title = "The rewards came as stated" if self.believable else "The rewards did not"
        title += f": {counted(len(self.outcomes), 'outcome')}"
        return Summary(title, table=[heads, *rows], notes=tuple(filter(None, [self.problem()])))


def calibrate_schedule(trials: Trials, schedule: Schedule) -> Calibration:
    """Compares the rewards that came with the stated probabilities.

    Args:
        trials: any number of subjects and sessions.
        schedule: of these trials.

    Returns:
        The observed rates beside the stated ones, the evidence against the schedule and, where it
        is not believable, the likely cause.

    Raises:
        DataError: the schedule is not of these trials, or contradicts an outcome outright (see
            `check_schedule`).

    Source:
        Shafer (2021), Testing by betting, J R Stat Soc A 184:407; Cox (1958), Biometrika 45:562.
    """
    check_schedule(trials, schedule)
    every = [a for k in range(len(schedule.outcomes)) for a in alternatives(trials, schedule, k)]
    betting = [a for a in every if a.counts]
    single = np.stack([_mean(a.log_ratio, 0) for a in betting])
    subjects = np.unique(trials.subject)
    by_subject = np.stack([_of(betting, trials.subject == s) for s in subjects], axis=1)
    pooled = _of(betting, np.ones(trials.n_sessions, bool))
    levels = np.array([_mean(pooled), _mean(by_subject), _mean(single)])
    evidence = float(_mean(levels) / math.log(10))
    found = Calibration(
        tuple(outcome_calibration(trials, schedule, k) for k in range(len(schedule.outcomes))),
        stated_rates(trials, schedule),
        evidence,
    )
    if found.believable:
        return found
    where, words = _sessions(trials, levels, _mean(by_subject, 0), _mean(single, 0))
    worst = _most_likely(every, where)
    if not where.all() and _mean(worst.log_ratio[:, ~where].sum(1)) > 0:
        where, words = _all_of(trials)
        worst = _most_likely(every, where)
    return found._replace(outcome=schedule.outcomes[worst.outcome], cause=worst.cause, where=words)


def believe_schedule(trials: Trials, schedule: Schedule) -> Calibration:
    """`calibrate_schedule`, where a schedule that is not believable is an error.

    Raises:
        DataError: the rewards did not come with the stated probabilities.
    """
    found = calibrate_schedule(trials, schedule)
    if not found.believable:
        raise DataError(f"{found.problem()} {GO_ON}.")
    return found


def _mean(log_values: np.ndarray, axis: int | None = None) -> np.ndarray:
    """log of the mean of exp."""
    count = log_values.size if axis is None else log_values.shape[axis]
    total = np.asarray(logsumexp(log_values, axis=axis), float)
    return np.asarray(total - math.log(count))


def _of(betting: list[Alternative], where: np.ndarray) -> np.ndarray:
    """Log of each alternative's mean likelihood ratio over its variants, in some sessions."""
    return np.array([_mean(a.log_ratio[:, where].sum(1)) for a in betting])


def _most_likely(every: list[Alternative], where: np.ndarray) -> Alternative:
    """The alternative that explains some sessions best; of those about as good, the first."""
    scores = [float(_mean(a.log_ratio[:, where].sum(1))) for a in every]
    enough = max(scores) - max(0.1, 1e-6 * max(scores))
    return next(a for a, score in zip(every, scores, strict=True) if score >= enough)


def _all_of(trials: Trials) -> tuple[np.ndarray, str]:
    return np.ones(trials.n_sessions, bool), f"in {counted(trials.n_sessions, 'session')}"


def _sessions(
    trials: Trials, levels: np.ndarray, of_subject: np.ndarray, of_session: np.ndarray
) -> tuple[np.ndarray, str]:
    """Which sessions contradict the schedule, and in words."""
    threshold = -math.log(LEVEL)
    subjects = np.unique(trials.subject)
    bad = subjects[of_subject > threshold + math.log(len(subjects))]
    names = [trials.names.subjects[s] for s in bad]
    worst = int(np.argmax(levels))
    if (worst == 0 and len(bad) in (0, len(subjects))) or (len(subjects) == 1 and worst < 2):
        return _all_of(trials)
    if worst < 2 and len(bad):
        return np.isin(trials.subject, bad), f"in the sessions of {', '.join(names)}"
    where = of_session > threshold + math.log(trials.n_sessions)
    where[np.argmax(of_session)] = True
    first = trials.session_labels[int(np.argmax(where))]
    words = counted(int(where.sum()), "session")
    return where, f"in {words} of {trials.n_sessions:,}, first in session {first}"
