"""Model-based signals: what of a recorded signal is a fitted model's latent variables?

    signal[t] = b_0 + sum_k b_k latent_k[t] + noise

by least squares, once with one number a trial (event by event), once at each time around the
event. Trials depend on each other, so standard errors treat sessions as independent, not trials.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from scipy import stats

from ..errors import ConfigError, DataError
from ..models.base import Model
from ..trials import Trials
from ..unrolling import unroll

Errors = Literal["cluster", "bootstrap"]

INTERCEPT = "intercept"


class LinearFit(NamedTuple):
    """One least-squares fit. weights: the signal's unit per unit of each regressor, intercept
    first; partial_r2: of each regressor but the intercept, share of the variance that the others
    leave which it explains; p: two-sided, t with (sessions - 1) degrees of freedom."""

    weights: Float[np.ndarray, " weight"]
    error: Float[np.ndarray, " weight"]
    p: Float[np.ndarray, " weight"]
    partial_r2: Float[np.ndarray, " latent"]
    r2: float
    n: int
    n_sessions: int


class ModelSignals(NamedTuple):
    """Fits of each signal on the model's latent variables; `fits[signal]`."""

    latents: tuple[str, ...]
    fits: dict[str, LinearFit]

    def to_frame(self) -> pd.DataFrame:
        """One row a signal and latent: signal, latent, coefficient (signal units per latent unit),
        error, p, partial_r2, r2 (of the whole fit), trials, sessions."""
        rows = []
        for signal, fit in self.fits.items():
            for k, latent in enumerate(self.latents):
                rows.append(
                    {"signal": signal, "latent": latent, "coefficient": fit.weights[k + 1],
                     "error": fit.error[k + 1], "p": fit.p[k + 1],
                     "partial_r2": fit.partial_r2[k], "r2": fit.r2, "trials": fit.n,
                     "sessions": fit.n_sessions}
                )  # fmt: skip
        return pd.DataFrame(rows)


class SignalsInTime(NamedTuple):
    """The regression at each time around an event; NaN where too little was measured. n: trials."""

    latents: tuple[str, ...]
    time: Float[np.ndarray, " time"]
    coefficient: Float[np.ndarray, "latent time"]
    error: Float[np.ndarray, "latent time"]
    p: Float[np.ndarray, "latent time"]
    partial_r2: Float[np.ndarray, "latent time"]
    n: Int[np.ndarray, " time"]

    def to_frame(self) -> pd.DataFrame:
        """One row a latent and time: latent, time, coefficient, error, p, partial_r2, trials."""
        parts = [
            pd.DataFrame(
                {"latent": name, "time": self.time, "coefficient": self.coefficient[k],
                 "error": self.error[k], "p": self.p[k], "partial_r2": self.partial_r2[k],
                 "trials": self.n}
            )
            for k, name in enumerate(self.latents)
        ]  # fmt: skip
        return pd.concat(parts, ignore_index=True)


def model_latents(model: Model, trials: Trials) -> dict[str, Float[np.ndarray, "session trial"]]:
    """The model's latent variables along the trials, NaN on trials that are not scored.

    Those of the state are from before the choice (`Q_0`), those of the outcome of the trial itself
    (`prediction_error`). `Q_chosen` is added where each choice has its own value `Q_i`.
    """
    latents = {name: np.asarray(x) for name, x in unroll(model, trials).latents.items()}
    values = [f"Q_{i}" for i in range(trials.n_choices)]
    if set(values) <= set(latents):
        stacked = np.stack([latents[name] for name in values], axis=-1)
        made = np.maximum(trials.choice, 0)[..., None]
        latents["Q_chosen"] = np.take_along_axis(stacked, made, -1)[..., 0]
    return {
        name: np.where(trials.scored, value.astype(float), np.nan)
        for name, value in latents.items()
    }


def signals_on_latents(
    trials: Trials,
    latents: Mapping[str, Float[np.ndarray, "session trial"]],
    use: Sequence[str] = ("prediction_error",),
    *,
    errors: Errors | str = "cluster",
    rng: np.random.Generator | None = None,
    resamples: int = 1000,
) -> ModelSignals:
    """Each signal of `trials` on the latent variables named in `use`, event by event.

    latents: `model_latents(model, trials)`. Only scored trials with the signal measured count.
    errors "cluster": sandwich with sessions as clusters, times G/(G-1) (n-1)/(n-k), as Stata and
    statsmodels; too small with fewer than some 20 sessions. "bootstrap": SD over `resamples` draws
    of whole sessions, which needs `rng`. Neither knows that the latent variables were estimated
    from the same choices, nor that slow drifts of both series correlate by chance within sessions:
    for a test of that, `accumbens.neural.series_tests`.
    Raises ConfigError for names that are not there or "bootstrap" without rng; DataError where
    regressors are collinear, or there are fewer than two sessions or too few trials.
    """
    x, session = _regressors(trials, latents, use)
    fits = {}
    for k, signal in enumerate(trials.names.signals):
        y = trials.signal[..., k][trials.scored]
        known = np.isfinite(y)
        fits[signal] = _fit(
            x[known], y[known], session[known], f"signal {signal}", use, errors, rng, resamples
        )
    if not fits:
        raise DataError("These trials have no signal column to regress on latent variables.")
    return ModelSignals(tuple(use), fits)


def signals_in_time(
    trials: Trials,
    time: Float[np.ndarray, " time"],
    values: Float[np.ndarray, "event time"],
    latents: Mapping[str, Float[np.ndarray, "session trial"]],
    use: Sequence[str] = ("prediction_error",),
    *,
    errors: Errors | str = "cluster",
    rng: np.random.Generator | None = None,
    resamples: int = 1000,
) -> SignalsInTime:
    """The same regression at each time around the event.

    values: one row a trial, sessions one after another, missed trials included (NaN where not
    measured): `AlignedTraces.values` of one event a trial. Options and errors are those of
    `signals_on_latents`; p is of each time by itself.
    Raises DataError where rows are not as many as trials.
    """
    x, session = _regressors(trials, latents, use)
    n_trials = int(trials.in_session.sum())
    if values.shape != (n_trials, len(time)):
        raise DataError(
            f"{values.shape[0]} rows of {values.shape[1]} times, but {n_trials} trials and "
            f"{len(time)} times: align one event a trial, missed trials included."
        )
    rows = values[trials.scored[trials.in_session]]
    shape = (len(use), len(time))
    coefficient, error, p, partial = (np.full(shape, np.nan) for _ in range(4))
    known = np.isfinite(rows)
    for j in range(len(time)):
        here = known[:, j]
        if len(np.unique(session[here])) < 2 or here.sum() <= 2 * x.shape[1]:
            continue
        fit = _fit(
            x[here], rows[here, j], session[here], f"time {time[j]:g}", use, errors, rng, resamples
        )
        coefficient[:, j], error[:, j], p[:, j] = fit.weights[1:], fit.error[1:], fit.p[1:]
        partial[:, j] = fit.partial_r2
    if np.isnan(coefficient).all():
        raise DataError("At no time were enough trials of two sessions measured.")
    return SignalsInTime(tuple(use), time, coefficient, error, p, partial, known.sum(0))


def _regressors(trials, latents, use):
    """Design matrix and session of the scored trials."""
    missing = [name for name in use if name not in latents]
    if missing or not use or INTERCEPT in use:
        raise ConfigError(
            f"No latent variable {missing or list(use)} to regress on; the model has "
            f"{list(latents)}."
        )
    if len(set(use)) < len(use):
        raise ConfigError(f"A latent variable is named twice: {list(use)}.")
    columns = [np.asarray(latents[name])[trials.scored] for name in use]
    x = np.stack([np.ones(len(columns[0])), *columns], axis=1)
    if not np.isfinite(x).all():
        bad = [name for name, c in zip(use, columns, strict=True) if not np.isfinite(c).all()]
        raise DataError(f"{', '.join(bad)} is not a number on some scored trials.")
    session = np.broadcast_to(np.arange(trials.n_sessions)[:, None], trials.choice.shape)
    return x, session[trials.scored]


def _fit(x, y, session, what, use, errors, rng, resamples) -> LinearFit:
    n, k = x.shape
    names, place = np.unique(session, return_inverse=True)
    if len(names) < 2 or n <= k:
        raise DataError(
            f"The {what} was measured on {n} scored trials of {len(names)} sessions; the "
            f"regression needs at least two sessions and more than {k} trials."
        )
    scale = np.sqrt(np.square(x).mean(0))
    if np.linalg.matrix_rank(x / np.where(scale > 0, scale, 1)) < k:
        raise DataError(
            f"{', '.join(use)} do not vary, or are collinear, on the trials of {what}: the "
            "regression cannot tell them apart. Name fewer."
        )
    inverse = np.linalg.inv(x.T @ x)
    weights = inverse @ (x.T @ y)
    residual = y - x @ weights
    if errors == "cluster":
        score = np.zeros((len(names), k))
        np.add.at(score, place, x * residual[:, None])
        factor = len(names) / (len(names) - 1) * (n - 1) / (n - k)
        error = np.sqrt(np.diag(inverse @ (score.T @ score) @ inverse) * factor)
    elif errors == "bootstrap":
        error = _bootstrap_error(x, y, place, len(names), rng, resamples)
    else:
        raise ConfigError(f"errors is {errors!r}; choose cluster or bootstrap.")
    rss = float(residual @ residual)
    with np.errstate(divide="ignore", invalid="ignore"):
        p = 2 * stats.t.sf(np.abs(weights / error), len(names) - 1)
    # leaving out regressor j raises the residual squares by b_j^2 / (X'X)^-1_jj
    gained = np.square(weights) / np.diag(inverse)
    total = float(np.square(y - y.mean()).sum())
    partial = gained[1:] / np.maximum(rss + gained[1:], np.finfo(float).tiny)
    r2 = 1 - rss / total if total > 0 else np.nan
    return LinearFit(weights, error, p, partial, r2, n, len(names))


def _bootstrap_error(x, y, place, n_sessions, rng, resamples):
    """SD of the weights over draws of sessions: sums of X'X and X'y of each, drawn again."""
    if rng is None or resamples < 2:
        raise ConfigError("A bootstrap of sessions needs rng and at least two resamples.")
    k = x.shape[1]
    gram, moment = np.zeros((n_sessions, k, k)), np.zeros((n_sessions, k))
    np.add.at(gram, place, x[:, :, None] * x[:, None, :])
    np.add.at(moment, place, x * y[:, None])
    times = rng.multinomial(n_sessions, np.full(n_sessions, 1 / n_sessions), resamples)
    weights = (
        np.linalg.pinv(np.tensordot(times, gram, 1), hermitian=True) @ (times @ moment)[..., None]
    )
    return weights[..., 0].std(0, ddof=1)
