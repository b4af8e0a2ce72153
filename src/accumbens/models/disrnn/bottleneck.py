"""Gaussian information bottlenecks: what a channel lets through, what that costs, how it learns."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

MIN_SIGMA = 1e-4
"""Floor on the noise of an open bottleneck; keeps the penalty and its gradient finite."""

OPEN_SIGMA = 0.05
"""Noise with which every bottleneck starts: open."""


def noise_scale(log_sigma: Float[Array, "*channel"]) -> Float[Array, "*channel"]:
    """sigma = MIN_SIGMA + exp(log_sigma), always positive; learned on the log scale."""
    return MIN_SIGMA + jnp.exp(log_sigma)


def kl_to_unit_normal(
    mean_square: Float[Array, "*channel"], sigma: Float[Array, "*channel"]
) -> Float[Array, "*channel"]:
    """KL(N(mu, sigma^2) || N(0, 1)) = (mu^2 + sigma^2 - 1 - ln sigma^2) / 2, in nats.

    mean_square: mu^2, or its mean over trials (the penalty is linear in it).
    """
    return 0.5 * (mean_square + sigma**2 - 1.0) - jnp.log(sigma)


class Bottleneck(eqx.Module):
    """Independent noisy channels: y = multiplier * x + sigma * eps, eps ~ N(0, 1).

    Closed by its penalty as multiplier -> 0 and sigma -> 1. Miller et al. 2023.

    multiplier: None for channels that are noisy, but not scaled (a latent's own: its networks set
        its scale already).
    log_sigma: logarithm of the noise above its floor, see `noise_scale`.
    """

    multiplier: Float[Array, "*channel"] | None
    log_sigma: Float[Array, "*channel"]

    @classmethod
    def open(cls, *shape: int, scaled: bool = True) -> Bottleneck:
        """Bottlenecks that pass everything: multiplier 1, little noise."""
        log_sigma = jnp.full(shape, jnp.log(OPEN_SIGMA - MIN_SIGMA))
        return cls(jnp.ones(shape) if scaled else None, log_sigma)

    @property
    def gain(self) -> Float[Array, "*channel"]:
        """The multiplier, 1 where there is none to learn."""
        return jnp.ones_like(self.log_sigma) if self.multiplier is None else self.multiplier

    @property
    def sigma(self) -> Float[Array, "*channel"]:
        """Standard deviation of the noise."""
        return noise_scale(self.log_sigma)

    def penalty(self, mean_square: Float[Array, "*_"]) -> Float[Array, ""]:
        """Sum over channels of the KL divergence, in nats per trial.

        mean_square: mean over valid trials of x^2, broadcastable to the channels.
        """
        if self.multiplier is not None:
            mean_square = self.multiplier**2 * mean_square
        return kl_to_unit_normal(mean_square, self.sigma).sum()

    def learning_rates(self, rate: Any) -> Bottleneck:
        """A pytree like this one that holds `rate` for each of its arrays."""
        return jax.tree.map(lambda _: rate, self)


def relative_learning_rates(part: PyTree, bottleneck_rate: Any, rate: Any) -> PyTree:
    """How fast each array of a part learns: a pytree like `part`.

    `bottleneck_rate` for the arrays of every `Bottleneck`, `rate` for all others.
    """

    def rates(node: Any) -> Any:
        if isinstance(node, Bottleneck):
            return node.learning_rates(bottleneck_rate)
        return rate

    return jax.tree.map(rates, part, is_leaf=lambda node: isinstance(node, Bottleneck))
