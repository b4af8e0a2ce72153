"""The likelihood of animals with sessions at two levels, by their middle and their difference.

    u at a level = a + x d,   x = -1/2 (reference), 1/2 (the other)

with a and d an animal's own parameters on the unconstrained scale. Score and information of
(a, d) follow from those at each level by the chain rule.
"""

from __future__ import annotations

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from ..terms import Terms


class ContrastTerms(eqx.Module):
    """The terms of middles and differences: first all places of a, then all of d.

    Attributes:
        inner: the terms of cells, each an animal at a level; a pytree.
        subject: of each cell.
        x: of each cell, -1/2 or 1/2.
        n_subjects: how many animals there are.
    """

    inner: Callable[[Float[Array, "cell place"]], Terms]
    subject: Int[Array, " cell"]
    x: Float[Array, " cell"]
    n_subjects: int = eqx.field(static=True)

    def __call__(self, u: Float[Array, "subject place"]) -> Terms:
        own = jnp.take(u, self.subject, axis=0)
        middle, difference = jnp.split(own, 2, axis=1)
        x = self.x[:, None]
        found = self.inner(middle + x * difference)
        code = jnp.stack([jnp.ones_like(self.x), self.x], axis=1)
        n = found.score.shape[0]
        score = jnp.einsum("ck,cp->ckp", code, found.score).reshape(n, -1)
        information = jnp.einsum("ck,cl,cpq->ckplq", code, code, found.information)
        size = score.shape[1]

        def sums(values):
            return jax.ops.segment_sum(values, self.subject, self.n_subjects)

        return Terms(sums(found.log_p), sums(score), sums(information.reshape(n, size, size)))
