"""What the paths along one route came to, in memory and on disk."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int, PyTree

from ...errors import DataError
from ...files import make_folder, write_atomically


class Walked(NamedTuple):
    """Every checkpoint of the paths of some folds; of all trials too, last, where it was walked.

    averages: averaged weights, by checkpoint and fold. scores: log likelihood (nats) of each
    session's held-out and fitted trials. n_open: open latents.
    """

    averages: list[list[PyTree]]
    scores: Float[np.ndarray, "checkpoint fold part session"]
    n_open: Int[np.ndarray, "checkpoint fold"]


def joined(folds: Walked, whole: Walked) -> Walked:
    """The paths of all folds, and the path of all trials."""
    averages = [a + b for a, b in zip(folds.averages, whole.averages, strict=True)]
    scores = np.concatenate([folds.scores, whole.scores], axis=1)
    return Walked(averages, scores, np.concatenate([folds.n_open, whole.n_open], axis=1))


def write_walked(file: Path, identity: str, walked: Walked) -> None:
    """Writes checkpoints to one safetensors file. identity: of data and options."""
    from safetensors.numpy import save

    arrays = {"scores": np.ascontiguousarray(walked.scores), "n_open": walked.n_open}
    leaves = [[jax.tree.leaves(tree) for tree in row] for row in walked.averages]
    for i in range(len(leaves[0][0])):
        stacked = [np.stack([np.asarray(of_fold[i]) for of_fold in row]) for row in leaves]
        arrays[f"average/{i}"] = np.stack(stacked)
    make_folder(file.parent)
    note = {"note": json.dumps({"identity": identity})}
    write_atomically(file, save(arrays, metadata=note))


def read_walked(file: Path, identity: str, like: PyTree) -> Walked | None:
    """The checkpoints that `write_walked` wrote; None without a file. like: weights of one path.

    Raises DataError when the file is damaged or belongs to other data or options.
    """
    from safetensors import SafetensorError, safe_open

    if not file.is_file():
        return None
    try:
        with safe_open(file, framework="numpy") as opened:
            note = json.loads(opened.metadata()["note"])
            arrays = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
        found = note["identity"]
    except (SafetensorError, KeyError, TypeError, ValueError, OSError) as error:
        raise DataError(
            f"The checkpoint {file} is damaged ({error}). Delete it to start afresh."
        ) from error
    if found != identity:
        raise DataError(
            f"The checkpoint {file} belongs to a fit with other data or options. "
            "Resume with the run's own options, or fit into another folder."
        )
    leaves, structure = jax.tree.flatten(like)
    stacked = [arrays[f"average/{i}"] for i in range(len(leaves))]
    n_checkpoints, n_folds = arrays["n_open"].shape
    averages = [
        [
            jax.tree.unflatten(structure, [jnp.asarray(x[c, fold]) for x in stacked])
            for fold in range(n_folds)
        ]
        for c in range(n_checkpoints)
    ]
    return Walked(averages, arrays["scores"], arrays["n_open"])
