"""A bandit whose best arm changes because the animal earned it."""

from __future__ import annotations

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from ..choices import PerChoice, of_choice
from ..errors import ConfigError
from .bandits import Bandit
from .base import Draws

LONGEST = 30
"""The longest window: its trials are the bits of a number."""


class EarnedState(NamedTuple):
    """The best arm, and the rewards of the last trials since it last changed, as bits."""

    best: Int[Array, ""]
    rewards: Int[Array, ""]


class EarnedReversals(Bandit):
    """A bandit with two arms whose better one changes as soon as enough rewards were earned.

    The arms change places before the next trial when `after` of the last `last` trials were
    rewarded. Trials are counted anew after each reversal. The first better arm is either, each
    equally likely.

    Args:
        high, low: reward probabilities of the better and of the other arm.
        after: rewards that end a block.
        last: of how many last trials, at most 30.

    Raises:
        ConfigError: a probability does not lie between 0 and 1, or the counts are impossible.

    Example:
        >>> import accumbens
        >>> bandit = accumbens.tasks.EarnedReversals(0.8, 0.2, after=10, last=15)
        >>> accumbens.DistractorRewards(bandit).outcome_names
        ('controllable', 'distractor')
    """

    high: float | Float[Array, ""] = 0.8
    low: float | Float[Array, ""] = 0.2
    after: int = eqx.field(static=True, default=10)
    last: int = eqx.field(static=True, default=15)

    def __check_init__(self) -> None:
        for name in ("high", "low"):
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise ConfigError(f"{name} is {value}; it must lie between 0 and 1.")
        if not 1 <= self.after <= self.last <= LONGEST or self.n_arms != 2:
            raise ConfigError(
                f"after is {self.after}, last is {self.last} and n_arms is {self.n_arms}; give two "
                f"arms, and 1 to {LONGEST} trials of which at least one, at most all end a block."
            )

    @property
    def n_draws(self) -> int:
        return 1

    def init(self, uniform: Draws) -> EarnedState:
        none = jnp.zeros((), jnp.int32)
        return EarnedState(best=(uniform[0] < 0.5).astype(jnp.int32), rewards=none)

    def reward_probabilities(self, state: EarnedState) -> PerChoice:
        return tuple(
            jnp.where(state.best == arm, self.high, self.low).astype(jnp.float32) for arm in (0, 1)
        )

    def next_state(self, state: EarnedState, uniform: Draws) -> EarnedState:
        count = jax.lax.population_count(state.rewards)
        enough = count >= self.after
        return EarnedState(
            best=jnp.where(enough, 1 - state.best, state.best),
            rewards=jnp.where(enough, 0, state.rewards),
        )

    def step(
        self, state: EarnedState, choice: Int[Array, ""], uniform: Draws
    ) -> tuple[Float[Array, " outcome"], EarnedState]:
        paid = uniform[0] < of_choice(choice, self.reward_probabilities(state))
        rewards = ((state.rewards << 1) | paid.astype(jnp.int32)) & ((1 << self.last) - 1)
        after = self.next_state(state._replace(rewards=rewards), ())
        return paid.astype(jnp.float32)[None], after
