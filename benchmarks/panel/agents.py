"""The generators of the panel: eleven agents, each with parameters and a task that vary by draw.

A draw has one agent and one task, whatever the number of sessions, and a smaller set is the
beginning of a larger one: sizes differ in nothing but the number of sessions. Parameters are
uniform over the ranges below, with `default_rng([crc32(name), draw])`; sessions come from the key
`key(crc32(name))` with the draw folded in. So a row depends on its name and draw alone.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from accumbens.models.base import Model
    from accumbens.tasks.base import Task
    from accumbens.trials import Trials

Ranges = Mapping[str, tuple[float, float]]


class Generator(NamedTuple):
    """A kind of agent in a kind of task.

    model: in the catalogue. variables: numbers of its state that choices depend on, with two
    choices (two values that always add up to 0 or 1 are one number; so are two traces of choices,
    of which only the difference counts). ranges: of its parameters. task: see `task_of`.
    task_ranges: of the task's parameters. parts: parameters of parts beside the model.
    """

    model: str
    variables: int
    ranges: Ranges
    task: str
    task_ranges: Ranges
    parts: Ranges = MappingProxyType({})


DRIFT: Ranges = {"drift": (0.05, 0.15)}
REVERSALS: Ranges = {"high": (0.75, 0.9), "low": (0.1, 0.25)}
DISTRACTOR: Ranges = {**REVERSALS, "distractor": (0.4, 0.6)}
CREDIT: Ranges = {"learning_rate": (0.2, 0.5), "inverse_temperature": (2.0, 5.0)}

GENERATORS: dict[str, Generator] = {
    "q_learning": Generator(
        "q_learning", 2, {"learning_rate": (0.15, 0.6), "inverse_temperature": (2.0, 5.0)},
        "drifting", DRIFT,
    ),
    "dfq": Generator(
        "dfq", 2,
        {"learning_rate": (0.4, 0.8), "forgetting_rate": (0.05, 0.25),
         "reward_strength": (1.5, 4.0), "no_reward_strength": (0.0, 1.0)},
        "reversal", REVERSALS,
    ),
    "sticky": Generator(
        "q_learning", 3, {"learning_rate": (0.3, 0.6), "inverse_temperature": (2.0, 4.0)},
        "drifting", DRIFT, {"perseveration": (0.5, 1.5), "perseveration_rate": (0.05, 0.2)},
    ),
    "belief": Generator(
        "belief", 1,
        {"good_reward_probability": (0.7, 0.9), "bad_reward_probability": (0.1, 0.3),
         "hazard": (0.03, 0.1), "inverse_temperature": (3.0, 6.0)},
        "hazard", {**REVERSALS, "hazard": (0.03, 0.08)},
    ),
    "actor_critic": Generator(
        "actor_critic", 2,
        {"actor_learning_rate": (0.5, 1.5), "actor_forgetting_rate": (0.02, 0.1),
         "critic_learning_rate": (0.1, 0.4)},
        "drifting", DRIFT,
    ),
    "two_process": Generator(
        "two_process", 2,
        {"learning_rate": (0.3, 0.6), "inverse_temperature": (1.0, 2.0),
         "controllable_utility": (0.5, 0.9), "distractor_utility": (-0.1, 0.3),
         "nothing_utility": (-0.6, -0.2), "habit_rate": (0.05, 0.2), "habit_strength": (0.5, 1.5)},
        "distractor", DISTRACTOR,
    ),
    "structure_naive": Generator("structure_naive", 2, CREDIT, "distractor", DISTRACTOR),
    "structure_savvy": Generator("structure_savvy", 2, CREDIT, "distractor", DISTRACTOR),
    "one_variable": Generator(
        "rflr", 1,
        {"choice_weight": (0.0, 0.0), "reward_weight": (0.8, 2.0), "time_constant": (1.5, 5.0)},
        "reversal", REVERSALS,
    ),
    "bias": Generator("bias", 0, {"bias": (0.3, 1.0)}, "drifting", DRIFT),
    "random": Generator("bias", 0, {"bias": (0.0, 0.0)}, "drifting", DRIFT),
}  # fmt: skip
"""By name, in the order of the report. `sticky`: Q-learning with a slow choice kernel.
`one_variable`: evidence for one side against the other that rewards move and time lets go."""


class Drawn(NamedTuple):
    """What one draw has: parameters by name, in the units of the model and of the task."""

    agent: dict[str, float]
    parts: dict[str, float]
    task: dict[str, float]


def drawn(name: str, draw: int) -> Drawn:
    """The parameters of that generator's draw, to three decimals."""
    kind, rng = GENERATORS[name], np.random.default_rng([zlib.crc32(name.encode()), draw])
    return Drawn(*(
        {parameter: round(float(rng.uniform(*ends)), 3) for parameter, ends in ranges.items()}
        for ranges in (kind.ranges, kind.parts, kind.task_ranges)
    ))  # fmt: skip


def agent_of(name: str, values: Drawn) -> Model:
    """The agent with these parameters."""
    from accumbens.models.catalogue import find_agent
    from accumbens.models.parts.composed import with_parts

    agent = find_agent(GENERATORS[name].model).model_class(**values.agent)
    return with_parts(agent, **values.parts) if values.parts else agent


def task_of(name: str, values: Drawn) -> Task:
    """The task with these parameters: drifting, reversals in blocks or by hazard, or reversals of a
    controllable reward beside a distractor."""
    from accumbens.tasks.bandits import DriftingBandit, ReversalBandit
    from accumbens.tasks.distractor import DistractorRewards

    task, given = GENERATORS[name].task, dict[str, Any](values.task)
    if task == "drifting":
        return DriftingBandit(**given)
    if task == "distractor":
        distractor = given.pop("distractor")
        return DistractorRewards(ReversalBandit(**given, block_length=(20, 60)), distractor)
    return ReversalBandit(**given)


def trials_of(name: str, draw: int, n_sessions: int, n_trials: int) -> tuple[Model, Trials]:
    """The agent of a draw and its sessions."""
    import jax

    from accumbens.simulation import simulate

    values = drawn(name, draw)
    agent = agent_of(name, values)
    key = jax.random.fold_in(jax.random.key(zlib.crc32(name.encode())), draw)
    trials = simulate(
        agent, task_of(name, values), n_sessions=n_sessions, n_trials=n_trials, key=key
    )
    return agent, trials
