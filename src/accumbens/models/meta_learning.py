"""Meta-learning: the learning rate after disappointments follows their surprise."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from ..choices import PerChoice, of_choice
from .cognitive import MAX_INVERSE_TEMPERATURE, Parameter, by_choice, real
from .unit_reward import UnitReward


class MetaLearningState(NamedTuple):
    """Q of each choice; expected uncertainty; the learning rate after negative errors."""

    value: PerChoice
    uncertainty: Float[Array, ""]
    negative_rate: Float[Array, ""]


class MetaLearning(UnitReward):
    """Q-learning whose learning rate for negative prediction errors follows unexpected uncertainty.

    prediction error delta = r - Q(a);   unexpected uncertainty upsilon = |delta| - E;
    E <- E + alpha_E upsilon, the expected uncertainty;   if delta < 0:
    alpha_- <- alpha_- + psi (alpha_0 + upsilon - alpha_-), kept from 0 to 1;
    Q(a) <- Q(a) + alpha_- delta if delta < 0, else Q(a) + alpha_+ delta;
    Q(other) <- Q(other) + phi (Q_1 - Q(other));   logits = beta Q,   E_1 = 0, alpha_-1 = alpha_0.

    Where disappointments are the rule the agent learns little from each; one that comes as a
    surprise speeds up learning.

    Args:
        learning_rate: alpha_+, after outcomes at least as good as expected, from 0 to 1.
        negative_learning_rate: alpha_0, what alpha_- is without surprise, from 0 to 1.
        uncertainty_rate: alpha_E, how fast expected uncertainty follows surprise, from 0 to 1.
        surprise_rate: psi, how fast alpha_- follows, from 0 (fixed at alpha_0) to 1.
        forgetting_rate: phi, from 0 to 1.
        inverse_temperature: beta, above 0, in log-odds per reward.
        initial_value: Q_1, of every choice before the first trial, in rewards, from 0 to 1.

    State: `MetaLearningState`. Latents: `Q_0`, ..., `expected_uncertainty`,
    `negative_learning_rate`.
    Source: Grossman, Bari & Cohen (2022), Curr Biol 32:586, in the form in which Qü et al. (2025),
    PLoS Comput Biol 21:e1013226, compare it, but that alpha_- follows the surprise of the same
    trial, and that the start value is free (theirs is 0).
    """

    parameters: ClassVar[dict[str, Parameter]] = {
        "learning_rate": Parameter(0.0, 1.0, (0.05, 0.9), "step after a positive prediction error"),
        "negative_learning_rate": Parameter(
            0.0, 1.0, (0.05, 0.9), "step after an unsurprising negative prediction error"
        ),
        "uncertainty_rate": Parameter(
            0.0, 1.0, (0.05, 0.9), "how fast expected uncertainty follows surprise"
        ),
        "surprise_rate": Parameter(
            0.0, 1.0, (0.05, 0.9), "how fast the negative learning rate follows surprise"
        ),
        "forgetting_rate": Parameter(
            0.0, 1.0, (0.02, 0.5), "decay of the values not chosen to the start value"
        ),
        "inverse_temperature": Parameter(
            0.0, MAX_INVERSE_TEMPERATURE, (0.5, 8.0), "log-odds of choice per difference in value"
        ),
        "initial_value": Parameter(0.0, 1.0, (0.1, 0.9), "value of every choice at the start"),
    }

    learning_rate: Float[Array, ""] = eqx.field(converter=real)
    negative_learning_rate: Float[Array, ""] = eqx.field(converter=real)
    uncertainty_rate: Float[Array, ""] = eqx.field(converter=real)
    surprise_rate: Float[Array, ""] = eqx.field(converter=real)
    forgetting_rate: Float[Array, ""] = eqx.field(converter=real)
    inverse_temperature: Float[Array, ""] = eqx.field(converter=real)
    initial_value: Float[Array, ""] = eqx.field(converter=real, default=0.0)

    def initial_state(self, subject: Int[Array, ""]) -> MetaLearningState:
        value = (self.initial_value,) * self.n_choices
        nothing = jnp.zeros_like(self.initial_value)
        return MetaLearningState(value, nothing, self.negative_learning_rate)

    def choice_logits(self, state: MetaLearningState) -> Float[Array, " choice"]:
        return self.inverse_temperature * jnp.stack(state.value)

    def prediction_error(
        self, state: MetaLearningState, choice: Int[Array, ""], outcome: Float[Array, " outcome"]
    ) -> Float[Array, ""]:
        return self.reward_of(outcome) - of_choice(choice, state.value)

    def update(
        self, state: MetaLearningState, choice: Int[Array, ""], outcome: Float[Array, " outcome"]
    ) -> MetaLearningState:
        error = self.prediction_error(state, choice, outcome)
        surprise = jnp.abs(error) - state.uncertainty
        to = self.negative_learning_rate + surprise
        followed = state.negative_rate + self.surprise_rate * (to - state.negative_rate)
        negative = jnp.where(error < 0, jnp.clip(followed, 0.0, 1.0), state.negative_rate)
        step = jnp.where(error < 0, negative, self.learning_rate) * error

        def valued(i, q):
            forgotten = q + self.forgetting_rate * (self.initial_value - q)
            return jnp.where(choice == i, q + step, forgotten)

        return MetaLearningState(
            tuple(valued(i, q) for i, q in enumerate(state.value)),
            state.uncertainty + self.uncertainty_rate * surprise,
            negative,
        )

    def latents(self, state: MetaLearningState) -> dict[str, Float[Array, ""]]:
        return by_choice("Q", state.value) | {
            "expected_uncertainty": state.uncertainty,
            "negative_learning_rate": state.negative_rate,
        }
