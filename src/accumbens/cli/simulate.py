"""`accumbens simulate`: an agent, or the model of a run, in a task; the sessions as a table."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, Literal

import jax
import numpy as np
import tyro
from rich.console import Console

from ..errors import ConfigError
from ..models.actor_critic import ActorCritic
from ..models.base import Model
from ..models.bias import BiasOnly
from ..models.dfq import DFQ
from ..models.q_learning import QLearning
from ..tasks.bandits import DriftingBandit, ReversalBandit

AGENTS: dict[str, tuple[type, dict[str, float]]] = {
    "q_learning": (QLearning, {"learning_rate": 0.3, "inverse_temperature": 3.0}),
    "dfq": (
        DFQ,
        {
            "learning_rate": 0.4,
            "forgetting_rate": 0.2,
            "reward_strength": 3.0,
            "no_reward_strength": 0.5,
        },
    ),
    "actor_critic": (
        ActorCritic,
        {"actor_learning_rate": 1.0, "actor_forgetting_rate": 0.05, "critic_learning_rate": 0.2},
    ),
    "bias": (BiasOnly, {"bias": 0.5}),
}
"""Agents by name: class, and parameters unless the user gives others."""


@dataclasses.dataclass(frozen=True)
class SimulateCommand:
    """Simulate an agent, or the model of a finished run, in a bandit task; writes a trial table."""

    out: tyro.conf.Positional[Path]
    """Table to write: CSV, TSV or Parquet."""
    agent: Literal["q_learning", "dfq", "actor_critic", "bias"] = "q_learning"
    """Who chooses; its dopamine is its reward prediction error."""
    set: tuple[str, ...] = ()
    """Parameters of the agent, each as name=value, such as learning_rate=0.3."""
    run_folder: Path | None = None
    """Simulate the model of this run instead of an agent."""
    model: str = "disrnn"
    """With run-folder: which of its models."""
    task: Literal["drifting", "reversal"] = "drifting"
    """Drifting reward probabilities, or probabilistic reversals in blocks."""
    drift: float = 0.1
    """Drifting: standard deviation of each arm's step per trial."""
    high: float = 0.9
    """Reversal: reward probability of the better arm."""
    low: float = 0.1
    """Reversal: reward probability of the other arm."""
    block_length: tuple[int, int] = (15, 30)
    """Reversal: shortest and longest block, in trials."""
    sessions: int = 100
    """Number of sessions."""
    trials: int = 100
    """Trials in each session."""
    signal_noise: float = 0.0
    """Standard deviation of noise added to the signal, in its unit."""
    seed: int = 0
    """Seed: the same seed gives the same table."""

    def run(self, console: Console) -> None:
        from ..io.tables import to_table, write_table
        from ..simulate import simulate

        if self.task == "drifting":
            task: Any = DriftingBandit(drift=self.drift)
        else:
            task = ReversalBandit(high=self.high, low=self.low, block_length=self.block_length)
        trials = simulate(
            self._model(), task, n_sessions=self.sessions, n_trials=self.trials,
            key=jax.random.key(self.seed), signal_noise=self.signal_noise,
        )  # fmt: skip
        write_table(to_table(trials), self.out)
        rewarded = trials.outcome[trials.valid].mean()
        console.print(
            f"{self.out}: {self.sessions} sessions of {self.trials} trials, "
            f"{rewarded:.1%} of choices rewarded."
        )

    def _model(self) -> Model:
        if self.run_folder is not None:
            from ..run.folder import load_run

            return load_run(self.run_folder).model(self.model)
        kind, defaults = AGENTS[self.agent]
        values = defaults | dict(_parameter(text, self.agent, defaults) for text in self.set)
        values = {k: np.atleast_1d(v) if k == "bias" else v for k, v in values.items()}
        return kind(**values, gain=1.0, offset=0.0)


def _parameter(text: str, agent: str, known: dict[str, float]) -> tuple[str, float]:
    name, separator, value = text.partition("=")
    name = name.replace("-", "_")
    if not separator or name not in known:
        raise ConfigError(
            f"--set {text}: the parameters of {agent} are {', '.join(known)}; write name=value."
        )
    try:
        return name, float(value)
    except ValueError:
        raise ConfigError(f"--set {text}: {value!r} is not a number.") from None
