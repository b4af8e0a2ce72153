"""The model that equations make."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from ...models.distilled import Distilled, Terms
from ...trials import TrialNames
from .equation import Equation


def assembled(
    updates: Sequence[Equation],
    choice_rule: Sequence[Equation],
    signal_rule: Sequence[Equation],
    latents: tuple[str, ...],
    names: TrialNames,
    initial: Float[np.ndarray, " latent"],
    bounds: tuple[Float[np.ndarray, " latent"], Float[np.ndarray, " latent"]],
) -> Distilled:
    """The model that equations make.

    Args:
        updates: of the latents in their order; none for latents that stay as they are.
        choice_rule: from choice 1 on.
        signal_rule: of the signals.
        latents: their names.
        names: of the trials.
        initial: latents before the first trial.
        bounds: what latents cannot leave, lowest and highest.
    """
    n, m = len(latents), len(choice_rule)
    return Distilled(
        update_rule=terms_of(updates, range(len(updates)), n, n, names),
        choice_rule=terms_of(choice_rule, range(1, 1 + m), 1 + m, n, names),
        signal_rule=terms_of(signal_rule, range(len(signal_rule)), len(signal_rule), n, names),
        initial=jnp.asarray(initial, jnp.float32),
        lowest=jnp.asarray(bounds[0], jnp.float32),
        highest=jnp.asarray(bounds[1], jnp.float32),
        latent_names=latents,
        outcome_names=names.outcomes,
        signal_names=tuple(one.of for one in signal_rule),
    )


def terms_of(
    equations: Sequence[Equation],
    rows: Iterable[int],
    n_rows: int,
    n_latents: int,
    names: TrialNames,
) -> Terms:
    """The terms of several equations, one after the other; each weighs in its own row.

    Args:
        equations: of outputs.
        rows: number of the output of each.
        n_rows: number of outputs.
        n_latents: number of latents.
        names: of choices and outcomes.
    """
    n_choices, n_outcomes = len(names.choices), len(names.outcomes)
    parts = [
        np.zeros((0, n_latents), int), np.zeros((0, n_choices)), np.zeros((0, n_outcomes), int)
    ]  # fmt: skip
    weight = np.zeros((n_rows, sum(one.terms.n for one in equations)))
    at = 0
    for row, one in zip(rows, equations, strict=True):
        parts = [np.concatenate(pair) for pair in zip(parts, one.terms, strict=True)]
        weight[row, at : at + one.terms.n] = one.weight
        at += one.terms.n
    return Terms(
        jnp.asarray(parts[0], jnp.int32),
        jnp.asarray(parts[1], jnp.float32),
        jnp.asarray(parts[2], jnp.int32),
        jnp.asarray(weight, jnp.float32),
    )
