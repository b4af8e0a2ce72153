"""Reward seeking and habit side by side, each at its own pace; and the gambler's fallacy."""

from __future__ import annotations

import math
from typing import ClassVar, NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from ..choices import PerChoice, of_choice
from .cognitive import Parameter, by_choice, real
from .unit_reward import UnitReward


class RewardHabitState(NamedTuple):
    """R, H and G of each choice: evidence from rewards, habit, and the reward that is due."""

    reward: PerChoice
    habit: PerChoice
    due: PerChoice


class RewardHabit(UnitReward):
    """A mixture of processes that learn side by side and add up in each choice.

    logits = beta_R R + beta_H H + beta_G G,   R_1 = H_1 = G_1 = 0
    Reward seeking: R(i) <- R(i) + alpha_R (u_i - R(i)),   u_a = 2 r - 1, u_other = -u_a / (n - 1)
    Habit:          H(i) <- H(i) + alpha_H ([i chosen] - H(i))
    Gambler's fallacy: G(i) <- G(i) + alpha_G ([i chosen] (1 - r) - G(i))
    prediction error = (2 r - 1) - R(a).

    A reward speaks for the choice and against the others, no reward the other way round; habits
    follow choices, whatever they brought; beta_G > 0 returns to where a reward is due. A fit leaves
    the gambler's fallacy out (weight 0) unless its parameters are free. Perseveration beside the
    habit, of the last choice alone, is a part (`free=["perseveration"]`).

    Args:
        reward_rate, habit_rate, fallacy_rate: alpha_R, alpha_H, alpha_G, from 0 to 1.
        reward_weight, habit_weight, fallacy_weight: beta_R, beta_H, beta_G, in log-odds.

    State: `RewardHabitState`. Latents: `R_0`, ..., `H_0`, ..., `G_0`, ...
    Source: Miller, Botvinick & Brody (2021), bioRxiv 461129, with each process kept per choice (its
    weights for two choices are twice beta_R, and half beta_H, of that paper's); habits that follow
    choices: Miller, Shenhav & Ludvig (2019), Psychol Rev 126:292.
    """

    parameters: ClassVar[dict[str, Parameter]] = {
        "reward_rate": Parameter(0.0, 1.0, (0.1, 0.9), "how fast reward seeking learns"),
        "reward_weight": Parameter(
            -math.inf, math.inf, (0.2, 3.0), "how strongly reward seeking decides (log-odds)"
        ),
        "habit_rate": Parameter(0.0, 1.0, (0.05, 0.9), "how fast habits follow choices"),
        "habit_weight": Parameter(
            -math.inf, math.inf, (-0.5, 2.0), "how strongly habits decide (log-odds)"
        ),
        "fallacy_rate": Parameter(
            0.0, 1.0, (0.01, 0.3), "how fast what is due is counted", default=0.05
        ),
        "fallacy_weight": Parameter(
            -math.inf, math.inf, (-1.0, 1.0), "how strongly what is due decides (log-odds)", 0.0
        ),
    }

    reward_rate: Float[Array, ""] = eqx.field(converter=real)
    reward_weight: Float[Array, ""] = eqx.field(converter=real)
    habit_rate: Float[Array, ""] = eqx.field(converter=real)
    habit_weight: Float[Array, ""] = eqx.field(converter=real)
    fallacy_rate: Float[Array, ""] = eqx.field(converter=real, default=0.05)
    fallacy_weight: Float[Array, ""] = eqx.field(converter=real, default=0.0)

    def initial_state(self, subject: Int[Array, ""]) -> RewardHabitState:
        nothing = (jnp.zeros_like(self.reward_rate),) * self.n_choices
        return RewardHabitState(nothing, nothing, nothing)

    def choice_logits(self, state: RewardHabitState) -> Float[Array, " choice"]:
        sought = self.reward_weight * jnp.stack(state.reward)
        habitual = self.habit_weight * jnp.stack(state.habit)
        return sought + habitual + self.fallacy_weight * jnp.stack(state.due)

    def prediction_error(
        self, state: RewardHabitState, choice: Int[Array, ""], outcome: Float[Array, " outcome"]
    ) -> Float[Array, ""]:
        return 2 * self.reward_of(outcome) - 1 - of_choice(choice, state.reward)

    def update(
        self, state: RewardHabitState, choice: Int[Array, ""], outcome: Float[Array, " outcome"]
    ) -> RewardHabitState:
        reward = self.reward_of(outcome)
        for_it = 2 * reward - 1
        against = -for_it / (self.n_choices - 1)

        def moved(values, rate, chosen, other):
            targets = (jnp.where(choice == i, chosen, other) for i in range(self.n_choices))
            return tuple(x + rate * (to - x) for x, to in zip(values, targets, strict=True))

        return RewardHabitState(
            moved(state.reward, self.reward_rate, for_it, against),
            moved(state.habit, self.habit_rate, 1.0, 0.0),
            moved(state.due, self.fallacy_rate, 1 - reward, 0.0),
        )

    def latents(self, state: RewardHabitState) -> dict[str, Float[Array, ""]]:
        reward, habit = by_choice("R", state.reward), by_choice("H", state.habit)
        return reward | habit | by_choice("G", state.due)
