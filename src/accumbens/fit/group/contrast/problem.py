"""What a contrast fits, and what each animal says of its differences."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ....models.catalogue import Target
from ....trials import Batch
from ...likelihood.parameter_space import ParameterSpace
from ..empirical_bayes import GroupFit
from ..normal_group import Expansion, alone, posterior
from ..terms import SignalScales, TrialTerms
from .design import ContrastDesign


class Problem(NamedTuple):
    """What is fitted, and where it begins."""

    design: ContrastDesign
    space: ParameterSpace[Any]
    batch: Batch
    scales: SignalScales
    target: Target
    start: Float[Array, " place"]
    scale: Float[Array, " place"]
    names: list[str]

    def terms(self, group: np.ndarray, n: int) -> TrialTerms:
        """The likelihood by groups of sessions. group: of each session; n: how many there are."""
        batch = self.batch._replace(subject=group.astype(np.int32))
        return TrialTerms(self.space, batch, self.scales, n, self.target)

    def doubled(self) -> tuple[Array, Array]:
        """Start and scale of middles and differences."""
        return (
            jnp.concatenate([self.start, jnp.zeros_like(self.start)]),
            jnp.concatenate([self.scale, self.scale]),
        )


class OwnDifferences(NamedTuple):
    """Of each animal and parameter: the most probable difference; what the animal's own data say
    of it, the error of that, and how much of an animal it is."""

    probable: Float[np.ndarray, "subject place"]
    value: Float[np.ndarray, "subject place"]
    error: Float[np.ndarray, "subject place"]
    counts: Float[np.ndarray, "subject place"]


def own_differences(fit: GroupFit, p: int) -> OwnDifferences:
    """Each animal's difference in each parameter, those in the other parameters left free.

    These have a prior as wide as their scale at least: drawn to the group too, a true difference in
    one parameter would in part be told of another.
    """
    group, u = fit.group, fit.of_subject
    score = (u - group.mean) / group.variance
    information = jnp.linalg.inv(fit.covariance) - jnp.diag(1 / group.variance)
    near = Expansion(u, score, information)
    wide = jnp.maximum(group.variance, group.scale**2).at[:p].set(group.variance[:p])
    found = []
    for i in range(p, 2 * p):
        own = group._replace(variance=wide.at[i].set(group.variance[i]))
        probable, _ = posterior(own, near)
        found.append([np.asarray(x)[:, i] for x in (probable, *alone(own, near))])
    return OwnDifferences(*(np.stack(columns, axis=1) for columns in zip(*found, strict=True)))
