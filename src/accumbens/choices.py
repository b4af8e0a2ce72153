"""Drawing a choice, and numbers that belong to choices, in a form that is fast for many sessions.

One number for each choice is kept as a tuple of numbers, not as a vector. Mapped over sessions,
each becomes one contiguous array, on which a CPU handles many sessions with one instruction. Rows
of two would prevent that; simulation would be two to three times slower.
"""

from __future__ import annotations

import functools
import itertools

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

PerChoice = tuple[Float[Array, ""], ...]
"""One number for each choice."""


def of_choice(choice: Int[Array, ""], values: PerChoice) -> Float[Array, ""]:
    """The value of the choice made."""
    value = values[0]
    for i, other in enumerate(values[1:], start=1):
        value = jnp.where(choice == i, other, value)
    return value


def sample_choice(logits: Float[Array, " choice"], uniform: Float[Array, ""]) -> Int[Array, ""]:
    """A choice drawn from softmax(logits), by the inverse of its cumulative distribution.

    Args:
        logits: log-odds of each choice.
        uniform: a random number in (0, 1).

    Returns:
        Number of the choice, from 0.
    """
    highest = functools.reduce(jnp.maximum, logits)
    *below, total = itertools.accumulate(jnp.exp(logit - highest) for logit in logits)
    choice = jnp.zeros((), jnp.int32)
    for edge in below:
        choice = choice + (uniform * total >= edge)
    return choice
