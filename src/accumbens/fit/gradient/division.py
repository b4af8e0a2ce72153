"""How the sessions of each gradient step are divided among devices, whose gradients are averaged.

Device i of n takes sessions i, i + n, i + 2 n, ... of a step, so that devices have sessions of
about the same lengths. Its means divide by 1 / n of the numbers of all of them (see `Counts`), so
that the mean over devices is what one device gives that has all: the likelihood, the penalties per
valid trial, and what does not depend on trials. Noise goes by a session's place in the whole step.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Int, PyTree

from ...noise import SessionShare
from ...trials import Batch, Counts

Seen = Callable[[Any], tuple[Any, SessionShare | None]]
"""What this device sees of a step, given the numbers of the step's sessions (None: all of them)."""
AXIS = "device"
"""Name of the mesh's axis."""


@dataclasses.dataclass(frozen=True)
class Division:
    """Among `n` devices; with more than one, everything here is called inside `jax.shard_map`."""

    n: int = 1

    def seen(self, data: Any, sessions: Any, counts: Counts | None) -> Seen:
        """What this device sees of each step.

        data: of all sessions. sessions: of mini-batches; None where every step sees all. counts:
        what means over a mini-batch divide by.
        """
        if self.n == 1:
            return lambda chosen: (data if chosen is None else data.at(chosen, counts), None)
        batch = data if isinstance(data, Batch) else data.batch
        own = jax.tree.map(lambda number: number / self.n, counts or _counts(batch))

        def here(chosen: Int[Array, " place"]) -> tuple[Any, SessionShare]:
            n_places = len(chosen)
            numbers = (jax.lax.axis_index(AXIS), self.n, n_places)
            share = SessionShare(*(jnp.asarray(number, jnp.uint32) for number in numbers))
            places = share.numbers(-(-n_places // self.n)).astype(jnp.int32)
            there = places < n_places
            mine = jnp.where(there, chosen[jnp.where(there, places, 0)], -1)
            return data.at(mine, own), share

        if sessions is not None:
            return here
        always = here(jnp.arange(len(batch.valid)))
        return lambda _: always

    def mean(self, tree: PyTree) -> PyTree:
        """The mean over devices, by one message a step."""
        if self.n == 1:
            return tree
        numbers, restored = ravel_pytree(tree)
        return restored(jax.lax.pmean(numbers, AXIS))


ALONE = Division()


def _counts(batch: Batch) -> Counts:
    """What means over all sessions divide by, inside of a trace."""
    numbers = (batch.valid.sum(), batch.scored.sum(), batch.signal_scored.sum((0, 1)))
    return Counts(*(jnp.maximum(number, 1).astype(jnp.float32) for number in numbers))
