"""How often each outcome came, beside how often the schedule says that it comes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ...scoring.intervals import wilson_interval
from ...trials import Trials
from ..history.newton import fit_logistic
from ..schedule import Schedule
from .past import past_of

MOST_RATES = 8
"""Stated probabilities of one outcome and choice that have a row each; more are put into bins."""


class StatedRate(NamedTuple):
    """How often an outcome came after one choice, where about one probability was stated.

    Attributes:
        outcome, choice: their names.
        stated: the stated probability; of a bin, its mean.
        observed: the share of trials on which it came.
        low, high: Wilson's 95 % interval of the share.
        trials: with this choice and stated probability.
    """

    outcome: str
    choice: str
    stated: float
    observed: float
    low: float
    high: float
    trials: int


class OutcomeCalibration(NamedTuple):
    """One outcome beside its stated probabilities; all are those expected up to chance.

    Attributes:
        outcome: its name.
        drawn: trials with a choice and a stated probability other than 0 and 1.
        z: sum of came - stated, in standard errors; expected: 0. NaN where nothing was drawn.
        slope: of logit P(came) on logit stated (Cox 1958, Biometrika 45:562); expected: 1. NaN
            where a single probability is stated.
        slope_error: standard error of the slope.
        autocorrelation: correlation of came - stated with that of the trial before; expected: 0.
    """

    outcome: str
    drawn: int
    z: float
    slope: float
    slope_error: float
    autocorrelation: float


def stated_rates(trials: Trials, schedule: Schedule) -> tuple[StatedRate, ...]:
    """The rate of every outcome after every choice, at each stated probability.

    Args:
        trials: any number of subjects and sessions.
        schedule: of these trials.

    Returns:
        One row for each outcome, choice and stated probability; more than `MOST_RATES` of these
        are put into bins.
    """
    probability, rows = schedule.after(trials.choice), []
    for k, outcome in enumerate(schedule.outcomes):
        for c, choice in enumerate(trials.names.choices):
            here = (trials.choice == c) & trials.valid
            p, came = probability[here][:, k], trials.outcome[here][:, k] > 0
            values, place = np.unique(np.round(p, 4), return_inverse=True)
            if len(values) > MOST_RATES:
                place = np.minimum((p * MOST_RATES).astype(int), MOST_RATES - 1)
            for i in np.unique(place):
                at = place == i
                n, x = int(at.sum()), int(came[at].sum())
                rate = (float(p[at].mean()), x / n, *wilson_interval(x, n), n)
                rows.append(StatedRate(outcome, str(choice), *rate))
    return tuple(rows)


def outcome_calibration(trials: Trials, schedule: Schedule, outcome: int) -> OutcomeCalibration:
    """The sum, the slope and the autocorrelation of one outcome.

    Args:
        trials: any number of subjects and sessions.
        schedule: of these trials.
        outcome: its number.

    Returns:
        What is expected to be 0, 1 and 0 under the stated schedule, up to chance.

    Source:
        Cox (1958), Biometrika 45:562.
    """
    probability = schedule.after(trials.choice)[..., outcome]
    came = trials.outcome[..., outcome] > 0
    where = trials.valid & (probability > 0) & (probability < 1)
    name, p, r = schedule.outcomes[outcome], probability[where], came[where]
    nan = float("nan")
    if not where.any():
        return OutcomeCalibration(name, 0, nan, nan, nan, nan)
    variance = p * (1 - p)
    z = float((r - p).sum() / np.sqrt(variance.sum()))
    previous = past_of(trials.choice, came, schedule.probability[:, :, outcome]).previous[where]
    scale = np.sqrt((previous**2).sum() * ((r - p) ** 2).sum())
    lagged = float(((r - p) * previous).sum() / scale) if scale > 0 else nan
    slope, error = _slope(p, r)
    return OutcomeCalibration(name, int(where.sum()), z, slope, error, lagged)


def _slope(p: np.ndarray, came: np.ndarray) -> tuple[float, float]:
    """Cox's slope and its standard error, from the counts at each stated probability."""
    values, place = np.unique(p, return_inverse=True)
    if len(values) < 2 or came.all() or not came.any():
        return float("nan"), float("nan")
    n, x = np.bincount(place), np.bincount(place, came)
    logit = np.log(values / (1 - values))
    one = np.stack([np.ones(len(values)), logit], axis=1)
    response = np.repeat([1.0, 0.0], len(values))
    came_at, missed_at = values[x > 0], values[x < n]
    if not (came_at.min() < missed_at.max() and missed_at.min() < came_at.max()):
        return float("nan"), float("nan")  # separated: the likelihood has no finite maximum
    fit = fit_logistic(
        np.concatenate([one, one]), response, trial_weight=np.concatenate([x, n - x])
    )
    return float(fit.weights[1]), float(np.sqrt(np.linalg.inv(fit.hessian)[1, 1]))
