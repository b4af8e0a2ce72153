"""Exact randomization tests of credit: the experimenter drew the rewards, so redraw them.

Conditional randomization (Harris 2020, Nonsense correlations in neuroscience): whatever the animal
does, and however its choices depend on each other, under the null hypothesis the rewards that were
drawn are as likely as the redrawn ones, so a statistic of the observed data is as likely to rank
anywhere among the resamples. Nothing is assumed of the animal, or of the regression that makes the
statistic.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Float

from ..errors import ConfigError, DataError
from ..trials import Trials
from .history.design import HistoryData, history_data
from .history.indices import index_contrasts
from .history.refit import Redraw, observed, redraw_problem, refit

Alternative = Literal["greater", "less", "two-sided"]


class Schedule(NamedTuple):
    """The probabilities from which the experimenter drew the rewards of each trial.

    controllable: of that reward after each choice. distractor: of the distractor reward.
    """

    controllable: Float[np.ndarray, "session trial choice"]
    distractor: Float[np.ndarray, "session trial"]


SCHEDULE_COLUMNS = (
    "controllable_probability_0", "controllable_probability_1", "distractor_probability",
)  # fmt: skip
"""Context columns in which the distractor-rewards task reports its schedule."""


def schedule_of(trials: Trials) -> Schedule:
    """The schedule that the trials carry as context. Raises DataError when they do not."""
    if not set(SCHEDULE_COLUMNS) <= set(trials.names.contexts):
        raise DataError(
            f"These trials hold no schedule: their context columns are {trials.names.contexts}, "
            f"not {SCHEDULE_COLUMNS}."
        )
    first, second, distractor = (
        trials.context[..., trials.names.contexts.index(name)] for name in SCHEDULE_COLUMNS
    )
    return Schedule(np.stack([first, second], axis=-1), distractor)


class RandomizationTest(NamedTuple):
    """Statistics of each subject at the observed and at the redrawn rewards.

    name: what is tested ("distractor index > 0"). observed, null: log-odds. The group's statistic
    is the mean over subjects. seed: that of the resamples.
    """

    name: str
    subjects: tuple[str, ...]
    observed: Float[np.ndarray, " subject"]
    null: Float[np.ndarray, "resample subject"]
    seed: int

    def p_values(self, alternative: Alternative = "greater") -> Float[np.ndarray, " subject"]:
        """Of each subject by itself: see `p_value`."""
        pairs = zip(self.observed, self.null.T, strict=True)
        return np.array([p_value(o, null, alternative) for o, null in pairs])

    def group_p_value(self, alternative: Alternative = "greater") -> float:
        """Of the mean over subjects."""
        return p_value(self.observed.mean(), self.null.mean(1), alternative)


def p_value(
    observed: float | np.floating,
    null: Float[np.ndarray, " resample"],
    alternative: Alternative = "greater",
) -> float:
    """(1 + number of resamples at least as extreme as the observed one) / (1 + resamples).

    "two-sided" doubles the smaller of both one-sided values, at most 1.
    Source: Davison & Hinkley (1997), ch. 4; Phipson & Smyth (2010), Stat Appl Genet Mol Biol 9:39.
    """
    above = (1 + np.count_nonzero(null >= observed)) / (1 + len(null))
    below = (1 + np.count_nonzero(null <= observed)) / (1 + len(null))
    if alternative == "two-sided":
        return min(1.0, 2 * min(above, below))
    return above if alternative == "greater" else below


def distractor_test(
    trials: Trials,
    schedule: Schedule,
    *,
    seed: int,
    n_lags: int = 10,
    resamples: int = 10_000,
    ridge: float = 0.0,
    on_progress: Callable[[int], None] | None = None,
) -> RandomizationTest:
    """Is the distractor index above 0? Choices and controllable rewards are held, and every
    distractor is redrawn from its probability.

    Null hypothesis: no choice depends on any distractor reward. Invalid when distractors were not
    drawn independently of the choices and of each other with the probabilities of the schedule
    (given in blocks, say, or withheld after misses).
    on_progress: called with the number of resamples done since the last call.
    Raises DataError for outcomes other than (controllable, distractor) or an impossible schedule.
    """

    def redraw(data: HistoryData) -> Redraw:
        return Redraw(data.type | 2, data.type & 1, _at(schedule.distractor, data))

    def statistic(data: HistoryData) -> Float[np.ndarray, " weight"]:
        return index_contrasts(data)[trials.names.outcomes[1]]

    return _test(
        f"{_names(trials)[1]} index > 0", trials, schedule, redraw, statistic,
        n_lags, resamples, seed, ridge, on_progress,
    )  # fmt: skip


def structure_test(
    trials: Trials,
    schedule: Schedule,
    *,
    seed: int,
    n_lags: int = 10,
    resamples: int = 10_000,
    ridge: float = 0.0,
    on_progress: Callable[[int], None] | None = None,
) -> RandomizationTest:
    """Is the controllable index above the distractor index? Choices and the number of rewards on
    each trial are held; where exactly one reward came, its label is redrawn:

        P(controllable | one) = c (1 - d) / (c (1 - d) + d (1 - c)),

    c, d: probabilities of the controllable reward after the choice made, and of the distractor.

    Null hypothesis: choices depend on rewards only through how many came. Invalid when the schedule
    itself depends on which reward came (a reversal after so many controllable rewards, say), or
    rewards were not drawn independently with the probabilities of the schedule.
    Options and errors are those of `distractor_test`.
    """

    def statistic(data: HistoryData) -> Float[np.ndarray, " weight"]:
        contrasts = index_contrasts(data)
        return contrasts[trials.names.outcomes[0]] - contrasts[trials.names.outcomes[1]]

    names = _names(trials)
    return _test(
        f"{names[0]} index > {names[1]} index", trials, schedule,
        lambda data: redraw_labels(trials, schedule, data), statistic,
        n_lags, resamples, seed, ridge, on_progress,
    )  # fmt: skip


def redraw_labels(trials: Trials, schedule: Schedule, data: HistoryData) -> Redraw:
    """The redraw of `structure_test`: which reward a single reward was."""
    p = _at(label_probability(chosen_probabilities(trials, schedule)), data)
    single = (data.type == 1) | (data.type == 2)
    return Redraw(np.where(single, 1, data.type), np.where(single, 2, data.type), p)


def chosen_probabilities(
    trials: Trials, schedule: Schedule
) -> Float[np.ndarray, "session trial 2"]:
    """Of the controllable reward after the choice made, and of the distractor; the first means
    nothing where no choice was made."""
    made = np.maximum(trials.choice, 0)[..., None]
    controllable = np.take_along_axis(schedule.controllable, made, -1)[..., 0]
    return np.stack([controllable, schedule.distractor], axis=-1)


def label_probability(
    p: Float[np.ndarray, "session trial 2"],
) -> Float[np.ndarray, "session trial"]:
    """P(controllable | exactly one reward) from both probabilities; 0 where one is impossible."""
    one, other = p[..., 0] * (1 - p[..., 1]), p[..., 1] * (1 - p[..., 0])
    return np.divide(one, one + other, out=np.zeros_like(one), where=one + other > 0)


BATCH = 500
"""Resamples between two reports of progress; results do not depend on it."""


def _test(
    name, trials, schedule, redraw, statistic, n_lags, resamples, seed, ridge, on_progress
) -> RandomizationTest:
    if resamples < 1:
        raise ConfigError(f"resamples is {resamples}; draw at least one.")
    check_schedule(trials, schedule)
    present = np.unique(trials.subject)
    values, nulls = [], []
    for subject in present:
        data = history_data(trials, n_lags, np.flatnonzero(trials.subject == subject))
        problem = redraw_problem(data, redraw(data), ridge=ridge)
        contrast = statistic(data)
        values.append(float(observed(problem).astype(np.float64) @ contrast))
        stream = stream_seed(seed, name, trials.names.subjects[subject])
        null = np.empty(resamples)
        for first in range(0, resamples, BATCH):
            count = min(BATCH, resamples - first)
            weights = refit(problem, seed=stream, count=count, first=first)
            null[first : first + count] = weights.astype(np.float64) @ contrast
            if on_progress is not None:
                on_progress(count)
        nulls.append(null)
    subjects = tuple(trials.names.subjects[s] for s in present)
    return RandomizationTest(name, subjects, np.array(values), np.stack(nulls, axis=1), seed)


def stream_seed(seed: int, *words: str) -> int:
    """A seed of its own for each test and subject, whatever the others are."""
    text = "\n".join((str(seed), *words)).encode()
    return int.from_bytes(hashlib.sha256(text).digest()[:8], "little")


def _at(per_trial: Float[np.ndarray, "session trial"], data: HistoryData):
    """Numbers of trials at the positions of `data`; 0 on empty ones."""
    return np.where(data.trial >= 0, per_trial[data.session, np.maximum(data.trial, 0)], 0.0)


def _names(trials: Trials) -> tuple[str, str]:
    if len(trials.names.outcomes) != 2:
        raise DataError(
            "Credit tests need two outcome columns, first the controllable reward, then the "
            f"distractor; these trials have {trials.names.outcomes}."
        )
    return trials.names.outcomes[0], trials.names.outcomes[1]


def check_schedule(trials: Trials, schedule: Schedule) -> None:
    """Raises DataError when the rewards cannot have been drawn from the schedule."""
    _names(trials)
    shapes = (*trials.choice.shape, trials.n_choices), trials.choice.shape
    if (schedule.controllable.shape, schedule.distractor.shape) != shapes:
        raise DataError(
            f"The schedule has probabilities of shapes {schedule.controllable.shape} and "
            f"{schedule.distractor.shape}, but these trials need {shapes[0]} and {shapes[1]}: "
            "it is of other trials."
        )
    probabilities = chosen_probabilities(trials, schedule)
    for k, name in enumerate(trials.names.outcomes):
        made, came = trials.valid, trials.outcome[..., k] > 0
        p = np.where(made, probabilities[..., k], 0.5)
        bad = ~((p >= 0) & (p <= 1))
        if bad.any():
            raise DataError(
                f"The probability of {name} is missing or outside [0, 1] on {int(bad.sum())} "
                "trials with a choice."
            )
        impossible = made & ((came & (p == 0)) | (~came & (p == 1)))
        if impossible.any():
            session, trial = np.argwhere(impossible)[0]
            raise DataError(
                f"{name} contradicts its probability on {int(impossible.sum())} trials (a reward "
                f"of probability 0, or none of probability 1), first in session "
                f"{trials.session_labels[session]}, trial {trials.number[session, trial]}. Are "
                "the two outcome columns, or the choices, swapped?"
            )
