"""Which outcomes does each unit respond to? Tests that slow drifts do not fool, for many units.

A unit's rate drifts, and outcomes come in streaks: a t test between rewarded and unrewarded trials
then finds selectivity everywhere. Three tests that assume less, by what is known:

* schedule: rewards were drawn by the experimenter with known probabilities, so redraw them;
* linear_shift: one session, rates or outcomes stationary;
* session_permutation: several sessions, one unit recorded in all of them (or one signal).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from ..errors import ConfigError, DataError
from ..stats.randomization import Schedule, p_value
from ..stats.series_tests import linear_shift_test, pooled_correlation, session_permutation_test
from ..trials import Trials

Test = Literal["schedule", "linear_shift", "session_permutation"]

COLUMNS = ("unit", "contrast", "effect", "correlation", "p", "q", "selective", "trials")
"""Of the table: effect in the signal's unit (spikes/s) per outcome, the others held; q: p corrected
across units, by contrast; selective: q at or below the false discovery rate."""


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
) -> pd.DataFrame:
    """Each unit's response to each outcome, and the difference between two outcomes, tested.

    units: signal columns, by default all. test: see this module; `schedule` needs the schedule of
    the distractor-rewards task, `linear_shift` takes the longest session that a unit was recorded
    in, and cannot give a p below 1 / (max_shift + 1): many units need long shifts. Rates are taken
    less a moving mean of those before them in the session (weights 0.95 per trial), so that drifts
    do not swamp the responses. Trials without a choice or a measured signal are left out; the
    linear shift closes the gap.
    Two-sided p-values; q by Benjamini and Hochberg (1995) over the units of each contrast.
    Raises DataError where a unit has too few trials, ConfigError for options that contradict.
    """
    if test == "schedule" and schedule is None:
        raise ConfigError("The schedule test needs the probabilities of the rewards (schedule).")
    names = trials.names.signals if units is None else tuple(units)
    if not names:
        raise ConfigError("These trials have no signals: convert the spikes with --spikes.event.")
    chosen = trials.select_signals(names)
    contrasts = _contrasts(trials.names.outcomes)
    rows = []
    for u, unit in enumerate(names):
        known = chosen.valid & np.isfinite(chosen.signal[..., u])
        if known.sum() < min_trials:
            raise DataError(
                f"Unit {unit} was measured in {int(known.sum())} trials with a choice, fewer than "
                f"{min_trials} (min_trials). Leave it out (units)."
            )
        rate = _less_its_past(chosen.signal[..., u], known)
        effects = _effects(chosen.outcome, chosen.signal[..., u], known)
        for contrast, weights in contrasts.items():
            x = chosen.outcome @ weights
            pairs = [(x[s][k], rate[s][k]) for s, k in enumerate(known) if k.sum() > 1]
            xs, ys = [a for a, _ in pairs], [b for _, b in pairs]
            if test == "schedule" and schedule is not None:
                p = _schedule_p(chosen, schedule, weights, rate, known, rng, resamples)
            elif test == "linear_shift":
                longest = int(np.argmax([len(a) for a in xs]))
                p = linear_shift_test(xs[longest], ys[longest], max_shift=max_shift).p
            else:
                p = session_permutation_test(xs, ys, rng=rng, resamples=resamples).p
            rows.append(
                {"unit": unit, "contrast": contrast, "effect": float(effects @ weights),
                 "correlation": pooled_correlation(xs, ys), "p": p, "trials": int(known.sum())}
            )  # fmt: skip
    table = pd.DataFrame(rows)
    q = np.full(len(table), np.nan)
    for contrast in contrasts:
        here = (table["contrast"] == contrast).to_numpy()
        q[here] = benjamini_hochberg(table["p"].to_numpy()[here])
    table["q"], table["selective"] = q, q <= false_discovery_rate
    return table.reindex(columns=list(COLUMNS))


def benjamini_hochberg(p: Float[np.ndarray, " test"]) -> Float[np.ndarray, " test"]:
    """Corrected p-values: the least false discovery rate at which each test is rejected.

    q of the i-th smallest p is the least of n p_j / j over j >= i, at most 1.
    Source: Benjamini & Hochberg (1995), J R Stat Soc B 57:289.
    """
    n = len(p)
    order = np.argsort(p)
    scaled = p[order] * n / np.arange(1, n + 1)
    q = np.empty(n)
    q[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return q


def _contrasts(outcomes: tuple[str, ...]) -> dict[str, Float[np.ndarray, " outcome"]]:
    """Each outcome, and of two the first less the second."""
    each = {name: np.eye(len(outcomes))[i] for i, name in enumerate(outcomes)}
    if len(outcomes) == 2:
        each[f"{outcomes[0]} - {outcomes[1]}"] = np.array([1.0, -1.0])
    return each


def _effects(
    outcome: Float[np.ndarray, "session trial outcome"],
    rate: Float[np.ndarray, "session trial"],
    known: Bool[np.ndarray, "session trial"],
) -> Float[np.ndarray, " outcome"]:
    """Least-squares effect of each outcome, the others and each session's mean held."""
    xs = [outcome[s][k] - outcome[s][k].mean(0) for s, k in enumerate(known) if k.any()]
    ys = [rate[s][k] - rate[s][k].mean() for s, k in enumerate(known) if k.any()]
    return np.linalg.lstsq(np.concatenate(xs), np.concatenate(ys), rcond=None)[0]


def _schedule_p(
    trials: Trials,
    schedule: Schedule,
    weights: Float[np.ndarray, " outcome"],
    rate: Float[np.ndarray, "session trial"],
    known: Bool[np.ndarray, "session trial"],
    rng: np.random.Generator,
    resamples: int,
) -> float:
    """p-value of sum over trials of (outcome - its probability) x rate, against redrawn outcomes.

    rate: less the mean of those before it, never after. Under the null hypothesis it does not
    depend on the outcome of its trial, given the past and the choice: the sum is then a martingale
    whatever the rate owes to earlier rewards, and choices to both, and the redrawn sums have its
    variance. The test is exact where rates owe nothing to earlier rewards, and asymptotically right
    otherwise.
    """
    if len(trials.names.outcomes) != 2:
        raise DataError("The schedule test is of two outcomes, controllable and distractor.")
    session, trial = np.nonzero(known)
    choice = trials.choice[session, trial]
    p = np.stack(
        [schedule.controllable[session, trial, choice], schedule.distractor[session, trial]], 1
    )
    if not ((p >= 0) & (p <= 1)).all():
        raise DataError("The schedule holds probabilities that are not between 0 and 1.")
    residual = rate[session, trial]
    observed = float(((trials.outcome[session, trial] - p) @ weights) @ residual)
    null = np.empty(resamples)
    for r in range(resamples):
        drawn = rng.random(p.shape) < p
        null[r] = ((drawn - p) @ weights) @ residual
    return p_value(observed, null, "two-sided")


def _less_its_past(
    rate: Float[np.ndarray, "session trial"],
    known: Bool[np.ndarray, "session trial"],
    decay: float = 0.95,
) -> Float[np.ndarray, "session trial"]:
    """Each rate less an exponentially weighted mean of those before it in the session."""
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
