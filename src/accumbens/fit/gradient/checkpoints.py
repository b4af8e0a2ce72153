"""What a fit has reached, on disk: one file, replaced as a whole, readable after any kill."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PyTree

from ...errors import DataError
from ..unfinished import read_arrays, refuse_other, write_arrays
from .training import TrainingState

SECONDS_BETWEEN_SAVES = 10.0
FORMAT = 3
"""Arrays by their paths. Version 0.1.0 numbered them, and nothing said which was which."""


class Checkpoint(NamedTuple):
    """The model after the last finished stage, the number of the stage that is under way and its
    training state (None before its first step), every stage's history and seconds."""

    model: Any
    stage: int
    state: TrainingState | None
    history: dict[str, dict[str, np.ndarray]]
    seconds: dict[str, float]


class CheckpointFile:
    """A checkpoint in one safetensors file, written to a temporary name, then renamed.

    identity: what the checkpoint belongs to (configuration, seed, data); another one is refused.
    """

    def __init__(self, path: Path, identity: str) -> None:
        self.path: Path = path
        self.identity: str = identity
        self._saved = time.monotonic()

    def save_now_and_then(self, checkpoint: Callable[[], Checkpoint]) -> None:
        """Saves if the last save is some seconds ago."""
        if time.monotonic() - self._saved >= SECONDS_BETWEEN_SAVES:
            self.save(checkpoint())

    def save(self, checkpoint: Checkpoint) -> None:
        """Replaces the file."""
        arrays = _by_path("model", checkpoint.model)
        note = {
            "format": FORMAT,
            "identity": self.identity,
            "stage": checkpoint.stage,
            "seconds": checkpoint.seconds,
            "order": [[stage, list(terms)] for stage, terms in checkpoint.history.items()],
        }
        if checkpoint.state is not None:
            state = checkpoint.state
            arrays |= _by_path("trained", state.trained) | _by_path("adam", state.adam)
            note["state"] = [state.step, state.falls_from, state.rate_factor, state.retries]
            if state.average is not None:
                arrays |= _by_path("average", state.average)
        for stage, terms in checkpoint.history.items():
            arrays |= {f"history/{stage}/{name}": values for name, values in terms.items()}
        write_arrays(self.path, arrays, note)
        self._saved = time.monotonic()

    def load(
        self,
        initial: Checkpoint,
        initial_state: Callable[[Any, int], TrainingState],
    ) -> Checkpoint | None:
        """What the file holds, or None if there is no file.

        initial: a checkpoint of the same structure. initial_state(model, stage): the training state
        with which a stage begins. Raises DataError when the file is damaged or of another fit.
        """
        if not self.path.is_file():
            return None
        arrays, note = read_arrays(self.path)
        if note.get("format") != FORMAT:
            raise DataError(
                f"The checkpoint {self.path} is of another version of accumbens, and only that "
                "version can continue it. Delete it to start this fit afresh."
            )
        refuse_other(self.path, note, self.identity)
        model = self._restored("model", initial.model, arrays)
        state = None
        if "state" in note:
            template = initial_state(model, note["stage"])
            state = TrainingState(
                self._restored("trained", template.trained, arrays),
                self._restored("adam", template.adam, arrays),
                *note["state"],
                average=self._restored("average", template.average, arrays),
            )
        history = {
            stage: {term: arrays[f"history/{stage}/{term}"] for term in terms}
            for stage, terms in note["order"]
        }
        return Checkpoint(model, note["stage"], state, history, note["seconds"])

    def _restored(self, prefix: str, template: PyTree, arrays: dict[str, np.ndarray]) -> PyTree:
        """A pytree like the template, with the file's arrays."""

        def restored(name: str, like: Any) -> Any:
            found = arrays.get(name)
            if found is None or (found.shape, found.dtype) != (like.shape, like.dtype):
                has = "nothing" if found is None else f"{found.dtype} of shape {found.shape}"
                raise DataError(
                    f"The checkpoint {self.path} is damaged: it has {has} for {name}, and the fit "
                    f"needs {like.dtype} of shape {like.shape}. Delete it to start afresh."
                )
            return jnp.asarray(found)

        leaves, structure = jax.tree.flatten(template)
        names = _by_path(prefix, template)
        return jax.tree.unflatten(structure, map(restored, names, leaves))


def _by_path(prefix: str, tree: PyTree) -> dict[str, np.ndarray]:
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    return {
        f"{prefix}/{jax.tree_util.keystr(path)}": np.array(leaf, order="C") for path, leaf in leaves
    }
