"""Curves that show how animals choose: switching by recent history, choices around reversals,
weights of past choices."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from ...errors import DataError
from ...trials import Trials
from ..history.fitting import fit_history
from ..schedule import Schedule

HISTORIES = ("AA", "Aa", "aA", "aa", "AB", "Ab", "aB", "ab")
"""The last two choices and what they brought: the same letter for the same choice, a capital for a
reward. `Ab`: one choice was rewarded, then another was not."""
BEFORE, AFTER = 5, 15
"""Trials before and after a reversal."""
MIN_BLOCK = 5
"""Trials that a block has on average at least: what changes faster has no reversals."""
N_LAGS = 5
"""Past choices that the history regression looks back."""


class Curve(NamedTuple):
    """One curve of one set of trials.

    Attributes:
        labels: of the points.
        value: of each subject; NaN where there is no trial.
        n: trials (of `reversals`: reversals) behind each value.
    """

    labels: tuple[str, ...]
    value: Float[np.ndarray, "subject point"]
    n: Int[np.ndarray, "subject point"]


def switching_by_history(trials: Trials) -> Curve:
    """How often the choice differs from the last one, by the last two choices and their outcomes.

    Choices are counted without missed trials, within sessions, and free ones alone are taken as
    switches or stays. The first outcome column is the reward.
    """
    rewarded = _rewarded(trials)
    history, subject, switch = [], [], []
    for s in range(trials.n_sessions):
        made = np.flatnonzero(trials.valid[s])
        choice, reward = trials.choice[s, made], rewarded[s, made]
        other = choice[1:-1] != choice[:-2]
        # AA Aa aA aa AB Ab aB ab: the number counts other, first not rewarded, last not rewarded
        code = 4 * other + 2 * ~reward[:-2] + ~reward[1:-1]
        free = trials.scored[s, made][2:]
        history.append(code[free])
        switch.append((choice[2:] != choice[1:-1])[free])
        subject.append(np.full(int(free.sum()), trials.subject[s]))
    return _means(trials, HISTORIES, *map(np.concatenate, (subject, history, switch)))


def choices_around_reversals(trials: Trials, schedule: Schedule) -> Curve:
    """How often the choice is the best one of the new block, around the change of the best choice.

    Point 0 is the first trial of the new block. Trials of other blocks than the two beside a
    reversal are left out.

    Raises:
        DataError: there are no reversals in blocks.
    """
    labels = tuple(f"{t:+d}" if t else "0" for t in range(-BEFORE, AFTER))
    best = best_choice(trials, schedule)
    subject, point, right = [], [], []
    for s in range(trials.n_sessions):
        blocks = np.flatnonzero(np.diff(best[s, : trials.length[s]])) + 1
        edges = [0, *blocks, int(trials.length[s])]
        for before, start, end in zip(edges, edges[1:], edges[2:], strict=False):
            where = np.arange(max(before, start - BEFORE), min(end, start + AFTER))
            where = where[trials.scored[s, where]]
            point.append(where - start + BEFORE)
            right.append(trials.choice[s, where] == best[s, start])
            subject.append(np.full(len(where), trials.subject[s]))
    if not point:
        raise DataError("No session has a reversal of the best choice.")
    return _means(trials, labels, *map(np.concatenate, (subject, point, right)))


def contingent_reversals(trials: Trials, schedule: Schedule) -> str:
    """What a reader must know where reversals seem to wait for the animal: empty where they do not.

    Where a block ends once the animal does well, the last trial of blocks is rewarded more often
    than other trials. A schedule that is replayed does not wait for the model.
    """
    best, rewarded = best_choice(trials, schedule), _rewarded(trials)
    last = np.zeros(best.shape, bool)
    last[:, :-1] = (best[:, 1:] != best[:, :-1]) & trials.in_session[:, 1:]
    last &= trials.valid
    others = trials.valid & ~last
    share, rest = (rewarded[where].mean() if where.any() else 0.0 for where in (last, others))
    if last.sum() < 10 or share - rest < 4 * np.sqrt(rest * (1 - rest) / last.sum()):
        return ""
    return (
        f"The last trial of a block was rewarded in {share:.0%} of {int(last.sum()):,} blocks, "
        f"other trials in {rest:.0%}: reversals seem to wait for the animal. Those that are "
        "replayed do not wait for a model, so trials about a reversal cannot be compared, and no p "
        "is given."
    )


def history_weights(trials: Trials) -> Curve:
    """Weights of past choices in the history regression of each subject, in log-odds.

    Labels are `<outcome type> <lag>`.

    Raises:
        DataError: as in `fit_history`.
    """
    fits = fit_history(trials, N_LAGS)
    names = fits[0].data.type_names
    labels = tuple(f"{name} {lag}" for name in names for lag in range(1, N_LAGS + 1))
    value = np.array([fit.by_type.ravel() for fit in fits])
    n = np.array([np.full(len(labels), fit.n_scored) for fit in fits])
    return Curve(labels, value, n)


def best_choice(trials: Trials, schedule: Schedule) -> Int[np.ndarray, "session trial"]:
    """The choice that the first outcome most probably follows, on each trial.

    Where two are equally good, it is that of the trial before.

    Raises:
        DataError: the probabilities change so often that there are no blocks.
    """
    p = np.nan_to_num(schedule.controllable)
    best = p.argmax(-1)
    tied = (p == p.max(-1, keepdims=True)).sum(-1) > 1
    for t in range(1, best.shape[1]):
        best[:, t] = np.where(tied[:, t] | ~trials.in_session[:, t], best[:, t - 1], best[:, t])
    both = trials.in_session[:, 1:]
    changes = (p[:, 1:] != p[:, :-1]).any(-1) & both
    if changes.sum() * MIN_BLOCK > both.sum():
        raise DataError(
            f"The probabilities change on {changes.sum():,} of {both.sum():,} trials, so there are "
            "no blocks and no reversals between them."
        )
    return best


def _rewarded(trials: Trials) -> Bool[np.ndarray, "session trial"]:
    """Whether the first outcome was nearer to its highest value than to its lowest."""
    if not trials.names.outcomes:
        raise DataError("These trials have no outcome, so nothing is known of rewards.")
    outcome = trials.outcome[..., 0]
    seen = outcome[trials.valid]
    low, high = (float(seen.min()), float(seen.max())) if seen.size else (0.0, 1.0)
    middle = (low + high) / 2 if high > low else 0.5 if low >= 0 else low
    return np.where(trials.valid, outcome > middle, False)


def _means(trials: Trials, labels, subject, point, value) -> Curve:
    present = np.unique(trials.subject)
    place = np.searchsorted(present, subject) * len(labels) + point
    size = len(present) * len(labels)
    n = np.bincount(place, minlength=size)
    total = np.bincount(place, value.astype(float), minlength=size)
    mean = np.divide(total, n, out=np.full(size, np.nan), where=n > 0)
    shape = len(present), len(labels)
    return Curve(labels, mean.reshape(shape), n.reshape(shape))
