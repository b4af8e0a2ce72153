"""Logistic regression by Newton's method: convex, so where it converges is the maximum."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

MAX_STEPS = 60
DECREMENT = 1e-16
"""Newton's method ends where the next step would gain less than half of this much log likelihood
(nats), or of the log likelihood itself if that is larger than 1."""


class LogisticFit(NamedTuple):
    """The result of a logistic regression.

    Attributes:
        weights: log-odds per unit of each column.
        hessian: of the penalised negative log likelihood at the weights.
        log_likelihood: without the penalty, in nats.
        converged: whether the maximum was reached; with separated data it does not exist.
    """

    weights: Float[np.ndarray, " weight"]
    hessian: Float[np.ndarray, "weight weight"]
    log_likelihood: float
    converged: bool


def fit_logistic(
    design: Float[np.ndarray, "trial weight"],
    response: Float[np.ndarray, " trial"],
    *,
    ridge: float = 0.0,
    trial_weight: Float[np.ndarray, " trial"] | None = None,
) -> LogisticFit:
    """Logistic regression with a ridge penalty, by Newton steps that are halved until they gain.

    weights = argmax sum_t v_t log p(y_t) - ridge/2 |weights but the first|^2,
    p(1) = 1/(1 + exp(-x weights)).

    Args:
        design: x, the regressors of each trial; the first column is the bias.
        response: y, 0 or 1.
        ridge: strength of the penalty; the bias is not penalised.
        trial_weight: v, how often each trial counts; 1 unless given.
    """
    v = np.ones(len(response)) if trial_weight is None else trial_weight
    penalty = np.full(design.shape[1], float(ridge))
    penalty[0] = 0.0
    weights = np.zeros(design.shape[1])
    value, p = _objective(design, response, v, penalty, weights)
    converged = False
    for _ in range(MAX_STEPS):
        gradient = design.T @ (v * (response - p)) - penalty * weights
        hessian = _hessian(design, v, p, penalty)
        step = np.linalg.lstsq(hessian, gradient, rcond=1e-13)[0]
        decrement = float(gradient @ step)
        converged = decrement < DECREMENT * max(1.0, abs(value))
        if converged:
            break
        size = 1.0
        while size > 1e-6:
            new, p_new = _objective(design, response, v, penalty, weights + size * step)
            if new >= value:
                break
            size /= 2
        else:
            converged = decrement < 1e-8 * max(1.0, abs(value))
            break
        weights, value, p = weights + size * step, new, p_new
    log_likelihood = value + float(penalty @ weights**2) / 2
    return LogisticFit(weights, _hessian(design, v, p, penalty), log_likelihood, converged)


def _objective(design, response, v, penalty, weights):
    log_odds = design @ weights
    value = v @ (response * log_odds - np.logaddexp(0.0, log_odds)) - penalty @ weights**2 / 2
    return float(value), 0.5 * (1.0 + np.tanh(0.5 * log_odds))


def _hessian(design, v, p, penalty):
    return (design.T * (v * p * (1.0 - p))) @ design + np.diag(penalty)


def independent_columns(
    design: Float[np.ndarray, "trial weight"], tolerance: float = 1e-9
) -> Bool[np.ndarray, " weight"]:
    """Which columns are not linear combinations of the columns before them.

    By Gram-Schmidt on the cross products.

    Args:
        design: the regressors of each trial.
        tolerance: a column is dependent where the kept columns before it leave a smaller share of
            its sum of squares unexplained.

    Returns:
        True for independent columns.
    """
    gram = design.T @ design
    kept = np.zeros(len(gram), bool)
    for k in range(len(gram)):
        left = gram[k, k]
        if kept.any():
            inner = gram[np.ix_(kept, kept)]
            left = left - gram[k, kept] @ np.linalg.solve(inner, gram[kept, k])
        kept[k] = left > tolerance * max(gram[k, k], 1.0)
    return kept


def separating_columns(
    design: Float[np.ndarray, "trial weight"], response: Float[np.ndarray, " trial"]
) -> Bool[np.ndarray, " weight"]:
    """Columns whose weights have no finite maximum, because they predict choices perfectly.

    A direction d separates the choices where (2 y - 1) x d >= 0 on all trials, and > 0 on some; it
    is found by linear programming, again on the trials that it leaves until none is found. What the
    trials that are left do not tell has no finite maximum either.

    Args:
        design: x, the regressors of each trial.
        response: y, 0 or 1.

    Returns:
        True for each column whose weight has no finite maximum.

    Source:
        Albert & Anderson (1984), Biometrika 71:1.
    """
    from scipy.optimize import linprog

    signed = design * (2.0 * response - 1.0)[:, None]
    left, separates = signed, np.zeros(design.shape[1], bool)
    while len(left):
        found = linprog(
            -left.sum(0), A_ub=-left, b_ub=np.zeros(len(left)), bounds=(-1.0, 1.0), method="highs"
        )
        if found.x is None or -found.fun < 1e-6:
            break
        separates |= np.abs(found.x) > 1e-7
        left = left[left @ found.x <= 1e-7]
    if not separates.any():
        return separates
    known = np.linalg.pinv(left) @ left if len(left) else np.zeros((design.shape[1],) * 2)
    return separates | (np.diag(known) < 1.0 - 1e-6)
