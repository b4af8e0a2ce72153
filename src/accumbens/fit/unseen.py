"""What describes a subject that a fit never saw."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..trials import Batch


def mean_for_unseen(
    numbers: Float[Array, "subject number"], batch: Batch
) -> Float[Array, "subject number"]:
    """The same numbers; those of subjects without a valid trial in `batch` are the mean of the
    others', weighted by their trials, instead of what their random start happened to be."""
    if not numbers.shape[1]:
        return numbers
    n_valid = np.asarray(batch.valid).sum(1)
    weight = np.bincount(batch.subject, n_valid, minlength=len(numbers))
    share = jnp.asarray(weight / max(weight.sum(), 1), jnp.float32)
    return jnp.where(jnp.asarray(weight == 0)[:, None], share @ numbers, numbers)
