"""A Bayesian agent: one choice is good, it may change at any time, and the agent infers which."""

from __future__ import annotations

import math
from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from ..choices import PerChoice, of_choice
from .cognitive import MAX_INVERSE_TEMPERATURE, Parameter, by_choice, real
from .unit_reward import UnitReward

MIN_PROBABILITY = 1e-6
"""Probabilities are taken to be at least this far from 0 and 1: nothing is impossible."""


class BeliefAgent(UnitReward):
    """A belief of which choice is the good one, updated by Bayes' rule.

    The good choice is rewarded with probability p, the others with q; after each trial another
    choice becomes the good one with probability h.

    posterior(i) ~ b(i) P(r | i is good);   P(r | i is good) = p^r (1 - p)^(1 - r) for i = a, else
    q^r (1 - q)^(1 - r);   b(i) <- (1 - h) posterior(i) + h (1 - posterior(i)) / (n_choices - 1);
    logits = beta b,   b_1 = 1 / n_choices;   prediction error = r - (b(a) p + (1 - b(a)) q).

    The state is log b, so that single precision loses nothing where the agent is certain.

    Args:
        good_reward_probability: p, of a reward where the agent believes it best, from 0.01 to 0.99.
        bad_reward_probability: q, of a reward elsewhere, from 0.01 to 0.99.
        hazard: h, of a change after each trial, from 0.001 to 0.5.
        inverse_temperature: beta, in log-odds per unit of belief, above 0.

    State: log b of each choice. Latents: `belief_0`, `belief_1`, ...
    Source: Qü et al. (2025), PLoS Comput Biol 21:e1013226, model BI, with p and q both free;
    Eckstein et al. (2022), Dev Cogn Neurosci 55:101106.
    """

    parameters: ClassVar[dict[str, Parameter]] = {
        "good_reward_probability": Parameter(
            0.01, 0.99, (0.55, 0.95), "believed chance of reward after the good choice"
        ),
        "bad_reward_probability": Parameter(
            0.01, 0.99, (0.05, 0.45), "believed chance of reward after another choice"
        ),
        "hazard": Parameter(0.001, 0.5, (0.01, 0.3), "believed chance of a change after a trial"),
        "inverse_temperature": Parameter(
            0.0, MAX_INVERSE_TEMPERATURE, (0.5, 8.0), "log-odds of choice per unit of belief"
        ),
    }

    good_reward_probability: Float[Array, ""] = eqx.field(converter=real)
    bad_reward_probability: Float[Array, ""] = eqx.field(converter=real)
    hazard: Float[Array, ""] = eqx.field(converter=real)
    inverse_temperature: Float[Array, ""] = eqx.field(converter=real)

    def initial_state(self, subject: Int[Array, ""]) -> PerChoice:
        return (jnp.full_like(self.hazard, -math.log(self.n_choices)),) * self.n_choices

    def choice_logits(self, state: PerChoice) -> Float[Array, " choice"]:
        return self.inverse_temperature * jnp.exp(jnp.stack(state))

    def prediction_error(
        self, state: PerChoice, choice: Int[Array, ""], outcome: Float[Array, " outcome"]
    ) -> Float[Array, ""]:
        belief = jnp.exp(of_choice(choice, state))
        p, q = self.good_reward_probability, self.bad_reward_probability
        return self.reward_of(outcome) - (q + belief * (p - q))

    def update(
        self, state: PerChoice, choice: Int[Array, ""], outcome: Float[Array, " outcome"]
    ) -> PerChoice:
        reward = self.reward_of(outcome)
        if_good = _log_likelihood(reward, self.good_reward_probability)
        if_bad = _log_likelihood(reward, self.bad_reward_probability)
        joint = tuple(b + jnp.where(choice == i, if_good, if_bad) for i, b in enumerate(state))
        evidence = _log_sum(joint)
        posterior = tuple(b - evidence for b in joint)
        hazard = jnp.clip(self.hazard, MIN_PROBABILITY, 1 - MIN_PROBABILITY)
        stays, comes = jnp.log1p(-hazard), jnp.log(hazard / (self.n_choices - 1))

        def moved(i):
            others = _log_sum(posterior[:i] + posterior[i + 1 :])
            return jnp.logaddexp(stays + posterior[i], comes + others)

        return tuple(moved(i) for i in range(self.n_choices))

    def latents(self, state: PerChoice) -> dict[str, Float[Array, ""]]:
        return by_choice("belief", tuple(map(jnp.exp, state)))


def _log_likelihood(reward, probability):
    """log P(reward); of a part of a reward, the mixture of the logs."""
    p = jnp.clip(probability, MIN_PROBABILITY, 1 - MIN_PROBABILITY)
    return reward * jnp.log(p) + (1 - reward) * jnp.log1p(-p)


def _log_sum(logs: PerChoice) -> Float[Array, ""]:
    """log of the sum of exp(logs)."""
    total = logs[0]
    for value in logs[1:]:
        total = jnp.logaddexp(total, value)
    return total
