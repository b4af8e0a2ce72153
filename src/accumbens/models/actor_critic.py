"""Leaky actor-critic: a policy moved by the prediction errors of one overall value."""

from __future__ import annotations

import math
from typing import ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from ..choices import PerChoice
from .cognitive import CognitiveModel, Parameter, by_choice, real


class ActorCriticState(NamedTuple):
    """theta, the policy's log-odds of each choice; V, the reward expected whatever the choice."""

    policy: PerChoice
    value: Float[Array, ""]


class ActorCritic(CognitiveModel):
    """Leaky actor-critic (gradient bandit with forgetting).

    p = softmax(theta);  prediction error delta = r - V;
    theta_a <- (1 - phi) theta_a + eta delta (1[a chosen] - p_a);  V <- V + alpha delta.

    actor_learning_rate: eta > 0, in log-odds per unit of reward.
    actor_forgetting_rate: phi, in (0, 1).
    critic_learning_rate: alpha, in (0, 1).
    initial_value: V before the first trial, in units of reward, which a fit finds unless it is
        fixed; theta starts at 0.
    Latents: `theta_0`, `theta_1`, ..., `V`. Variant: "no_forgetting".
    Source: Sutton & Barto (2018), Reinforcement Learning, eq. 2.12, with decay of theta as in
    Miller et al. (2023), Cognitive model discovery via disentangled RNNs.
    """

    parameters: ClassVar[dict[str, Parameter]] = {
        "actor_learning_rate": Parameter(
            0.0, math.inf, (0.1, 3.0), "step of the policy per unit of prediction error"
        ),
        "actor_forgetting_rate": Parameter(
            0.0, 1.0, (0.02, 0.5), "decay of the policy to indifference"
        ),
        "critic_learning_rate": Parameter(0.0, 1.0, (0.05, 0.9), "step of the value to reward"),
        "initial_value": Parameter(-math.inf, math.inf, (0.0, 1.0), "reward expected at the start"),
    }
    variants: ClassVar[dict[str, dict[str, float | str]]] = {
        "no_forgetting": {"actor_forgetting_rate": 0.0}
    }

    actor_learning_rate: Float[Array, ""] = eqx.field(converter=real)
    actor_forgetting_rate: Float[Array, ""] = eqx.field(converter=real)
    critic_learning_rate: Float[Array, ""] = eqx.field(converter=real)
    initial_value: Float[Array, ""] = eqx.field(converter=real, default=0.5)

    def initial_state(self, subject: Int[Array, ""]) -> ActorCriticState:
        policy = (jnp.zeros_like(self.actor_learning_rate),) * self.n_choices
        return ActorCriticState(policy, self.initial_value)

    def choice_logits(self, state: ActorCriticState) -> Float[Array, " choice"]:
        return jnp.stack(state.policy)

    def prediction_error(
        self, state: ActorCriticState, choice: Int[Array, ""], outcome: Float[Array, " outcome"]
    ) -> Float[Array, ""]:
        return self.reward_of(outcome) - state.value

    def update(
        self, state: ActorCriticState, choice: Int[Array, ""], outcome: Float[Array, " outcome"]
    ) -> ActorCriticState:
        error = self.prediction_error(state, choice, outcome)
        p = jax.nn.softmax(self.choice_logits(state))
        step, kept = self.actor_learning_rate * error, 1.0 - self.actor_forgetting_rate
        return ActorCriticState(
            policy=tuple(
                kept * theta + step * ((choice == i) - p[i]) for i, theta in enumerate(state.policy)
            ),
            value=state.value + self.critic_learning_rate * error,
        )

    def latents(self, state: ActorCriticState) -> dict[str, Float[Array, ""]]:
        return by_choice("theta", state.policy) | {"V": state.value}
