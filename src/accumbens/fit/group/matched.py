"""Expansions of each subject's log likelihood that have the mean and covariance of its posterior.

The expansions of a Laplace approximation have the place and the curvature of the maximum.
Likelihoods of learning rates and temperatures are skewed, so means and spreads of a group come out
wrong by up to half of their error. Here each subject's log likelihood is computed at several
hundred points about its maximum and under the group; weighted, they give mean and covariance of
its posterior under the group, and the expansion is the one that gives the same (expectation
propagation, one site a subject). What the points get wrong of the Laplace approximation, which is
known in closed form, is subtracted.

Source: Minka (2001), Proc UAI 17:362, and Vehtari et al. (2020), J Mach Learn Res 21:17
(expectation propagation, one site for each part of the data).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float
from scipy import special

from .normal_group import Expansion, NormalGroup, posterior

POINTS, MAX_POINTS = 128, 1024
"""Points of each subject: so many for each place, and at most."""
OF_GROUP = 0.25
"""Share of the points drawn from the group; the others lie about the subject's maximum."""
WIDER = 1.4
"""Variance of those, in that of the subject's posterior."""
AT_ONCE = 2_000_000
"""Trials times points whose likelihood is computed at once, for the sake of memory."""
FEWEST = 0.05
"""Share of the points that must count for a subject; otherwise its Laplace approximation stays."""


class Points(NamedTuple):
    """Where each subject's log likelihood is known.

    Attributes:
        u: parameters, on the unconstrained scale.
        exact: log likelihood less log density of the points, in nats.
        quadratic: the same of the Laplace approximation.
        near: the expansion of the Laplace approximation.
    """

    u: Float[np.ndarray, "subject point place"]
    exact: Float[np.ndarray, "subject point"]
    quadratic: Float[np.ndarray, "subject point"]
    near: Expansion


def points_about(
    log_likelihood: Callable[[Float[Array, "subject place"]], Float[Array, " subject"]],
    group: NormalGroup,
    near: Expansion,
    n_trials: int,
) -> Points:
    """The log likelihood of every subject at points that are not random.

    Args:
        log_likelihood: of every subject, at parameters of its own; a pytree.
        group: under which the points lie; its spread is not too small.
        near: expansions at the subjects' maxima.
        n_trials: of all subjects together.
    """
    mean, covariance = (np.asarray(x) for x in posterior(group, near))
    n_subjects, n_places = mean.shape
    n = min(POINTS * max(n_places, 2), MAX_POINTS)
    n_group = int(OF_GROUP * n)
    z = even_normal_points(n, n_places)
    own = np.linalg.cholesky(WIDER * covariance)
    centre, sd = np.asarray(group.mean), np.sqrt(np.asarray(group.variance))
    of_group = np.broadcast_to(np.diag(sd), own.shape)
    about = mean[:, None] + np.einsum("ipq,kq->ikp", own, z[n_group:])
    under = np.broadcast_to(centre + sd * z[:n_group], (n_subjects, n_group, n_places))
    u = np.concatenate([under, about], axis=1)
    density = np.logaddexp(
        np.log(OF_GROUP) + _log_normal(u, centre, of_group),
        np.log(1 - OF_GROUP) + _log_normal(u, mean[:, None], own),
    )
    at_once = int(np.clip(AT_ONCE // max(n_trials, 1), 1, n))
    exact = np.asarray(along(log_likelihood, jnp.asarray(np.moveaxis(u, 1, 0)), at_once)).T
    away = u - np.asarray(near.at)[:, None]
    quadratic = np.einsum("ip,ikp->ik", near.score, away) - 0.5 * np.einsum(
        "ikp,ipq,ikq->ik", away, near.information, away
    )
    return Points(u, np.nan_to_num(exact, nan=-np.inf) - density, quadratic - density, near)


@eqx.filter_jit
def along(log_likelihood: Any, u: Float[Array, "point subject place"], at_once: int):
    """The log likelihood of every subject at several points, so many at a time; nats."""
    return jax.lax.map(log_likelihood, u, batch_size=at_once)


def matched(group: NormalGroup, points: Points) -> tuple[Expansion, Bool[np.ndarray, " subject"]]:
    """The expansions with the exact mean and covariance under the group, and which subjects keep
    their Laplace approximation because too few points count."""
    centre, variance = np.asarray(group.mean), np.asarray(group.variance)
    prior = -0.5 * ((points.u - centre) ** 2 / variance).sum(-1)
    weight = special.softmax(points.exact + prior, axis=1)
    mean, covariance = _moments(points.u, weight)
    plain_mean, plain = _moments(points.u, special.softmax(points.quadratic + prior, axis=1))
    known_mean, known = (np.asarray(x) for x in posterior(group, points.near))
    mean, covariance = known_mean + mean - plain_mean, known + covariance - plain
    root = np.sqrt(variance)
    few = 1 / (weight**2).sum(1) < FEWEST * points.u.shape[1]
    few |= ~np.isfinite(covariance).all((1, 2)) | (np.linalg.eigvalsh(covariance)[:, 0] <= 0)
    covariance = np.where(few[:, None, None], known, covariance)
    mean = np.where(few[:, None], known_mean, mean)
    told = root[:, None] * np.linalg.inv(covariance) * root - np.eye(len(root))
    values, vectors = np.linalg.eigh((told + np.moveaxis(told, 1, 2)) / 2)
    values = np.maximum(values, 0.0)
    information = np.einsum("ipr,ir,iqr->ipq", vectors, values, vectors) / root[:, None] / root
    score = (mean - centre) / variance
    return Expansion(*(jnp.asarray(x) for x in (mean, score, information))), few


def even_normal_points(n: int, n_places: int) -> Float[np.ndarray, "point place"]:
    """Standard normal points that lie evenly: a lattice of generalised golden ratios.

    Source: Roberts (2018), "The unreasonable effectiveness of quasirandom sequences".
    """
    ratio = 1.5
    for _ in range(60):
        ratio = (1 + ratio) ** (1 / (n_places + 1))
    steps = ratio ** -np.arange(1.0, n_places + 1)
    return special.ndtri((0.5 + np.arange(1, n + 1)[:, None] * steps) % 1)


def _log_normal(u, mean, root) -> Float[np.ndarray, "subject point"]:
    """Log density up to a constant. root: Cholesky factor of each subject's covariance."""
    z = np.linalg.solve(root[:, None], (u - mean)[..., None])[..., 0]
    spent = np.log(np.diagonal(root, axis1=1, axis2=2)).sum(1)
    return -0.5 * (z**2).sum(-1) - spent[:, None]


def _moments(u, weight):
    mean = np.einsum("ik,ikp->ip", weight, u)
    away = u - mean[:, None]
    return mean, np.einsum("ik,ikp,ikq->ipq", weight, away, away)
