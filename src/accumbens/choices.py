"""Drawing a choice, and numbers that belong to choices, in a form fit for many sessions at once.

One number per choice is kept as a tuple of numbers, not as a vector: mapped over sessions, each
becomes one contiguous array on which a CPU handles many sessions with one instruction. Rows of two
would prevent that (simulation is then two to three times slower).
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
    """A choice drawn from softmax(logits) by one number in (0, 1), the inverse of the CDF."""
    highest = functools.reduce(jnp.maximum, logits)
    *below, total = itertools.accumulate(jnp.exp(logit - highest) for logit in logits)
    choice = jnp.zeros((), jnp.int32)
    for edge in below:
        choice = choice + (uniform * total >= edge)
    return choice
