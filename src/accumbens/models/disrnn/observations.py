"""What the networks of a disRNN see of each trial."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from ...trials import Batch


class Observed(NamedTuple):
    """What all networks of a disRNN see of a batch, trials first and sessions last.

    seen: choice and outcomes as the networks get them; 0 where there was no valid choice.
    valid: a choice was made; False in padding. subject: of each session.
    n_valid: what means over valid trials divide by; None for their number.
    """

    seen: Float[Array, "trial observation session"]
    valid: Bool[Array, "trial session"]
    subject: Int[Array, " session"]
    n_valid: Float[Array, ""] | None = None

    @classmethod
    def of(cls, batch: Batch, n_choices: int) -> Observed:
        seen = encode_observation(jnp.asarray(batch.choice), jnp.asarray(batch.outcome), n_choices)
        seen = jnp.where(batch.valid[..., None], seen, 0.0).transpose(1, 2, 0)
        n_valid = None if batch.counts is None else jnp.asarray(batch.counts.valid)
        return cls(seen, jnp.asarray(batch.valid).T, jnp.asarray(batch.subject), n_valid)

    @property
    def share(self) -> Float[Array, "trial 1 session"]:
        """Weight of each trial in means over valid trials: 1 / their number; 0 on all others."""
        n = jnp.maximum(self.valid.sum(), 1) if self.n_valid is None else self.n_valid
        return (self.valid / n)[:, None, :]


class MeanSquares(NamedTuple):
    """Means over valid trials of the squares of what bottlenecks receive, by kind of input; what
    their penalties depend on."""

    latent: Float[Array, " latent"]
    observation: Float[Array, " observation"]
    subject: Float[Array, " embedding"]

    @classmethod
    def of(
        cls,
        before: Float[Array, "trial latent session"],
        observed: Observed,
        subject: Float[Array, "embedding session"],
    ) -> MeanSquares:
        """before: latents before each trial. subject: what describes each session's subject."""
        share = observed.share
        return cls(
            mean_square(before, share),
            mean_square(observed.seen, share),
            (subject**2 * share.sum(0)).sum(1),
        )


def mean_square(
    x: Float[Array, "trial channel session"], share: Float[Array, "trial 1 session"]
) -> Float[Array, " channel"]:
    """Mean of x^2 over valid trials. share: weight of each trial, see `Observed.share`."""
    return (x**2 * share).sum((0, 2))


def encode_observation(
    choice: Int[Array, "*trial"], outcome: Float[Array, "*trial outcome"], n_choices: int
) -> Float[Array, "*trial observation"]:
    """What the networks see of a trial: the choice (-1, +1; one-hot beyond two), the outcomes."""
    signed = (2.0 * choice - 1.0)[..., None]
    coded = signed if n_choices == 2 else jax.nn.one_hot(choice, n_choices)
    return jnp.concatenate([coded.astype(outcome.dtype), outcome], axis=-1)


def observation_names(n_choices: int, outcome_names: tuple[str, ...]) -> tuple[str, ...]:
    """Names of what `encode_observation` gives."""
    choices = ("choice",) if n_choices == 2 else tuple(f"choice_{i}" for i in range(n_choices))
    return (*choices, *outcome_names)
