"""Choice kernel: a tendency to repeat recent choices, or to leave them, whatever they brought."""

from __future__ import annotations

import math
from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from ...choices import PerChoice
from ..cognitive import CognitiveModel, Parameter, by_choice, real
from .part import Part


class ChoiceKernel(Part):
    """Perseveration: a trace of past choices that adds to their log-odds.

    logits = model's logits + perseveration K;   K(i) <- K(i) + rate ([i chosen] - K(i)),   K_1 = 0

    With a rate of 1 only the last choice counts (a one-step kernel). A fit holds the rate at 1
    unless it is among the free parameters.

    Args:
        perseveration: Log-odds that a choice gains when its trace is full (K = 1); negative for
            alternation.
        perseveration_rate: How fast the trace follows choices, from 0 to 1.

    Source: Lau & Glimcher (2005), J Exp Anal Behav 84:555; as a choice kernel, Wilson & Collins
    (2019), eLife 8:e49547, eq. 6.
    """

    parameters: ClassVar[dict[str, Parameter]] = {
        "perseveration": Parameter(
            -math.inf, math.inf, (-0.5, 1.5), "log-odds of repeating recent choices"
        ),
        "perseveration_rate": Parameter(
            0.0, 1.0, (0.1, 0.9), "how fast the trace follows choices (1: last choice)", default=1.0
        ),
    }

    perseveration: Float[Array, ""] = eqx.field(converter=real)
    perseveration_rate: Float[Array, ""] = eqx.field(converter=real, default=1.0)

    def initial_state(self, n_choices: int) -> PerChoice:
        return (jnp.zeros_like(self.perseveration),) * n_choices

    def choice_logits(
        self, state: PerChoice, logits: Float[Array, " choice"], model: CognitiveModel
    ) -> Float[Array, " choice"]:
        return logits + self.perseveration * jnp.stack(state)

    def update(
        self, state: PerChoice, choice: Int[Array, ""], outcome: Float[Array, " outcome"]
    ) -> PerChoice:
        return tuple(
            trace + self.perseveration_rate * ((choice == i) - trace)
            for i, trace in enumerate(state)
        )

    def latents(self, state: PerChoice) -> dict[str, Float[Array, ""]]:
        return by_choice("kernel", state)
