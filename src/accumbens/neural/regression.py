"""Robust linear regression: what a control channel explains of a signal."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from ..errors import DataError

TUKEY = 4.685
"""Residuals beyond so many standard deviations count nothing (95 % efficient for normal ones)."""

MAD_OF_NORMAL = 0.6744897501960817
"""Median absolute deviation of a standard normal variable."""


class Line(NamedTuple):
    """`y = slope x + offset`, the weight of each sample, and whether the iteration settled."""

    slope: float
    offset: float
    weight: Float[np.ndarray, " sample"]
    settled: bool


def fit_line(
    x: Float[np.ndarray, " sample"],
    y: Float[np.ndarray, " sample"],
    *,
    robust: bool = True,
    tolerance: float = 1e-8,
    max_steps: int = 200,
) -> Line:
    """The line through y over x by least squares, or by Tukey's biweight (robust).

    Iteratively reweighted least squares from the least-squares line, with the scale re-estimated
    at every step as the median absolute residual / 0.6745 and weights (1 - (r / 4.685 s)^2)^2.
    Transients of the signal that the control lacks then hardly tilt the line.
    Raises DataError where x does not vary.
    Source: Beaton & Tukey (1974); for photometry, Keevers & Jean-Richard-dit-Bressel (2025).
    """
    weight = np.ones(len(x))
    slope, offset = _weighted_line(x, y, weight)
    if not robust:
        return Line(slope, offset, weight, True)
    for _ in range(max_steps):
        residual = y - slope * x - offset
        scale = float(np.median(np.abs(residual))) / MAD_OF_NORMAL
        if scale == 0:
            return Line(slope, offset, weight, True)
        weight = np.square(np.maximum(1 - np.square(residual / (TUKEY * scale)), 0))
        before = slope, offset
        slope, offset = _weighted_line(x, y, weight)
        step = abs(slope - before[0]) * float(np.std(x)) + abs(offset - before[1])
        if step <= tolerance * scale:
            return Line(slope, offset, weight, True)
    return Line(slope, offset, weight, False)


def _weighted_line(
    x: Float[np.ndarray, " sample"],
    y: Float[np.ndarray, " sample"],
    weight: Float[np.ndarray, " sample"],
) -> tuple[float, float]:
    total = weight.sum()
    mean_x, mean_y = (weight @ x) / total, (weight @ y) / total
    spread = weight @ np.square(x - mean_x)
    if not spread > 0:
        raise DataError("The control channel does not vary, so nothing can be regressed on it.")
    slope = (weight @ ((x - mean_x) * (y - mean_y))) / spread
    return float(slope), float(mean_y - slope * mean_x)
