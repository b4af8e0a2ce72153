"""Cohorts: several simulated subjects of one kind, each with parameters of its own."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np
from jaxtyping import PRNGKeyArray
from scipy.special import expit, logit

from .errors import ConfigError, expect
from .models.base import Model
from .models.cognitive import CognitiveModel, Parameter
from .models.parts.composed import PARTS, with_parts
from .simulation import simulate
from .tasks.base import Task
from .threefry import check_key
from .trials import Trials, concatenate

MAX_SPREAD = 10.0
"""The largest spread that makes sense: on the logit scale it spans the range between two bounds."""


def draw_agents(
    kind: type[CognitiveModel],
    parameters: Mapping[str, float | Sequence[float]],
    n_subjects: int,
    spread: float | Mapping[str, float],
    *,
    key: PRNGKeyArray,
    **fixed: Any,
) -> tuple[CognitiveModel, ...]:
    """Draws agents whose parameters vary about given medians.

    Each parameter is drawn from a normal distribution on its unconstrained scale (logit between two
    bounds, log above one bound, the parameter itself without bounds). A parameter at a bound stays
    there. Each entry of a vector is drawn by itself. An agent is the same however many others are
    drawn.

    Args:
        kind: class of cognitive model.
        parameters: median of each parameter by name; parameters of parts (`side_bias`,
            `perseveration`) put the part beside each agent.
        n_subjects: number of agents.
        spread: SD of each parameter on its unconstrained scale, 0 to 10; one for all, or one for
            each by name.
        key: of the draws.
        fixed: further fields of the model (gain, offset), which do not vary.

    Raises:
        ConfigError: there is no subject, a spread is missing or not from 0 to 10, or a parameter is
            unknown.

    Example:
        >>> import jax
        >>> import accumbens
        >>> key = jax.random.key(0)
        >>> medians = {"learning_rate": 0.3, "inverse_temperature": 3.0}
        >>> agents = accumbens.draw_agents(accumbens.QLearning, medians, 3, 0.0, key=key)
        >>> [round(float(agent.learning_rate), 2) for agent in agents]
        [0.3, 0.3, 0.3]
    """
    spreads = spread if isinstance(spread, Mapping) else dict.fromkeys(parameters, spread)
    if n_subjects < 1 or not all(0 <= s <= MAX_SPREAD for s in spreads.values()):
        raise ConfigError(
            f"n_subjects is {n_subjects} and spread is {spread}; there must be at least one "
            f"subject, and the spread must be from 0 to {MAX_SPREAD:g}."
        )
    of_parts = {n: p for part in PARTS for n, p in part.parameters.items()}
    known = of_parts | kind.parameters
    if unknown := sorted(parameters.keys() - known.keys()):
        raise ConfigError(
            f"{kind.__name__} has no parameter {', '.join(unknown)}; its parameters are "
            f"{', '.join(kind.parameters)}, and those of parts are {', '.join(of_parts)}."
        )
    if lacking := sorted(parameters.keys() - spreads.keys()):
        raise ConfigError(f"spread has no number for {', '.join(lacking)}. Give one for each.")
    agents = []
    for i in range(n_subjects):
        drawn = {}
        for j, (name, median) in enumerate(parameters.items()):
            one = jax.random.fold_in(jax.random.fold_in(key, i), j)
            shift = spreads[name] * np.asarray(jax.random.normal(one, np.shape(median)), float)
            drawn[name] = _shifted(known[name], median, shift)
        own = {name: value for name, value in drawn.items() if name in kind.parameters}
        agent = kind(**own, **fixed)
        more = {name: value for name, value in drawn.items() if name not in own}
        agents.append(with_parts(agent, **more) if more else agent)
    return tuple(agents)


def _shifted(parameter: Parameter, median, shift):
    """The value of a parameter at a distance from its median on its unconstrained scale."""
    low, high, median = parameter.low, parameter.high, np.asarray(median, float)
    if math.isfinite(low) and math.isfinite(high):
        return low + (high - low) * expit(logit((median - low) / (high - low)) + shift)
    if math.isfinite(low):
        return low + (median - low) * np.exp(shift)
    if math.isfinite(high):
        return high - (high - median) * np.exp(shift)
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
    """Simulates sessions of several subjects, with one agent for each.

    Agents of one kind are compiled once. The sessions of a subject do not depend on the subjects
    after it.

    Args:
        agents: one for each subject. A model with several subjects takes the part of its subject i
            as subject i of the cohort.
        task: in which all are simulated.
        n_sessions: sessions of each subject, or one number for all.
        n_trials: trials of each session.
        key: of the simulation.
        names: of the subjects; by default `mouse_01`, `mouse_02`, ...
        signal_noise: SD of Gaussian noise that is added to the signals, in their unit.

    Raises:
        ConfigError: agents, numbers of sessions and names differ in number, two subjects have one
            name, or a model has fewer subjects than the cohort.

    Example:
        >>> import jax
        >>> import accumbens
        >>> agents = [accumbens.QLearning(rate, 3.0) for rate in (0.2, 0.5)]
        >>> task, key = accumbens.ReversalBandit(), jax.random.key(0)
        >>> trials = accumbens.simulate_cohort(agents, task, n_sessions=2, n_trials=20, key=key)
        >>> trials.session_labels
        ('mouse_01/0', 'mouse_01/1', 'mouse_02/0', 'mouse_02/1')
    """
    check_key(key)
    expect(agents, Sequence, "agents", "Give a list of models, one for each subject.")
    counts = [n_sessions] * len(agents) if isinstance(n_sessions, int) else list(n_sessions)
    names = names or [f"mouse_{i + 1:02d}" for i in range(len(agents))]
    if len(set(names)) < len(names):
        raise ConfigError(
            f"Two subjects have the same name: {', '.join(names)}. Give each its own name."
        )
    if not agents or len({len(agents), len(counts), len(names)}) != 1:
        raise ConfigError(
            f"There are {len(agents)} agents, {len(counts)} numbers of sessions and {len(names)} "
            "names. Give one of each for every subject."
        )
    parts = []
    for i, (agent, count, name) in enumerate(zip(agents, counts, names, strict=True)):
        known = agent.n_subjects
        if known is not None and i >= known:
            raise ConfigError(
                f"The model has {known} subjects, fewer than the {len(agents)} of the cohort. Fit "
                "it to more subjects, or simulate fewer."
            )
        part = simulate(
            agent, task, n_sessions=count, n_trials=n_trials, key=jax.random.fold_in(key, i),
            signal_noise=signal_noise, subject=0 if known is None else i,
        )  # fmt: skip
        renamed = dataclasses.replace(part.names, subjects=(name,))
        alone = np.zeros_like(part.subject)
        parts.append(dataclasses.replace(part, subject=alone, names=renamed))
    return concatenate(parts)


def shared_out(total: int, n_subjects: int) -> tuple[int, ...]:
    """The number of sessions of each subject, as equal as possible; the first have one more.

    Args:
        total: number of all sessions.
        n_subjects: number of subjects.

    Raises:
        ConfigError: there are fewer sessions than subjects, or no subject.
    """
    if not 1 <= n_subjects <= total:
        raise ConfigError(
            f"{total} sessions cannot be divided among {n_subjects} subjects. Give at least one "
            "subject, and at least one session for each."
        )
    each, more = divmod(total, n_subjects)
    return tuple(each + (i < more) for i in range(n_subjects))
