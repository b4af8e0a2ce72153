"""Differential-forgetting Q-learning: values of choices not made decay at their own rate."""

from __future__ import annotations

import math
from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from ..choices import PerChoice, of_choice
from .cognitive import CognitiveModel, Parameter, by_choice, real


class DFQ(CognitiveModel):
    """Differential-forgetting Q-learning (DFQ).

    target = kappa_1 r - kappa_2 (1 - r);  prediction error = target - Q(a);
    Q(a) <- (1 - alpha_1) Q(a) + alpha_1 target;  Q(other) <- (1 - alpha_2) Q(other);
    logits = Q, starting at 0. The inverse temperature is part of kappa, so values and prediction
    errors are in log-odds. Rewards lie in [0, 1]; the source has 0 and 1 only.

    learning_rate: alpha_1, in (0, 1).
    forgetting_rate: alpha_2, in (0, 1).
    reward_strength: kappa_1, in log-odds.
    no_reward_strength: kappa_2, in log-odds; positive when no reward is aversive.
    State: Q of each choice. Latents: `Q_0`, `Q_1`, ...
    Variants: "fq" forgets at the learning rate; "q" forgets nothing and learns only from reward.
    Source: Ito & Doya (2009), J Neurosci 29:9861, "Differential forgetting Q-learning".
    """

    parameters: ClassVar[dict[str, Parameter]] = {
        "learning_rate": Parameter(0.0, 1.0, (0.05, 0.9), "step of the chosen value to its target"),
        "forgetting_rate": Parameter(0.0, 1.0, (0.05, 0.9), "decay of the values not chosen"),
        "reward_strength": Parameter(
            -math.inf, math.inf, (0.0, 5.0), "value to which reward draws the choice (log-odds)"
        ),
        "no_reward_strength": Parameter(
            -math.inf, math.inf, (-2.0, 2.0), "aversion from a choice without reward (log-odds)"
        ),
    }
    variants: ClassVar[dict[str, dict[str, float | str]]] = {
        "fq": {"forgetting_rate": "learning_rate"},
        "q": {"forgetting_rate": 0.0, "no_reward_strength": 0.0},
    }
    scale_parameter: ClassVar[str | None] = "reward_strength"

    learning_rate: Float[Array, ""] = eqx.field(converter=real)
    forgetting_rate: Float[Array, ""] = eqx.field(converter=real)
    reward_strength: Float[Array, ""] = eqx.field(converter=real)
    no_reward_strength: Float[Array, ""] = eqx.field(converter=real)

    def initial_state(self, subject: Int[Array, ""]) -> PerChoice:
        return (jnp.zeros_like(self.learning_rate),) * self.n_choices

    def choice_logits(self, state: PerChoice) -> Float[Array, " choice"]:
        return jnp.stack(state)

    def target(self, outcome: Float[Array, " outcome"]) -> Float[Array, ""]:
        """The value to which this outcome draws the choice made, in log-odds."""
        reward = self.reward_of(outcome)
        return self.reward_strength * reward - self.no_reward_strength * (1.0 - reward)

    def prediction_error(
        self, state: PerChoice, choice: Int[Array, ""], outcome: Float[Array, " outcome"]
    ) -> Float[Array, ""]:
        return self.target(outcome) - of_choice(choice, state)

    def update(
        self, state: PerChoice, choice: Int[Array, ""], outcome: Float[Array, " outcome"]
    ) -> PerChoice:
        target = self.target(outcome)

        def updated(i, value):
            learned = value + self.learning_rate * (target - value)
            return jnp.where(choice == i, learned, (1.0 - self.forgetting_rate) * value)

        return tuple(updated(i, value) for i, value in enumerate(state))

    def latents(self, state: PerChoice) -> dict[str, Float[Array, ""]]:
        return by_choice("Q", state)
