"""How many mice and sessions does it take to detect structured credit?"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import jax
import numpy as np
from jaxtyping import PRNGKeyArray

from ..cohort import draw_agents, simulate_cohort
from ..errors import ConfigError
from ..models.structured import StructureMixture
from ..progress.base import Progress
from ..scoring.intervals import wilson_interval
from ..tasks.distractor import DistractorRewards
from .randomization import RandomizationTest, distractor_test, p_value, structure_test
from .schedule import schedule_of

if TYPE_CHECKING:
    import pandas as pd


@dataclasses.dataclass(frozen=True)
class PowerConfig:
    """The animals assumed, and the experiments compared."""

    weight: tuple[float, ...] = (0.3,)
    """Assumed mixture weights: 0 credits any reward, 1 only the controllable one."""
    mice: tuple[int, ...] = (4, 8, 12)
    """Numbers of mice to compare."""
    sessions: tuple[int, ...] = (1, 2, 4, 8)
    """Numbers of sessions of each mouse to compare."""
    trials: int = 500
    """Trials in each session."""
    learning_rate: float = 0.3
    """Median learning rate of the mice."""
    inverse_temperature: float = 3.0
    """Median inverse temperature of the mice, log-odds per reward."""
    spread: float = 0.3
    """SD between mice of each parameter on its unconstrained scale (logit or log)."""
    lags: int = 10
    """Lags of the regression."""
    alpha: float = 0.05
    """Significance level, one-sided."""
    experiments: int = 100
    """Simulated experiments behind each power."""
    resamples: int = 199
    """Redrawn experiments behind each p-value."""
    seed: int = 0
    """Seed of all randomness."""

    def __post_init__(self) -> None:
        for name in ("trials", "lags", "experiments", "resamples"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} is {getattr(self, name)}; it must be at least 1.")
        for name in ("mice", "sessions"):
            if not getattr(self, name) or min(getattr(self, name)) < 1:
                raise ConfigError(
                    f"{name} is {getattr(self, name)}; give one or more numbers from 1 up."
                )
        if not self.weight or min(self.weight) < 0 or max(self.weight) > 1:
            raise ConfigError(f"weight is {self.weight}; give one or more weights between 0 and 1.")
        if not 0 < self.alpha < 1:
            raise ConfigError(f"alpha is {self.alpha}; it must lie between 0 and 1.")
        if 1 / (1 + self.resamples) > self.alpha:
            raise ConfigError(
                f"resamples is {self.resamples}, with which no p-value can reach alpha = "
                f"{self.alpha}. Use at least {int(np.ceil(1 / self.alpha)) - 1}."
            )


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
