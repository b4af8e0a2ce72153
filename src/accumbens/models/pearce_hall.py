"""Pearce-Hall learning: what has been surprising lately is learned about faster."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from ..choices import PerChoice, of_choice
from .cognitive import MAX_INVERSE_TEMPERATURE, Parameter, by_choice, real
from .unit_reward import UnitReward


class PearceHallState(NamedTuple):
    """Q and associability of each choice."""

    value: PerChoice
    associability: PerChoice


class PearceHall(UnitReward):
    """Q-learning whose learning rate follows recent surprise (hybrid Pearce-Hall model).

    prediction error delta = r - Q(a);   Q(a) <- Q(a) + kappa alpha(a) delta;
    alpha(a) <- alpha(a) + eta (|delta| - alpha(a));   Q(other) <- Q(other) + phi (Q_1 - Q(other));
    logits = beta Q,   alpha_1 = 1.

    A fit holds the forgetting rate phi at 0 unless it is free.

    Args:
        learning_rate: kappa, the learning rate at full associability, from 0 to 1.
        associability_rate: eta, how fast associability follows surprise, from 0 to 1; 0: a fixed
            learning rate.
        inverse_temperature: beta, above 0, in log-odds per reward.
        initial_value: Q_1, of every choice before the first trial, in rewards, from 0 to 1.
        forgetting_rate: phi, from 0 to 1.

    State: `PearceHallState`. Latents: `Q_0`, ..., `associability_0`, ...
    Source: Pearce & Hall (1980), Psychol Rev 87:532; hybrid with Q-learning: Li et al. (2011), Nat
    Neurosci 14:1250, eqs. 1 to 3.
    """

    parameters: ClassVar[dict[str, Parameter]] = {
        "learning_rate": Parameter(0.0, 1.0, (0.1, 0.9), "step to reward at full associability"),
        "associability_rate": Parameter(
            0.0, 1.0, (0.05, 0.9), "how fast associability follows surprise"
        ),
        "inverse_temperature": Parameter(
            0.0, MAX_INVERSE_TEMPERATURE, (0.5, 8.0), "log-odds of choice per difference in value"
        ),
        "initial_value": Parameter(0.0, 1.0, (0.1, 0.9), "value of every choice at the start"),
        "forgetting_rate": Parameter(
            0.0, 1.0, (0.02, 0.5), "decay of the values not chosen to the start value", default=0.0
        ),
    }

    learning_rate: Float[Array, ""] = eqx.field(converter=real)
    associability_rate: Float[Array, ""] = eqx.field(converter=real)
    inverse_temperature: Float[Array, ""] = eqx.field(converter=real)
    initial_value: Float[Array, ""] = eqx.field(converter=real, default=0.5)
    forgetting_rate: Float[Array, ""] = eqx.field(converter=real, default=0.0)

    def initial_state(self, subject: Int[Array, ""]) -> PearceHallState:
        value = (self.initial_value,) * self.n_choices
        return PearceHallState(value, (jnp.ones_like(self.initial_value),) * self.n_choices)

    def choice_logits(self, state: PearceHallState) -> Float[Array, " choice"]:
        return self.inverse_temperature * jnp.stack(state.value)

    def prediction_error(
        self, state: PearceHallState, choice: Int[Array, ""], outcome: Float[Array, " outcome"]
    ) -> Float[Array, ""]:
        return self.reward_of(outcome) - of_choice(choice, state.value)

    def update(
        self, state: PearceHallState, choice: Int[Array, ""], outcome: Float[Array, " outcome"]
    ) -> PearceHallState:
        error = self.prediction_error(state, choice, outcome)
        step = self.learning_rate * of_choice(choice, state.associability) * error

        def valued(i, q):
            forgotten = q + self.forgetting_rate * (self.initial_value - q)
            return jnp.where(choice == i, q + step, forgotten)

        def attended(i, alpha):
            followed = alpha + self.associability_rate * (jnp.abs(error) - alpha)
            return jnp.where(choice == i, followed, alpha)

        return PearceHallState(
            tuple(valued(i, q) for i, q in enumerate(state.value)),
            tuple(attended(i, alpha) for i, alpha in enumerate(state.associability)),
        )

    def latents(self, state: PearceHallState) -> dict[str, Float[Array, ""]]:
        return by_choice("Q", state.value) | by_choice("associability", state.associability)
