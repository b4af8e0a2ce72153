"""Model-based signals: what of a recorded signal is a fitted model's latent variables?

    signal[t] = b_0 + sum_k b_k latent_k[t] + noise

by least squares, once with one number a trial (event by event), once at each time around the
event. Trials depend on each other, and so do sessions of one animal. So each animal has slopes of
its own, and Student's t over animals says what holds in animals like these; with one or two
animals, sessions are the independent units.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from ..errors import ConfigError, DataError
from ..models.base import Model
from ..trials import Trials
from ..unrolling import unroll
from .slopes import How, LinearFit, SlopeUnit, StandardErrorMethod, fit_slopes

INTERCEPT = "intercept"


class ModelSignals(NamedTuple):
    """The fits of all signals on a model's latent variables: `fits[signal]`."""

    latents: tuple[str, ...]
    fits: dict[str, LinearFit]

    def to_frame(self) -> pd.DataFrame:
        """One row a signal and latent variable.

        Returns:
            A table with columns signal, latent, coefficient (signal units per latent unit),
            standard_error, low, high (95 %), p, unit, animals (with slopes of their own; 0 where
            sessions are the unit), partial_r2, r2 (of the whole fit), trials, sessions.
        """
        rows = []
        for signal, fit in self.fits.items():
            for k, latent in enumerate(self.latents):
                rows.append(
                    {"signal": signal, "latent": latent, "coefficient": fit.weights[k + 1],
                     "standard_error": fit.standard_error[k + 1], "low": fit.low[k + 1],
                     "high": fit.high[k + 1], "p": fit.p[k + 1], "unit": fit.unit,
                     "animals": len(fit.by_animal), "partial_r2": fit.partial_r2[k], "r2": fit.r2,
                     "trials": fit.n, "sessions": fit.n_sessions}
                )  # fmt: skip
        return pd.DataFrame(rows)

    def slopes_to_frame(self) -> pd.DataFrame:
        """One row a signal, animal and latent variable, where animals are the unit.

        Returns:
            A table with columns signal, subject, latent, coefficient.
        """
        rows = [
            (signal, name, latent, weights[k + 1])
            for signal, fit in self.fits.items()
            for name, weights in fit.by_animal.items()
            for k, latent in enumerate(self.latents)
        ]
        return pd.DataFrame(rows, columns=["signal", "subject", "latent", "coefficient"])


class SignalsInTime(NamedTuple):
    """The regression at each time around an event; NaN at times with too few measured trials.

    time: in s from the event. coefficient: in the signal's unit per unit of the latent variable.
    standard_error, p, partial_r2: as in `LinearFit`. n: trials measured at each time.
    """

    latents: tuple[str, ...]
    time: Float[np.ndarray, " time"]
    coefficient: Float[np.ndarray, "latent time"]
    standard_error: Float[np.ndarray, "latent time"]
    p: Float[np.ndarray, "latent time"]
    partial_r2: Float[np.ndarray, "latent time"]
    n: Int[np.ndarray, " time"]

    def to_frame(self) -> pd.DataFrame:
        """One row a latent variable and time.

        Returns:
            A table with columns latent, time (s), coefficient, standard_error, p, partial_r2,
            trials.
        """
        parts = [
            pd.DataFrame(
                {"latent": name, "time": self.time, "coefficient": self.coefficient[k],
                 "standard_error": self.standard_error[k], "p": self.p[k],
                 "partial_r2": self.partial_r2[k], "trials": self.n}
            )
            for k, name in enumerate(self.latents)
        ]  # fmt: skip
        return pd.concat(parts, ignore_index=True)


def model_latents(model: Model, trials: Trials) -> dict[str, Float[np.ndarray, "session trial"]]:
    """A model's latent variables along recorded trials.

    Args:
        model: fitted to these subjects.
        trials: along which the model is unrolled.

    Returns:
        Each latent variable by name, NaN on trials that are not scored. Those of the state are from
        before the choice (`Q_0`), those of the outcome are of the trial itself
        (`prediction_error`). Where each choice i has a value `Q_i`, there is also `Q_chosen`.

    Raises:
        DataError: the model has another number of choices than the trials, or fewer subjects.
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
    unit: SlopeUnit | str = "auto",
    standard_errors: StandardErrorMethod | str = "cluster",
    rng: np.random.Generator | None = None,
    resamples: int = 1000,
) -> ModelSignals:
    """Regresses each signal on latent variables of a model, one number a trial.

    signal[t] = b_0 + sum_k b_k latent_k[t] + noise, over scored trials with a measured signal.
    Neither method of standard errors knows that the latent variables were estimated from the same
    choices, or that slow drifts of both series correlate by chance within sessions; for a test of
    that, see `accumbens.neural.series_tests`.

    Args:
        trials: with at least one signal.
        latents: by name, as from `model_latents(model, trials)`.
        use: names of the latent variables to regress on.
        unit: "animal": slopes of each animal by itself, their mean, and Student's t over animals:
            what holds in animals like these. "session": one set of slopes, sessions independent;
            too sure where slopes differ between animals. "auto": animal from three on.
        standard_errors: where sessions are the unit. "cluster": CR2 with Satterthwaite's degrees of
            freedom (see `accumbens.scoring.clustered_errors`), right with few sessions too.
            "bootstrap": the SD over draws of whole sessions.
        rng: for the bootstrap.
        resamples: draws of the bootstrap.

    Returns:
        The fit of each signal: slopes, standard errors and p-values, over the unit that was used.

    Raises:
        ConfigError: a latent variable is not there or is named twice, the unit or the method is
            unknown, or the bootstrap has no `rng`.
        DataError: there is no signal, the regressors are collinear, or a signal was measured in
            fewer than two sessions or on too few trials; or animals are asked for and fewer than
            two have enough trials.
    """
    x, session = _regressors(trials, latents, use)
    how = How(trials, unit, standard_errors, rng, resamples)
    fits = {}
    for k, signal in enumerate(trials.names.signals):
        y = trials.signal[..., k][trials.scored]
        known = np.isfinite(y)
        fits[signal] = fit_slopes(
            x[known],
            y[known],
            session[known],
            f"signal {signal}",
            use,
            how,
        )
    if not fits:
        raise DataError(
            "The trials have no signal to regress on latent variables. Name signal columns."
        )
    return ModelSignals(tuple(use), fits)


def signals_in_time(
    trials: Trials,
    time: Float[np.ndarray, " time"],
    values: Float[np.ndarray, "event time"],
    latents: Mapping[str, Float[np.ndarray, "session trial"]],
    use: Sequence[str] = ("prediction_error",),
    *,
    unit: SlopeUnit | str = "auto",
    standard_errors: StandardErrorMethod | str = "cluster",
    rng: np.random.Generator | None = None,
    resamples: int = 1000,
) -> SignalsInTime:
    """The regression of `signals_on_latents` at each time around an event.

    Args:
        trials: whose latent variables are used; their own signals are not.
        time: in s from the event.
        values: the signal around the event of each trial, one row a trial, sessions one after
            another, missed trials included; NaN where not measured. `AlignedTraces.values` is so,
            with one event a trial.
        latents, use, unit, standard_errors, rng, resamples: as in `signals_on_latents`.

    Returns:
        The fit at each time; p is of each time by itself, not corrected for their number.

    Raises:
        ConfigError: as in `signals_on_latents`.
        DataError: there are not as many rows as trials or columns as times, or at no time were
            enough trials measured.
    """
    x, session = _regressors(trials, latents, use)
    how = How(trials, unit, standard_errors, rng, resamples)
    n_trials = int(trials.in_session.sum())
    if values.shape != (n_trials, len(time)):
        raise DataError(
            f"The aligned signal has {values.shape[0]} rows and {values.shape[1]} columns, but "
            f"there are {n_trials} trials and {len(time)} times. Align one event a trial, missed "
            "trials included."
        )
    rows = values[trials.scored[trials.in_session]]
    shape = (len(use), len(time))
    coefficient, standard_error, p, partial = (np.full(shape, np.nan) for _ in range(4))
    known = np.isfinite(rows)
    for j in range(len(time)):
        here = known[:, j]
        if len(np.unique(session[here])) < 2 or here.sum() <= 2 * x.shape[1]:
            continue
        fit = fit_slopes(
            x[here],
            rows[here, j],
            session[here],
            f"signal at {time[j]:g} s",
            use,
            how,
        )
        coefficient[:, j], p[:, j] = fit.weights[1:], fit.p[1:]
        standard_error[:, j] = fit.standard_error[1:]
        partial[:, j] = fit.partial_r2
    if np.isnan(coefficient).all():
        raise DataError(
            "The signal was not measured on enough trials of two sessions at any time around the "
            "event. Use more sessions, or fewer latent variables."
        )
    return SignalsInTime(tuple(use), time, coefficient, standard_error, p, partial, known.sum(0))


def _regressors(trials, latents, use):
    """Design matrix and session of the scored trials."""
    missing = [name for name in use if name not in latents]
    if missing or not use or INTERCEPT in use:
        raise ConfigError(
            f"The latent variables {missing or list(use)} cannot be regressed on; the model has "
            f"{', '.join(latents) or 'none'}. Name at least one of them."
        )
    if len(set(use)) < len(use):
        raise ConfigError(f"A latent variable is named twice: {list(use)}. Name each one once.")
    columns = [np.asarray(latents[name])[trials.scored] for name in use]
    x = np.stack([np.ones(len(columns[0])), *columns], axis=1)
    if not np.isfinite(x).all():
        bad = [name for name, c in zip(use, columns, strict=True) if not np.isfinite(c).all()]
        raise DataError(
            f"The latent variable {', '.join(bad)} is not a finite number on some scored trials. "
            "Has the model diverged?"
        )
    session = np.broadcast_to(np.arange(trials.n_sessions)[:, None], trials.choice.shape)
    return x, session[trials.scored]
