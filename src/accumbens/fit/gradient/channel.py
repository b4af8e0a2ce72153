"""How the first process speaks to the others, in the same order everywhere."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

SECONDS_TO_WAIT = 60
"""For a message at a time; there is no limit to how often."""
AT_ONCE = 2**28
"""Bytes of arrays that are sent together."""


class Channel:
    """Messages of the first process, by the store of JAX's coordinator, and arrays of it, by
    collectives. Only with several processes, after `jax.distributed.initialize`."""

    def __init__(self) -> None:
        from jax._src import distributed

        self._store: Any = distributed.global_state.client
        self._n = 0

    def send(self, message: bytes) -> None:
        """Sends the next message. Only in the first process, when all have acted on the last."""
        if self._n:
            self._store.key_value_delete(f"accumbens/{self._n}")
        self._store.key_value_set_bytes(self._next(), message)

    def receive(self) -> bytes:
        """Waits for the next message. Only in the other ones.

        Raises:
            JaxRuntimeError: the first process cannot be reached any more.
        """
        key = self._next()
        while True:
            try:
                return self._store.blocking_key_value_get_bytes(key, 1000 * SECONDS_TO_WAIT)
            except jax.errors.JaxRuntimeError as error:
                if "DEADLINE_EXCEEDED" not in str(error):
                    raise

    def broadcast(self, arrays: list[np.ndarray]) -> list[np.ndarray]:
        """The first process's arrays. In the other ones: arrays of the same shapes and types."""
        from jax.experimental import multihost_utils

        if jax.process_index() == 0:
            whole = np.frombuffer(b"".join(x.tobytes() for x in arrays), np.uint8)
        else:
            whole = np.zeros(sum(x.nbytes for x in arrays), np.uint8)
        parts = [
            multihost_utils.broadcast_one_to_all(whole[first : first + AT_ONCE])
            for first in range(0, len(whole), AT_ONCE)
        ]
        data = b"".join(np.asarray(part).tobytes() for part in parts)
        found, at = [], 0
        for x in arrays:
            found.append(np.frombuffer(data, x.dtype, x.size, at).reshape(x.shape))
            at += x.nbytes
        return found

    def _next(self) -> str:
        self._n += 1
        return f"accumbens/{self._n}"
