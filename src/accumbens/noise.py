"""Where the noise of a training step comes from; what the trainer and the models share."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray, UInt32


class SessionShare(NamedTuple):
    """Which sessions of a step one device has: number `first`, and from there every `every`-th of
    `total`. Their noise is what it is where one device has all of them."""

    first: UInt32[Array, ""]
    every: UInt32[Array, ""]
    total: UInt32[Array, ""]

    @classmethod
    def whole(cls, n_sessions: int) -> SessionShare:
        """All of them."""
        return cls(*(jnp.uint32(number) for number in (0, 1, n_sessions)))

    def numbers(self, n_sessions: int) -> UInt32[Array, " session"]:
        """Of the sessions here, among all of the step."""
        return self.first + self.every * jnp.arange(n_sessions, dtype=jnp.uint32)


class NoiseSource(NamedTuple):
    """Where a training step's noise comes from.

    key: of this step. amount: 1; or 0 in the warm-up, when bottlenecks neither add noise nor cost
    anything. One compiled step serves both. share: which sessions of the step they are for; None
    for all.
    """

    key: PRNGKeyArray
    amount: Float[Array, ""]
    share: SessionShare | None = None


def split_noise(source: NoiseSource | None, n: int) -> tuple[NoiseSource | None, ...]:
    """`n` independent sources of the same amount; `n` times None for None, which is no noise."""
    if source is None:
        return (None,) * n
    return tuple(source._replace(key=key) for key in jax.random.split(source.key, n))


def address_of(
    key: UInt32[Array, " word"], share: SessionShare | None, n_sessions: int
) -> UInt32[Array, " address"]:
    """Five words by which compiled code finds its noise: those of the key, and the share."""
    return jnp.concatenate([key, jnp.stack(share or SessionShare.whole(n_sessions))])
