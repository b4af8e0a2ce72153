"""What a group says beforehand of a subject that it was not fitted to: a mean and a spread.

Of a hierarchical fit they are those that it reports (`GroupEstimate`): posterior mean of the
group's mean, posterior median of the SD over subjects. Of separate fits they are mean and SD over
the estimates, which holds the errors of these too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Float

from ...models.by_subject import BySubject
from ...models.cognitive import CognitiveModel
from ..likelihood.parameter_space import ParameterSpace, place_name

SMALLEST_SD = 0.01
"""Of separate estimates, on the unconstrained scale."""


class PlacePrior(NamedTuple):
    """Mean and spread of one number over subjects, on the unconstrained scale.

    spread: NaN or 0 where every subject has the mean.
    """

    mean: float
    spread: float


GroupPrior = Mapping[str, PlacePrior]
"""By the names of `GroupEstimate`: parameters, then `gain[s]`, `offset[s]` and `residual_sd[s]` of
each signal s (gain and offset in the unit of the signal, the SD as its logarithm)."""


def prior_of_group(group: Mapping[str, Any]) -> GroupPrior:
    """The prior that a hierarchical fit reports.

    Args:
        group: of each parameter its estimate, with `mean` and `spread`; None stands for NaN.
    """
    return {
        name: PlacePrior(*(np.nan if x is None else float(x) for x in (one["mean"], one["spread"])))
        for name, one in group.items()
    }


def prior_over_subjects(
    model: BySubject, residual_sd: Mapping[str, Mapping[str, float]] | None = None
) -> GroupPrior:
    """The prior that separate estimates give.

    Args:
        model: of them, with names; its last one has their mean parameters.
        residual_sd: residual SD of each signal by subject, in the order of the model's signals;
            without it, nothing is said of signals.
    """
    others, known = model.of(len(model.subjects)), [model.of(name) for name in model.subjects]
    space = _differing(others, known)
    with jax.enable_x64(True):
        mean = _values(space, others)
        rows = np.stack([_values(space, one) for one in known])
    found = {
        name: PlacePrior(float(mean[i]), _sd(rows[:, i])) for i, name in enumerate(space.names)
    }
    for i, (signal, of) in enumerate((residual_sd or {}).items()):
        if not of:
            continue
        at = [name in of for name in model.subjects]
        for name in ("gain", "offset"):
            values = np.array([getattr(one, name)[i] for one in known], float)[at]
            found[f"{name}[{signal}]"] = PlacePrior(float(getattr(others, name)[i]), _sd(values))
        logs = np.log(list(of.values()))
        found[f"residual_sd[{signal}]"] = PlacePrior(float(logs.mean()), _sd(logs))
    return found


def space_of(others: CognitiveModel, prior: GroupPrior) -> ParameterSpace:
    """The parameters that the prior names; all others are held at those of the model.

    others: the model of subjects that have none of their own.
    """
    free = []
    for name in others.parameters:
        places = np.ndindex(np.shape(getattr(others, name)))
        if all(place_name(name, index) in prior for index in places):
            free.append(name)
    held: dict[str, np.ndarray] = {}
    tied = []
    for name, parameter in others.parameters.items():
        value, equal = np.asarray(getattr(others, name), float), parameter.default
        if name in free:
            continue
        if equal in free and np.array_equal(value, np.asarray(getattr(others, str(equal)))):
            tied.append((name, str(equal)))
        else:
            held[name] = value
    return ParameterSpace(others, held, tuple(free), tuple(tied))


def _differing(template: Any, models: list[Any]) -> ParameterSpace:
    """The parameters in which subjects differ; the others are held, or equal to such a one."""
    rows = [template, *models]
    held: dict[str, np.ndarray] = {}
    free, tied = [], []
    for name, parameter in template.parameters.items():
        values = [np.asarray(getattr(m, name), float) for m in rows]
        equal = parameter.default
        if all(np.array_equal(value, values[0]) for value in values):
            held[name] = values[0]
        elif isinstance(equal, str) and all(
            np.array_equal(getattr(m, name), getattr(m, equal)) for m in rows
        ):
            tied.append((name, equal))
        else:
            free.append(name)
    return ParameterSpace(template, held, tuple(free), tuple(tied))


def _values(space: ParameterSpace, model: Any) -> Float[np.ndarray, " place"]:
    """The parameters of a model on the unconstrained scale."""
    own: Any = eqx.tree_at(lambda s: s.template, space, model)
    return np.asarray(own.own_values())


def _sd(values: Float[np.ndarray, " subject"]) -> float:
    return max(float(values.std(ddof=min(1, len(values) - 1))), SMALLEST_SD)
