"""Folds of the training sessions: what is held out, and how fits are compared by it.

Whatever a network chooses for itself is chosen by these rules. What a fold holds out is masked, not
removed, so that the fits without each fold and the fit to everything have one shape, and share one
compiled step.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Int

from ..trials import Batch, Trials

TOLERANCE = 5e-4
"""Nats per trial of held-out likelihood that a simpler model may cost: fewer open latents, a
stronger penalty, one model of all animals."""


def folds_of(trials: Trials, k: int) -> list[Bool[np.ndarray, "session trial"]]:
    """The trials that each of `k` folds holds out: whole sessions, dealt out within each subject.

    With fewer than k sessions they are k spans of every session, which are predicted from the
    trials before them.
    """
    n_sessions, n_trials = trials.choice.shape
    if n_sessions >= k:
        order = np.argsort(trials.subject, kind="stable")
        fold = np.empty(n_sessions, int)
        fold[order] = np.arange(n_sessions) % k
        return [np.repeat((fold == i)[:, None], n_trials, axis=1) for i in range(k)]
    span = np.arange(n_trials)[None, :] * k // trials.length[:, None]
    return [(span == i) & trials.in_session for i in range(k)]


def without(batch: Batch, held_out: Bool[np.ndarray, "session trial"]) -> Batch:
    """The batch with nothing scored of what is held out.

    Sessions of which nothing is left are not gone through either; held-out trials of others still
    move the state.
    """
    gone = (held_out | ~batch.valid).all(1)
    return batch._replace(
        valid=batch.valid & ~gone[:, None],
        scored=batch.scored & ~held_out,
        signal_scored=batch.signal_scored & ~held_out[..., None],
    )


def expected_after_all(held_out: float, fitted: float, k: int) -> float:
    """Held-out log likelihood per trial (nats) expected once all trials are fitted, not (k-1)/k.

        expected = held_out + (fitted - held_out) / (2 k)

    With n trials and d effective parameters, fitting costs d / 2n of held-out likelihood and adds
    as much to the fitted one. Of their difference, d / n at n (k-1)/k trials, a share of 1 / 2k is
    gained by fitting the last 1/k. Without this, folds favour rigid models: they see them with
    fewer trials than there will be.
    """
    return held_out + max(fitted - held_out, 0.0) / (2 * k)


def paired_difference(
    better: Float[np.ndarray, " session"],
    other: Float[np.ndarray, " session"],
    n_scored: Int[np.ndarray, " session"],
) -> tuple[float, float]:
    """How far `other` lies below `better` per trial (nats), and its standard error over sessions.

    better, other: log likelihood of each session (nats). n_scored: its scored trials.
    The standard error is 0 with a single session, so that nothing but the best is taken.
    """
    total = max(int(n_scored.sum()), 1)
    below = better - other
    mean = float(below.sum() / total)
    if len(below) < 2:
        return mean, 0.0
    residual = below - mean * n_scored
    return mean, float(residual.std(ddof=1) * np.sqrt(len(below)) / total)
