"""Robust linear regression: the part of a signal that a control channel explains."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from ..errors import DataError

TUKEY = 4.685
"""Residuals beyond so many standard deviations have no weight (95 % efficient for normal ones)."""

MAD_OF_NORMAL = 0.6744897501960817
"""Median absolute deviation of a standard normal variable."""


class Line(NamedTuple):
    """A fitted line, y = slope x + offset.

    Attributes:
        slope: in units of y per unit of x.
        offset: in units of y.
        weight: of each sample in the fit, between 0 and 1.
        converged: whether the iteration converged.
    """

    slope: float
    offset: float
    weight: Float[np.ndarray, " sample"]
    converged: bool


def fit_line(
    x: Float[np.ndarray, " sample"],
    y: Float[np.ndarray, " sample"],
    *,
    robust: bool = True,
    tolerance: float = 1e-8,
    max_steps: int = 200,
) -> Line:
    """The regression line of y on x, by Tukey's biweight or by least squares.

    The robust line is found by iteratively reweighted least squares, starting from the
    least-squares line, with weights (1 - (r / 4.685 s)^2)^2 of the residuals r and the scale
    s = median |r| / 0.6745 at each step. Transients of y that x lacks then hardly change the line.

    Args:
        x: the control.
        y: the signal.
        robust: whether to use Tukey's biweight; otherwise least squares.
        tolerance: the iteration ends where the line moves by a smaller multiple of the scale.
        max_steps: of the iteration.

    Raises:
        DataError: x does not vary.

    Source:
        Beaton & Tukey (1974), Technometrics 16:147; for photometry, Keevers & Jean-Richard-dit-
        Bressel (2025), Neurophotonics 12:025003.
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
        raise DataError(
            "The control channel does not vary, so nothing can be regressed on it. Name another "
            "channel, or choose --photometry.regression none."
        )
    slope = (weight @ ((x - mean_x) * (y - mean_y))) / spread
    return float(slope), float(mean_y - slope * mean_x)
