"""Weighted means, and the squares about them: Q, by which animals are found to differ."""

from __future__ import annotations

from typing import Any


def about_weighted_mean(value: Any, weight: Any, centre: Any = None) -> tuple[Any, Any]:
    """The weighted mean of animals, and Q, their weighted squared distance from it.

    mean = sum w_i y_i / sum w_i,   Q = sum w_i (y_i - mean)^2

    With weights of 1 / (tau^2 + error_i^2), Q has n - 1 degrees of freedom where tau is the SD
    between the animals.

    Args:
        value: y, animals along the first axis; an array of NumPy or of JAX.
        weight: w, of the same shape, in units of 1 / value^2.
        centre: given the mean, what Q is about; the mean itself by default.

    Returns:
        The mean and Q, each without the first axis.

    Source:
        Cochran (1954), Biometrics 10:101; Paule & Mandel (1982), J Res Natl Bur Stand 87:377.
    """
    mean = (weight * value).sum(0) / weight.sum(0)
    about = mean if centre is None else centre(mean)
    return mean, (weight * (value - about) ** 2).sum(0)
