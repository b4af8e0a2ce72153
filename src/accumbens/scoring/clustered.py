"""Standard errors that treat sessions (or animals), not trials, as independent: CR2.

Trials of one session share the animal's mood, bias and pace. The plain sandwich over few sessions
is too small; CR2 corrects the residuals of each session for how much its own trials pulled the fit,
and Satterthwaite's degrees of freedom say how well the variance itself is known.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

FULL = 1e-8
"""A direction that one cluster alone determines (leverage within this of 1) has no residual left;
it is left out of the adjustment, as in clubSandwich."""


class ClusteredErrors(NamedTuple):
    """The covariance of weights over independent clusters, and how well it is known.

    Attributes:
        root: L with L L' = the inverse of the Hessian.
        share: how much of the Hessian each cluster holds, L' X_g' W_g X_g L.
        score: the adjusted score of each cluster, in the basis of `root`.
    """

    root: Float[np.ndarray, "weight weight"]
    share: Float[np.ndarray, "cluster weight weight"]
    score: Float[np.ndarray, "cluster weight"]

    @property
    def n_clusters(self) -> int:
        """Number of clusters."""
        return len(self.score)

    @property
    def covariance(self) -> Float[np.ndarray, "weight weight"]:
        """Covariance of the weights."""
        moved = self.score @ self.root.T
        return moved.T @ moved

    def error(self, contrast: Float[np.ndarray, " weight"]) -> tuple[float, float]:
        """The standard error of a sum of weights, and its degrees of freedom.

        Args:
            contrast: how much each weight counts.

        Returns:
            sqrt(c' V c), and Satterthwaite's degrees of freedom under independent trials.
        """
        along = self.root.T @ contrast
        error = float(np.linalg.norm(self.score @ along))
        return error, float(_freedom(self.share, along[:, None])[0])

    def freedom(self) -> Float[np.ndarray, " weight"]:
        """Satterthwaite's degrees of freedom of each weight's standard error."""
        return _freedom(self.share, self.root.T)


def clustered_errors(
    design: Float[np.ndarray, "trial weight"],
    residual: Float[np.ndarray, " trial"],
    cluster: Int[np.ndarray, " trial"],
    *,
    trial_weight: Float[np.ndarray, " trial"] | None = None,
    penalty: Float[np.ndarray, " weight"] | None = None,
) -> ClusteredErrors:
    """CR2 errors of a least-squares or a logistic fit (or any with weights W and residuals y - mu).

        V = H^-1 [sum_g X_g' A_g r_g r_g' A_g' X_g] H^-1,  A_g = (I - H_gg)^(-1/2)

    with r = y - mu, H = X' W X + penalty and the hat matrix H_gg of cluster g, of trials scaled by
    sqrt(W). It is computed among the weights, so that sessions may have any number of trials.

    Args:
        design: X, without columns that are linear combinations of others.
        residual: y - mu.
        cluster: number of the session (or animal) of each trial; at least two.
        trial_weight: W: p (1 - p) of a logistic fit; 1 by default.
        penalty: of a ridge, by weight.

    Returns:
        The covariance of the weights, and what their degrees of freedom follow from.

    Source:
        Bell & McCaffrey (2002), Survey Methodology 28:169; Pustejovsky & Tipton (2018), J Bus Econ
        Stat 36:672 (and its software clubSandwich, for generalised linear models too).
    """
    _, member = np.unique(cluster, return_inverse=True)
    w = np.ones(len(residual)) if trial_weight is None else trial_weight
    n, k = int(member.max()) + 1, design.shape[1]
    order = np.argsort(member, kind="stable")
    edges = np.searchsorted(member[order], np.arange(1, n))
    gram, score = np.empty((n, k, k)), np.empty((n, k))
    for g, rows in enumerate(np.split(order, edges)):
        x = design[rows]
        gram[g] = (x.T * w[rows]) @ x
        score[g] = x.T @ residual[rows]
    hessian = gram.sum(0) + (0 if penalty is None else np.diag(penalty))
    values, vectors = np.linalg.eigh(hessian)
    root = vectors / np.sqrt(np.maximum(values, np.finfo(float).tiny))
    share = root.T @ gram @ root
    leverage, basis = np.linalg.eigh(share)
    adjust = _inverse_root(leverage)
    turned = np.einsum("gij,gi->gj", basis, score @ root)
    return ClusteredErrors(root, share, np.einsum("gij,gj->gi", basis, adjust * turned))


def _inverse_root(leverage):
    """(1 - leverage)^(-1/2), 0 where nothing is left."""
    left = 1 - leverage
    return np.where(left > FULL, 1 / np.sqrt(np.maximum(left, FULL)), 0.0)


def _freedom(share, along) -> Float[np.ndarray, " contrast"]:
    """(sum of the diagonal)^2 / sum of squares of P_gh = p_g' p_h, p_g = (I - H)_g' A_g X_g H^-1 c.

    along: L' c of each contrast, [weight, contrast].
    """
    leverage, basis = np.linalg.eigh(share)
    adjust = _inverse_root(leverage)
    turned = np.einsum("gij,ic->gjc", basis, along)
    own = np.einsum("gj,gjc->gc", adjust**2 * leverage, turned**2)
    pulled = np.einsum("gij,gj,gjc->cgi", basis, adjust * leverage, turned)
    cross = pulled @ np.swapaxes(pulled, 1, 2)
    total = own.sum(0) - np.trace(cross, axis1=1, axis2=2)
    # |diag(own) - cross|^2
    diagonal = np.diagonal(cross, axis1=1, axis2=2).T
    squares = (own**2).sum(0) - 2 * (own * diagonal).sum(0) + (cross**2).sum((1, 2))
    return total**2 / np.maximum(squares, np.finfo(float).tiny)
