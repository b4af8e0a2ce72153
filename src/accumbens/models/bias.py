"""The model without memory: a fixed preference, and a signal that knows only the reward."""

from __future__ import annotations

import math
from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from ..errors import ConfigError
from ..trials import Trials
from .cognitive import CognitiveModel, Parameter, real


class BiasOnly(CognitiveModel):
    """Choices with fixed log-odds against choice 0, whatever came before.

    logits = (0, bias);  prediction error = r, as nothing is expected. So signal = gain r + offset:
    fitted to rewards of 0 and 1 it is the mean of unrewarded and that of rewarded trials, the
    naive baseline of the signal.

    bias: log-odds of each further choice against choice 0, `n_choices - 1` of them; a number will
        do for two choices.
    State: none. Latents: none. Variant: "chance", every choice alike.
    Raises ConfigError when the number of biases does not suit the number of choices.

    Example:
        >>> import jax
        >>> import accumbens
        >>> model = accumbens.BiasOnly(bias=0.0)
        >>> jax.nn.softmax(model.choice_logits(())).tolist()
        [0.5, 0.5]
    """

    parameters: ClassVar[dict[str, Parameter]] = {
        "bias": Parameter(-math.inf, math.inf, (-1.0, 1.0), "log-odds against choice 0")
    }
    variants: ClassVar[dict[str, dict[str, float | str]]] = {"chance": {"bias": 0.0}}

    bias: Float[Array, "*others"] = eqx.field(converter=real)

    def __check_init__(self) -> None:
        allowed = {(), (1,)} if self.n_choices == 2 else {(self.n_choices - 1,)}
        if self.bias.shape not in allowed:
            one_for_each = f"{self.n_choices - 1} numbers, one for each choice but choice 0"
            raise ConfigError(
                f"BiasOnly has a bias of shape {self.bias.shape} for {self.n_choices} choices. "
                f"Give {'one number' if self.n_choices == 2 else one_for_each}."
            )

    @classmethod
    def at_start(cls, n_choices: int) -> BiasOnly:
        return cls(0.0 if n_choices == 2 else jnp.zeros(n_choices - 1), n_choices=n_choices)

    @classmethod
    def from_trials(cls, trials: Trials) -> BiasOnly:
        """The maximum-likelihood bias, bias_k = ln(n_k / n_0), of the scored choices of `trials`.

        A choice that was never made counts as half a one, so that it stays possible.
        """
        made = np.asarray(trials.choice)[np.asarray(trials.scored)]
        counts = np.maximum(np.bincount(made, minlength=trials.n_choices), 0.5)
        bias = jnp.asarray(np.log(counts[1:] / counts[0]))
        return cls(bias=bias, n_choices=trials.n_choices)

    def initial_state(self, subject: Int[Array, ""]) -> tuple[()]:
        return ()

    def choice_logits(self, state: tuple[()]) -> Float[Array, " choice"]:
        return jnp.concatenate([jnp.zeros(1, self.bias.dtype), jnp.atleast_1d(self.bias)])

    def prediction_error(
        self, state: tuple[()], choice: Int[Array, ""], outcome: Float[Array, " outcome"]
    ) -> Float[Array, ""]:
        return self.reward_of(outcome)

    def update(
        self, state: tuple[()], choice: Int[Array, ""], outcome: Float[Array, " outcome"]
    ) -> tuple[()]:
        return state

    def latents(self, state: tuple[()]) -> dict[str, Float[Array, ""]]:
        return {}
