"""Standard errors from the curvature of the log-likelihood at its maximum."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

_FLAT = 1e-9


class Covariance(NamedTuple):
    """Of estimates on their unconstrained scale.

    matrix: 0 in the rows of parameters taken as known, NaN in those that are not identified.
    identified: False where the likelihood is flat, or not at a maximum, in a direction that
        involves the parameter.
    """

    matrix: Float[np.ndarray, "n n"]
    identified: Bool[np.ndarray, " n"]


def observed_information_covariance(
    hessian: Float[np.ndarray, "n n"], known: Bool[np.ndarray, " n"] | None = None
) -> Covariance:
    """Inverse of the Hessian of the negative log-likelihood at its minimum.

    known: parameters taken as known without error (such as estimates at a bound).
    Curvature is judged after scaling every parameter to unit curvature, so units do not matter.
    Source: Efron & Hinkley (1978), Biometrika 65:457.
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
    """Of parameters estimated with those of a first step plugged in.

    V2 = A^-1 + A^-1 C V1 C' A^-1, with A the Hessian of the second step's negative log-likelihood,
    C its derivatives by second and first parameters, V1 the covariance of the first step. Holds
    where the two likelihoods are of different things that are independent given the past, as a
    signal's noise and the choices are taken to be.
    Source: Murphy & Topel (1985), J Bus Econ Stat 3:370, without their cross terms.
    """
    own = observed_information_covariance(hessian)
    plugged = np.where(first.identified, 0.0, 1.0)
    carried = own.matrix @ cross @ np.nan_to_num(first.matrix) @ cross.T @ own.matrix
    unknown = (np.abs(cross) @ plugged) > 0
    matrix = own.matrix + carried
    matrix[unknown] = matrix[:, unknown] = np.nan
    return Covariance(matrix, own.identified & ~unknown)
