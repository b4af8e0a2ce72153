"""A fitted group in natural units, with what a reader must know of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ...models.by_subject import BySubject
from ...models.catalogue import Target
from ...summary import listed
from ...trials import Trials
from ..likelihood.parameter_space import ParameterSpace
from .empirical_bayes import GroupFit
from .fitted import GroupEstimate, HierarchicalFit, SubjectEstimate
from .intervals import Intervals, intervals_of, side_by_side
from .means_and_spreads import MeansAndSpreads
from .normal_group import MIN_VARIANCE
from .terms import SignalScales


def described(
    space: ParameterSpace, target: Target, trials: Trials, fits: list[GroupFit],
    groups: list[MeansAndSpreads], scales: SignalScales, model: BySubject,
) -> HierarchicalFit:  # fmt: skip
    """The fit as users see it. To be called in double precision.

    fits, groups: the group of all places, or those of the parameters and of the signals.
    """
    both = side_by_side([intervals_of(*each) for each in zip(fits, groups, strict=True)])
    of_all = both.group
    names = place_names(space, trials.names.signals)
    natural = in_natural_units(space, scales)
    ends = [natural(of_all.mean_low), natural(of_all.mean_high)]
    middle, low, high = natural(of_all.mean), np.minimum(*ends), np.maximum(*ends)
    unit, shift = units_of_places(space, scales)
    spreads = (unit * x for x in (of_all.spread, of_all.spread_low, of_all.spread_high))
    group = {
        name: GroupEstimate(*(float(x) for x in row))
        for name, *row in zip(
            names, middle, low, high, unit * of_all.mean + shift, unit * of_all.mean_error,
            *spreads, strict=True,
        )
    }  # fmt: skip
    own = [natural(x) for x in (both.of_subject, both.of_subject - both.half,
                                both.of_subject + both.half, both.alone)]  # fmt: skip
    own[1:3] = np.minimum(own[1], own[2]), np.maximum(own[1], own[2])
    seen = np.unique(trials.subject[trials.scored.any(1)])
    subjects = {
        trials.names.subjects[i]: {
            name: SubjectEstimate(*(float(x[i, at]) for x in (*own, both.weight)))
            for at, name in enumerate(names)
        }
        for i in range(len(trials.names.subjects))
    }
    n_signal = int(trials.signal_scored.sum()) * (target != "choice")
    n_choices = int(trials.scored.sum()) * (target != "signal")
    return HierarchicalFit(
        model=model,
        target=target,
        log_evidence=float(fits[0].log_evidence),
        n_observations=n_choices + n_signal,
        n_subjects=len(seen),
        group=group,
        subjects=subjects,
        held=space.held_values(),
        warnings=tuple(_warnings(space, natural, names, fits, both, target, trials, seen)),
    )


def place_names(space: ParameterSpace, signals: Sequence[str]) -> list[str]:
    """Of all places: the parameters, then gain, offset and residual SD of each signal."""
    of_signals = (f"{p}[{s}]" for s in signals for p in ("gain", "offset", "residual_sd"))
    return [*space.names, *of_signals]


def in_natural_units(
    space: ParameterSpace, scales: SignalScales
) -> Callable[[np.ndarray], np.ndarray]:
    """Unconstrained values in natural units; a last axis of places."""
    n = len(space.places)
    units = np.stack([np.asarray(scales.gain), np.asarray(scales.offset)], axis=-1)

    def natural(u: np.ndarray) -> np.ndarray:
        rows = u.reshape(-1, u.shape[-1])
        own = np.asarray(_in_units(space, jnp.asarray(rows[:, :n])))
        of_signal = rows[:, n:].reshape(len(rows), -1, 3)
        linear = of_signal[..., :2] * units
        residual = np.exp(of_signal[..., 2:]) * np.asarray(scales.sd)[:, None]
        signal = np.concatenate([linear, residual], axis=-1).reshape(len(rows), -1)
        return np.concatenate([own, signal], axis=1).reshape(u.shape)

    return natural


def units_of_places(
    space: ParameterSpace, scales: SignalScales
) -> tuple[Float[np.ndarray, " place"], Float[np.ndarray, " place"]]:
    """Unit and shift of each place on the unconstrained scale, as it is reported: gains and offsets
    in the unit of the signal, residual SDs as their logarithm."""
    n, n_signals = len(space.places), len(np.atleast_1d(scales.sd))
    unit, shift = np.ones(n + 3 * n_signals), np.zeros(n + 3 * n_signals)
    unit[n::3], unit[n + 1 :: 3] = np.asarray(scales.gain), np.asarray(scales.offset)
    shift[n + 2 :: 3] = np.log(np.asarray(scales.sd))
    return unit, shift


@eqx.filter_jit
def _in_units(space: ParameterSpace, rows: Float[Array, "row place"]) -> Float[Array, "row place"]:
    return jax.vmap(lambda row: space.natural(row))(rows)


def _warnings(
    space, natural, names, fits, both: Intervals, target, trials: Trials, seen
) -> list[str]:
    """What a reader must know."""
    found, n = [], len(space.places)
    without = [name for i, name in enumerate(trials.names.subjects) if i not in seen]
    if without:
        found.append(
            f"No choice of {listed(without)} is scored, so the group's parameters stand for them."
        )
    if len(seen) == 2:
        found.append(
            "Two subjects say very little of a group: intervals of its means and spreads are very "
            "wide, and how much the two are drawn together is uncertain."
        )
    for fit in fits:
        if not bool(fit.converged):
            found.append(
                f"The group had not settled after {int(fit.passes)} passes over the trials. Fix a "
                "parameter, or leave a part out."
            )
    for name, value, told in zip(names, natural(both.group.mean), both.told, strict=True):
        if not told:
            found.append(
                f"The {target} says next to nothing of {name} near {value:.4g}, where it was left."
            )
    middle = natural(both.group.mean)[:n]
    for i in np.flatnonzero(space.at_bound(middle) & both.told[:n]):
        found.append(f"The group's {names[i]} is at its bound ({round(float(middle[i]), 6):g}).")
    fitted = np.concatenate([f.group.variance / f.group.scale**2 for f in fits])
    alike = [name for name, x in zip(names, fitted, strict=True) if x <= MIN_VARIANCE]
    if alike:
        found.append(
            f"Subjects differ in {', '.join(alike)} by no more than their errors, so all have "
            "nearly the group's value."
        )
    far = sorted(trials.names.subjects[i] for i in both.group.not_matched)
    if far:
        found.append(
            f"The likelihood of {listed(far)} is far from normal, so that intervals of the group "
            "may be off: compare them with sample_hierarchical."
        )
    return found
