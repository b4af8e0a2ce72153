"""Gaussian information bottlenecks: what a channel lets through, and what that costs."""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

MIN_SIGMA = 1e-4
"""Floor on the noise of an open bottleneck; keeps the penalty and its gradient finite."""

OPEN_SIGMA = 0.05
"""Noise with which every bottleneck starts: open."""


def noise_scale(log_sigma: Float[Array, "*channel"]) -> Float[Array, "*channel"]:
    """sigma = MIN_SIGMA + exp(log_sigma), always positive; learned on the log scale."""
    return MIN_SIGMA + jnp.exp(log_sigma)


def open_log_sigma(*shape: int) -> Float[Array, "*channel"]:
    """The learned scale of open bottlenecks."""
    return jnp.full(shape, jnp.log(OPEN_SIGMA - MIN_SIGMA))


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
    """

    multiplier: Float[Array, "*channel"]
    log_sigma: Float[Array, "*channel"]

    @classmethod
    def open(cls, *shape: int) -> Bottleneck:
        """Bottlenecks that pass everything: multiplier 1, little noise."""
        return cls(jnp.ones(shape), open_log_sigma(*shape))

    @property
    def sigma(self) -> Float[Array, "*channel"]:
        return noise_scale(self.log_sigma)

    def penalty(self, mean_square: Float[Array, "*_"]) -> Float[Array, ""]:
        """Sum over channels of the KL divergence, in nats per trial.

        mean_square: mean over valid trials of x^2, broadcastable to the channels.
        """
        return kl_to_unit_normal(self.multiplier**2 * mean_square, self.sigma).sum()
