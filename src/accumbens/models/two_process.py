"""The two-process agent: values of rewards, and a habit of repeating choices."""

from __future__ import annotations

import math
from typing import ClassVar, NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from ..choices import PerChoice, of_choice
from .cognitive import MAX_INVERSE_TEMPERATURE, Parameter, by_choice, real
from .structured import TwoRewards


class TwoProcessState(NamedTuple):
    """Q and habit strength H of each choice."""

    value: PerChoice
    habit: PerChoice


class TwoProcess(TwoRewards):
    """Values learned from both rewards, plus a habit that follows past choices.

    utility u: 1 for both rewards, u_c and u_d for one alone, u_0 for none;
    prediction error = u - Q(a);   Q(a) <- Q(a) + alpha (u - Q(a));
    Q(other) <- Q(other) + alpha (-u / (n_choices - 1) - Q(other));
    H(i) <- H(i) + alpha_H ([i chosen] - H(i));   logits = beta Q + beta_H H,   Q_1 = H_1 = 0.

    What speaks for one choice speaks against the others, so a utility above 0 repeats the choice
    and one below 0 switches; "both" = 1 gives utilities their unit. A habit at the same rate as
    learning would be one and the same as a shift of all utilities: the two rates must differ.

    learning_rate, habit_rate: alpha, alpha_H, in (0, 1).
    inverse_temperature: beta, in log-odds per utility. habit_strength: beta_H, in log-odds;
        negative for alternation.
    controllable_utility, distractor_utility, nothing_utility: u_c, u_d, u_0.
    State: `TwoProcessState`. Latents: `Q_0`, ..., `H_0`, ...
    Variants: "no_habit".
    Source: Miller, Shenhav & Ludvig (2019), Psychol Rev 126:292, for habits that follow choices.
    """

    parameters: ClassVar[dict[str, Parameter]] = {
        "learning_rate": Parameter(0.0, 1.0, (0.1, 0.9), "step of the chosen value to what came"),
        "inverse_temperature": Parameter(
            0.0,
            MAX_INVERSE_TEMPERATURE,
            (0.5, 6.0),
            "how strongly values decide (log-odds per utility)",
        ),
        "controllable_utility": Parameter(
            -math.inf, math.inf, (0.0, 1.0), "worth of the controllable reward alone (both = 1)"
        ),
        "distractor_utility": Parameter(
            -math.inf, math.inf, (-0.5, 0.5), "worth of the distractor reward alone (both = 1)"
        ),
        "nothing_utility": Parameter(
            -math.inf, math.inf, (-0.5, 0.5), "worth of no reward (both = 1)"
        ),
        "habit_rate": Parameter(0.0, 1.0, (0.05, 0.9), "how fast habits follow choices"),
        "habit_strength": Parameter(
            -math.inf, math.inf, (-1.0, 2.0), "how strongly habits decide (log-odds)"
        ),
    }
    variants: ClassVar[dict[str, dict[str, float | str]]] = {
        "no_habit": {"habit_rate": 0.5, "habit_strength": 0.0}
    }

    learning_rate: Float[Array, ""] = eqx.field(converter=real)
    inverse_temperature: Float[Array, ""] = eqx.field(converter=real)
    controllable_utility: Float[Array, ""] = eqx.field(converter=real)
    distractor_utility: Float[Array, ""] = eqx.field(converter=real)
    nothing_utility: Float[Array, ""] = eqx.field(converter=real)
    habit_rate: Float[Array, ""] = eqx.field(converter=real)
    habit_strength: Float[Array, ""] = eqx.field(converter=real)

    def initial_state(self, subject: Int[Array, ""]) -> TwoProcessState:
        nothing = (jnp.zeros_like(self.learning_rate),) * self.n_choices
        return TwoProcessState(nothing, nothing)

    def choice_logits(self, state: TwoProcessState) -> Float[Array, " choice"]:
        habit = self.habit_strength * jnp.stack(state.habit)
        return self.inverse_temperature * jnp.stack(state.value) + habit

    def utility(self, outcome: Float[Array, " outcome"]) -> Float[Array, ""]:
        """What the outcome is worth; both rewards together are worth 1."""
        c, d = self.rewards_of(outcome)
        one = c * (1 - d) * self.controllable_utility + d * (1 - c) * self.distractor_utility
        return c * d + one + (1 - c) * (1 - d) * self.nothing_utility

    def prediction_error(
        self, state: TwoProcessState, choice: Int[Array, ""], outcome: Float[Array, " outcome"]
    ) -> Float[Array, ""]:
        return self.utility(outcome) - of_choice(choice, state.value)

    def update(
        self, state: TwoProcessState, choice: Int[Array, ""], outcome: Float[Array, " outcome"]
    ) -> TwoProcessState:
        utility = self.utility(outcome)
        against = -utility / (self.n_choices - 1)

        def valued(i, q):
            return q + self.learning_rate * (jnp.where(choice == i, utility, against) - q)

        return TwoProcessState(
            tuple(valued(i, q) for i, q in enumerate(state.value)),
            tuple(h + self.habit_rate * ((choice == i) - h) for i, h in enumerate(state.habit)),
        )

    def latents(self, state: TwoProcessState) -> dict[str, Float[Array, ""]]:
        return by_choice("Q", state.value) | by_choice("H", state.habit)
