"""The distractor-rewards task: one reward depends on the choice, the other does not."""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from ..errors import ConfigError
from .bandits import Bandit, ReversalBandit
from .base import Draws, Task, TaskState


def _reversals() -> ReversalBandit:
    return ReversalBandit(high=0.8, low=0.2, block_length=(20, 60))


class DistractorRewards(Task):
    """The distractor-rewards task: two rewards that the animal can tell apart, drawn independently.

    The outcomes are `controllable` and `distractor`, each 0 or 1. The context is the probability of
    the controllable reward after each choice, and that of the distractor. The state is that of the
    bandit.

    Args:
        controllable: bandit that gives the controllable reward; by default with probability 0.8
            after one choice and 0.2 after the other, which reverse after blocks of 20 to 60 trials.
        distractor: probability of the distractor reward, whatever the choice.

    Raises:
        ConfigError: the probability of the distractor does not lie between 0 and 1.

    Source:
        Miller et al., Structured credit assignment in mice, Figure 1; after Jocham et al. (2016),
        Neuron 90:177.

    Example:
        >>> import accumbens
        >>> task = accumbens.DistractorRewards(distractor=0.3)
        >>> task.outcome_names
        ('controllable', 'distractor')
    """

    controllable: Bandit = eqx.field(default_factory=_reversals)
    distractor: float | Float[Array, ""] = 0.5

    def __check_init__(self) -> None:
        if not 0 <= self.distractor <= 1:
            raise ConfigError(f"distractor is {self.distractor}; it must lie between 0 and 1.")

    @property
    def n_choices(self) -> int:
        return self.controllable.n_choices

    @property
    def n_draws(self) -> int:
        return 1 + self.controllable.n_draws

    @property
    def outcome_names(self) -> tuple[str, ...]:
        return ("controllable", "distractor")

    @property
    def context_names(self) -> tuple[str, ...]:
        by_choice = (f"controllable_probability_{i}" for i in range(self.n_choices))
        return (*by_choice, "distractor_probability")

    def init(self, uniform: Draws) -> TaskState:
        return self.controllable.init(uniform[1:])

    def step(
        self, state: TaskState, choice: Int[Array, ""], uniform: Draws
    ) -> tuple[Float[Array, " outcome"], TaskState]:
        reward = self.controllable.paid(state, choice, uniform[1:])
        distracted = (uniform[0] < self.distractor).astype(reward.dtype)
        outcome = jnp.concatenate([reward, distracted[None]])
        return outcome, self.controllable.moved(state, choice, outcome, uniform[2:])

    def context(self, state: TaskState) -> Float[Array, " context"]:
        always = jnp.asarray(self.distractor, jnp.float32)[None]
        return jnp.concatenate([self.controllable.context(state), always])
