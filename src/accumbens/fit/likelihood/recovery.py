"""Parameter recovery: does a fit find the parameters of simulated data, within its intervals?"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Bool, Float, Key

from ...errors import ConfigError
from ...models.cognitive import CognitiveModel
from ...simulation import simulate
from ...tasks.base import Task
from .fitted import ParameterEstimate, Target
from .maximum_likelihood import fit_datasets
from .parameter_space import place_name
from .profiled import Intervals

if TYPE_CHECKING:
    import pandas as pd


class Recovery(NamedTuple):
    """Fits to many simulated data sets, and the parameters with which these were simulated.

    Attributes:
        parameters: their names.
        truth: value of each parameter, in its own unit.
        estimate, standard_error: of each parameter for each data set.
        low, high: ends of the 95 % intervals.
        bound_p: p of the test that the parameter is at the nearer bound; NaN where the fit has none
            (see `ParameterEstimate.bound`).
    """

    parameters: tuple[str, ...]
    truth: Float[np.ndarray, " parameter"]
    estimate: Float[np.ndarray, "repeat parameter"]
    standard_error: Float[np.ndarray, "repeat parameter"]
    low: Float[np.ndarray, "repeat parameter"]
    high: Float[np.ndarray, "repeat parameter"]
    bound_p: Float[np.ndarray, "repeat parameter"]

    @property
    def covered(self) -> Bool[np.ndarray, "repeat parameter"]:
        """Whether each interval holds the truth; False where there is no interval."""
        return (self.low <= self.truth) & (self.truth <= self.high)

    def to_frame(self) -> pd.DataFrame:
        """One row for each parameter.

        Returns:
            A table with columns parameter, truth, mean_estimate, sd_of_estimates (over data sets),
            mean_standard_error (should agree with it), coverage (share of intervals that hold the
            truth).
        """
        import pandas as pd

        return pd.DataFrame(
            {
                "parameter": self.parameters,
                "truth": self.truth,
                "mean_estimate": self.estimate.mean(0),
                "sd_of_estimates": self.estimate.std(0, ddof=1),
                "mean_standard_error": np.nanmean(self.standard_error, 0),
                "coverage": self.covered.mean(0),
            }
        )


def recover(
    model: CognitiveModel,
    task: Task,
    *,
    key: Key[Array, ""],
    target: Target = "choice",
    n_repeats: int = 200,
    n_sessions: int = 50,
    n_trials: int = 100,
    signal_noise: float = 0.0,
    n_starts: int = 4,
    variant: str | None = None,
    free: tuple[str, ...] = (),
    intervals: Intervals = "auto",
) -> Recovery:
    """Simulates a model many times, and fits its class to each of the simulated data sets.

    A parameter that the target does not depend on has no interval, and so is never covered.

    Args:
        model: with the true parameters, gain and offset; a parameter that has a default, and is not
            free, is held at the model's own value.
        task: in which the model is simulated.
        key: of simulations and starts.
        target, n_starts, variant, free, intervals: as in `fit_maximum_likelihood`.
        n_repeats: number of data sets.
        n_sessions, n_trials: sessions of each data set, and trials of each session.
        signal_noise: SD of the noise of the signals, in their unit; without noise the standard
            errors mean nothing.

    Raises:
        ConfigError: `n_repeats` is below 2; or the model lacks a free parameter; or the target is
            "signal" and the scale parameter of the model, which such a fit holds at 1, is not 1; or
            an option of the fit is wrong.
    """
    if n_repeats < 2:
        raise ConfigError(f"n_repeats is {n_repeats}; it must be at least 2.")
    if unknown := sorted(set(free) - model.parameters.keys()):
        raise ConfigError(
            f"{model.name} has no true value of {', '.join(unknown)}, which free names. Give a "
            "model that has it (accumbens.with_parts)."
        )
    scale = model.scale_parameter
    if target == "signal" and scale and float(getattr(model, scale)) != 1.0:
        raise ConfigError(
            f"A fit to the signal holds {scale} at 1, but the model has another value. Give an "
            f"equal model with {scale}=1: divide its other strengths, and multiply its gain, by "
            f"the value of {scale}."
        )
    k_simulate, k_fit = jax.random.split(key)
    trials = simulate(
        model,
        task,
        n_sessions=n_repeats * n_sessions,
        n_trials=n_trials,
        key=k_simulate,
        signal_noise=signal_noise,
    )
    datasets = [
        trials.select_sessions(range(first, first + n_sessions))
        for first in range(0, trials.n_sessions, n_sessions)
    ]
    fits = fit_datasets(
        model,
        datasets,
        target=target,
        key=k_fit,
        n_starts=n_starts,
        variant=variant,
        free=free,
        intervals=intervals,
        own_start=False,
    )
    truth = _true_values(model, trials.names.signals, signal_noise)
    names = tuple(fits[0].parameters)
    columns = np.array([[_row(fit.parameters[name]) for name in names] for fit in fits])
    return Recovery(names, np.array([truth[name] for name in names]), *np.moveaxis(columns, -1, 0))


def _row(found: ParameterEstimate) -> tuple[float, ...]:
    return (*found[:4], np.nan if found.bound is None else found.bound.p)


def _true_values(model: CognitiveModel, signals, signal_noise) -> dict[str, float]:
    """The true parameters, by the names that a fit gives them."""
    truth = {}
    for name in model.parameters:
        value = np.asarray(getattr(model, name))
        truth |= {place_name(name, index): float(value[index]) for index in np.ndindex(value.shape)}
    for i, signal in enumerate(signals):
        truth[f"gain[{signal}]"] = float(model.gain[i])
        truth[f"offset[{signal}]"] = float(model.offset[i])
        truth[f"residual_sd[{signal}]"] = float(signal_noise)
    return truth
