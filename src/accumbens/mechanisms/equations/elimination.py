"""Sparse regression: from all terms of a library down to the fewest that explain enough.

All terms are fitted by least squares; then the term without which the squared error rises least is
taken out, and the rest fitted again, until none is left. By how much the error rises is known,
coefficient^2 / [inverse Gram matrix]_jj, so powers that resemble each other do not hide behind
large coefficients of opposite sign, as they do when small coefficients are thresholded (STLSQ).

Everything is computed from the sessions' Gram matrices, so a resample of sessions costs no more
than their weighted sum.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

DEPENDENT = 1e-9
"""A term of which only this share of its square is not explained by simpler ones is left out."""
RIDGE = 1e-12
"""Added to the squares of terms (scaled to 1), against rounding."""


class Gram(NamedTuple):
    """Sums of products over the points of each session.

    Attributes:
        terms: term x term. moved: term x response. square: response squared. weight: of points.
    """

    terms: Float[np.ndarray, "session term term"]
    moved: Float[np.ndarray, "session term"]
    square: Float[np.ndarray, " session"]
    weight: Float[np.ndarray, " session"]

    def summed(self, weights: Float[np.ndarray, " session"]) -> Summed:
        """Means over points, with each session as often as a resample has it."""
        total = weights @ self.weight
        return Summed(
            np.tensordot(weights, self.terms, 1) / total,
            weights @ self.moved / total,
            float(weights @ self.square / total),
        )


class Summed(NamedTuple):
    """Mean products over points."""

    terms: Float[np.ndarray, "term term"]
    moved: Float[np.ndarray, " term"]
    square: float

    def solved(self, chosen: Bool[np.ndarray, " term"]) -> Float[np.ndarray, " term"]:
        """Coefficients of the chosen terms by least squares; 0 of the others."""
        found = np.zeros(len(self.moved))
        if chosen.any():
            part = self.terms[np.ix_(chosen, chosen)]
            found[chosen] = np.linalg.lstsq(part, self.moved[chosen], rcond=1e-13)[0]
        return found

    def unexplained(self, coefficients: Float[np.ndarray, " term"]) -> float:
        """Share of the response's mean square that these coefficients leave."""
        if self.square <= 0:
            return 0.0
        error = self.square - 2 * coefficients @ self.moved
        error += coefficients @ self.terms @ coefficients
        return float(max(error, 0.0) / self.square)


def gram_of(
    features: Float[np.ndarray, "point term"],
    response: Float[np.ndarray, " point"],
    session: Int[np.ndarray, " point"],
    n_sessions: int,
    weight: Float[np.ndarray, " point"] | None = None,
) -> Gram:
    """The sums of every session.

    Args:
        features: of each point.
        response: of each point.
        session: of each point.
        n_sessions: number of sessions, some of which may have no point.
        weight: of each point; 1 by default.
    """
    n = features.shape[1]
    weight = np.ones(len(response)) if weight is None else weight
    terms, moved = np.zeros((n_sessions, n, n)), np.zeros((n_sessions, n))
    square, total = np.zeros(n_sessions), np.zeros(n_sessions)
    for s in range(n_sessions):
        rows = session == s
        x, y, w = features[rows], response[rows], weight[rows]
        weighted = x * w[:, None]
        terms[s], moved[s] = weighted.T @ x, weighted.T @ y
        square[s], total[s] = w @ y**2, w.sum()
    return Gram(terms, moved, square, total)


class Path(NamedTuple):
    """Equations with ever fewer terms.

    Attributes:
        chosen: which terms each has; the last has none.
        unexplained: share of the response's mean square that each leaves.
    """

    chosen: Bool[np.ndarray, "step term"]
    unexplained: Float[np.ndarray, " step"]

    def sparsest(self, tolerance: float) -> int:
        """The equation with the fewest terms that leaves at most this share; else the first."""
        enough = np.flatnonzero(self.unexplained <= tolerance)
        return int(enough[-1]) if len(enough) else 0


def elimination_path(summed: Summed, allowed: Bool[np.ndarray, " term"] | None = None) -> Path:
    """Takes terms out one by one, each time the one that is missed least.

    Args:
        summed: mean products.
        allowed: terms to begin with; all by default. Of terms that depend on each other linearly,
            the first in order stay.
    """
    allowed = np.ones(len(summed.moved), bool) if allowed is None else allowed
    size = np.sqrt(np.maximum(np.diag(summed.terms), 0.0))
    chosen = _independent(summed.terms, size, allowed)
    scale = np.where(size > 0, size, 1.0)
    gram, moved = summed.terms / np.outer(scale, scale), summed.moved / scale
    steps, errors = [], []
    while True:
        index = np.flatnonzero(chosen)
        inverse = np.linalg.inv(gram[np.ix_(index, index)] + RIDGE * np.eye(len(index)))
        solved = inverse @ moved[index]
        found = np.zeros(len(moved))
        found[index] = solved / scale[index]
        steps.append(chosen.copy())
        errors.append(summed.unexplained(found))
        if not len(index):
            return Path(np.array(steps), np.array(errors))
        chosen[index[(solved**2 / np.diag(inverse)).argmin()]] = False


def _independent(gram, size, allowed) -> Bool[np.ndarray, " term"]:
    """Terms that simpler ones do not explain, by Gram-Schmidt in their order."""
    keep = np.zeros(len(size), bool)
    basis = np.zeros((0, len(size)))
    for j in np.flatnonzero(allowed & (size > 0)):
        # basis row b holds coefficients; products with b are b @ gram
        direction = np.zeros(len(size))
        direction[j] = 1 / size[j]
        for _ in range(2):
            direction -= (basis @ (gram @ direction)) @ basis
        left = direction @ gram @ direction
        if left > DEPENDENT:
            keep[j] = True
            basis = np.vstack([basis, direction / np.sqrt(left)])
    return keep
