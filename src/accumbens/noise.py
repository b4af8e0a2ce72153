"""Where the noise of a training step comes from; what the trainer and the models share."""

from __future__ import annotations

from typing import NamedTuple

import jax
from jaxtyping import Array, Float, PRNGKeyArray


class NoiseSource(NamedTuple):
    """Where a training step's noise comes from.

    key: of this step. amount: 1; or 0 in the warm-up, when bottlenecks neither add noise nor cost
    anything. One compiled step serves both.
    """

    key: PRNGKeyArray
    amount: Float[Array, ""]


def split_noise(source: NoiseSource | None, n: int) -> tuple[NoiseSource | None, ...]:
    """`n` independent sources of the same amount; `n` times None for None, which is no noise."""
    if source is None:
        return (None,) * n
    return tuple(NoiseSource(key, source.amount) for key in jax.random.split(source.key, n))
