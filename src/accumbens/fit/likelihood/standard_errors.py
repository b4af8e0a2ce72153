"""Standard errors from the curvature of the log likelihood at its maximum."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

_FLAT = 1e-9


class Covariance(NamedTuple):
    """The covariance of estimates on their unconstrained scale.

    Attributes:
        matrix: the covariance; 0 in rows of parameters taken as known, NaN in rows of parameters
            that are not identified.
        identified: False for parameters on which the likelihood does not depend, alone or together
            with others, or for which it is not at a maximum.
    """

    matrix: Float[np.ndarray, "n n"]
    identified: Bool[np.ndarray, " n"]


def observed_information_covariance(
    hessian: Float[np.ndarray, "n n"], known: Bool[np.ndarray, " n"] | None = None
) -> Covariance:
    """The inverse Hessian of the negative log likelihood at its minimum.

    Parameters are scaled to unit curvature before it is decided which are identified, so units do
    not matter.

    Args:
        hessian: of the negative log likelihood.
        known: parameters taken as known without error, such as estimates at a bound.

    Source:
        Efron & Hinkley (1978), Biometrika 65:457.
    """
    n = len(hessian)
    known = np.zeros(n, bool) if known is None else known
    matrix, identified = np.zeros((n, n)), np.ones(n, bool)
    if (open_ := np.flatnonzero(~known)).size == 0:
        return Covariance(matrix, identified)
    part = hessian[np.ix_(open_, open_)]
    if not np.isfinite(part).all():
        return Covariance(np.where(np.outer(~known, ~known), np.nan, 0.0), known.copy())
    scale = np.sqrt(np.where(np.diag(part) > 0, np.diag(part), 1.0))
    values, vectors = np.linalg.eigh(part / np.outer(scale, scale))
    flat = values < _FLAT
    inverse = (vectors[:, ~flat] / values[~flat]) @ vectors[:, ~flat].T / np.outer(scale, scale)
    unknown = (vectors[:, flat] ** 2).sum(1) > 1e-6
    inverse[unknown] = inverse[:, unknown] = np.nan
    matrix[np.ix_(open_, open_)] = inverse
    identified[open_] = ~unknown
    return Covariance(matrix, identified)


def two_step_covariance(
    first: Covariance,
    hessian: Float[np.ndarray, "m m"],
    cross: Float[np.ndarray, "m n"],
) -> Covariance:
    """The covariance of parameters that were estimated with those of a first step held.

    V2 = A^-1 + A^-1 C V1 C' A^-1, with V1 the covariance of the first step. It is valid where the
    data of both steps are independent given the past, as choices and the noise of a signal are
    taken to be.

    Args:
        first: V1.
        hessian: A, of the negative log likelihood of the second step by its own parameters.
        cross: C, its derivatives by the parameters of the second and of the first step.

    Source:
        Murphy & Topel (1985), J Bus Econ Stat 3:370, without their cross terms.
    """
    own = observed_information_covariance(hessian)
    plugged = np.where(first.identified, 0.0, 1.0)
    carried = own.matrix @ cross @ np.nan_to_num(first.matrix) @ cross.T @ own.matrix
    unknown = (np.abs(cross) @ plugged) > 0
    matrix = own.matrix + carried
    matrix[unknown] = matrix[:, unknown] = np.nan
    return Covariance(matrix, own.identified & ~unknown)
