"""Rewards redrawn, and the regression refitted to each redrawn experiment."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from ..progress.base import Progress
from ..summary import counted
from ..trials import Trials
from .history.design import HistoryData, history_data
from .history.refit import (
    REFERENCE,
    REFERENCE_DRAWS,
    Redraw,
    RefitProblem,
    observed,
    redraw_problem,
    refit,
    refit_types,
    types_problem,
)
from .reversals.joint import KnownRule, joint_draws
from .reversals.replays import REPLAYS
from .reversals.rules import ReversalRule
from .reversals.sides import baited_schedule
from .schedule import Schedule, label_probability

BATCH = 500
"""Resamples between two reports of progress; results do not depend on it."""
FEW = 20.0
"""Effective replays of a session below which a warning says that a test has little power."""


class Drawing(NamedTuple):
    """How a test redraws rewards.

    Attributes:
        redraw: both outcome types that may have come on each position, and the probability of the
            first, given a subject's data and the probabilities after the choice made.
        contrast: of the weights; its product with them is the statistic.
        seed, ridge, resamples, n_lags: of the resamples and refits.
        reversals: the rule by which the better side reverses; None: sides are held.
        baited: the stated probabilities are base ones (see `baited_schedule`).
    """

    redraw: Callable[[HistoryData, Float[np.ndarray, "session trial outcome"]], Redraw]
    contrast: Callable[[HistoryData], Float[np.ndarray, " weight"]]
    seed: int
    ridge: float
    resamples: int
    n_lags: int
    reversals: ReversalRule | None = None
    baited: bool = False


class Redrawn(NamedTuple):
    """Statistics of each subject with the observed and with the redrawn rewards.

    Attributes:
        subjects: numbers of the subjects.
        observed: the statistic of each.
        null: the same for each redrawn experiment.
        redrawn: trials of each subject on which another outcome could have come.
        note: what a reader must know; "" where there is nothing.
    """

    subjects: tuple[int, ...]
    observed: Float[np.ndarray, " subject"]
    null: Float[np.ndarray, "resample subject"]
    redrawn: tuple[int, ...]
    note: str


def effective_schedule(trials: Trials, schedule: Schedule, baited: bool) -> Schedule:
    """The probabilities with which rewards came after the choice made."""
    return baited_schedule(trials, schedule) if baited else schedule


def redrawn_statistics(
    name: str, trials: Trials, schedule: Schedule, came_with: Schedule, how: Drawing,
    progress: Progress | None,
) -> Redrawn:  # fmt: skip
    """The statistic of every subject, with the observed and with redrawn rewards.

    Args:
        name: of the test; its random numbers depend on it.
        trials: of any number of subjects.
        schedule: of these trials; with base probabilities where rewards are baited.
        came_with: the probabilities after the choice made (see `effective_schedule`).
        how: rewards are redrawn.
        progress: told of resamples done, of all subjects together.
    """
    probability = came_with.after(trials.choice)
    known = None
    if how.reversals is not None:
        known = KnownRule.of(trials, schedule, how.reversals, baited=how.baited)
    present = np.unique(trials.subject)
    values, nulls, redrawn, effective = [], [], [], []
    with (progress or Progress()).task(name, how.resamples * len(present)) as task:
        for subject in present:
            data = history_data(trials, how.n_lags, np.flatnonzero(trials.subject == subject))
            drawn = how.redraw(data, probability)
            stream = stream_seed(how.seed, name, trials.names.subjects[subject])
            joint = None
            if known is None:
                open_ = (drawn.type_a != drawn.type_b) & (data.trial >= 0)
                among = (drawn.probability > 0) & (drawn.probability < 1)
                redrawn.append(int((open_ & among).sum()))
                problem = redraw_problem(data, drawn, ridge=how.ridge)
            else:
                numbers = np.arange(how.resamples + REFERENCE_DRAWS)
                numbers[how.resamples :] += REFERENCE - how.resamples
                joint = joint_draws(trials, known, data, drawn, numbers, seed=stream)
                redrawn.append(joint.open)
                effective += joint.effective
                problem = types_problem(data, joint.types[how.resamples :], ridge=how.ridge)
            contrast = how.contrast(data)
            values.append(float(observed(problem).astype(np.float64) @ contrast))
            null = np.empty(how.resamples)
            for first in range(0, how.resamples, BATCH):
                count = min(BATCH, how.resamples - first)
                weights = _refitted(problem, joint and joint.types, stream, first, count)
                null[first : first + count] = weights.astype(np.float64) @ contrast
                task.advance(count)
            nulls.append(null)
    return Redrawn(
        tuple(present.tolist()), np.array(values), np.stack(nulls, axis=1), tuple(redrawn),
        _replay_note(effective),
    )  # fmt: skip


def _refitted(
    problem: RefitProblem, types: np.ndarray | None, seed: int, first: int, count: int
) -> Float[np.ndarray, "resample weight"]:
    if types is None:
        return refit(problem, seed=seed, count=count, first=first)
    return refit_types(problem, types[first : first + count])


def _replay_note(effective: list[float]) -> str:
    if not effective or min(effective) >= FEW:
        return ""
    return (
        f"The rule of reversals has too many states in {counted(len(effective), 'session')}, which "
        f"were replayed {REPLAYS:,} times with weights; the weights leave as little as "
        f"{min(effective):.1f} of a session's replays. The p-values are exact all the same, and "
        "the test finds less than it could. A rule with fewer states (a shorter window) avoids it."
    )


def redraw_labels(
    data: HistoryData, p: Float[np.ndarray, "session trial outcome"], one: int, other: int
) -> Redraw:
    """How `structure_test` redraws: where exactly one of two outcomes came, which one it was.

    Args:
        data: the sequence of choices and outcome types.
        p: probability of each outcome after the choice made.
        one, other: numbers of the two outcomes; all other outcomes are held.
    """
    first, second = 1 << one, 1 << other
    held = data.type & ~(first | second)
    single = ((data.type & first) > 0) != ((data.type & second) > 0)
    return Redraw(
        np.where(single, held | first, data.type),
        np.where(single, held | second, data.type),
        at_positions(label_probability(p[..., one], p[..., other]), data),
    )


def stream_seed(seed: int, *words: str) -> int:
    """The seed of one test and subject; it does not depend on which others are tested.

    Args:
        seed: of all randomness.
        words: what the stream is for, such as the names of a test and a subject.
    """
    text = "\n".join((str(seed), *words)).encode()
    return int.from_bytes(hashlib.sha256(text).digest()[:8], "little")


def at_positions(
    per_trial: Float[np.ndarray, "session trial"], data: HistoryData
) -> Float[np.ndarray, " position"]:
    """A number of each trial, at the positions of `data`; 0 on empty positions."""
    return np.where(data.trial >= 0, per_trial[data.session, np.maximum(data.trial, 0)], 0.0)
