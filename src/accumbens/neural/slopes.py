"""Least-squares slopes of a signal: of each animal and Student's t over them, or over sessions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, get_args

import numpy as np
from jaxtyping import Float, Int
from scipy import stats

from ..errors import ConfigError, DataError
from ..scoring.bootstrap import MIN_SUBJECTS, session_weights
from ..scoring.clustered import clustered_errors
from ..scoring.intervals import student_quantile
from ..trials import Trials

StandardErrorMethod = Literal["cluster", "bootstrap"]
SlopeUnit = Literal["auto", "animal", "session"]


class LinearFit(NamedTuple):
    """One least-squares fit of a signal.

    weights: in the signal's unit per unit of each regressor, the intercept first; over animals the
        mean of their own.
    standard_error: of the weights. freedom: its degrees of freedom.
    p: two-sided, by Student's t. low, high: ends of the 95 % interval.
    partial_r2: for each regressor but the intercept, the share that it explains of the variance
        which the other regressors leave, with one set of slopes for all.
    r2: share of the variance that all regressors explain, with one set of slopes for all.
    n: trials of the fit.
    n_sessions: sessions of the fit.
    unit: what was taken as independent, "animal" or "session".
    by_animal: weights of each animal by name; empty where sessions are the unit.
    left_out: animals with too few trials for slopes of their own.
    """

    weights: Float[np.ndarray, " weight"]
    standard_error: Float[np.ndarray, " weight"]
    freedom: Float[np.ndarray, " weight"]
    p: Float[np.ndarray, " weight"]
    low: Float[np.ndarray, " weight"]
    high: Float[np.ndarray, " weight"]
    partial_r2: Float[np.ndarray, " latent"]
    r2: float
    n: int
    n_sessions: int
    unit: str
    by_animal: dict[str, Float[np.ndarray, " weight"]]
    left_out: tuple[str, ...] = ()


class How(NamedTuple):
    """What is taken as independent, and how errors are found."""

    trials: Trials
    unit: str
    method: str
    rng: np.random.Generator | None
    resamples: int


def fit_slopes(
    x: Float[np.ndarray, "trial weight"], y: Float[np.ndarray, " trial"],
    session: Int[np.ndarray, " trial"], what: str, use: Sequence[str], how: How,
) -> LinearFit:  # fmt: skip
    """The least-squares fit of one signal.

    Args:
        x: regressors of each trial, the intercept first.
        y: the signal.
        session: number of the session of each trial.
        what: the signal in words.
        use: names of the regressors but the intercept.
        how: what is taken as independent.

    Raises:
        ConfigError: the unit or the method is unknown, or the bootstrap has no generator.
        DataError: there are too few trials, sessions or animals, or regressors are collinear.
    """
    n, k = x.shape
    names, place = np.unique(session, return_inverse=True)
    if how.unit not in get_args(SlopeUnit):
        raise ConfigError(f"unit is {how.unit!r}; choose auto, animal or session.")
    if how.method not in ("cluster", "bootstrap"):
        raise ConfigError(f"standard_errors is {how.method!r}; choose cluster or bootstrap.")
    if len(names) < 2 or n <= k:
        raise DataError(
            f"The {what} was measured on {n} scored trials of {len(names)} sessions. The "
            f"regression needs at least two sessions and more than {k} trials."
        )
    if not _full_rank(x):
        raise DataError(
            f"The latent variables {', '.join(use)} do not vary, or are collinear, on the trials "
            f"of the {what}. The regression cannot tell them apart: name fewer."
        )
    inverse = np.linalg.inv(x.T @ x)
    weights = inverse @ (x.T @ y)
    residual = y - x @ weights
    rss = float(residual @ residual)
    # leaving out regressor j raises the residual squares by b_j^2 / (X'X)^-1_jj
    gained = np.square(weights) / np.diag(inverse)
    total = float(np.square(y - y.mean()).sum())
    partial = gained[1:] / np.maximum(rss + gained[1:], np.finfo(float).tiny)
    r2 = 1 - rss / total if total > 0 else np.nan
    own, left_out = _own_slopes(x, y, session, how.trials)
    if how.unit == "animal" and len(own) < 2:
        raise DataError(
            f"The {what} has slopes of {len(own)} animal: t over animals needs two, each with more "
            f"than {2 * k} scored trials. Choose the unit session."
        )
    unit = "animal"
    if how.unit == "animal" or (how.unit == "auto" and len(own) >= MIN_SUBJECTS):
        each = np.stack(list(own.values()))
        weights = each.mean(0)
        error = each.std(axis=0, ddof=1) / len(each) ** 0.5
        freedom = np.full(k, len(each) - 1.0)
    else:
        unit, own, left_out = "session", {}, ()
        error, freedom = _session_errors(x, y, residual, place, how)
    with np.errstate(divide="ignore", invalid="ignore"):
        p = 2 * stats.t.sf(np.abs(weights / error), freedom)
    half = student_quantile(freedom) * error
    return LinearFit(
        weights, error, freedom, p, weights - half, weights + half, partial, r2, n, len(names),
        unit, own, left_out,
    )  # fmt: skip


def _full_rank(x) -> bool:
    scale = np.sqrt(np.square(x).mean(0))
    return bool(np.linalg.matrix_rank(x / np.where(scale > 0, scale, 1)) == x.shape[1])


def _own_slopes(x, y, session, trials: Trials):
    """Weights of each animal by itself, and the animals with too few trials for that."""
    subject, own, left_out = trials.subject[session], {}, []
    for s in np.unique(subject):
        here, name = subject == s, trials.names.subjects[s]
        if here.sum() <= 2 * x.shape[1] or not _full_rank(x[here]):
            left_out.append(name)
            continue
        own[name] = np.linalg.lstsq(x[here], y[here], rcond=None)[0]
    return own, tuple(left_out)


def _session_errors(x, y, residual, place, how: How):
    """Standard errors with sessions as independent units, and their degrees of freedom."""
    if how.method == "cluster":
        found = clustered_errors(x, residual, place)
        return np.sqrt(np.diag(found.covariance)), np.maximum(found.freedom(), 1.0)
    n = int(place.max()) + 1
    error = _bootstrap_error(x, y, place, n, how.rng, how.resamples)
    return error, np.full(x.shape[1], n - 1.0)


def _bootstrap_error(x, y, place, n_sessions, rng, resamples):
    """SD of the weights over draws of sessions: sums of X'X and X'y of each, drawn again."""
    if rng is None or resamples < 2:
        raise ConfigError("The bootstrap of sessions needs rng, and at least two resamples.")
    k = x.shape[1]
    gram, moment = np.zeros((n_sessions, k, k)), np.zeros((n_sessions, k))
    np.add.at(gram, place, x[:, :, None] * x[:, None, :])
    np.add.at(moment, place, x * y[:, None])
    one_pool = np.zeros(n_sessions, int)
    times = session_weights(one_pool, resamples, rng, "session within subject")
    weights = (
        np.linalg.pinv(np.tensordot(times, gram, 1), hermitian=True) @ (times @ moment)[..., None]
    )
    return weights[..., 0].std(0, ddof=1)
