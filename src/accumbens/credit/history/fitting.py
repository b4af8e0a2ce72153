"""Fits of the trial-history regression: one set of weights per subject, or one for all."""

from __future__ import annotations

import warnings
from typing import Literal

import numpy as np
from jaxtyping import Float

from ...errors import ConfigError, DataError
from ...scoring.clustered import ClusteredErrors, clustered_errors
from ...trials import Trials, expect_trials
from .design import HistoryData, history_data
from .fitted import ErrorUnit, HistoryFit
from .newton import fit_logistic, independent_columns, separating_columns

Ridge = float | Literal["cv"]
"""Strength of the ridge penalty on all weights but the bias; "cv": chosen by cross-validation."""

STRENGTHS = tuple(float(10.0**power) for power in np.arange(-1.0, 3.01, 0.5))
"""Ridge strengths that cross-validation tries, besides 0."""

FOLDS = 5
SEPARATED = 8.0
"""Log-odds of a choice beyond which it is asked whether the choices are predicted perfectly."""


def fit_history(trials: Trials, n_lags: int = 10, *, ridge: Ridge = 0.0) -> tuple[HistoryFit, ...]:
    """The trial-history regression of each subject by itself, by maximum likelihood.

    log p(1)/p(0) = bias + sum over types i and lags l of weight_il c_{t-l} [type of t-l is i],
    with past choices c as +1 and -1.

    Args:
        trials: with two choices and outcomes of 0 and 1.
        n_lags: past choices that the regression looks back.
        ridge: strength of the penalty on all weights but the bias. "cv" chooses it for each
            subject by cross-validation over its sessions, in at most 5 folds.

    Returns:
        One fit for each subject that has sessions, in the order of `trials.names.subjects`.

    Raises:
        ConfigError: `n_lags` is below 1, or `ridge` is negative.
        DataError: the trials cannot be regressed (see `history_data`), or "cv" has one session.

    Source:
        Lau & Glimcher (2005), J Exp Anal Behav 84:555; Miller et al., Structured credit assignment
        in mice, Figure 2c.

    Example:
        >>> import jax
        >>> import accumbens
        >>> agent, task = accumbens.QLearning(0.5, 3.0), accumbens.ReversalBandit()
        >>> key = jax.random.key(0)
        >>> trials = accumbens.simulate(agent, task, n_sessions=4, n_trials=250, key=key)
        >>> (fit,) = accumbens.fit_history(trials, n_lags=2)
        >>> fit.data.type_names, fit.by_type.shape
        (('none', 'reward'), (2, 2))
        >>> bool(fit.by_type[1, 0] > fit.by_type[0, 0])  # reward brings the animal back
        True
    """
    expect_trials(trials)
    present = np.unique(trials.subject)
    return tuple(
        _fit(
            trials.names.subjects[s],
            history_data(trials, n_lags, np.flatnonzero(trials.subject == s)),
            ridge,
        )
        for s in present
    )


def pooled_history(trials: Trials, n_lags: int = 10, *, ridge: Ridge = 0.0) -> HistoryFit:
    """One regression for the trials of all subjects together.

    Its standard errors take subjects as independent; those of one subject, its sessions.
    Arguments and errors are those of `fit_history`.
    """
    return _fit("pooled", history_data(trials, n_lags), ridge, trials.subject)


def _fit(
    subject: str, data: HistoryData, ridge: Ridge, animal: np.ndarray | None = None
) -> HistoryFit:
    """animal: number of the animal of each session, where several were pooled."""
    if ridge != "cv" and not (isinstance(ridge, int | float) and 0 <= ridge < np.inf):
        raise ConfigError(f"ridge is {ridge!r}; it must be a number of at least 0, or 'cv'.")
    design, response, notes = data.design(), data.response, []
    names = np.array(data.column_names)
    kept = independent_columns(design)
    if not kept.all():
        notes.append(
            f"{subject}: these columns of the regression are constant or collinear with others and "
            f"were left out: {_listed(names[~kept])}. The outcomes are too rare; use fewer lags."
        )
    strength = _cross_validated(data, design[:, kept]) if ridge == "cv" else float(ridge)
    fit = fit_logistic(design[:, kept], response, ridge=strength)
    separating = np.zeros(len(names), bool)
    reach = np.abs(design[:, kept] @ fit.weights).max()
    if strength == 0 and (not fit.converged or reach > SEPARATED):
        separating[np.flatnonzero(kept)] = separating_columns(design[:, kept], response)
        if separating.any():
            notes.append(
                f"{subject}: the choices are predicted perfectly by {_listed(names[separating])}, "
                "so these weights have no finite maximum. Use a ridge, fewer lags or more trials."
            )
    large = names[kept][(np.abs(fit.weights) > SEPARATED) & ~separating[kept]]
    if large.size:
        notes.append(
            f"{subject}: the weights of {_listed(large)} are beyond {SEPARATED:g} in log-odds, "
            "although the choices are not predicted perfectly: very few trials decide them, and "
            "sums over lags rest on them. Use a ridge, fewer lags or more trials."
        )
    for note in notes:
        warnings.warn(note, stacklevel=4)
    weights = np.full(len(names), np.nan)
    covariance = np.full((len(names), len(names)), np.nan)
    weights[kept] = fit.weights
    covariance[np.ix_(kept, kept)] = np.linalg.pinv(fit.hessian, hermitian=True)
    clustered, unit = _clustered(data, design[:, kept], fit.weights, strength, animal)
    return HistoryFit(
        subject, data, weights, covariance, fit.log_likelihood, strength, tuple(notes),
        clustered, separating, unit,
    )  # fmt: skip


def _clustered(
    data: HistoryData, design: Float[np.ndarray, "scored kept"],
    weights: Float[np.ndarray, " kept"], ridge: float, animal: np.ndarray | None,
) -> tuple[ClusteredErrors | None, ErrorUnit]:  # fmt: skip
    """Errors over animals where several were pooled, else over sessions; None for a single one."""
    cluster, unit = data.response_session, "session"
    if animal is not None and len(np.unique(animal[cluster])) > 1:
        cluster, unit = animal[cluster], "subject"
    if len(np.unique(cluster)) < 2:
        return None, "trial"
    p = 1 / (1 + np.exp(-np.clip(design @ weights, -700, 700)))
    penalty = np.full(len(weights), ridge)
    penalty[0] = 0.0
    found = clustered_errors(
        design, data.response - p, cluster, trial_weight=p * (1 - p), penalty=penalty
    )
    return found, unit


def _cross_validated(data: HistoryData, design: Float[np.ndarray, "scored weight"]) -> float:
    """The strength of the ridge with the best log likelihood on held-out sessions."""
    session, response = data.response_session, data.response
    _, order = np.unique(session, return_inverse=True)
    n_folds = min(FOLDS, int(order.max()) + 1)
    if n_folds < 2:
        raise DataError(
            "ridge is 'cv', which holds out sessions, but there is only one session. Give a number."
        )
    total = np.zeros(1 + len(STRENGTHS))
    for fold in range(n_folds):
        out = order % n_folds == fold
        for i, strength in enumerate((0.0, *STRENGTHS)):
            weights = fit_logistic(design[~out], response[~out], ridge=strength).weights
            log_odds = design[out] @ weights
            total[i] += (response[out] * log_odds - np.logaddexp(0.0, log_odds)).sum()
    return (0.0, *STRENGTHS)[int(np.argmax(total))]


def _listed(names: np.ndarray, max_shown: int = 6) -> str:
    shown = ", ".join(names[:max_shown])
    return shown if len(names) <= max_shown else f"{shown} and {len(names) - max_shown} more"
