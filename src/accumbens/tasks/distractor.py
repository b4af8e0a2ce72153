"""The distractor-rewards task: one reward that the choice controls, one that it does not."""

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
    """Two rewards on each trial, drawn independently; the animal can tell them apart.

    controllable: comes with the probability that the bandit gives to the choice made; by default
        0.8 for one choice and 0.2 for the other, swapped after blocks of 20 to 60 trials.
    distractor: comes with this one probability, whatever the choice.
    Outcomes: `controllable`, `distractor`, each 0 or 1. Context: both probabilities of the
    controllable reward, and that of the distractor. State: that of the bandit.
    Raises ConfigError when the distractor's probability is none.
    Source: Miller et al., Structured credit assignment in mice, Figure 1; after Jocham et al.
    (2016), Neuron 90:177.

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
            raise ConfigError(
                f"distractor is {self.distractor}, but a probability lies between 0 and 1."
            )

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
        reward, state = self.controllable.step(state, choice, uniform[1:])
        distracted = (uniform[0] < self.distractor).astype(reward.dtype)
        return jnp.concatenate([reward, distracted[None]]), state

    def context(self, state: TaskState) -> Float[Array, " context"]:
        always = jnp.asarray(self.distractor, jnp.float32)[None]
        return jnp.concatenate([self.controllable.context(state), always])
