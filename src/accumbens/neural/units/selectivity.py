"""Which outcomes does each unit respond to? Tests for many units that are valid in spite of drifts.

The rate of a unit drifts, and outcomes come in streaks: a t test between rewarded and unrewarded
trials then finds selectivity everywhere. Three tests assume less:

* schedule: the experimenter drew the rewards with known probabilities, so they are redrawn;
* linear_shift: one session, in which rates or outcomes are stationary;
* session_permutation: several sessions, with the same unit (or signal) recorded in all of them.

**What they find.** Redrawn rewards are independent of all that came before them, so the schedule
test finds *responses*. The other two find *associations*: a unit that codes the chosen value or the
side before the outcome is associated with the outcome too, since rewards follow good choices. Given
the choice and the value (`given`), they ask for more than that. Where the schedule is known, take
the schedule test.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float
from scipy import stats

from ...credit.calibration.check import believe_schedule
from ...credit.randomization import p_value
from ...credit.schedule import Schedule, check_schedule, label_probability
from ...errors import ConfigError, DataError
from ...progress.base import Progress
from ...trials import Trials
from ..series_tests import linear_shift_test, pooled_correlation, session_permutation_test
from .config import Test, kind_of_test
from .partial import less_given

COLUMNS = (
    "unit", "contrast", "kind", "effect", "correlation", "p", "q", "selective", "trials",
    "redrawn", "untested",
)  # fmt: skip
"""Columns of the table. kind: "response" or "association", by the test. effect: in the signal's
unit (spikes/s) per outcome, and correlation, both on the same trials and series as p; q: p
corrected for all units and contrasts at once; selective: q is at or below the false discovery rate;
trials: behind p; redrawn: trials on which another outcome could have come, of the schedule test
(with none of them p is NaN); untested: why there is no p although there could be one, or empty."""

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
    given: Mapping[str, Float[np.ndarray, "session trial"]] | None = None,
    max_shift: int = 100,
    resamples: int = 2000,
    false_discovery_rate: float = 0.05,
    min_trials: int = 40,
    progress: Progress | None = None,
    trust_schedule: bool = False,
) -> pd.DataFrame:
    """Tests for each unit which outcomes it responds to, and which two outcomes it tells apart.

    From each rate a moving mean of the rates before it in the session is subtracted (weights of
    0.95 per trial), so that drifts do not hide the responses; for associations with one outcome
    also from the outcome. Trials without a choice or a measured
    signal are left out. Two outcomes are told apart on the trials with exactly one of them.

    Args:
        trials: with the units' rates as signals.
        test: which test (see this module). "schedule" needs `schedule`; "linear_shift" uses the
            longest session of each unit and gives no p-value below 1 / (max_shift + 1), so many
            units need long shifts.
        rng: of redrawn rewards and permutations.
        schedule: the probabilities of the outcomes, for the schedule test.
        units: names of the signals to test; all by default.
        given: what the relation is asked given: numbers of each trial by name, such as the choice
            and a model's `Q_chosen` (see `model_latents`); NaN leaves a trial out. Rates and
            outcomes are then residuals of least squares on these numbers and on the same less
            their own past, with one set of slopes for all sessions, of deviations from each
            session's mean. Not for the schedule test, which holds the choice and all that came
            before as it is.
        max_shift: of the linear shift, in trials.
        resamples: redrawn rewards, or permutations, behind each p-value.
        false_discovery_rate: a unit with a q at or below it is selective.
        min_trials: trials with a choice that a unit must have been measured in.
        progress: told of each unit that is tested.
        trust_schedule: rewards need not have come with the stated probabilities; otherwise that is
            an error of the schedule test (see `accumbens.credit.calibrate_schedule`).

    Returns:
        One row for each unit and contrast, with the columns `COLUMNS`. p is two-sided; q follows
        Benjamini & Hochberg (1995), J R Stat Soc B 57:289, over all units and contrasts: one
        family, so that where nothing responds any unit is selective as often as the rate says.

    Raises:
        ConfigError: there are no signals, the schedule test has no schedule, or `given` is not for
            the test or not of the trials.
        DataError: a unit was measured in fewer trials than `min_trials`, no unit can be tested, or
            the schedule is not that of the trials. A single unit that cannot be tested has no p.
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
    held = _given(given, trials, test)
    chosen = trials.select_signals(names)
    if schedule is not None:
        (check_schedule if trust_schedule else believe_schedule)(chosen, schedule)
    questions = _questions(chosen, schedule)
    rows = []
    for u, unit in enumerate((progress or Progress()).each("units", names)):
        known = chosen.valid & chosen.measured[..., u] & np.isfinite(held).all(-1)
        if known.sum() < min_trials:
            raise DataError(
                f"Unit {unit} was measured in {int(known.sum())} trials with a choice, fewer than "
                f"min_trials ({min_trials}). Leave the unit out (units), or lower min_trials."
            )
        rate = _less_its_past(chosen.signal[..., u], known)
        # What is held is held with its own past, which the rates less theirs depend on.
        past = [_less_its_past(series, known)[..., None] for series in np.moveaxis(held, -1, 0)]
        taken = np.concatenate([held, *past], axis=-1)
        for question in questions:
            asked = known & question.asked
            sessions = [s for s, k in enumerate(asked) if k.sum() > 1]
            if not sessions:
                why = f"Unit {unit} was measured in too few trials to test {question.contrast}."
                rows.append({"unit": unit, "contrast": question.contrast, "untested": why})
                continue
            if test == "linear_shift":
                sessions = [max(sessions, key=lambda s: int(asked[s].sum()))]
            x = question.came
            if question.single and test != "schedule":
                x = _less_its_past(x, known)  # as the rates, so that streaks do not hide effects
            came, rates, zs = ([of[s][asked[s]] for s in sessions] for of in (x, rate, taken))
            xs, ys = less_given(came, zs), less_given(rates, zs)
            why = ""
            try:
                if test == "schedule":
                    p = _schedule_p(question, rate, asked, rng, resamples)
                    xs = [x - question.probability[s][asked[s]]
                          for s, x in zip(sessions, came, strict=True)]  # fmt: skip
                elif test == "linear_shift":
                    p = linear_shift_test(xs[0], ys[0], max_shift=max_shift).p
                    middle = slice(max_shift, len(xs[0]) - max_shift)
                    xs, ys = [xs[0][middle]], [ys[0][middle]]
                else:
                    p = session_permutation_test(xs, ys, rng=rng, resamples=resamples).p
            except DataError as error:
                p, why = np.nan, f"Unit {unit}, {question.contrast}: {error}"
            rows.append(
                {"unit": unit, "contrast": question.contrast, "untested": why,
                 "effect": _slope(xs, ys, centred=test != "schedule"),
                 "correlation": pooled_correlation(xs, ys), "p": p,
                 "trials": sum(map(len, xs)),
                 "redrawn": _redrawable(question, asked) if test == "schedule" else np.nan}
            )  # fmt: skip
    reasons = [row["untested"] for row in rows]
    if all(reasons):
        raise DataError(f"No unit can be tested. {reasons[0]}")
    table = pd.DataFrame(rows).assign(kind=kind_of_test(test))
    table["trials"] = table["trials"].fillna(0).astype(int)
    p, q = table["p"].to_numpy(float), np.full(len(table), np.nan)
    if (known := np.isfinite(p)).any():
        q[known] = stats.false_discovery_control(p[known])
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

    asked: trials that can answer. came: 1 or 0 on them. probability: of 1, for redraws; NaN without
    a schedule. single: of one outcome, not of two.
    """

    contrast: str
    single: bool
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
        p = schedule.after(trials.choice)
    everywhere = np.ones(outcome.shape[:2], bool)
    found = [
        _Question(name, True, everywhere, outcome[..., k], p[..., k])
        for k, name in enumerate(names)
    ]
    for i, j in itertools.combinations(range(len(names)), 2):
        exactly_one = (outcome[..., i] > 0) != (outcome[..., j] > 0)
        label = label_probability(p[..., i], p[..., j])
        contrast = f"{names[i]} - {names[j]}"
        found.append(_Question(contrast, False, exactly_one, outcome[..., i], label))
    return found


def _slope(xs: Sequence[np.ndarray], ys: Sequence[np.ndarray], *, centred: bool) -> float:
    """sum x y / sum x^2: the effect of one outcome, in the signal's unit; 0 where none varies.

    Of the schedule test x is the outcome minus its probability, and nothing is centred; the effect
    is then unbiased whatever happened before. Of the others both are centred within sessions.
    """
    if centred:
        xs, ys = ([a - a.mean() for a in of] for of in (xs, ys))
    x, y = np.concatenate(xs), np.concatenate(ys)
    return float(x @ y / (x @ x)) if x @ x > 0 else 0.0


def _given(
    given: Mapping[str, Float[np.ndarray, "session trial"]] | None, trials: Trials, test: Test
) -> Float[np.ndarray, "session trial given"]:
    """The numbers that are held, one after another along the last axis."""
    if not given:
        return np.zeros((*trials.choice.shape, 0))
    if test == "schedule":
        raise ConfigError(
            "given is not for the schedule test: redrawn rewards hold the choice and all that came "
            "before as it is. Leave it out."
        )
    wrong = [name for name, values in given.items() if values.shape != trials.choice.shape]
    if wrong:
        raise ConfigError(
            f"{', '.join(wrong)}, which the tests are given, has not the shape of the trials, "
            f"{trials.choice.shape} (session, trial)."
        )
    return np.stack([np.asarray(values, float) for values in given.values()], axis=-1)


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
    if not ((p > 0) & (p < 1)).any():
        return np.nan
    observed = float((question.came[asked] - p) @ residual)
    null = np.empty(resamples)
    batch = max(1, BATCH // len(p))
    for first in range(0, resamples, batch):
        count = min(batch, resamples - first)
        null[first : first + count] = ((rng.random((count, len(p))) < p) - p) @ residual
    return p_value(observed, null, "two-sided")


def _redrawable(question: _Question, asked: Bool[np.ndarray, "session trial"]) -> int:
    """The trials on which another outcome could have come."""
    p = question.probability[asked]
    return int(((p > 0) & (p < 1)).sum())


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
