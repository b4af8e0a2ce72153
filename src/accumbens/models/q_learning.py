"""Q-learning: each choice has a value, moved by its own prediction errors."""

from __future__ import annotations

import math
from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from ..choices import PerChoice, of_choice
from .cognitive import MAX_INVERSE_TEMPERATURE, CognitiveModel, Parameter, by_choice, real


class QLearning(CognitiveModel):
    """Q-learning with a softmax over values.

    logits = beta Q;  prediction error = r - Q(a);  Q(a) <- Q(a) + alpha (r - Q(a));
    Q(other) <- Q(other) + phi (Q_1 - Q(other)).
    alpha is the learning rate, or the negative learning rate where the prediction error is below 0:
    with rewards of 0 and 1, after no reward.

    A fit finds the start value Q_1 too, as what suits depends on the coding of rewards; to state
    it, fix it (`fixed={"initial_value": 0.5}`). A fit has one learning rate and no forgetting
    unless `negative_learning_rate` or `forgetting_rate` is free.

    Args:
        learning_rate: alpha, in (0, 1).
        inverse_temperature: beta > 0, in log-odds per unit of reward.
        initial_value: Q_1, of every choice before the first trial, in units of reward.
        negative_learning_rate: alpha after outcomes worse than expected, in (0, 1); None: equal to
            the learning rate.
        forgetting_rate: phi, in [0, 1); 0: values of choices not made stay as they are.

    State: Q of each choice. Latents: `Q_0`, `Q_1`, ...
    Source: Sutton & Barto (2018), Reinforcement Learning, eqs. 2.5 and 2.11; two rates: Niv et al.
    (2012), J Neurosci 32:551; forgetting: Ito & Doya (2009), J Neurosci 29:9861.

    Example:
        >>> import accumbens
        >>> accumbens.QLearning(learning_rate=0.3, inverse_temperature=3.0, gain=1.0, offset=0.0)
        QLearning: 2 choices, 1 signal
          learning_rate           0.3
          inverse_temperature     3
          initial_value           0.5
          negative_learning_rate  0.3
          forgetting_rate         0
          gain                    1
          offset                  0
    """

    parameters: ClassVar[dict[str, Parameter]] = {
        "learning_rate": Parameter(0.0, 1.0, (0.05, 0.9), "step of the chosen value to reward"),
        "inverse_temperature": Parameter(
            0.0,
            MAX_INVERSE_TEMPERATURE,
            (0.5, 8.0),
            "log-odds of choice per unit difference in value",
        ),
        "initial_value": Parameter(
            -math.inf, math.inf, (0.0, 1.0), "value of every choice at the start"
        ),
        "negative_learning_rate": Parameter(
            0.0,
            1.0,
            (0.05, 0.9),
            "step after a negative prediction error (no reward)",
            default="learning_rate",
        ),
        "forgetting_rate": Parameter(
            0.0, 1.0, (0.02, 0.5), "decay of the values not chosen to the start value", default=0.0
        ),
    }

    learning_rate: Float[Array, ""] = eqx.field(converter=real)
    inverse_temperature: Float[Array, ""] = eqx.field(converter=real)
    initial_value: Float[Array, ""] = eqx.field(converter=real, default=0.5)
    negative_learning_rate: Float[Array, ""] = eqx.field(converter=real, default=None)
    forgetting_rate: Float[Array, ""] = eqx.field(converter=real, default=0.0)

    def __post_init__(self) -> None:
        if self.negative_learning_rate is None:
            self.negative_learning_rate = self.learning_rate

    def initial_state(self, subject: Int[Array, ""]) -> PerChoice:
        return (self.initial_value,) * self.n_choices

    def choice_logits(self, state: PerChoice) -> Float[Array, " choice"]:
        return self.inverse_temperature * jnp.stack(state)

    def prediction_error(
        self, state: PerChoice, choice: Int[Array, ""], outcome: Float[Array, " outcome"]
    ) -> Float[Array, ""]:
        return self.reward_of(outcome) - of_choice(choice, state)

    def update(
        self, state: PerChoice, choice: Int[Array, ""], outcome: Float[Array, " outcome"]
    ) -> PerChoice:
        error = self.prediction_error(state, choice, outcome)
        rate = jnp.where(error < 0, self.negative_learning_rate, self.learning_rate)

        def updated(i, value):
            forgotten = value + self.forgetting_rate * (self.initial_value - value)
            return jnp.where(choice == i, value + rate * error, forgotten)

        return tuple(updated(i, value) for i, value in enumerate(state))

    def latents(self, state: PerChoice) -> dict[str, Float[Array, ""]]:
        return by_choice("Q", state)
