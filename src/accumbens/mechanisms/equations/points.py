"""Where recorded trials take a model: its latents before and after each trial, its answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int

from ...errors import ConfigError, DataError
from ...models.base import Model
from ...models.disrnn import DisRNN, bottlenecks, open_latents
from ...trials import Trials
from ...unrolling import unroll

MAX_LATENTS = 6
"""Latents of which products are looked at; more give a library that no data can tell apart."""


class Points(NamedTuple):
    """A model along trials, a row for each trial with a choice.

    Attributes:
        latents: names. before, after: their values.
        initial: their values before the first trial; the mean over sessions.
        reads: whether the update of a latent (row) may depend on another (column).
        choice, outcome, session: of each trial; session counts from 0.
        log_odds: of each choice against choice 0.
        signals: predicted.
        scored: trials with a free choice.
        trials: which the rows are of.
    """

    latents: tuple[str, ...]
    before: Float[np.ndarray, "point latent"]
    after: Float[np.ndarray, "point latent"]
    initial: Float[np.ndarray, " latent"]
    reads: Bool[np.ndarray, "latent latent"]
    choice: Int[np.ndarray, " point"]
    outcome: Float[np.ndarray, "point outcome"]
    session: Int[np.ndarray, " point"]
    log_odds: Float[np.ndarray, "point choice"]
    signals: Float[np.ndarray, "point signal"]
    scored: Bool[np.ndarray, " point"]
    trials: Trials

    @property
    def n_sessions(self) -> int:
        return self.trials.n_sessions

    def rescaled(
        self, zero: Float[np.ndarray, " latent"], one: Float[np.ndarray, " latent"]
    ) -> Points:
        """The same with latents in which `zero` is 0 and `one` is 1."""
        before, after, initial = (
            (x - zero) / (one - zero) for x in (self.before, self.after, self.initial)
        )
        return self._replace(before=before, after=after, initial=initial)


def points_of(model: Model, trials: Trials, latents: Sequence[str] | None = None) -> Points:
    """What `trials` visit of `model`, without noise.

    Args:
        model: any model whose state is its latents: a disRNN, a cognitive model.
        trials: where the equations are to hold.
        latents: names of those to describe; by default those open, of a disRNN, and all that move,
            of any other model.

    Raises:
        ConfigError: the model has no latent of such a name, or more are asked for than can be
            described.
        DataError: the model does not suit the trials, or they have too few choices.
    """
    unrolled = unroll(model, trials)
    state = jax.eval_shape(model.initial_state, jnp.asarray(0))
    own = list(jax.eval_shape(model.latents, state))
    wanted = _wanted(model, trials, own, unrolled.latents, latents)
    z = np.stack([unrolled.latents[name] for name in wanted], -1) if wanted else np.zeros(
        (*trials.choice.shape, 0)
    )  # fmt: skip
    z = z.astype(np.float64)
    # after a trial comes the state before the next; nothing comes after the last column
    rows = trials.valid.copy()
    rows[:, -1] = False
    if rows.sum() < 10:
        raise DataError(
            f"Equations need trials with a choice and another trial after it, and there are "
            f"{int(rows.sum())}. Give more trials."
        )
    session, trial = np.nonzero(rows)
    logits = np.asarray(unrolled.choice_logits)[session, trial].astype(np.float64)
    return Points(
        tuple(wanted),
        z[session, trial],
        z[session, trial + 1],
        z[:, 0].mean(0),
        _reads(model, wanted),
        trials.choice[session, trial],
        trials.outcome[session, trial].astype(np.float64),
        session,
        logits - logits[:, :1],
        np.asarray(unrolled.signals)[session, trial].astype(np.float64),
        trials.scored[session, trial],
        trials,
    )


def _wanted(model, trials, own, values, latents) -> list[str]:
    if latents is not None:
        unknown = [name for name in latents if name not in own]
        if unknown:
            raise ConfigError(
                f"The model has no latent {', '.join(unknown)}; it has {', '.join(own)}."
            )
        wanted = list(latents)
    elif isinstance(model, DisRNN):
        wanted = [model.latent_names[k] for k in open_latents(model)]
    else:
        wanted = [name for name in own if np.ptp(values[name][trials.in_session]) > 1e-6]
    if len(wanted) > MAX_LATENTS:
        raise ConfigError(
            f"The model has {len(wanted)} latents that carry something, and equations are found "
            f"for at most {MAX_LATENTS}. Name the ones to describe (latents=...), or fit with "
            "stronger penalties."
        )
    return wanted


def _reads(model: Model, wanted: Sequence[str]) -> Bool[np.ndarray, "latent latent"]:
    """Of a disRNN, what bottlenecks of its update networks let through; of others, anything."""
    reads = np.ones((len(wanted), len(wanted)), bool)
    if isinstance(model, DisRNN):
        place = {name: i for i, name in enumerate(wanted)}
        for row in bottlenecks(model):
            if row.kind == "update" and row.reader in place and row.input in place:
                reads[place[row.reader], place[row.input]] = row.openness != "closed"
    np.fill_diagonal(reads, True)
    return reads
