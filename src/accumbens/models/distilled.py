"""A model given by equations: sums of products of latents, choice and outcomes.

What sparse regression makes of a fitted network (`accumbens.mechanisms.distill`) is such a model;
it runs through the same functions as every other.
"""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
from jax.core import Tracer
from jaxtyping import Array, Float, Int

from ..errors import ConfigError, DataError
from ..trials import Trials
from .base import Model

MAX_POWER = 3
"""The highest power of a latent or of an outcome in a term."""


class Terms(eqx.Module):
    """Sums of weighted terms, one sum for each output.

    term_t = product_j z_j^p_tj  x  factor_t[choice]  x  product_m o_m^q_tm
    output_k = sum_t weight_kt term_t

    Args:
        latent_power: p, whole numbers from 0 to 3.
        choice_factor: the factor of each term after each choice: 1 and 0 for a term that counts
            after some choices only, +1 and -1 for a signed choice, 1 for a term without choice.
        outcome_power: q, whole numbers from 0 to 3.
        weight: of each term in each output, in the output's unit.

    Raises:
        ConfigError: the arrays differ in terms, or a power is not 0, 1, 2 or 3.
    """

    latent_power: Int[Array, "term latent"]
    choice_factor: Float[Array, "term choice"]
    outcome_power: Int[Array, "term outcome"]
    weight: Float[Array, "output term"]

    def __check_init__(self) -> None:
        parts = self.latent_power, self.choice_factor, self.outcome_power, self.weight.T
        if len({part.shape[0] for part in parts}) > 1:
            numbers = ", ".join(str(part.shape[0]) for part in parts)
            raise ConfigError(
                "Powers of latents, factors of choices, powers of outcomes and weights must be of "
                f"as many terms, but they are of {numbers}."
            )
        for what, power in (("latent", self.latent_power), ("outcome", self.outcome_power)):
            if isinstance(power, Tracer) or not power.size:
                continue
            if int(power.min()) < 0 or int(power.max()) > MAX_POWER:
                raise ConfigError(
                    f"{what}_power runs from {int(power.min())} to {int(power.max())}; powers are "
                    f"whole numbers from 0 to {MAX_POWER}."
                )

    def features(
        self,
        latents: Float[Array, " latent"],
        choice: Int[Array, ""],
        outcome: Float[Array, " outcome"],
    ) -> Float[Array, " term"]:
        """Every term's value on one trial."""
        of_latents = _powers(latents, self.latent_power).prod(1)
        of_outcomes = _powers(outcome, self.outcome_power).prod(1)
        return of_latents * self.choice_factor[:, choice] * of_outcomes

    def __call__(
        self,
        latents: Float[Array, " latent"],
        choice: Int[Array, ""],
        outcome: Float[Array, " outcome"],
    ) -> Float[Array, " output"]:
        """The outputs on one trial."""
        return self.weight @ self.features(latents, choice, outcome)


class Distilled(Model):
    """A model whose update, choice rule and signals are sums of a few products.

    z_k <- z_k + sum_t weight_kt term_t(z, choice, outcome), kept between `lowest` and `highest`;
    logits_i = sum_t weight_it term_t(z);   signals_s = sum_t weight_st term_t(z, choice, outcome).

    Args:
        update_rule: of the latents, an output for each.
        choice_rule: an output for each choice; terms of latents alone.
        signal_rule: an output for each signal, in its own unit.
        initial: latents before the first trial of every session.
        lowest, highest: the range that a latent cannot leave, wherever a session leads.
        latent_names, outcome_names, signal_names: as in the model and the trials that it is of.

    Raises:
        ConfigError: the parts do not fit together.

    State: the latents.
    Source: Brunton, Proctor & Kutz (2016), PNAS 113:3932, for equations as sparse sums of a library
        of terms.
    """

    update_rule: Terms
    choice_rule: Terms
    signal_rule: Terms
    initial: Float[Array, " latent"]
    lowest: Float[Array, " latent"]
    highest: Float[Array, " latent"]
    latent_names: tuple[str, ...] = eqx.field(static=True)
    outcome_names: tuple[str, ...] = eqx.field(static=True)
    signal_names: tuple[str, ...] = eqx.field(static=True)

    def __check_init__(self) -> None:
        rules = self.update_rule, self.choice_rule, self.signal_rule
        numbers = {
            "latents": [
                len(self.latent_names),
                self.initial.shape[0],
                self.update_rule.weight.shape[0],
                *(rule.latent_power.shape[1] for rule in rules),
            ],
            "choices": [self.n_choices, *(rule.choice_factor.shape[1] for rule in rules)],
            "outcomes": [len(self.outcome_names), *(r.outcome_power.shape[1] for r in rules)],
            "signals": [len(self.signal_names), self.signal_rule.weight.shape[0]],
        }
        for what, found in numbers.items():
            if len(set(found)) > 1:
                raise ConfigError(
                    f"The parts of a distilled model must have the same number of {what}, but "
                    f"they have {', '.join(map(str, found))}."
                )

    @property
    def name(self) -> str:
        return "Distilled model"

    @property
    def n_choices(self) -> int:
        return self.choice_rule.weight.shape[0]

    @property
    def n_signals(self) -> int:
        return len(self.signal_names)

    def check_outcomes(self, trials: Trials) -> None:
        if len(trials.names.outcomes) != len(self.outcome_names):
            raise DataError(
                f"The distilled model is of the outcomes {', '.join(self.outcome_names)}, but the "
                f"trials have {', '.join(trials.names.outcomes)}. Give trials with those outcomes."
            )

    def initial_state(self, subject: Int[Array, ""]) -> Float[Array, " latent"]:
        return self.initial

    def choice_logits(self, state: Float[Array, " latent"]) -> Float[Array, " choice"]:
        n_outcomes = self.choice_rule.outcome_power.shape[1]
        return self.choice_rule(state, jnp.zeros((), jnp.int32), jnp.zeros(n_outcomes, state.dtype))

    def signals(
        self,
        state: Float[Array, " latent"],
        choice: Int[Array, ""],
        outcome: Float[Array, " outcome"],
    ) -> Float[Array, " signal"]:
        return self.signal_rule(state, choice, outcome)

    def update(
        self,
        state: Float[Array, " latent"],
        choice: Int[Array, ""],
        outcome: Float[Array, " outcome"],
    ) -> Float[Array, " latent"]:
        moved = state + self.update_rule(state, choice, outcome)
        return jnp.clip(moved, self.lowest, self.highest)

    def latents(self, state: Float[Array, " latent"]) -> dict[str, Float[Array, ""]]:
        return dict(zip(self.latent_names, state, strict=True))

    def _facts(self) -> list[tuple[str, str]]:
        rules = {"update": self.update_rule, "choice": self.choice_rule, "signal": self.signal_rule}
        facts = [("latents", ", ".join(self.latent_names) or "none")]
        return facts + [
            (f"terms of the {name} rule", str(int((rule.weight != 0).sum())))
            for name, rule in rules.items()
            if rule.weight.size
        ]


def _powers(x: Float[Array, " n"], power: Int[Array, "term n"]) -> Float[Array, "term n"]:
    """x_j ^ power_tj; 1 for the power 0, also of 0."""
    table = jnp.stack([x**p for p in range(MAX_POWER + 1)])
    return table[power, jnp.arange(x.shape[0])]
