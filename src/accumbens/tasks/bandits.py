"""Bandits: each arm gives a reward of 1 with its own, changing probability."""

from __future__ import annotations

import abc
from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from ..choices import PerChoice, of_choice
from ..errors import ConfigError
from .base import Draws, Task, TaskState, integer, standard_normal


class Bandit(Task):
    """A bandit: the outcome is `reward`, the context is the reward probability of each arm.

    The probabilities change independently of the choices (`next_state`), or follow choices and
    outcomes (`moved`); each subclass defines how.

    Args:
        n_arms: number of arms.

    Raises:
        ConfigError: there are fewer than two arms.
    """

    n_arms: int = eqx.field(static=True, default=2, kw_only=True)

    def __check_init__(self) -> None:
        if self.n_arms < 2:
            raise ConfigError(f"n_arms is {self.n_arms}; it must be at least 2.")

    @abc.abstractmethod
    def reward_probabilities(self, state: TaskState) -> PerChoice:
        """The reward probability of each arm on this trial."""

    @abc.abstractmethod
    def next_state(self, state: TaskState, uniform: Draws) -> TaskState:
        """The state at the next trial.

        Args:
            state: at this trial.
            uniform: new random numbers in (0, 1).
        """

    @property
    def n_choices(self) -> int:
        return self.n_arms

    @property
    def outcome_names(self) -> tuple[str, ...]:
        return ("reward",)

    @property
    def context_names(self) -> tuple[str, ...]:
        return tuple(f"reward_probability_{arm}" for arm in range(self.n_arms))

    def context(self, state: TaskState) -> Float[Array, " context"]:
        return jnp.stack(self.reward_probabilities(state))

    def step(
        self, state: TaskState, choice: Int[Array, ""], uniform: Draws
    ) -> tuple[Float[Array, " outcome"], TaskState]:
        reward = self.paid(state, choice, uniform)
        return reward, self.moved(state, choice, reward, uniform[1:])

    def paid(
        self, state: TaskState, choice: Int[Array, ""], uniform: Draws
    ) -> Float[Array, " outcome"]:
        """The reward of a trial, from the first random number."""
        paid = uniform[0] < of_choice(choice, self.reward_probabilities(state))
        return paid.astype(jnp.float32)[None]

    def moved(
        self,
        state: TaskState,
        choice: Int[Array, ""],
        outcome: Float[Array, " outcome"],
        uniform: Draws,
    ) -> TaskState:
        """The state at the next trial, given all that happened on this one.

        Args:
            state: at this trial.
            choice: number of the choice made.
            outcome: all outcomes of the trial, the bandit's own reward first.
            uniform: random numbers in (0, 1) that are left after the reward.
        """
        return self.next_state(state, uniform)


class DriftingBandit(Bandit):
    """A bandit whose reward probabilities drift independently of each other.

    p_1 ~ Uniform(0, 1);  p_{t+1} = clip(p_t + drift x Normal(0, 1), 0, 1), for each arm. The state
    is the reward probabilities.

    Args:
        drift: SD of the change of each reward probability per trial, at least 0.
        n_arms: number of arms.

    Raises:
        ConfigError: `drift` is negative, or there are fewer than two arms.

    Source:
        Miller et al. (2023), Cognitive model discovery via disentangled RNNs.
    """

    drift: float | Float[Array, ""] = 0.1

    def __check_init__(self) -> None:
        if not self.drift >= 0:
            raise ConfigError(f"drift is {self.drift}; it is an SD and must be at least 0.")

    @property
    def n_draws(self) -> int:
        return 1 + self.n_arms

    def init(self, uniform: Draws) -> PerChoice:
        return uniform[1:]

    def reward_probabilities(self, state: PerChoice) -> PerChoice:
        return state

    def next_state(self, state: PerChoice, uniform: Draws) -> PerChoice:
        return tuple(
            jnp.clip(p + self.drift * standard_normal(u), 0.0, 1.0)
            for p, u in zip(state, uniform, strict=True)
        )


class ReversalState(NamedTuple):
    """The best arm, and how many trials of its block follow this one."""

    best: Int[Array, ""]
    remaining: Int[Array, ""]


class ReversalBandit(Bandit):
    """A bandit with one best arm, which changes after blocks of trials, or with a hazard rate.

    The length of a block is uniform on the integers from the shortest to the longest block. The
    next best arm is one of the others, each equally likely.

    Args:
        high, low: reward probabilities of the best arm and of the others.
        block_length: length of the shortest and of the longest block, in trials; not used where
            `hazard` is given.
        hazard: probability per trial that the best arm changes; None for blocks.
        n_arms: number of arms.

    Raises:
        ConfigError: a probability does not lie between 0 and 1, a block length is impossible, or
            there are fewer than two arms.
    """

    high: float | Float[Array, ""] = 0.9
    low: float | Float[Array, ""] = 0.1
    block_length: tuple[int, int] = eqx.field(static=True, default=(15, 30))
    hazard: float | Float[Array, ""] | None = None

    def __check_init__(self) -> None:
        for name in ("high", "low", "hazard"):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= 1:
                raise ConfigError(f"{name} is {value}; it must lie between 0 and 1.")
        shortest, longest = self.block_length
        if not 1 <= shortest <= longest:
            raise ConfigError(
                f"block_length is {self.block_length}; it must be the shortest and the longest "
                "block in trials, the shortest at least 1 and not longer than the longest."
            )

    @property
    def n_draws(self) -> int:
        return 3

    def init(self, uniform: Draws) -> ReversalState:
        _, length, arm = uniform
        return ReversalState(
            best=integer(arm, 0, self.n_arms - 1), remaining=integer(length, *self.block_length) - 1
        )

    def reward_probabilities(self, state: ReversalState) -> PerChoice:
        return tuple(
            jnp.where(state.best == arm, self.high, self.low).astype(jnp.float32)
            for arm in range(self.n_arms)
        )

    def next_state(self, state: ReversalState, uniform: Draws) -> ReversalState:
        change, arm = uniform
        if self.hazard is None:
            over = state.remaining == 0
            remaining = jnp.where(
                over, integer(change, *self.block_length) - 1, state.remaining - 1
            )
        else:
            over, remaining = change < self.hazard, state.remaining
        other = (state.best + integer(arm, 1, self.n_arms - 1)) % self.n_arms
        return ReversalState(jnp.where(over, other, state.best), remaining)
