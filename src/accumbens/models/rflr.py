"""Recursively formulated logistic regression: evidence from rewards, and the last choice."""

from __future__ import annotations

import math
from typing import ClassVar, NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from ..choices import PerChoice, of_choice
from .cognitive import Parameter, by_choice, real
from .unit_reward import UnitReward


class RFLRState(NamedTuple):
    """Evidence for each choice, and which one was made last (1; none: all 0)."""

    evidence: PerChoice
    last: PerChoice


class RFLR(UnitReward):
    """Recursively formulated logistic regression (RFLR).

    logits = phi + alpha [last choice];   phi(a) <- gamma phi(a) + beta r;
    phi(other) <- gamma phi(other);   gamma = exp(-1 / tau),   phi_1 = 0.

    For two choices this is log p(1)/p(0) = alpha c + sum over past trials of beta gamma^lag c r,
    with c = +1 for choice 1 and -1 for choice 0: a logistic regression on choices and rewards whose
    reward weights decay exponentially. It is also Q-learning that forgets as fast as it learns
    (learning rate 1 - gamma), which gives its prediction error,

    prediction error = beta r - (1 - gamma) phi(a), by how much the evidence for the choice grows.

    Args:
        choice_weight: alpha, in log-odds; positive repeats the last choice.
        reward_weight: beta, in log-odds.
        time_constant: tau, above 0, in choices.

    State: `RFLRState`. Latents: `evidence_0`, `evidence_1`, ...
    Source: Beron et al. (2022), PNAS 119:e2113961119, eqs. 4 to 7.
    """

    parameters: ClassVar[dict[str, Parameter]] = {
        "choice_weight": Parameter(
            -math.inf, math.inf, (-0.5, 1.5), "log-odds of repeating the last choice"
        ),
        "reward_weight": Parameter(
            -math.inf, math.inf, (0.5, 3.0), "evidence from one reward (log-odds)"
        ),
        "time_constant": Parameter(0.0, math.inf, (0.5, 5.0), "how long evidence lasts (choices)"),
    }
    scale_parameter: ClassVar[str | None] = "reward_weight"

    choice_weight: Float[Array, ""] = eqx.field(converter=real)
    reward_weight: Float[Array, ""] = eqx.field(converter=real)
    time_constant: Float[Array, ""] = eqx.field(converter=real)

    def initial_state(self, subject: Int[Array, ""]) -> RFLRState:
        nothing = (jnp.zeros_like(self.reward_weight),) * self.n_choices
        return RFLRState(nothing, nothing)

    def choice_logits(self, state: RFLRState) -> Float[Array, " choice"]:
        return jnp.stack(state.evidence) + self.choice_weight * jnp.stack(state.last)

    def prediction_error(
        self, state: RFLRState, choice: Int[Array, ""], outcome: Float[Array, " outcome"]
    ) -> Float[Array, ""]:
        lost = -jnp.expm1(-1 / self.time_constant)
        grown = self.reward_weight * self.reward_of(outcome)
        return grown - lost * of_choice(choice, state.evidence)

    def update(
        self, state: RFLRState, choice: Int[Array, ""], outcome: Float[Array, " outcome"]
    ) -> RFLRState:
        kept = jnp.exp(-1 / self.time_constant)
        grown = self.reward_weight * self.reward_of(outcome)
        return RFLRState(
            tuple(
                kept * x + jnp.where(choice == i, grown, 0) for i, x in enumerate(state.evidence)
            ),
            tuple(jnp.where(choice == i, jnp.ones_like(x), 0) for i, x in enumerate(state.last)),
        )

    def latents(self, state: RFLRState) -> dict[str, Float[Array, ""]]:
        return by_choice("evidence", state.evidence)
