"""What the paths along one route came to, in memory and on disk."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int, PyTree

from ..unfinished import read_arrays, refuse_other, write_arrays


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
    """Writes checkpoints to one file. identity: of data and options."""
    arrays = {"scores": walked.scores, "n_open": walked.n_open}
    leaves = [[jax.tree.leaves(tree) for tree in row] for row in walked.averages]
    for i in range(len(leaves[0][0])):
        stacked = [np.stack([np.asarray(of_fold[i]) for of_fold in row]) for row in leaves]
        arrays[f"average/{i}"] = np.stack(stacked)
    write_arrays(file, arrays, {"identity": identity})


def read_walked(file: Path, identity: str, like: PyTree) -> Walked | None:
    """The checkpoints that `write_walked` wrote; None without a file. like: weights of one path.

    Raises DataError when the file is damaged or belongs to other data or options.
    """
    if not file.is_file():
        return None
    arrays, note = read_arrays(file)
    refuse_other(file, note, identity)
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
