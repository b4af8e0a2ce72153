"""Does a fit find the parameters that made the data, within the intervals that it reports?"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Bool, Float, Key

from ...errors import ConfigError
from ...models.cognitive import CognitiveModel
from ...simulation import simulate
from ...tasks.base import Task
from .maximum_likelihood import Target, fit_datasets
from .parameter_space import place_name

if TYPE_CHECKING:
    import pandas as pd


class Recovery(NamedTuple):
    """Fits to many simulated data sets, beside the parameters that made them.

    truth: of each parameter, in its own unit. low, high: ends of the 95 % intervals.
    """

    parameters: tuple[str, ...]
    truth: Float[np.ndarray, " parameter"]
    estimate: Float[np.ndarray, "repeat parameter"]
    standard_error: Float[np.ndarray, "repeat parameter"]
    low: Float[np.ndarray, "repeat parameter"]
    high: Float[np.ndarray, "repeat parameter"]

    @property
    def covered(self) -> Bool[np.ndarray, "repeat parameter"]:
        """Whether the interval holds the truth; an interval that could not be given does not."""
        return (self.low <= self.truth) & (self.truth <= self.high)

    def to_frame(self) -> pd.DataFrame:
        """One row a parameter: truth, mean estimate, its SD over repeats, the mean standard error
        reported (the two should agree), and the share of intervals that hold the truth."""
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
) -> Recovery:
    """Simulate `model` in `task` and fit its like to what it did, `n_repeats` times.

    model: with the true parameters, gain and offset; a parameter that has a default, and is not
        free, is held at the model's own value. target, n_starts, variant, free: as for
        `fit_maximum_likelihood`. n_sessions, n_trials: of each data set. signal_noise: SD of the
        signals' noise, in their unit; without any, the standard errors mean nothing.
    A parameter that the target does not depend on has no interval, and so is never covered.
    Raises ConfigError when n_repeats < 2; when the model lacks a free parameter; when target is
    "signal" and the model's scale parameter, which such a fit holds at 1, is not 1; or as the fit
    does.
    """
    if n_repeats < 2:
        raise ConfigError(f"n_repeats is {n_repeats}: coverage needs at least two data sets.")
    if strangers := sorted(set(free) - model.parameters.keys()):
        raise ConfigError(
            f"free names {', '.join(strangers)}, of which {model.name} has no true value: recover "
            "from a model that has it (with_parts)."
        )
    scale = model.scale_parameter
    if target == "signal" and scale and float(getattr(model, scale)) != 1.0:
        raise ConfigError(
            f"A fit to the signal holds {scale} at 1: recover from a model with {scale}=1, its "
            "other strengths divided and its gain multiplied by the same number."
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
        own_start=False,
    )
    truth = _true_values(model, trials.names.signals, signal_noise)
    names = tuple(fits[0].parameters)
    columns = np.array([[fit.parameters[name] for name in names] for fit in fits])
    return Recovery(names, np.array([truth[name] for name in names]), *np.moveaxis(columns, -1, 0))


def _true_values(model: CognitiveModel, signals, signal_noise) -> dict[str, float]:
    """By the names under which a fit reports them."""
    truth = {}
    for name in model.parameters:
        value = np.asarray(getattr(model, name))
        truth |= {place_name(name, index): float(value[index]) for index in np.ndindex(value.shape)}
    for i, signal in enumerate(signals):
        truth[f"gain[{signal}]"] = float(model.gain[i])
        truth[f"offset[{signal}]"] = float(model.offset[i])
        truth[f"residual_sd[{signal}]"] = float(signal_noise)
    return truth
