"""How long and how fast one stage of gradient training goes."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, PyTree

from ...errors import ConfigError


@dataclasses.dataclass(frozen=True)
class StageConfig:
    """How long and how fast one stage of training goes."""

    steps: int = 1000
    """Gradient steps."""
    learning_rate: float = 5e-3
    """Adam's peak learning rate of the networks' weights."""
    warm_up: int = 50
    """Steps over which the learning rate rises linearly."""
    decay: float = 0.5
    """Last fraction of the steps, over which the learning rate falls to 2 % along a cosine."""
    settle: int = 0
    """The learning rate falls early once no term of the loss changes any more from one span of this
    many steps to the next; 0: never."""
    penalty_ramp: int = 0
    """Steps over which the penalties rise linearly from 0; 0: all of them from the first step."""
    clip: float = 1.0
    """Gradients of larger global norm are scaled down to this norm."""

    def __post_init__(self) -> None:
        self._check("steps", 0, 10_000_000)
        self._check("learning_rate", 1e-8, 1.0)
        self._check("warm_up", 0, 10_000_000)
        self._check("decay", 0.0, 1.0)
        self._check("settle", 0, 10_000_000)
        self._check("penalty_ramp", 0, 10_000_000)
        self._check("clip", 1e-8, 1e8)

    def _check(self, name: str, low: int | float, high: int | float) -> None:
        value = getattr(self, name)
        if not low <= value <= high:
            raise ConfigError(f"{name} is {value:g}; it must lie between {low:g} and {high:g}.")

    @property
    def decay_steps(self) -> int:
        """Steps over which the learning rate falls."""
        return round(self.decay * self.steps)

    @property
    def pace(self) -> Pace:
        """What a compiled step needs of this."""
        numbers = (
            self.learning_rate, self.warm_up, self.decay_steps, self.penalty_ramp, self.clip,
        )  # fmt: skip
        return Pace(*(jnp.asarray(np.float32(x)) for x in numbers))


class Pace(NamedTuple):
    """The numbers of a stage as arrays, so that one compiled step serves every stage."""

    learning_rate: Float[Array, ""]
    warm_up: Float[Array, ""]
    decay_steps: Float[Array, ""]
    penalty_ramp: Float[Array, ""]
    clip: Float[Array, ""]

    def rate_at(self, step: Array, falls_from: Array) -> Float[Array, "*step"]:
        """The learning rate: linear warm-up, plateau, cosine decay to 2 % of the peak.

        step: number of the gradient step, from 0. falls_from: the step that ends the plateau.
        """
        rise = jnp.minimum(1.0, (step + 1) / jnp.maximum(self.warm_up, 1))
        progress = jnp.clip((step - falls_from) / jnp.maximum(self.decay_steps, 1), 0.0, 1.0)
        fall = 0.02 + 0.98 * 0.5 * (1.0 + jnp.cos(jnp.pi * progress))
        return self.learning_rate * rise * fall

    def weights_at(self, step: Array, weights: PyTree) -> PyTree:
        """The penalties' weights at this step (from 0): all rise linearly over `penalty_ramp`."""
        risen = jnp.minimum(1.0, (step + 1) / jnp.maximum(self.penalty_ramp, 1))
        return jax.tree.map(lambda weight: risen * weight, weights)

    @property
    def adam(self) -> optax.GradientTransformation:
        """Adam after clipping, without its learning rate (Kingma & Ba 2015), on one flat vector."""
        clipped = optax.clip_by_global_norm(self.clip)  # type: ignore[arg-type]
        return optax.flatten(optax.chain(clipped, optax.scale_by_adam()))
