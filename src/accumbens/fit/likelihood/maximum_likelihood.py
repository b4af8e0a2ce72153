"""Maximum likelihood for cognitive models: many starts and many data sets in one computation."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, get_args

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from ...errors import ConfigError, DataError
from ...models.own import check_own_model
from ...threefry import check_key
from ...trials import Batch, Trials, expect_trials
from .fitted import MaximumLikelihoodFit, Solution, Target, describe_solution, sessions_in_words
from .lbfgs import minimize_lbfgs
from .moments import (
    Regression,
    choice_negative_log_likelihood,
    moments,
    negative_log_likelihood,
    pad_batch,
    regress_signals,
    signal_negative_log_likelihood,
)
from .parameter_space import Held, M, ParameterSpace, parameter_space
from .profiled import Intervals, with_profiles

_TOLERANCE = 1e-6
"""Tolerance of the log likelihood in nats: about a thousandth of a standard error of estimates."""
_CHUNK = 200_000
"""Trials times starts that are computed at once; a matter of speed only."""


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
    intervals: Intervals = "auto",
) -> MaximumLikelihoodFit[M]:
    """Fits a cognitive model to all sessions of the trials together, by maximum likelihood.

    log L of choices = sum log p(choice made); of a signal = sum log Normal(signal;
    gain prediction_error + offset, variance). Gain, offset and variance of each signal are found
    exactly by least squares for every set of the other parameters, which are found by L-BFGS from
    several starts, on the unconstrained scale and in double precision.

    Args:
        model: a class of cognitive model; or a model, whose values are then one of the starts.
        trials: to fit.
        target: "choice" fits the choices, and regresses the signals on the prediction error
            afterwards, with standard errors that include those of the choice parameters. "signal"
            fits the signals: the parameter that only scales the prediction error
            (`model.scale_parameter`) is held at 1, and parameters that the signals do not depend on
            stay in the middle of their starting range, so the choices of the model mean nothing.
            "both" fits the sum of the two log likelihoods.
        key: of the starts.
        n_starts: number of starts.
        variant: name of a special case (`model.variants`).
        fixed: for some parameters a value, or the name of the parameter that they are equal to.
        free: parameters to fit although they have a default. Parameters of parts (`side_bias`,
            `perseveration`, `perseveration_rate`), here or in `fixed`, put the part beside the
            model.
        max_evaluations: of the likelihood, for each start.
        intervals: "auto" takes the 95 % interval of an estimate that is at a bound, or within three
            standard errors of one, from its profile likelihood, which may include the bound, and
            those of the others from the curvature; "profile" takes all from the profile, which
            costs about as much again as the fit; "curvature" none, and gives no interval at a
            bound. Gains, offsets and SDs of signals always have theirs from the curvature.

    Raises:
        ConfigError: an option is unknown, contradicts another, or does not fit the model.
        DataError: no trial is scored, or a signal does not vary.
        DivergedError: no start has a finite likelihood.

    Example:
        >>> import jax
        >>> import numpy as np
        >>> import accumbens
        >>> choice = np.array([[1, 1, 0, 1, 1, 0, 1, 1]])
        >>> trials = accumbens.trials_from_arrays(choice, np.ones((1, 8, 1)))
        >>> key = jax.random.key(0)
        >>> fit = accumbens.fit_maximum_likelihood(accumbens.BiasOnly, trials, key=key)
        >>> round(fit.parameters["bias"].estimate, 3)  # log(6 / 2)
        1.099
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
        intervals=intervals,
    )[0]


def fit_by_subject(
    model: type[M] | M, trials: Trials, **options: Any
) -> dict[str, MaximumLikelihoodFit[M]]:
    """Fits a cognitive model to each subject by itself.

    Args:
        model: a class of cognitive model, or a model.
        trials: of all subjects.
        options: those of `fit_maximum_likelihood`, whose errors these are too.

    Returns:
        The fit of each subject by its name.
    """
    expect_trials(trials)
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
    intervals: Intervals = "auto",
    own_start: bool = True,
) -> list[MaximumLikelihoodFit[M]]:
    """Fits a cognitive model to each of several data sets, computed together.

    All data sets have the same choices and signals. All get the same starts, so each fit is the
    same whatever other data sets are fitted with it. Other arguments and errors are those of
    `fit_maximum_likelihood`.

    Args:
        own_start: whether the values of a given model are one of the starts.
    """
    check_datasets(datasets, target, n_starts, intervals)
    check_key(key)
    space = space_for(model, datasets, target, variant=variant, fixed=fixed, free=free)
    with jax.enable_x64(True):
        starts = space.draw_starts(key, n_starts)
        if own_start and not isinstance(model, type):
            starts = starts.at[0].set(space.own_values())
        solutions = _solve_all(space, target, datasets, starts, max_evaluations)
    fits = [
        describe_solution(space, target, trials, solution)
        for trials, solution in zip(datasets, solutions, strict=True)
    ]
    if intervals == "curvature":
        return fits
    return with_profiles(space, datasets, solutions, fits, everything=intervals == "profile")


def space_for(
    model: type[M] | M,
    datasets: Sequence[Trials],
    target: Target,
    *,
    variant: str | None = None,
    fixed: Held | None = None,
    free: Sequence[str] = (),
) -> ParameterSpace[M]:
    """The parameters that a fit of `model` to `target` in these data sets moves.

    Options and errors are those of `fit_maximum_likelihood`.
    """
    n_choices = len(datasets[0].names.choices)
    space = parameter_space(model, n_choices, variant=variant, fixed=fixed, free=free)
    scale = space.template.scale_parameter
    if target == "signal" and scale in space.free:
        fixed = {**(fixed or {}), scale: 1.0}
        space = parameter_space(model, n_choices, variant=variant, fixed=fixed, free=free)
    check_own_model(space.template, len(datasets[0].names.outcomes))
    return dataclasses.replace(space, template=space.template.suited_to(datasets))


@eqx.filter_jit
def _solve(space: ParameterSpace, target: Target, batches: Batch, starts, max_evaluations):
    def solve(batch: Batch) -> Solution:
        def sums(u):
            return moments(space.build(u, jnp.zeros(0), jnp.zeros(0)), batch)

        def profile_of(found):
            return negative_log_likelihood(found, target)

        minima = jax.vmap(
            lambda u: minimize_lbfgs(
                lambda u: profile_of(sums(u)),
                u,
                tolerance=_TOLERANCE,
                max_evaluations=max_evaluations,
            )
        )(starts)
        best = minima.x[jnp.argmin(jnp.where(jnp.isnan(minima.value), jnp.inf, minima.value))]
        near = _quadratic(sums, best)
        n_places, n_signals = best.shape[0], batch.signal.shape[-1]
        regression = regress_signals(near(jnp.zeros(n_places)))

        def likelihoods(shifts):
            """Negative log likelihoods of choices and signals, by shifts of all estimates."""
            found = near(shifts[:n_places])
            gain, offset, log_variance = shifts[n_places:].reshape(3, n_signals)
            shifted = Regression(
                regression.gain + gain,
                regression.offset + offset,
                regression.variance * jnp.exp(log_variance),
            )
            of_choice = choice_negative_log_likelihood(found)
            return jnp.stack([of_choice, signal_negative_log_likelihood(found, shifted)])

        unshifted = jnp.zeros(n_places + 3 * n_signals)
        slope = jax.grad(lambda shift: profile_of(near(shift)))(unshifted[:n_places])
        hessians = jax.hessian(likelihoods)(unshifted)
        return Solution(minima, best, regression, slope, *hessians)

    return jax.vmap(solve)(batches)


def _quadratic(function, at):
    """A function near a point, by its first two derivatives: shift -> value.

    The derivatives of a few sums over a long recurrence are costly, so they are taken once;
    derivatives of what is computed from the sums are cheap.
    """

    def value(x):
        return (found := function(x)), found

    def slope(x):
        slopes, found = jax.jacfwd(value, has_aux=True)(x)
        return slopes, (slopes, found)

    curvatures, (slopes, values) = jax.jacfwd(slope, has_aux=True)(at)

    def near(shift):
        return jax.tree.map(
            lambda v, s, c: v + s @ shift + 0.5 * (c @ shift) @ shift, values, slopes, curvatures
        )

    return near


def _solve_all(space, target, datasets, starts, max_evaluations) -> list[Solution]:
    """Padded to one shape and computed a few at a time."""
    n_sessions = max(d.n_sessions for d in datasets)
    n_trials = max(d.choice.shape[1] for d in datasets)
    size = max(1, min(len(datasets), _CHUNK // (n_sessions * n_trials * len(starts))))
    solutions = []
    for first in range(0, len(datasets), size):
        part = [
            pad_batch(d.batch(np.float64), n_sessions, n_trials) for d in datasets[first:][:size]
        ]
        part += part[:1] * (size - len(part))
        batches = jax.tree.map(lambda *a: np.stack(a), *part)
        found = _solve(space, target, batches, starts, np.asarray(max_evaluations))
        found = jax.tree.map(np.asarray, found)
        solutions += [jax.tree.map(lambda a, i=i: a[i], found) for i in range(size)]
    return solutions[: len(datasets)]


def check_datasets(
    datasets: Sequence[Trials], target: str, n_starts: int = 1, intervals: str = "auto"
) -> None:
    """Raises ConfigError for a wrong option, DataError for trials that cannot be fitted."""
    for trials in datasets:
        expect_trials(trials)
    if intervals not in get_args(Intervals):
        raise ConfigError(
            f"intervals is {intervals!r}; choose one of {', '.join(get_args(Intervals))}."
        )
    if target not in get_args(Target):
        raise ConfigError(f"target is {target!r}; choose one of {', '.join(get_args(Target))}.")
    if n_starts < 1:
        raise ConfigError(f"n_starts is {n_starts}; it must be at least 1.")
    if target != "choice" and not datasets[0].names.signals:
        raise ConfigError(
            f"target is {target!r}, but these trials have no signal. Name a signal column, or fit "
            "to choices."
        )
    for trials in datasets:
        sessions = sessions_in_words(trials)
        if not trials.scored.any():
            raise DataError(
                f"There is no scored choice in {sessions}, so nothing can be fitted. Check the "
                "columns of choices and of instructed trials."
            )
        for i, name in enumerate(trials.names.signals):
            values = trials.signal[..., i][trials.signal_scored[..., i]]
            if values.size < 3 or np.ptp(values) == 0:
                raise DataError(
                    f"The signal {name} has {values.size} values in {sessions}"
                    f"{', all the same' if values.size else ''}. Leave the signal or the sessions "
                    "out (select_signals, select_sessions)."
                )
