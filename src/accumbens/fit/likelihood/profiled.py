"""Which estimates of a fit have the interval of their profile likelihood, and what is said then."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Literal

import jax
import numpy as np
from jaxtyping import Int

from ...scoring.intervals import normal_quantile
from ...trials import Trials
from .fitted import MaximumLikelihoodFit, Places, Solution, kinds_of_places
from .moments import pad_batch
from .parameter_space import M, ParameterSpace
from .profiles import Profiled, ProfileInterval, profile_intervals

Intervals = Literal["auto", "profile", "curvature"]
"""Where 95 % intervals come from; see `fit_maximum_likelihood`."""

NEAR = 3.0
"""Standard errors from a bound within which the curvature says too little of an estimate."""
BETTER = 0.01
"""Nats by which a refit may exceed the fit before a reader is told."""
CHUNK = 200_000
"""Trials times ends that are computed at once; a matter of speed only."""


def with_profiles(
    space: ParameterSpace[M],
    datasets: Sequence[Trials],
    solutions: Sequence[Solution],
    fits: Sequence[MaximumLikelihoodFit[M]],
    *,
    everything: bool,
) -> list[MaximumLikelihoodFit[M]]:
    """The fits with profile intervals of the estimates at or near a bound.

    Args:
        space, datasets, solutions: from which the fits are made.
        fits: with intervals from the curvature.
        everything: whether all estimates that the target depends on get profile intervals.
    """
    kinds = [kinds_of_places(space, f.target, x) for f, x in zip(fits, solutions, strict=True)]
    wanted = [_wanted(space, f, k, everything) for f, k in zip(fits, kinds, strict=True)]
    needed = [i for i, places in enumerate(wanted) if places.size]
    if not needed:
        return list(fits)
    found = list(fits)
    n_sessions = max(d.n_sessions for d in datasets)
    n_trials = max(d.choice.shape[1] for d in datasets)
    n_ends = 2 * max(len(wanted[i]) for i in needed)
    size = max(1, min(len(needed), CHUNK // (n_sessions * n_trials * n_ends)))
    for first in range(0, len(needed), size):
        part = needed[first:][:size]
        profiled = []
        for i in part:
            batch = pad_batch(datasets[i].batch(np.float64), n_sessions, n_trials)
            profiled.append(_profiled(space, fits[i], solutions[i], kinds[i], wanted[i], batch))
        profiled += profiled[:1] * (size - len(part))
        with jax.enable_x64(True):
            intervals = profile_intervals(space, fits[part[0]].target, profiled, n_ends)
        for i, of_places in zip(part, intervals, strict=False):
            by_name = {space.names[p]: x for p, x in zip(wanted[i], of_places, strict=True)}
            found[i] = _with_intervals(found[i], by_name)
    return found


def _wanted(
    space: ParameterSpace, fit: MaximumLikelihoodFit, kinds: Places, everything: bool
) -> Int[np.ndarray, " wanted"]:
    """Numbers of the places whose profile is wanted."""
    places = []
    for i, (name, place) in enumerate(zip(space.names, space.places, strict=True)):
        estimate = fit.parameters[name]
        room = min(estimate.estimate - place.low, place.high - estimate.estimate)
        near = room < NEAR * estimate.standard_error  # False where there is no standard error
        if kinds.at_bound[i] or (not kinds.silent[i] and (near or everything)):
            places.append(i)
    return np.array(places, int)


def _profiled(space, fit, solution: Solution, kinds: Places, places, batch) -> Profiled:
    step = [normal_quantile() * fit.parameters[space.names[p]].standard_error for p in places]
    value = float(np.nanmin(np.asarray(solution.minima.value)))
    return Profiled(
        batch, np.asarray(solution.best), value, places, np.array(step, float), ~kinds.silent
    )


def _with_intervals(
    fit: MaximumLikelihoodFit[M], found: dict[str, ProfileInterval]
) -> MaximumLikelihoodFit[M]:
    """The fit with these intervals, and with the warning that belongs to them, if any."""
    parameters, warnings = dict(fit.parameters), list(fit.warnings)
    for name, one in found.items():
        parameters[name] = parameters[name]._replace(
            low=one.low, high=one.high, interval="profile", bound=one.bound
        )
    gained = max(one.gained for one in found.values())
    if gained > BETTER:
        warnings.append(
            f"With a parameter held for its interval, a fit was {gained:.3g} nats better than this "
            "one, which is thus not at the maximum. Raise n_starts."
        )
    return dataclasses.replace(fit, parameters=parameters, warnings=tuple(warnings))
