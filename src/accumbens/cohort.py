"""Cohorts: several simulated subjects of one kind, each with parameters of its own."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import jax
import numpy as np
from jaxtyping import PRNGKeyArray

from .errors import ConfigError
from .models.base import Model
from .models.cognitive import CognitiveModel, Parameter
from .simulate import simulate
from .tasks.base import Task
from .trials import Trials, concatenate


def draw_agents(
    kind: type[CognitiveModel],
    parameters: dict[str, float],
    n_subjects: int,
    spread: float,
    *,
    key: PRNGKeyArray,
    **fixed,
) -> tuple[CognitiveModel, ...]:
    """`n_subjects` agents whose parameters vary about the given ones.

    Each parameter is drawn from a normal distribution with SD `spread` on its unconstrained scale
    (logit between two bounds, log above one, as it is without), so that `parameters` are medians.
    A parameter at a bound stays there. fixed: further fields (gain, offset) that do not vary.
    Raises ConfigError for a negative spread or no subject.
    """
    if n_subjects < 1 or not spread >= 0:
        raise ConfigError(
            f"A cohort of {n_subjects} subjects with a spread of {spread}: give at least one "
            "subject, and a spread of 0 or more."
        )
    agents = []
    for i in range(n_subjects):
        drawn = {}
        for j, (name, median) in enumerate(parameters.items()):
            one = jax.random.fold_in(jax.random.fold_in(key, i), j)
            shift = spread * float(jax.random.normal(one))
            drawn[name] = _shifted(kind.parameters[name], median, shift)
        agents.append(kind(**drawn, **fixed))
    return tuple(agents)


def _shifted(parameter: Parameter, median: float, shift: float) -> float:
    low, high = parameter.low, parameter.high
    if median in (low, high):
        return median
    if math.isfinite(low) and math.isfinite(high):
        odds = (median - low) / (high - median) * math.exp(shift)
        return low + (high - low) * odds / (1 + odds)
    if math.isfinite(low):
        return low + (median - low) * math.exp(shift)
    return median + shift


def simulate_cohort(
    agents: Sequence[Model],
    task: Task,
    *,
    n_sessions: int | Sequence[int],
    n_trials: int,
    key: PRNGKeyArray,
    names: Sequence[str] | None = None,
    signal_noise: float = 0.0,
) -> Trials:
    """Sessions of several subjects, one agent each, in one `Trials`.

    n_sessions: of each subject. names: of the subjects; `mouse_01`, ... unless given. Agents of one
    kind are compiled once. Raises ConfigError when the numbers of agents and sessions differ.
    """
    counts = [n_sessions] * len(agents) if isinstance(n_sessions, int) else list(n_sessions)
    names = names or [f"mouse_{i + 1:02d}" for i in range(len(agents))]
    if not agents or len({len(agents), len(counts), len(names)}) != 1:
        raise ConfigError(
            f"{len(agents)} agents, {len(counts)} numbers of sessions and {len(names)} names: "
            "give one of each for every subject."
        )
    parts = []
    for i, (agent, count, name) in enumerate(zip(agents, counts, names, strict=True)):
        part = simulate(
            agent, task, n_sessions=count, n_trials=n_trials, key=jax.random.fold_in(key, i),
            signal_noise=signal_noise,
        )  # fmt: skip
        renamed = dataclasses.replace(part.names, subjects=(name,))
        parts.append(dataclasses.replace(part, names=renamed))
    return concatenate(parts)


def shared_out(total: int, n_subjects: int) -> tuple[int, ...]:
    """`total` sessions shared among the subjects as evenly as can be, the first get one more."""
    return tuple(int(n) for n in np.full(n_subjects, total) // n_subjects
                 + (np.arange(n_subjects) < total % n_subjects))  # fmt: skip
