"""Draws of a group and its subjects, in natural units and with what a reader must know of them."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from ...models.catalogue import Target
from ...scoring.intervals import CONFIDENCE
from ...trials import Trials
from ..likelihood.parameter_space import ParameterSpace
from .convergence import Convergence, convergence
from .description import in_natural_units, place_names, units_of_places
from .hierarchical import model_of_rows
from .sampled import Chains, GroupDraws, GroupPosterior, HierarchicalPosterior, SubjectPosterior
from .terms import SignalScales

QUANTILES = 0.5, (1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2


def described_draws(
    space: ParameterSpace, target: Target, trials: Trials, chains: Chains, scales: SignalScales
) -> HierarchicalPosterior:
    """The posterior as users see it. To be called in double precision."""
    names = place_names(space, trials.names.signals)
    draws = GroupDraws(tuple(names), *(x.reshape(-1, *x.shape[2:]) for x in chains[:3]))
    of_group = [convergence(x) for x in (chains.mean, np.log(chains.spread))]
    worse = Convergence(np.maximum(*(c.r_hat for c in of_group)),
                        np.minimum(*(c.ess for c in of_group)))  # fmt: skip
    natural = in_natural_units(space, scales)
    middle, low, high = _ordered(natural(np.quantile(draws.mean, QUANTILES, axis=0)))
    unit, shift = units_of_places(space, scales)
    spreads = [np.median(draws.spread, axis=0), *_shortest(draws.spread)]
    columns = [
        middle, low, high, unit * draws.mean.mean(0) + shift, unit * draws.mean.std(0, ddof=1),
        *(unit * x for x in spreads), unit * draws.spread.std(0, ddof=1), *worse,
    ]  # fmt: skip
    group = {
        name: GroupPosterior(*(float(x) for x in row))
        for name, *row in zip(names, *columns, strict=True)
    }
    medians = np.quantile(draws.of_subject, QUANTILES, axis=0)
    own = [*_ordered(natural(medians)), *convergence(chains.of_subject)]
    subjects = {
        subject: {
            name: SubjectPosterior(*(float(x[i, at]) for x in own)) for at, name in enumerate(names)
        }
        for i, subject in enumerate(trials.names.subjects)
    }
    rows = np.concatenate([medians[0], np.median(draws.mean, axis=0)[None]])
    n_signal = int(trials.signal_scored.sum()) * (target != "choice")
    n_choices = int(trials.scored.sum()) * (target != "signal")
    return HierarchicalPosterior(
        model=model_of_rows(space, trials, jnp.asarray(rows), scales),
        target=target,
        n_observations=n_choices + n_signal,
        n_subjects=len(np.unique(trials.subject[trials.scored.any(1)])),
        group=group,
        subjects=subjects,
        held=space.held_values(),
        draws=draws,
        n_divergent=chains.n_divergent,
        warnings=tuple(_warnings(chains)),
    )


def _ordered(values: Float[np.ndarray, "quantile ..."]) -> list[np.ndarray]:
    """Median and both ends, the lower one first also where the natural scale runs backwards."""
    return [values[0], np.minimum(values[1], values[2]), np.maximum(values[1], values[2])]


def _shortest(spread: Float[np.ndarray, "draw place"]) -> list[Float[np.ndarray, " place"]]:
    """The shortest interval that holds 95 % of a spread, which is never below 0."""
    ordered = np.concatenate([np.zeros((1, spread.shape[1])), np.sort(spread, axis=0)])
    n = int(np.ceil(CONFIDENCE * len(spread)))
    best = np.argmin(ordered[n:] - ordered[:-n], axis=0)
    columns = np.arange(spread.shape[1])
    return [ordered[best, columns], ordered[best + n, columns]]


def _warnings(chains: Chains) -> list[str]:
    if not chains.n_divergent:
        return []
    n = chains.mean.shape[0] * chains.mean.shape[1]
    return [
        f"{chains.n_divergent} of {n:,} transitions diverged, so the narrowest part of the "
        "posterior may be missed: see whether more warm-up (n_warmup) changes the spreads."
    ]
