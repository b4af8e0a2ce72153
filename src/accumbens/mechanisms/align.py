"""Which latent of one fit is which of another: by their trajectories, whatever order and sign."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.optimize import linear_sum_assignment

from ..errors import DataError
from .anatomy import Anatomy


class Alignment(NamedTuple):
    """Latents of a fit, matched with those of a reference.

    Attributes:
        reference: numbers of the matched latents of the reference, in its own order.
        other: numbers of those latents of the fit that match them, in the same order.
        scale: of the affine map, reference = scale x other + offset; negative where the two point
            opposite ways.
        offset: of the affine map.
        r2: share of the variance of each latent that the map explains; the same both ways.
    """

    reference: Int[np.ndarray, " pair"]
    other: Int[np.ndarray, " pair"]
    scale: Float[np.ndarray, " pair"]
    offset: Float[np.ndarray, " pair"]
    r2: Float[np.ndarray, " pair"]


def align_latents(
    reference: Float[np.ndarray, "trial latent"], other: Float[np.ndarray, "other_trial other"]
) -> Alignment:
    """The matching of latents with the largest sum of R2, each pair up to sign, scale and offset.

    Args:
        reference: trajectories along some trials.
        other: trajectories along the same trials; there may be more or fewer latents.

    Returns:
        As many pairs as the fewer latents.

    Raises:
        DataError: the trials are not as many in both.

    Source:
        The assignment problem; scipy.optimize.linear_sum_assignment (Crouse 2016, IEEE Trans Aerosp
        Electron Syst 52:1679).
    """
    if len(reference) != len(other):
        raise DataError(
            f"The trajectories have {len(reference)} and {len(other)} trials. Take both along the "
            "same trials."
        )
    a, b = reference - reference.mean(0), other - other.mean(0)
    size_a, size_b = np.sqrt((a**2).sum(0)), np.sqrt((b**2).sum(0))
    r = (a.T @ b) / np.maximum(np.outer(size_a, size_b), 1e-30)
    rows, columns = linear_sum_assignment(-(r**2))
    scale = r[rows, columns] * size_a[rows] / np.maximum(size_b[columns], 1e-30)
    offset = reference.mean(0)[rows] - scale * other.mean(0)[columns]
    return Alignment(rows, columns, scale, offset, np.minimum(r[rows, columns] ** 2, 1.0))


def shared_r2(
    reference: Float[np.ndarray, "trial latent"], other: Float[np.ndarray, "trial other"]
) -> Float[np.ndarray, " latent"]:
    """R2 of each latent of the reference, regressed on all latents of the other fit together.

    Where these are near 1 and those of single pairs are not, both fits hold the same information,
    along other axes.

    Args:
        reference: trajectories along some trials.
        other: trajectories along the same trials.
    """
    design = np.column_stack([np.ones(len(other)), other])
    rest = reference - design @ np.linalg.lstsq(design, reference, rcond=None)[0]
    return 1.0 - (rest**2).sum(0) / np.maximum(((reference - reference.mean(0)) ** 2).sum(0), 1e-30)


class Likeness(NamedTuple):
    """How alike two fits are.

    Attributes:
        alignment: of their latents.
        updates: R2 between how far matched latents move, over states and conditions.
        log_odds: R2 between the log-odds of choices along the trials.
        inputs: what only one of them uses: latent of the first, input, whether the first uses it.
        same_number: whether they use as many latents.
    """

    alignment: Alignment
    updates: Float[np.ndarray, " pair"]
    log_odds: float
    inputs: tuple[tuple[str, str, bool], ...]
    same_number: bool

    @property
    def distance(self) -> float:
        """1 - the smallest of all R2; 2 where number of latents or inputs differ."""
        if not self.same_number or self.inputs:
            return 2.0
        r2 = [*self.alignment.r2, *self.updates, self.log_odds]
        return float(np.clip(1.0 - min(r2), 0.0, 2.0))


def likeness(first: Anatomy, second: Anatomy, used: float, unused: float) -> Likeness:
    """How alike two fits are along the same trials.

    Args:
        first: what one fit does.
        second: what the other does.
        used: share of variance above which an input is used.
        unused: share below which it is not.
    """
    found = align_latents(first.path, second.path)
    weights = first.conditions.share[None, :, None]
    ours = first.changes[:, :, found.reference]
    theirs = second.changes[:, :, found.other] * np.sign(found.scale)
    return Likeness(
        found,
        _agreement(ours, theirs, weights, (0, 1)),
        float(_agreement(_centred(first), _centred(second), np.ones((1, 1)), (0, 1))),
        _inputs_of_one(first, second, found, used, unused),
        first.n_latents == second.n_latents,
    )


def _centred(found: Anatomy) -> Float[np.ndarray, "trial choice"]:
    """Log-odds about their mean: how much a side is liked throughout is no part of a mechanism."""
    return found.log_odds - found.log_odds.mean(0)


def _agreement(a, b, weights, axes) -> Float[np.ndarray, "*latent"]:
    """1 - mean square of the difference over the mean of both variances; 1 where neither varies."""
    total = np.broadcast_to(weights, a.shape).sum(axes)

    def mean(x):
        return (x * weights).sum(axes, keepdims=True) / np.expand_dims(total, axes)

    variance = (mean((a - mean(a)) ** 2) + mean((b - mean(b)) ** 2)) / 2
    error = mean((a - b) ** 2)
    tiny = 1e-12
    r2 = np.where(variance > tiny, 1.0 - error / np.maximum(variance, tiny), 1.0 * (error < tiny))
    return np.squeeze(r2, axes)


def _inputs_of_one(
    first: Anatomy, second: Anatomy, found: Alignment, used: float, unused: float
) -> tuple[tuple[str, str, bool], ...]:
    """Inputs that one of both plainly uses and the other plainly does not."""
    n = len(first.inputs) - first.n_latents
    rows = []
    for i, j in zip(found.reference, found.other, strict=True):
        pairs = [(c, c) for c in range(n)]
        pairs += [(n + a, n + b) for a, b in zip(found.reference, found.other, strict=True)]
        for a, b in pairs:
            ours, theirs = first.effects[i, a], second.effects[j, b]
            if max(ours, theirs) > used and min(ours, theirs) < unused:
                rows.append((first.latents[i], first.inputs[a], bool(ours > theirs)))
    return tuple(rows)
