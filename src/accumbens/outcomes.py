"""Types of outcome: which of the binary outcomes came together on a trial.

K outcome columns give 2^K types, numbered in binary. With `controllable` and `distractor`, type 0
is none, 1 controllable alone, 2 distractor alone, 3 both; with `reward` alone, 0 is none, 1 reward.
"""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from .errors import DataError
from .trials import Trials

MAX_OUTCOMES = 4


def type_names(outcomes: tuple[str, ...]) -> tuple[str, ...]:
    """The names of all types, in the order of their numbers: none, controllable, distractor, both.

    Args:
        outcomes: names of the outcome columns.

    Raises:
        DataError: there is no outcome, or there are more than four.
    """
    if not 1 <= len(outcomes) <= MAX_OUTCOMES:
        raise DataError(
            f"Outcome types need 1 to {MAX_OUTCOMES} outcome columns, but there are "
            f"{len(outcomes)}: {outcomes}. Name other columns."
        )
    together = ["none"]
    for number in range(1, 2 ** len(outcomes)):
        came = [name for k, name in enumerate(outcomes) if number >> k & 1]
        together.append("both" if len(outcomes) == len(came) == 2 else " + ".join(came))
    return tuple(together)


def type_of(outcome: Float[Array, " outcome"]) -> Int[Array, ""]:
    """The type of the outcomes of one trial; an outcome above 0 came. Traceable by JAX."""
    return sum(
        (jnp.where(outcome[k] > 0, 1 << k, 0) for k in range(outcome.shape[0])),
        jnp.zeros((), jnp.int32),
    )


def outcome_types(trials: Trials) -> Int[np.ndarray, "session trial"]:
    """The type of each trial; 0 where no choice was made.

    Raises:
        DataError: an outcome is neither 0 nor 1, or there are more than four outcomes.
    """
    type_names(trials.names.outcomes)
    outcome = np.where(trials.valid[..., None], trials.outcome, 0.0)
    graded = [
        name
        for k, name in enumerate(trials.names.outcomes)
        if not np.isin(outcome[..., k], (0.0, 1.0)).all()
    ]
    if graded:
        raise DataError(
            f"Outcome types need outcomes of 0 and 1, but {', '.join(graded)} holds other numbers. "
            "Apply a threshold in the table first."
        )
    bits = (outcome > 0) * (1 << np.arange(outcome.shape[-1]))
    return bits.sum(-1).astype(np.int32)
