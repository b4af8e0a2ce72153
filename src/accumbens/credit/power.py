"""How many mice and sessions does it take to detect structured credit?"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import jax
import numpy as np
from jaxtyping import PRNGKeyArray
from scipy import special

from ..cohort import draw_agents, simulate_cohort
from ..cores import one_thread_for_linear_algebra
from ..models.parts.composed import with_parts
from ..models.structured import StructureMixture
from ..progress.base import Progress
from ..scoring.intervals import wilson_interval
from ..tasks.distractor import DistractorRewards
from .config import PowerConfig
from .randomization import RandomizationTest, distractor_test, p_value, structure_test
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

    Returns:
        One row for each structure weight, number of mice, number of sessions per mouse and test,
        with columns weight, mice, sessions, test, power in these animals (share of experiments),
        low, high (Wilson's 95 % interval of the power), and power_like_these, low_like_these,
        high_like_these: the same of Student's t over mice (NaN for one mouse).

    Raises:
        ConfigError: a parameter of the mice lies outside its bounds.
    """
    import pandas as pd

    rows = []
    n_bank = max(config.mice) * config.experiments
    total = len(config.weight) * len(config.sessions) * 2 * n_bank * config.resamples
    with (progress or Progress()).task("redrawn experiments", total) as redrawn:
        for w, weight in enumerate(config.weight):
            bank = _bank(task, config, weight, n_bank, jax.random.fold_in(key, w))
            for n_sessions in config.sessions:
                first = np.arange(max(config.sessions)) < n_sessions
                part = bank.select_sessions(np.flatnonzero(np.tile(first, n_bank)))
                for test in (distractor_test, structure_test):
                    found = test(
                        part, schedule_of(part), seed=config.seed, n_lags=config.lags,
                        resamples=config.resamples, progress=redrawn.shared(),
                        trust_schedule=True,
                    )  # fmt: skip
                    rows += [_power(found, weight, m, n_sessions, config) for m in config.mice]
    return pd.DataFrame(rows)


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


def _bank(task, config: PowerConfig, weight: float, n_bank: int, key):
    """All mice of all experiments, each with as many sessions as the largest experiment.

    Missed trials change nothing but the number of choices: the regression passes over them.
    """
    parameters = {
        "learning_rate": config.learning_rate,
        "inverse_temperature": config.inverse_temperature,
        "structure_weight": weight,
    }
    agents = draw_agents(
        StructureMixture, parameters, n_bank, config.spread, key=jax.random.fold_in(key, 0)
    )
    n_sessions, key_of_trials = max(config.sessions), jax.random.fold_in(key, 1)
    names = [f"mouse_{i}" for i in range(n_bank)]
    if not (config.habit or config.session_bias):
        return simulate_cohort(
            agents, task, n_sessions=n_sessions, n_trials=config.choices_a_session,
            key=key_of_trials, names=names,
        )  # fmt: skip
    habits, biases = jax.random.split(jax.random.fold_in(key, 2))
    habit = config.habit + config.spread * np.asarray(jax.random.normal(habits, (n_bank,)), float)
    bias = np.asarray(jax.random.normal(biases, (n_bank, n_sessions)), float)
    of_sessions = [
        with_parts(agent, perseveration=habit[i], side_bias=config.session_bias * bias[i, s])
        for i, agent in enumerate(agents)
        for s in range(n_sessions)
    ]
    apart = simulate_cohort(
        of_sessions, task, n_sessions=1, n_trials=config.choices_a_session, key=key_of_trials,
        names=[f"{name}/{s}" for name in names for s in range(n_sessions)],
    )  # fmt: skip
    mouse = np.repeat(np.arange(n_bank), n_sessions).astype(apart.subject.dtype)
    return dataclasses.replace(
        apart, subject=mouse, names=dataclasses.replace(apart.names, subjects=tuple(names))
    )


def _like_these(found: RandomizationTest, n_mice: int, config: PowerConfig) -> np.ndarray:
    """One-sided p of each experiment in animals like these: t over mice of observed - null mean."""
    shape = (config.experiments, max(config.mice))
    effect = (found.observed - found.null.mean(0)).reshape(shape)[:, :n_mice]
    t = effect.mean(1) / (effect.std(1, ddof=1) / np.sqrt(n_mice))
    return special.stdtr(n_mice - 1, -t)


def _group_p_values(observed, null, n_mice: int, config: PowerConfig):
    """p of each experiment: its first `n_mice` mice of those that were simulated for it."""
    shape = (config.experiments, max(config.mice))
    groups = observed.reshape(shape)[:, :n_mice].mean(1)
    nulls = null.reshape(len(null), *shape)[:, :, :n_mice].mean(2)
    return np.array([p_value(o, n) for o, n in zip(groups, nulls.T, strict=True)])
