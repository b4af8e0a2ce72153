"""Which outcomes does each unit respond to? Tests for many units that are valid in spite of drifts.

The rate of a unit drifts, and outcomes come in streaks: a t test between rewarded and unrewarded
trials then finds selectivity everywhere. Three tests assume less:

* schedule: the experimenter drew the rewards with known probabilities, so they are redrawn;
* linear_shift: one session, in which rates or outcomes are stationary;
* session_permutation: several sessions, with the same unit (or signal) recorded in all of them.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float
from scipy import stats

from ...credit.randomization import p_value
from ...credit.schedule import Schedule, check_schedule, label_probability
from ...errors import ConfigError, DataError
from ...progress.base import Progress
from ...trials import Trials
from ..series_tests import linear_shift_test, pooled_correlation, session_permutation_test
from .config import Test

COLUMNS = ("unit", "contrast", "effect", "correlation", "p", "q", "selective", "trials")
"""Columns of the table. effect: in the signal's unit (spikes/s) per outcome, with the others held;
q: p corrected for the number of units of each contrast; selective: q is at or below the false
discovery rate."""

BATCH = 1_000_000
"""Numbers drawn at once; results do not depend on it."""


def min_p_value(test: Test, *, resamples: int, max_shift: int) -> float:
    """The smallest two-sided p-value that a test can give.

    With few sessions, the smallest p-value of session permutation is larger still.

    Args:
        test: its name.
        resamples: of the schedule test or of session permutation.
        max_shift: of the linear shift.
    """
    return 1 / (max_shift + 1) if test == "linear_shift" else min(1.0, 2 / (resamples + 1))


def unit_selectivity(
    trials: Trials,
    *,
    test: Test,
    rng: np.random.Generator,
    schedule: Schedule | None = None,
    units: Sequence[str] | None = None,
    max_shift: int = 100,
    resamples: int = 2000,
    false_discovery_rate: float = 0.05,
    min_trials: int = 40,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Tests for each unit which outcomes it responds to, and which two outcomes it tells apart.

    From each rate a moving mean of the rates before it in the session is subtracted (weights of
    0.95 per trial), so that drifts do not hide the responses. Trials without a choice or a measured
    signal are left out. Two outcomes are told apart on the trials with exactly one of them.

    Args:
        trials: with the units' rates as signals.
        test: which test (see this module). "schedule" needs `schedule`; "linear_shift" uses the
            longest session of each unit and gives no p-value below 1 / (max_shift + 1), so many
            units need long shifts.
        rng: of redrawn rewards and permutations.
        schedule: the probabilities of the outcomes, for the schedule test.
        units: names of the signals to test; all by default.
        max_shift: of the linear shift, in trials.
        resamples: redrawn rewards, or permutations, behind each p-value.
        false_discovery_rate: a unit with a q at or below it is selective.
        min_trials: trials with a choice that a unit must have been measured in.
        progress: told of each unit that is tested.

    Returns:
        One row for each unit and contrast, with the columns `COLUMNS`. p is two-sided; q follows
        Benjamini & Hochberg (1995), J R Stat Soc B 57:289, over the units of each contrast.

    Raises:
        ConfigError: there are no signals, or the schedule test has no schedule.
        DataError: a unit was measured in too few trials, or the schedule is not that of the trials.
    """
    if test == "schedule" and schedule is None:
        raise ConfigError(
            "The schedule test needs the probabilities of the rewards. Give the schedule."
        )
    names = trials.names.signals if units is None else tuple(units)
    if not names:
        raise ConfigError(
            "These trials have no signals to test. Convert the spikes with --spikes.event first."
        )
    chosen = trials.select_signals(names)
    questions = _questions(chosen, schedule)
    rows = []
    for u, unit in enumerate((progress or Progress()).each("units", names)):
        known = chosen.valid & chosen.measured[..., u]
        if known.sum() < min_trials:
            raise DataError(
                f"Unit {unit} was measured in {int(known.sum())} trials with a choice, fewer than "
                f"min_trials ({min_trials}). Leave the unit out (units), or lower min_trials."
            )
        rate = _less_its_past(chosen.signal[..., u], known)
        effects = _effects(chosen.outcome, chosen.signal[..., u], known)
        for question in questions:
            asked = known & question.asked
            pairs = [(question.came[s][k], rate[s][k]) for s, k in enumerate(asked) if k.sum() > 1]
            if not pairs:
                raise DataError(
                    f"Unit {unit} was measured in too few trials to test {question.contrast}. "
                    "Leave the unit out (units)."
                )
            xs, ys = [a for a, _ in pairs], [b for _, b in pairs]
            try:
                if test == "schedule":
                    p = _schedule_p(question, rate, asked, rng, resamples)
                elif test == "linear_shift":
                    longest = int(np.argmax([len(a) for a in xs]))
                    p = linear_shift_test(xs[longest], ys[longest], max_shift=max_shift).p
                else:
                    p = session_permutation_test(xs, ys, rng=rng, resamples=resamples).p
            except DataError as error:
                raise DataError(f"Unit {unit}, {question.contrast}: {error}") from None
            rows.append(
                {"unit": unit, "contrast": question.contrast,
                 "effect": float(effects @ question.weights),
                 "correlation": pooled_correlation(xs, ys), "p": p, "trials": int(asked.sum())}
            )  # fmt: skip
    table = pd.DataFrame(rows)
    q = np.full(len(table), np.nan)
    for question in questions:
        here = (table["contrast"] == question.contrast).to_numpy()
        q[here] = stats.false_discovery_control(table["p"].to_numpy()[here])
    table["q"], table["selective"] = q, q <= false_discovery_rate
    return table.reindex(columns=list(COLUMNS))


def most_selective(table: pd.DataFrame) -> tuple[str, ...]:
    """The units in the order of their smallest q in any contrast.

    Of units with the same q, those with the larger absolute correlation come first.

    Args:
        table: of `unit_selectivity`.
    """
    order = table.assign(size=-np.abs(np.asarray(table["correlation"], float)))
    return tuple(dict.fromkeys(order.sort_values(["q", "size"], kind="stable")["unit"]))


class _Question(NamedTuple):
    """One question that is asked of every unit.

    weights: of the outcomes in the effect. asked: trials that can answer. came: 1 or 0 on them.
    probability: of 1, for redraws; NaN without a schedule.
    """

    contrast: str
    weights: Float[np.ndarray, " outcome"]
    asked: Bool[np.ndarray, "session trial"]
    came: Float[np.ndarray, "session trial"]
    probability: Float[np.ndarray, "session trial"]


def _questions(trials: Trials, schedule: Schedule | None) -> list[_Question]:
    """Does each outcome matter? And of any two outcomes, does it matter which one came?

    Only trials with exactly one of the two can answer: over all trials, a unit that responds
    equally to both would follow the one that varies more.
    """
    names, outcome = trials.names.outcomes, trials.outcome
    p = np.full(outcome.shape, np.nan)
    if schedule is not None:
        check_schedule(trials, schedule)
        p = schedule.after(trials.choice)
    everywhere = np.ones(outcome.shape[:2], bool)
    found = [
        _Question(name, np.eye(len(names))[k], everywhere, outcome[..., k], p[..., k])
        for k, name in enumerate(names)
    ]
    for i, j in itertools.combinations(range(len(names)), 2):
        exactly_one = (outcome[..., i] > 0) != (outcome[..., j] > 0)
        weights = np.eye(len(names))[i] - np.eye(len(names))[j]
        label = label_probability(p[..., i], p[..., j])
        contrast = f"{names[i]} - {names[j]}"
        found.append(_Question(contrast, weights, exactly_one, outcome[..., i], label))
    return found


def _effects(
    outcome: Float[np.ndarray, "session trial outcome"],
    rate: Float[np.ndarray, "session trial"],
    known: Bool[np.ndarray, "session trial"],
) -> Float[np.ndarray, " outcome"]:
    """Least-squares effect of each outcome, with the others and the mean of each session held."""
    xs = [outcome[s][k] - outcome[s][k].mean(0) for s, k in enumerate(known) if k.any()]
    ys = [rate[s][k] - rate[s][k].mean() for s, k in enumerate(known) if k.any()]
    return np.linalg.lstsq(np.concatenate(xs), np.concatenate(ys), rcond=None)[0]


def _schedule_p(
    question: _Question,
    rate: Float[np.ndarray, "session trial"],
    asked: Bool[np.ndarray, "session trial"],
    rng: np.random.Generator,
    resamples: int,
) -> float:
    """The p-value of sum over trials of (came - probability) x rate, against redrawn outcomes.

    From each rate the mean of the rates before it was subtracted, never of those after. Under the
    null hypothesis the rate of a trial does not depend on what came on this trial, given the past
    and the choice. The sum is then a martingale, however rates and choices depend on earlier
    rewards, and the redrawn sums have its variance. The test is exact where rates do not depend on
    earlier rewards, and valid in large samples otherwise.
    """
    p, residual = question.probability[asked], rate[asked]
    observed = float((question.came[asked] - p) @ residual)
    null = np.empty(resamples)
    batch = max(1, BATCH // len(p))
    for first in range(0, resamples, batch):
        count = min(batch, resamples - first)
        null[first : first + count] = ((rng.random((count, len(p))) < p) - p) @ residual
    return p_value(observed, null, "two-sided")


def _less_its_past(
    rate: Float[np.ndarray, "session trial"],
    known: Bool[np.ndarray, "session trial"],
    decay: float = 0.95,
) -> Float[np.ndarray, "session trial"]:
    """Each rate minus an exponentially weighted mean of the rates before it in the session."""
    found = np.zeros(rate.shape)
    for s in range(len(rate)):
        values = rate[s][known[s]]
        if not len(values):
            continue
        total, weight = 0.0, 0.0
        out = np.empty(len(values))
        for t, value in enumerate(values):
            out[t] = value - total / weight if weight else 0.0
            total, weight = decay * total + value, decay * weight + 1
        found[s][known[s]] = out
    return found
