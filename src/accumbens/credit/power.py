"""How many mice and sessions does it take to detect structured credit?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax
import numpy as np
from jaxtyping import PRNGKeyArray

from ..cohort import draw_agents, simulate_cohort
from ..cores import one_thread_for_linear_algebra
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
        with columns weight, mice, sessions, test, power (share of experiments), low, high (Wilson's
        95 % interval of the power).

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
    return {
        "weight": weight, "mice": n_mice, "sessions": n_sessions, "test": found.name,
        "power": significant / len(p), "low": low, "high": high,
    }  # fmt: skip


def _bank(task, config: PowerConfig, weight: float, n_bank: int, key):
    parameters = {
        "learning_rate": config.learning_rate,
        "inverse_temperature": config.inverse_temperature,
        "structure_weight": weight,
    }
    agents = draw_agents(
        StructureMixture, parameters, n_bank, config.spread, key=jax.random.fold_in(key, 0)
    )
    return simulate_cohort(
        agents, task, n_sessions=max(config.sessions), n_trials=config.trials,
        key=jax.random.fold_in(key, 1), names=[f"mouse_{i}" for i in range(n_bank)],
    )  # fmt: skip


def _group_p_values(observed, null, n_mice: int, config: PowerConfig):
    """p of each experiment: its first `n_mice` mice of those that were simulated for it."""
    shape = (config.experiments, max(config.mice))
    groups = observed.reshape(shape)[:, :n_mice].mean(1)
    nulls = null.reshape(len(null), *shape)[:, :, :n_mice].mean(2)
    return np.array([p_value(o, n) for o, n in zip(groups, nulls.T, strict=True)])
