"""How many mice and sessions does it take to detect structured credit?"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import jax
import numpy as np
from jaxtyping import PRNGKeyArray
from scipy import special

from ..cohort import draw_agents, simulate_cohort
from ..cores import one_thread_for_linear_algebra
from ..errors import ConfigError
from ..models.cognitive import CognitiveModel
from ..models.parts.composed import with_parts
from ..models.structured import StructureMixture
from ..progress.base import Progress
from ..scoring.intervals import wilson_interval
from ..tasks.distractor import DistractorRewards
from ..trials import Trials
from .config import PowerConfig
from .pilot import Pilot
from .randomization import RandomizationTest, distractor_test, p_value, structure_test
from .reversals.rules import ReversalRule
from .schedule import schedule_of

if TYPE_CHECKING:
    import pandas as pd


@one_thread_for_linear_algebra()
def credit_power(
    task: DistractorRewards,
    config: PowerConfig,
    *,
    key: PRNGKeyArray,
    progress: Progress | None = None,
    pilot: Pilot | None = None,
    reversals: ReversalRule | None = None,
) -> pd.DataFrame:
    """The power of both randomization tests, by simulation.

    For each experiment mice are simulated, tested and counted as detected where p <= alpha for the
    group. Experiments of different sizes share mice: those with fewer mice or sessions are parts of
    those with more, so that the sizes are compared on the same animals.

    Args:
        task: in which the mice are simulated.
        config: the mice, the sizes of the experiments, and the tests.
        key: of the simulation. The tests draw from `config.seed`.
        progress: told of the tests and refits that are done.
        pilot: the mice are drawn from its animals: weight, learning rate, inverse temperature,
            habit, bias, misses and, with two animals or more, the spread are its own.
        reversals: the rule by which the task reverses its better side, where it follows choices or
            rewards (`accumbens.tasks.EarnedReversals`); rewards are then redrawn by it.

    Returns:
        One row for each structure weight, number of mice, number of sessions per mouse and test,
        with columns weight, mice, sessions, test, power in these animals (share of experiments),
        low, high (Wilson's 95 % interval of the power), and power_like_these, low_like_these,
        high_like_these: the same of Student's t over mice (NaN for one mouse).

    Raises:
        ConfigError: a parameter of the mice lies outside its bounds.
    """
    import pandas as pd

    if pilot is not None:
        config = _as_in(pilot, config)
    rows = []
    n_bank = max(config.mice) * config.experiments
    total = len(config.weight) * len(config.sessions) * 2 * n_bank * config.resamples
    with (progress or Progress()).task("redrawn experiments", total) as redrawn:
        for w, weight in enumerate(config.weight):
            bank = _bank(task, config, weight, n_bank, jax.random.fold_in(key, w), pilot)
            for n_sessions in config.sessions:
                first = np.arange(max(config.sessions)) < n_sessions
                part = bank.select_sessions(np.flatnonzero(np.tile(first, n_bank)))
                for test in (distractor_test, structure_test):
                    found = test(
                        part, schedule_of(part), seed=config.seed, n_lags=config.lags,
                        resamples=config.resamples, progress=redrawn.shared(),
                        trust_schedule=True, reversals=reversals,
                    )  # fmt: skip
                    rows += [_power(found, weight, m, n_sessions, config) for m in config.mice]
    return pd.DataFrame(rows)


def _as_in(pilot: Pilot, config: PowerConfig) -> PowerConfig:
    """The options with what the pilot found in their place.

    Raises:
        ConfigError: the user states what the pilot says.
    """
    said = ("weight", "learning_rate", "inverse_temperature", "habit", "session_bias", "misses")
    said += ("spread",) if pilot.spreads is not None else ()
    usual = PowerConfig()
    twice = [name for name in said if getattr(config, name) != getattr(usual, name)]
    if twice:
        raise ConfigError(
            f"{', '.join(twice)}: the pilot says this of its animals. Leave it out, or the pilot."
        )
    return dataclasses.replace(
        config, weight=(float(pilot.medians["structure_weight"]),),
        session_bias=pilot.session_bias, misses=pilot.misses,
    )  # fmt: skip


def _power(
    found: RandomizationTest, weight: float, n_mice: int, n_sessions: int, config: PowerConfig
) -> dict[str, Any]:
    """One row of the table: the first `n_mice` mice of each experiment."""
    p = _group_p_values(found.observed, found.null, n_mice, config)
    significant = int((p <= config.alpha).sum())
    low, high = wilson_interval(significant, len(p))
    like = dict.fromkeys(("power_like_these", "low_like_these", "high_like_these"), np.nan)
    if n_mice > 1:
        reached = int((_like_these(found, n_mice, config) <= config.alpha).sum())
        like = dict(zip(like, (reached / len(p), *wilson_interval(reached, len(p))), strict=True))
    return {
        "weight": weight, "mice": n_mice, "sessions": n_sessions, "test": found.name,
        "power": significant / len(p), "low": low, "high": high, **like,
    }  # fmt: skip


def _bank(
    task: DistractorRewards,
    config: PowerConfig,
    weight: float,
    n_bank: int,
    key: PRNGKeyArray,
    pilot: Pilot | None = None,
) -> Trials:
    """All mice of all experiments, each with as many sessions as the largest experiment.

    Missed trials change nothing but the number of choices: the regression passes over them.
    """
    n_sessions, key_of_trials = max(config.sessions), jax.random.fold_in(key, 1)
    names = [f"mouse_{i}" for i in range(n_bank)]
    if pilot is None:
        medians: dict[str, float] = {
            "learning_rate": config.learning_rate,
            "inverse_temperature": config.inverse_temperature,
            "structure_weight": weight,
        } | ({"perseveration": config.habit} if config.habit else {})
        spreads = dict.fromkeys(medians, config.spread)
    else:
        medians, spreads = dict(pilot.medians), dict(pilot.spreads or {})
        spreads = spreads or dict.fromkeys(medians, config.spread)
    agents: Sequence[CognitiveModel] = draw_agents(
        StructureMixture, medians, n_bank, spreads, key=jax.random.fold_in(key, 0)
    )
    if not config.session_bias:
        return simulate_cohort(
            agents, task, n_sessions=n_sessions, n_trials=config.choices_a_session,
            key=key_of_trials, names=names,
        )  # fmt: skip
    drawn = jax.random.normal(jax.random.fold_in(key, 2), (n_bank, n_sessions))
    bias = config.session_bias * np.asarray(drawn, float)
    of_sessions = [
        _leaning(agent, bias[i, s]) for i, agent in enumerate(agents) for s in range(n_sessions)
    ]
    apart = simulate_cohort(
        of_sessions, task, n_sessions=1, n_trials=config.choices_a_session, key=key_of_trials,
        names=[f"{name}/{s}" for name in names for s in range(n_sessions)],
    )  # fmt: skip
    mouse = np.repeat(np.arange(n_bank), n_sessions).astype(apart.subject.dtype)
    numbers = tuple(str(s) for _ in names for s in range(n_sessions))
    renamed = dataclasses.replace(apart.names, subjects=tuple(names), sessions=numbers)
    return dataclasses.replace(apart, subject=mouse, names=renamed)


def _leaning(agent: CognitiveModel, more: float) -> CognitiveModel:
    """The agent with so much more side bias, log-odds."""
    name = "side_bias"
    if name not in agent.parameters:
        return with_parts(agent, side_bias=more)
    return agent.with_parameters({name: getattr(agent, name) + more})


def _like_these(found: RandomizationTest, n_mice: int, config: PowerConfig) -> np.ndarray:
    """One-sided p of each experiment in animals like these: t over mice of observed - null mean.

    Mice in which nothing could be redrawn are left out, as in `two_answers`; NaN where fewer than
    two are left.
    """
    effect = found.effects.reshape(config.experiments, max(config.mice))[:, :n_mice]
    n = np.isfinite(effect).sum(1)
    p = np.full(len(n), np.nan)
    enough = n > 1
    some, count = effect[enough], n[enough]
    error = np.nanstd(some, axis=1, ddof=1) / np.sqrt(count)
    p[enough] = special.stdtr(count - 1, -np.nanmean(some, axis=1) / error)
    return p


def _group_p_values(observed, null, n_mice: int, config: PowerConfig):
    """p of each experiment: its first `n_mice` mice of those that were simulated for it."""
    shape = (config.experiments, max(config.mice))
    groups = observed.reshape(shape)[:, :n_mice].mean(1)
    nulls = null.reshape(len(null), *shape)[:, :, :n_mice].mean(2)
    return np.array([p_value(o, n) for o, n in zip(groups, nulls.T, strict=True)])
