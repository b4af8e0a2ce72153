"""What a maximum likelihood fit reports: estimates, standard errors, warnings."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any, Generic, Literal, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Shaped

from ...errors import DivergedError
from ...models.catalogue import Target as Target
from ...scoring.intervals import normal_quantile
from ...summary import Summary, between, counted, listed, number, summarized
from ...trials import Trials
from .lbfgs import Minimum
from .moments import Regression
from .parameter_space import M, ParameterSpace
from .profiles import BoundTest
from .standard_errors import Covariance, observed_information_covariance, two_step_covariance

if TYPE_CHECKING:
    import pandas as pd

_SAME_MAXIMUM = 0.01
"""Starts within this many nats of the best have found the same maximum."""


class ParameterEstimate(NamedTuple):
    """The estimate of a parameter, in its own unit; NaN where it is not identified.

    Attributes:
        estimate: at the maximum of the likelihood.
        standard_error: by the delta method; NaN at a bound.
        low, high: 95 % interval. From the curvature it is computed on the unconstrained scale, so
            it respects the bounds of the parameter and never includes one; from the profile
            likelihood it may include a bound, and may have an infinite end.
        interval: where the interval comes from.
        bound: the test that the parameter is at the nearer of its bounds, of estimates whose
            interval is that of the profile; otherwise None.
    """

    estimate: float
    standard_error: float
    low: float
    high: float
    interval: Literal["curvature", "profile"] = "curvature"
    bound: BoundTest | None = None

    def as_dict(self) -> dict[str, Any]:
        """The same as nested dictionaries, for JSON."""
        return self._asdict() | {"bound": None if self.bound is None else self.bound._asdict()}


class Starts(NamedTuple):
    """The result of each start.

    Attributes:
        log_likelihood: where the start ended, in nats.
        converged: whether it converged.
        evaluations: of the likelihood.
    """

    log_likelihood: Float[np.ndarray, " start"]
    converged: Bool[np.ndarray, " start"]
    evaluations: Int[np.ndarray, " start"]


@summarized
@dataclasses.dataclass(frozen=True)
class MaximumLikelihoodFit(Generic[M]):
    """A fitted model, and the estimates of its parameters.

    Attributes:
        model: with the estimates as parameters.
        target: what was fitted.
        log_likelihood: of the target, in nats.
        n_parameters: number of parameters that were fitted to the target.
        n_observations: number of scored choices, of measured signal values, or their sum.
        parameters: the estimate of every fitted parameter by name, then `gain[s]`, `offset[s]` and
            `residual_sd[s]` of each signal s.
        held: values of the parameters that were not fitted, or the parameter that they equal.
        starts: the result of each start.
        warnings: what a reader must know about the estimates.
    """

    model: M
    target: Target
    log_likelihood: float
    n_parameters: int
    n_observations: int
    parameters: dict[str, ParameterEstimate]
    held: dict[str, float | list[float] | str]
    starts: Starts
    warnings: tuple[str, ...]

    @property
    def aic(self) -> float:
        """Akaike's criterion, 2 k - 2 log L (Akaike 1974); lower is better."""
        return 2 * self.n_parameters - 2 * self.log_likelihood

    @property
    def bic(self) -> float:
        """Schwarz's criterion, k log n - 2 log L (Schwarz 1978); lower is better."""
        return self.n_parameters * math.log(self.n_observations) - 2 * self.log_likelihood

    def _summary(self) -> Summary:
        title = (
            f"{self.model.name} fitted to {self.target}: "
            f"{counted(self.n_observations, 'observation')}, "
            f"{counted(self.n_parameters, 'parameter')}"
        )
        facts = [
            ("log likelihood", f"{self.log_likelihood:,.1f} nats"),
            ("AIC", f"{self.aic:,.1f}"),
        ]
        if self.held:
            facts.append(("held", listed([f"{name} = {x}" for name, x in self.held.items()])))
        rows = [
            [name, between(e.estimate, e.low, e.high), number(e.standard_error), _p_in_words(e)]
            for name, e in self.parameters.items()
        ]
        heads = ["parameter", "estimate (95 % interval)", "standard error", "at its bound?"]
        if not any(row[-1] for row in rows):
            heads, rows = heads[:-1], [row[:-1] for row in rows]
        return Summary(title, facts, [heads, *rows], self.warnings)

    def to_frame(self) -> pd.DataFrame:
        """One row for each parameter.

        Returns:
            A table with columns parameter, estimate, standard_error, low, high, interval, bound,
            bound_p (see `ParameterEstimate`).
        """
        import pandas as pd

        untested = BoundTest(math.nan, math.nan, math.nan)
        tests = [estimate.bound or untested for estimate in self.parameters.values()]
        columns = ["parameter", *ParameterEstimate._fields[:-1]]
        rows = [(name, *estimate[:-1]) for name, estimate in self.parameters.items()]
        known = {"bound": [test.bound for test in tests], "bound_p": [test.p for test in tests]}
        return pd.DataFrame(rows, columns=columns).assign(**known)


def _p_in_words(found: ParameterEstimate) -> str:
    """`0: p = 0.21` of an estimate whose bound was tested; otherwise nothing."""
    if found.bound is None:
        return ""
    p = found.bound.p
    said = "unknown" if math.isnan(p) else "< 0.001" if p < 0.001 else f"= {p:.2g}"
    return f"{found.bound.bound:g}: p {said}"


class Solution(NamedTuple):
    """What the optimiser found for one data set, in double precision.

    Attributes:
        minima: where each start ended.
        best: unconstrained parameters of the best start.
        regression: of the signals, at the best parameters.
        slope: of the minimised function there.
        choice_hessian, signal_hessian: of the two negative log likelihoods, by the parameters, then
            the gains, offsets and log variances.
    """

    minima: Minimum
    best: Shaped[Array, " place"]
    regression: Regression
    slope: Shaped[Array, " place"]
    choice_hessian: Shaped[Array, "all all"]
    signal_hessian: Shaped[Array, "all all"]


def sessions_in_words(trials: Trials) -> str:
    """`session m1/s1`; `the 3 sessions that begin with m1/s1`."""
    first = trials.session_labels[0]
    if trials.n_sessions == 1:
        return f"session {first}"
    return f"the {trials.n_sessions:,} sessions that begin with {first}"


def describe_solution(
    space: ParameterSpace[M], target: Target, trials: Trials, solution: Solution
) -> MaximumLikelihoodFit[M]:
    """The solution as a fit, in natural units.

    Raises:
        DivergedError: no start had a finite likelihood.
    """
    value = np.asarray(solution.minima.value)
    if not np.isfinite(value).any():
        raise DivergedError(
            f"{space.template.name} has no finite likelihood at any start on "
            f"{sessions_in_words(trials)}. Look for extreme outcomes or signals there."
        )
    signals = trials.names.signals
    of_choice, of_signal = target != "signal", target != "choice"
    curvature, at_bound, silent = kinds_of_places(space, target, solution)
    gain, offset, variance = solution.regression
    with jax.enable_x64(True):
        best = np.where(silent, space.middle(), solution.best)
        everything = np.concatenate([best, gain, offset, np.log(variance)])
        covariance = _covariance(target, curvature, solution, silent | at_bound)
        estimates = _estimates(space, everything, covariance, silent | at_bound)
    names = [
        *space.names,
        *(f"{p}[{s}]" for p in ("gain", "offset", "residual_sd") for s in signals),
    ]
    n_signal = int(trials.signal_scored.sum())
    return MaximumLikelihoodFit(
        model=space.build(*(jnp.asarray(a, jnp.float32) for a in (best, gain, offset))),
        target=target,
        log_likelihood=-float(np.nanmin(value)),
        n_parameters=int((~silent).sum()) + 3 * len(signals) * of_signal,
        n_observations=int(trials.scored.sum()) * of_choice + n_signal * of_signal,
        parameters=dict(zip(names, estimates, strict=True)),
        held=space.held_values(),
        starts=Starts(-value, *(np.asarray(a) for a in solution.minima[2:])),
        warnings=(
            *_of_the_search(solution, covariance),
            *_of_the_estimates(names, estimates, target, silent, at_bound, covariance.identified),
        ),
    )


class Places(NamedTuple):
    """What a solution is like at each place of its vector.

    Attributes:
        curvature: of the target's negative log likelihood, by all that is estimated.
        at_bound: where a parameter has run into its bound.
        silent: on which parameters the target does not depend.
    """

    curvature: Float[np.ndarray, "all all"]
    at_bound: Bool[np.ndarray, " place"]
    silent: Bool[np.ndarray, " place"]


def kinds_of_places(space: ParameterSpace, target: Target, solution: Solution) -> Places:
    """Which parameters are at a bound, and which the target does not depend on."""
    of_choice, of_signal = solution.choice_hessian, solution.signal_hessian
    counted = {"choice": [of_choice], "signal": [of_signal], "both": [of_choice, of_signal]}
    curvature = np.sum(counted[target], axis=0)
    with jax.enable_x64(True):
        at_bound = space.at_bound(np.asarray(space.natural(jnp.asarray(solution.best))))
    flat = (curvature[: len(solution.best)] == 0).all(axis=1)  # at a bound as well
    return Places(curvature, at_bound, flat & ~at_bound)


def _covariance(target: Target, curvature, solution: Solution, known) -> Covariance:
    n = len(known)
    known = np.pad(known, (0, len(curvature) - n))
    if target != "choice":
        return observed_information_covariance(curvature, known)
    first = observed_information_covariance(curvature[:n, :n], known[:n])
    signal = np.asarray(solution.signal_hessian)[n:]
    second = two_step_covariance(first, signal[:, n:], signal[:, :n])
    matrix = np.zeros_like(curvature)
    matrix[:n, :n], matrix[n:, n:] = first.matrix, second.matrix
    return Covariance(matrix, np.concatenate([first.identified, second.identified]))


def _estimates(
    space: ParameterSpace, at, covariance: Covariance, unsure
) -> list[ParameterEstimate]:
    """Standard errors by the delta method; intervals from the ends on the unconstrained scale."""
    error = np.sqrt(np.diag(covariance.matrix))
    error[: len(unsure)][unsure] = np.nan
    columns = _natural_estimates(space, jnp.asarray(at), jnp.asarray(error))
    rows = (map(float, row) for row in zip(*columns, strict=True))
    return [ParameterEstimate(at, error, low, high) for at, error, low, high in rows]


@eqx.filter_jit
def _natural_estimates(space: ParameterSpace, at, error):
    n = len(space.places)
    n_linear = n + (2 * (at.shape[0] - n)) // 3

    def natural(values):
        parts = space.natural(values[:n]), values[n:n_linear], jnp.exp(values[n_linear:] / 2)
        return jnp.concatenate(parts)

    slope = jax.grad(lambda values: natural(values).sum())(at)
    half = normal_quantile() * error
    ends = jnp.stack([natural(at - half), natural(at + half)])
    return natural(at), jnp.abs(slope) * error, ends.min(0), ends.max(0)


def _of_the_search(solution: Solution, covariance: Covariance) -> list[str]:
    """Warnings about how the maximum was found."""
    value, warnings = np.asarray(solution.minima.value), []
    best, slope = np.nanargmin(value), np.asarray(solution.slope)
    matrix = np.asarray(covariance.matrix)[: len(slope), : len(slope)]
    left = 0.5 * slope @ np.nan_to_num(matrix) @ slope
    unknown = not solution.minima.converged[best] and bool(np.isnan(np.diag(matrix)).any())
    if left > _SAME_MAXIMUM or unknown:
        gain = "" if unknown else f", with about {left:.2g} nats to gain"
        warnings.append(
            f"The best start had not converged after {int(solution.minima.evaluations[best])} "
            f"evaluations{gain}: its estimates are not exact. In Python, raise max_evaluations."
        )
    agree = int((value < value[best] + _SAME_MAXIMUM).sum())
    if agree == 1 and len(value) > 3:
        behind = np.sort(value)[1] - value[best]
        warnings.append(
            f"Only 1 of {len(value)} starts reached the maximum, {behind:.3g} nats above the next. "
            "There may be a higher one. In Python, raise n_starts."
        )
    return warnings


def _of_the_estimates(names, estimates, target: Target, silent, at_bound, identified) -> list[str]:
    """Warnings about single parameters."""
    place, warnings = len(silent), []
    for i, (name, estimate) in enumerate(zip(names, estimates, strict=True)):
        if i < place and silent[i]:
            warnings.append(
                f"The {target} does not depend on {name}, which was left at "
                f"{estimate.estimate:.3g}."
            )
        elif i < place and at_bound[i]:
            warnings.append(
                f"{name} is at its bound ({round(estimate.estimate, 6):g}), so it has no standard "
                "error. The standard errors of the other parameters take it as known."
            )
        elif not identified[i]:
            warnings.append(
                f"{name} is not identified by these trials: the likelihood hardly changes if it "
                "changes together with others, so it has no standard error. Fix a parameter."
            )
    return warnings
