"""What gradient training minimises, as far as the trainer needs to know it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jaxtyping import Array, Float

from ...noise import NoiseSource

Terms = dict[str, Float[Array, ""]]
"""The loss and its parts by name; `loss` is what is minimised."""

Objective = Callable[[Any, Any, Any, NoiseSource | None], tuple[Float[Array, ""], Terms]]
"""(model, data, weights of the penalties, noise) -> (loss, terms); pure and traceable by JAX.

Data and weights are arguments, not constants, so that one compiled step serves all of one shape.
"""
