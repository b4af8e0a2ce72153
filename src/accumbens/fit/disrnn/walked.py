"""What the paths along one route came to, in memory and on disk."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int, PyTree

from ..folds import expected_after_all
from ..unfinished import read_arrays, refuse_other, write_arrays
from .candidates import Candidate, Route
from .paths import STEPS_PER_CHECKPOINT, least, rising, strength


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


def factor_at(route: Route, step: int, n_trials: int, n_steps: int) -> float:
    """Of the penalties at a checkpoint of a route, with so many scored trials and steps in all."""
    scale = strength(route.share, n_trials)
    return float(rising(np.array([step - 1]), n_steps, scale, least(route.share)).factor[0])


def candidates_along(
    route: Route, walked: Walked, n_folds: int, n_trials: int, n_steps: int
) -> list[Candidate]:
    """Every checkpoint along a route.

    n_trials: scored trials in all. n_steps: of the path to its end.
    """
    candidates = []
    for i, scores in enumerate(walked.scores):
        step = (i + 1) * STEPS_PER_CHECKPOINT
        held_out = float(scores[:n_folds, 0].sum() / n_trials)
        fitted = float(scores[:n_folds, 1].sum() / (n_trials * (n_folds - 1)))
        n_open = [int(n) for n in walked.n_open[i]]
        candidates.append(
            Candidate(
                route, step, factor_at(route, step, n_trials, n_steps), held_out, fitted,
                expected_after_all(held_out, fitted, n_folds),
                n_open[n_folds] if len(n_open) > n_folds else None, tuple(n_open[:n_folds]),
            )
        )  # fmt: skip
    return candidates


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
