"""Subjects that a model by subject was not fitted to: their most probable parameters.

    log p(choices | u) - 1/2 sum of ((u - mean) / sd)^2

on the unconstrained scale, with the mean of the group (`BySubject`, the model of the others) and
the standard deviation over the known subjects. Gains and offsets of signals stay those of the
group.
"""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ...models.by_subject import BySubject, together
from ...models.cognitive import CognitiveModel
from ...trials import Batch, Trials
from ..likelihood.lbfgs import minimize_lbfgs
from ..likelihood.moments import moments
from ..likelihood.parameter_space import ParameterSpace

TOLERANCE = 1e-3
"""In nats of a subject's log posterior."""
SMALLEST_SD = 0.01
"""Of the parameters of the known subjects, on the unconstrained scale."""


def with_newcomers(model: BySubject, names: list[str], trials: Trials) -> BySubject:
    """The same model, in which these subjects have parameters of their own.

    Args:
        model: with names, of a cognitive model; any other stays as it is.
        names: of the new subjects.
        trials: of theirs; one without a session stays one of the others.
    """
    others = model.of(len(model.subjects))
    if not model.subjects or not isinstance(others, CognitiveModel):
        return model
    known = {name: model.of(name) for name in model.subjects}
    space = _space(others, list(known.values()))
    if not space.free:
        return model
    with jax.enable_x64(True):
        mean = _values(space, others)
        rows = np.stack([_values(space, one) for one in known.values()])
        sd = np.maximum(rows.std(0, ddof=min(1, len(rows) - 1)), SMALLEST_SD)
        for name in names:
            sessions = np.flatnonzero(trials.subject == trials.names.subjects.index(name))
            if not sessions.size:
                continue
            batch = trials.select_sessions(sessions).select_signals(()).batch(np.float64)
            u = _most_probable(space, batch, jnp.asarray(mean), jnp.asarray(sd))
            own = space.build(u, jnp.asarray(others.gain, float), jnp.asarray(others.offset, float))
            known[name] = jax.tree.map(lambda x: jnp.asarray(np.asarray(x, np.float32)), own)
    return together(known, others=others)


def _space(template: Any, models: list[Any]) -> ParameterSpace:
    """The parameters in which the known subjects differ; the others are held."""
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


@eqx.filter_jit
def _most_probable(
    space: ParameterSpace, batch: Batch, mean: Float[Array, " place"], sd: Float[Array, " place"]
) -> Float[Array, " place"]:
    none = jnp.zeros(0)

    def cost(x: Any) -> Any:
        """x: less the mean, in standard deviations."""
        log_p = moments(space.build(mean + sd * x, none, none), batch).log_p
        return 0.5 * (x**2).sum() - log_p

    found = minimize_lbfgs(cost, jnp.zeros_like(mean), tolerance=TOLERANCE, max_evaluations=100)
    return mean + sd * jnp.where(jnp.isfinite(found.value), found.x, 0.0)
