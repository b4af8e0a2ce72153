"""How long and how fast one stage of gradient training goes."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, PyTree

from .config import StageConfig


class Pace(NamedTuple):
    """The numbers of a stage as arrays, so that one compiled step serves every stage."""

    learning_rate: Float[Array, ""]
    warm_up: Float[Array, ""]
    decay_steps: Float[Array, ""]
    penalty_ramp: Float[Array, ""]
    clip: Float[Array, ""]

    @classmethod
    def of(cls, stage: StageConfig) -> Pace:
        """The numbers of a stage."""
        numbers = (
            stage.learning_rate, stage.warm_up, stage.decay_steps, stage.penalty_ramp, stage.clip,
        )  # fmt: skip
        return cls(*(jnp.asarray(np.float32(x)) for x in numbers))

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
