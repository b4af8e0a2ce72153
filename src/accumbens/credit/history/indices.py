"""Indices of credit: how much more an outcome makes the animal repeat a choice than no outcome."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from ...errors import DataError
from ...scoring.bootstrap import session_weights
from ...scoring.intervals import mean_interval, student_quantile
from .design import HistoryData
from .fitted import ErrorUnit, HistoryFit
from .refit import bootstrap_problem, refit


class Index(NamedTuple):
    """A sum of weights of one subject, or the mean of it over subjects, in log-odds.

    Attributes:
        subject: name of the subject, or "group".
        name: of the outcome that the index is about.
        value: the index; NaN where one of its weights has no finite maximum.
        standard_error: of a subject, the SD over resamples of its sessions; with two sessions, or
            without resamples, CR2 over sessions; with one session that of independent trials. Of
            the group: SD over subjects / sqrt(subjects). NaN where a weight has no finite maximum.
        low, high: 95 % interval, value -+ t standard errors, with Student's t for sessions - 1 (of
            CR2: Satterthwaite's) or subjects - 1 degrees of freedom; NaN with one session or
            subject. (Percentiles would lie too high, since refits to resamples overshoot.)
        n_subjects: with a finite index, on which the value rests.
        unit: what the standard error takes as independent: "session", "trial" or "subject".
    """

    subject: str
    name: str
    value: float
    standard_error: float
    low: float
    high: float
    unit: ErrorUnit = "session"
    n_subjects: int = 1


def index_contrasts(data: HistoryData) -> dict[str, Float[np.ndarray, " weight"]]:
    """How each outcome's index is made of the weights.

    index = sum over lags of (weight of that outcome alone - weight of no outcome). For
    `controllable` and `distractor` these are the controllable and the distractor index.

    Returns:
        For each outcome a vector of +1 on the weights of that outcome alone, -1 on those of no
        outcome, and 0 elsewhere; the index is its product with the weights.

    Source:
        Miller et al., Structured credit assignment in mice, Figure 2d.
    """
    lags = data.n_lags
    contrasts = {}
    for k, name in enumerate(data.type_names):
        if k and k & (k - 1) == 0:
            contrast = np.zeros(data.n_weights)
            contrast[1 : 1 + lags] = -1.0
            contrast[1 + k * lags : 1 + (k + 1) * lags] = 1.0
            contrasts[name] = contrast
    return contrasts


def indices(fit: HistoryFit, *, n_draws: int = 1000, rng: np.random.Generator) -> tuple[Index, ...]:
    """The indices of one fit, with standard errors and intervals over sessions.

    Args:
        fit: of one subject, or pooled.
        n_draws: resamples of the sessions; 0 gives no interval.
        rng: of the resamples.

    Returns:
        One index for each outcome.

    Raises:
        DataError: some weights of an index were left out of the regression, or the fit is one under
            a group.

    Example:
        >>> import jax
        >>> import numpy as np
        >>> import accumbens
        >>> agent, task = accumbens.StructureSavvy(0.3, 3.0), accumbens.DistractorRewards()
        >>> key = jax.random.key(0)
        >>> trials = accumbens.simulate(agent, task, n_sessions=6, n_trials=200, key=key)
        >>> (fit,) = accumbens.fit_history(trials, n_lags=3)
        >>> found = accumbens.credit.indices(fit, n_draws=0, rng=np.random.default_rng(0))
        >>> [(index.name, index.value > 0.5) for index in found]
        [('controllable', True), ('distractor', False)]
    """
    if fit.unit == "group":
        raise DataError(
            f"{fit.subject}: weights under a group have no index by refits. Take fit_history."
        )
    contrasts = index_contrasts(fit.data)
    drawn = _bootstrap(fit, n_draws, rng)
    found = []
    for name, contrast in contrasts.items():
        used = contrast != 0
        if np.isnan(fit.weights[used]).any():
            raise DataError(
                f"{fit.subject}: the {name} index cannot be computed, because some of its weights "
                "were left out of the regression. Use fewer lags, or more sessions."
            )
        value = float(fit.weights[used] @ contrast[used])
        if fit.unbounded[used].any():
            value = np.nan
        error, freedom = fit.error(contrast)
        t = float(student_quantile(freedom)) if np.isfinite(freedom) else np.nan
        if drawn is not None and np.isfinite(error):
            error, t = float((drawn.weights @ contrast).std(ddof=1)), drawn.t
        low, high = value - t * error, value + t * error
        known = int(np.isfinite(value))
        found.append(Index(fit.subject, name, value, error, low, high, fit.unit, known))
    return tuple(found)


def group_index(name: str, of_subjects: Sequence[Index]) -> Index:
    """The mean of one index over subjects, with Student's t interval over subjects.

    Args:
        name: of the index.
        of_subjects: the index of each subject; those that are not finite are left out.

    Returns:
        The index of the subject "group"; without standard error and interval (NaN) where there is a
        single subject.
    """
    values = np.array([index.value for index in of_subjects if np.isfinite(index.value)])
    n = len(values)
    if n == 0:
        return Index("group", name, np.nan, np.nan, np.nan, np.nan, "subject", 0)
    found = mean_interval(values)
    error = float(values.std(ddof=1) / n**0.5) if n > 1 else np.nan
    return Index("group", name, float(values.mean()), error, float(found.low), float(found.high),
                 "subject", n)  # fmt: skip


class _Drawn(NamedTuple):
    """Refits to resampled sessions, and the quantile of Student's t for that many sessions."""

    weights: Float[np.ndarray, "draw weight"]
    t: float


MIN_SESSIONS = 3


def _bootstrap(fit: HistoryFit, n_draws: int, rng: np.random.Generator) -> _Drawn | None:
    sessions = np.unique(fit.data.response_session)
    if n_draws == 0 or fit.unit == "subject" or len(sessions) < MIN_SESSIONS:
        return None  # of a pooled fit, subjects are the unit: CR2
    member = np.minimum(np.searchsorted(sessions, fit.data.session), len(sessions) - 1)
    one = np.zeros(len(sessions), int)
    counts = session_weights(one, n_draws, rng, unit="session within subject")
    weights = refit(bootstrap_problem(fit, member, counts), seed=0, count=n_draws)
    t = float(student_quantile(len(sessions) - 1))
    return _Drawn(weights.astype(np.float64), t)
