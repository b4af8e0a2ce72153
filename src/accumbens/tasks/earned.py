"""A bandit whose best arm changes because of what the animal chose or earned."""

from __future__ import annotations

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jax.lax import population_count
from jaxtyping import Array, Float, Int

from ..choices import PerChoice
from ..errors import ConfigError
from .bandits import Bandit
from .base import Draws

LONGEST = 30
"""The longest window: its trials are the bits of a number."""
KINDS = ("rewards", "correct")
"""What may be counted besides one outcome."""


class EarnedState(NamedTuple):
    """The best arm, and what was counted since it last changed.

    Attributes:
        best: the better arm.
        rewards: what was counted on the last trials, as bits; without a window, how many.
        more: of rewards of any kind, those of the second outcome, as bits.
        trials: how many went by, at most as many as must.
    """

    best: Int[Array, ""]
    rewards: Int[Array, ""]
    more: Int[Array, ""]
    trials: Int[Array, ""]


class EarnedReversals(Bandit):
    """A bandit with two arms whose better one changes as soon as enough was counted.

    The arms change places before the next trial when `after` of the last `last` trials had what is
    counted: by default, a reward. Trials are counted anew after each reversal. The first better arm
    is either, each equally likely. `accumbens.credit.CountedReversals` is the same rule, to be
    stated to the tests.

    Args:
        high, low: reward probabilities of the better and of the other arm.
        after: how many end a block.
        last: of how many last trials, at most 30; None: of all trials since the last reversal.
        of: what is counted: an outcome by its number (0: the bandit's own reward; 1: the
            distractor, in `DistractorRewards`), "rewards" (all of a trial), or "correct" (choices
            of the better arm).
        at_least: trials since the last reversal before which the arms never change places.
        probability: that they do before the next trial, wherever the count is reached.

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
    last: int | None = eqx.field(static=True, default=15)
    of: int | str = eqx.field(static=True, default=0)
    at_least: int = eqx.field(static=True, default=0)
    probability: float = eqx.field(static=True, default=1.0)

    def __check_init__(self) -> None:
        for name in ("high", "low", "probability"):
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise ConfigError(f"{name} is {value}; it must lie between 0 and 1.")
        if self.of not in (0, 1, *KINDS):
            raise ConfigError(
                f"of is {self.of!r}; count the outcome 0 or 1, {' or '.join(map(repr, KINDS))}."
            )
        last = LONGEST if self.last is None else self.last
        most = 2 * last if self.of == "rewards" else last
        possible = 1 <= last <= LONGEST and self.after >= 1
        if not possible or (self.last is not None and self.after > most) or self.n_arms != 2:
            raise ConfigError(
                f"after is {self.after}, last is {self.last} and n_arms is {self.n_arms}; give two "
                f"arms, and 1 to {LONGEST} trials of which at least one, at most all end a block."
            )
        if self.at_least < 0:
            raise ConfigError(f"at_least is {self.at_least}; it is a number of trials from 0 up.")

    @property
    def n_draws(self) -> int:
        return 1 + (self.probability < 1)

    def init(self, uniform: Draws) -> EarnedState:
        none = jnp.zeros((), jnp.int32)
        return EarnedState((uniform[0] < 0.5).astype(jnp.int32), none, none, none)

    def reward_probabilities(self, state: EarnedState) -> PerChoice:
        return tuple(
            jnp.where(state.best == arm, self.high, self.low).astype(jnp.float32) for arm in (0, 1)
        )

    def next_state(self, state: EarnedState, uniform: Draws) -> EarnedState:
        """The state at the next trial, once this one was counted."""
        count = state.rewards
        if self.last is not None:
            count = population_count(state.rewards) + population_count(state.more)
        over = (count >= self.after) & (state.trials >= self.at_least)
        if self.probability < 1:
            over &= uniform[0] < self.probability
        kept = [jnp.where(over, 0, number) for number in state[1:]]
        return EarnedState(jnp.where(over, 1 - state.best, state.best), *kept)

    def moved(
        self,
        state: EarnedState,
        choice: Int[Array, ""],
        outcome: Float[Array, " outcome"],
        uniform: Draws,
    ) -> EarnedState:
        came = (outcome > 0).astype(jnp.int32)
        more = jnp.zeros((), jnp.int32)
        if self.of == "correct":
            now = (choice == state.best).astype(jnp.int32)
        elif self.of == "rewards":
            now, more = came[0], came[1:].sum()
        else:
            now = self._one(came)
        if self.last is None:
            seen = EarnedState(state.best, state.rewards + now + more, state.more, state.trials)
        else:
            window = (1 << self.last) - 1
            seen = EarnedState(
                state.best, (state.rewards << 1 | now) & window, (state.more << 1 | more) & window,
                state.trials,
            )  # fmt: skip
        trials = jnp.minimum(state.trials + 1, self.at_least)
        return self.next_state(seen._replace(trials=trials), uniform)

    def _one(self, came: Int[Array, " outcome"]) -> Int[Array, ""]:
        """Whether the one outcome came that is counted."""
        if int(self.of) >= len(came):
            raise ConfigError(
                "of is 1, the second outcome, but the bandit has a single one. Count the outcome "
                "0, or put the bandit into DistractorRewards."
            )
        return came[int(self.of)]
