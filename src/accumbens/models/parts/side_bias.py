"""Side bias: a preference for a side, or key, or arm, whatever happened there."""

from __future__ import annotations

import math
from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from ...errors import ConfigError
from ..base import State
from ..cognitive import CognitiveModel, Parameter, real
from .part import Part


class SideBias(Part):
    """A fixed preference between the choices.

    logits = model's logits + (0, side_bias)

    Args:
        side_bias: Log-odds of each further choice against choice 0; a number for two choices, and
            `n_choices - 1` numbers for more.
    """

    parameters: ClassVar[dict[str, Parameter]] = {
        "side_bias": Parameter(
            -math.inf, math.inf, (-1.0, 1.0), "preference against choice 0 (log-odds)"
        )
    }

    side_bias: Float[Array, "*others"] = eqx.field(converter=real)

    def choice_logits(
        self, state: State, logits: Float[Array, " choice"], model: CognitiveModel
    ) -> Float[Array, " choice"]:
        others = logits[1:] + jnp.atleast_1d(self.side_bias)
        return jnp.concatenate([logits[:1], others])

    def check(self, n_choices: int) -> None:
        allowed = () if n_choices == 2 else (n_choices - 1,)
        if self.side_bias.shape != allowed:
            needed = f"{n_choices - 1} numbers, one for each choice but choice 0"
            raise ConfigError(
                f"side_bias has shape {self.side_bias.shape} for {n_choices} choices. Give "
                f"{'one number' if n_choices == 2 else needed}."
            )

    @classmethod
    def at_start(cls, n_choices: int) -> SideBias:
        return cls(0.0 if n_choices == 2 else jnp.zeros(n_choices - 1))
