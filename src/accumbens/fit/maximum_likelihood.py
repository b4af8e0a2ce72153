"""Maximum likelihood for cognitive models: many starts and many data sets in one computation."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Generic, Literal, NamedTuple, get_args

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Key

from ..errors import ConfigError, DataError, DivergedError
from ..trials import Batch, Trials
from .lbfgs import Minimum, minimize_lbfgs
from .likelihood import (
    Regression,
    choice_negative_log_likelihood,
    regress_signals,
    signal_negative_log_likelihood,
    traces,
)
from .parameter_space import Held, M, ParameterSpace, parameter_space
from .standard_errors import Covariance, observed_information_covariance, two_step_covariance

if TYPE_CHECKING:
    import pandas as pd

Target = Literal["choice", "signal", "both"]

_TOLERANCE = 1e-6
"""In nats of the whole log-likelihood: about a thousandth of a standard error in each estimate."""
_SAME_MAXIMUM = 0.01
"""Starts within this many nats of the best are taken to have found the same maximum."""
_CHUNK = 2_000_000
"""Trials times starts that are computed at once; a matter of memory only."""


class ParameterEstimate(NamedTuple):
    """In the parameter's own unit; `low` and `high` bound the 95 % interval, which is made on the
    unconstrained scale and so respects the parameter's bounds. NaN where not identified."""

    estimate: float
    standard_error: float
    low: float
    high: float


class Starts(NamedTuple):
    """What became of each start."""

    log_likelihood: Float[np.ndarray, " start"]
    converged: Bool[np.ndarray, " start"]
    evaluations: Int[np.ndarray, " start"]


@dataclasses.dataclass(frozen=True)
class MaximumLikelihoodFit(Generic[M]):
    """A fitted model and what is known of its parameters.

    log_likelihood: of the target, in nats. n_parameters: what was fitted to the target.
    n_observations: scored choices, or measured signal values, or their sum.
    parameters: every fitted parameter; then `gain[s]`, `offset[s]`, `residual_sd[s]` of each signal
    s. held: the values of those not fitted. warnings: what to know before trusting an estimate.
    """

    model: M
    target: Target
    log_likelihood: float
    n_parameters: int
    n_observations: int
    parameters: dict[str, ParameterEstimate]
    held: dict[str, float | str]
    starts: Starts
    warnings: tuple[str, ...]

    @property
    def aic(self) -> float:
        """2 k - 2 log L (Akaike 1974); lower is better."""
        return 2 * self.n_parameters - 2 * self.log_likelihood

    @property
    def bic(self) -> float:
        """k log n - 2 log L (Schwarz 1978); lower is better."""
        return self.n_parameters * math.log(self.n_observations) - 2 * self.log_likelihood

    def to_frame(self) -> pd.DataFrame:
        """One row a parameter: parameter, estimate, standard_error, low, high."""
        import pandas as pd

        rows = [(name, *estimate) for name, estimate in self.parameters.items()]
        return pd.DataFrame(rows, columns=["parameter", *ParameterEstimate._fields])


def fit_maximum_likelihood(
    model: type[M] | M,
    trials: Trials,
    *,
    target: Target = "choice",
    key: Key[Array, ""],
    n_starts: int = 16,
    variant: str | None = None,
    fixed: Held | None = None,
    free: Sequence[str] = (),
    max_evaluations: int = 300,
) -> MaximumLikelihoodFit[M]:
    """The parameters that make choices, signals or both most likely, over all sessions of `trials`.

    choices: -sum log p(choice);  signals: Normal(gain x prediction_error + offset, variance), each
    signal with its own three, which are found exactly by least squares for every set of the other
    parameters. Multi-start L-BFGS on the unconstrained scale, in double precision.

    model: a class of cognitive model; or a model, whose values are then one of the starts.
    target: "choice": the signals are regressed on the prediction error afterwards, with standard
        errors that count in those of the choice parameters. "signal": the parameter that only
        scales the prediction error (the model's `signal_scale`) is held at 1, and those that the
        signal does not depend on are left in the middle of their starting range; the model's
        choices then mean nothing. "both": the sum of the two log-likelihoods.
    key: draws the starts. n_starts: how many. max_evaluations: of the likelihood, per start.
    variant: a special case by name (`model.variants`). fixed: parameter -> value, or the name of
        the parameter to which it is tied. free: fit these, though they have a default.
    Raises ConfigError for options that do not suit the model, DataError for trials without
    anything to fit, DivergedError when no start has a finite likelihood.
    """
    return fit_datasets(
        model,
        [trials],
        target=target,
        key=key,
        n_starts=n_starts,
        variant=variant,
        fixed=fixed,
        free=free,
        max_evaluations=max_evaluations,
    )[0]


def fit_by_subject(
    model: type[M] | M, trials: Trials, **options
) -> dict[str, MaximumLikelihoodFit[M]]:
    """Each subject's own fit, by name; options and errors of `fit_maximum_likelihood`."""
    subjects = np.unique(trials.subject)
    parts = [trials.select_sessions(np.flatnonzero(trials.subject == i)) for i in subjects]
    fits = fit_datasets(model, parts, **options)
    return {trials.names.subjects[i]: fit for i, fit in zip(subjects, fits, strict=True)}


def fit_datasets(
    model: type[M] | M,
    datasets: Sequence[Trials],
    *,
    target: Target = "choice",
    key: Key[Array, ""],
    n_starts: int = 16,
    variant: str | None = None,
    fixed: Held | None = None,
    free: Sequence[str] = (),
    max_evaluations: int = 300,
) -> list[MaximumLikelihoodFit[M]]:
    """A fit to each of several `Trials`, computed together; as `fit_maximum_likelihood`.

    All have the same choices and signals. Each gets the same starts, so a fit is the same
    whatever it is computed with.
    """
    _check_options(datasets, target, n_starts)
    names = datasets[0].names
    kind = model if isinstance(model, type) else type(model)
    scale = kind.signal_scale if target == "signal" else None
    space = parameter_space(model, len(names.choices), variant=variant, fixed=fixed, free=free)
    if scale in space.free:
        fixed = dict(fixed or {}) | {scale: 1.0}
        space = parameter_space(model, len(names.choices), variant=variant, fixed=fixed, free=free)
    else:
        scale = None
    with jax.enable_x64(True):
        starts = space.draw_starts(key, n_starts)
        if not isinstance(model, type):
            starts = starts.at[0].set(space.own_start())
        solutions = _solve_all(space, target, datasets, starts, max_evaluations)
        return [
            _report(space, target, trials, solution, scale)
            for trials, solution in zip(datasets, solutions, strict=True)
        ]


class _Solution(NamedTuple):
    """Of one data set. hessians: of the choice and of the signal negative log-likelihood, by the
    unconstrained parameters, then gains, offsets and log variances."""

    minima: Minimum
    best: Float[Array, " place"]
    regression: Regression
    choice_hessian: Float[Array, "all all"]
    signal_hessian: Float[Array, "all all"]


@eqx.filter_jit
def _solve(space: ParameterSpace, target: Target, batches: Batch, starts, max_evaluations):
    def solve(batch: Batch) -> _Solution:
        n_signals = batch.signal.shape[-1]

        def model_traces(u):
            return traces(space.build(u, jnp.ones(n_signals), jnp.zeros(n_signals)), batch)

        def profile(u):
            found, value = model_traces(u), 0.0
            if target != "signal":
                value += choice_negative_log_likelihood(found)
            if target != "choice":
                regression = regress_signals(found.prediction_error, batch)
                value += signal_negative_log_likelihood(found, batch, regression)
            return value

        def full(parameters):
            u, (gain, offset, log_variance) = parameters[:n], parameters[n:].reshape(3, n_signals)
            found = model_traces(u)
            regression = Regression(gain, offset, jnp.exp(log_variance))
            return jnp.stack(
                [
                    choice_negative_log_likelihood(found),
                    signal_negative_log_likelihood(found, batch, regression),
                ]
            )

        n = starts.shape[1]
        minima = jax.vmap(
            lambda u: minimize_lbfgs(
                profile, u, tolerance=_TOLERANCE, max_evaluations=max_evaluations
            )
        )(starts)
        best = minima.x[jnp.argmin(jnp.where(jnp.isnan(minima.value), jnp.inf, minima.value))]
        regression = regress_signals(model_traces(best).prediction_error, batch)
        gain, offset, variance = regression
        at = jnp.concatenate([best, gain, offset, jnp.log(variance)])
        return _Solution(minima, best, regression, *jax.hessian(full)(at))

    return jax.vmap(solve)(batches)


def _solve_all(space, target, datasets, starts, max_evaluations) -> list[_Solution]:
    """Padded to one shape and computed a few at a time."""
    n_sessions = max(d.n_sessions for d in datasets)
    n_trials = max(d.choice.shape[1] for d in datasets)
    size = max(1, min(len(datasets), _CHUNK // (n_sessions * n_trials * len(starts))))
    solutions = []
    for first in range(0, len(datasets), size):
        part = [_pad(d.batch(np.float64), n_sessions, n_trials) for d in datasets[first:][:size]]
        part += part[:1] * (size - len(part))
        batches = jax.tree.map(lambda *a: np.stack(a), *part)
        found = _solve(space, target, batches, starts, max_evaluations)
        found = jax.tree.map(np.asarray, found)
        solutions += [jax.tree.map(lambda a, i=i: a[i], found) for i in range(size)]
    return solutions[: len(datasets)]


def _pad(batch: Batch, n_sessions: int, n_trials: int) -> Batch:
    """Further trials and sessions in which nothing is valid."""

    def pad(array):
        more = [(0, n_sessions - array.shape[0])]
        if array.ndim > 1:
            more += [(0, n_trials - array.shape[1])] + [(0, 0)] * (array.ndim - 2)
        return np.pad(array, more)

    return Batch(*(pad(array) for array in batch))


def _report(space: ParameterSpace[M], target, trials, solution, scale) -> MaximumLikelihoodFit[M]:
    """The solution in words and natural units."""
    minima, n = solution.minima, len(solution.best)
    if not np.isfinite(minima.value).any():
        raise DivergedError(
            f"No start gave a finite likelihood for {type(space.template).__name__} on sessions "
            f"{trials.session_labels[0]} ...: check the outcomes' and signals' range, or give more "
            "starts."
        )
    curvature = solution.signal_hessian if target == "signal" else solution.choice_hessian
    curvature = curvature + solution.signal_hessian if target == "both" else curvature
    silent = (curvature[:n] == 0).all(1)
    u = np.where(silent, space.middle(), solution.best)
    natural = np.asarray(space.natural(jnp.asarray(u)))
    at_bound = space.at_bound(natural) & ~silent
    covariance = _covariance(target, solution, at_bound | silent)
    estimates = _estimates(space, u, natural, solution.regression, covariance, at_bound | silent)
    signals = trials.names.signals
    names = [*space.names, *(f"{p}[{s}]" for p in _OF_SIGNALS for s in signals)]
    best = np.nanmin(minima.value)
    n_choices, n_signal = int(trials.scored.sum()), int(trials.batch().signal_scored.sum())
    of_choice, of_signal = target != "signal", target != "choice"
    with jax.enable_x64(False):
        gain, offset, _ = solution.regression
        model = space.build(*(jnp.asarray(a, jnp.float32) for a in (u, gain, offset)))
    return MaximumLikelihoodFit(
        model=model,
        target=target,
        log_likelihood=-float(best),
        n_parameters=int((~silent).sum()) + 3 * len(signals) * of_signal,
        n_observations=n_choices * of_choice + n_signal * of_signal,
        parameters=dict(zip(names, estimates, strict=True)),
        held=space.held_values(),
        starts=Starts(-minima.value, minima.converged, minima.evaluations),
        warnings=_warnings(space, minima, silent, at_bound, covariance.identified, scale),
    )


_OF_SIGNALS = ("gain", "offset", "residual_sd")


def _covariance(target: Target, solution: _Solution, known) -> Covariance:
    choice, signal, n = solution.choice_hessian, solution.signal_hessian, len(known)
    known = np.concatenate([known, np.zeros(len(choice) - n, bool)])
    if target != "choice":
        return observed_information_covariance(signal + choice * (target == "both"), known)
    first = observed_information_covariance(choice[:n, :n], known[:n])
    second = two_step_covariance(first, signal[n:, n:], signal[n:, :n])
    matrix = np.zeros_like(choice)
    matrix[:n, :n], matrix[n:, n:] = first.matrix, second.matrix
    return Covariance(matrix, np.concatenate([first.identified, second.identified]))


def _estimates(space, u, natural, regression, covariance, unsure) -> list[ParameterEstimate]:
    """Delta method for standard errors; intervals by transforming their unconstrained ends."""
    n = len(u)
    half = np.sqrt(np.diag(covariance.matrix))
    half[:n][unsure] = np.nan
    gain, offset, variance = regression
    slope = np.asarray(jax.vmap(jax.grad(lambda x, i: space.natural(x)[i]), (None, 0))(
        jnp.asarray(u), jnp.arange(n))).diagonal() if n else np.zeros(0)
    z = 1.959964
    ends = [np.asarray(space.natural(jnp.asarray(u + sign * z * half[:n]))) for sign in (-1, 1)]
    rows = [ParameterEstimate(*map(float, row)) for row in zip(
        natural, np.abs(slope) * half[:n], np.minimum(*ends), np.maximum(*ends), strict=True)]
    linear, logarithmic = np.split(half[n:], [2 * len(gain)])
    for value, error in zip([*gain, *offset], linear, strict=True):
        rows.append(ParameterEstimate(*map(float, (value, error, value - z * error, value + z * error))))
    for value, error in zip(np.sqrt(variance), logarithmic / 2, strict=True):
        ends = value * np.exp(-z * error), value * np.exp(z * error)
        rows.append(ParameterEstimate(*map(float, (value, value * error, *ends))))
    return rows
