"""More histories along which a cognitive model is copied.

A network that copies a model along few recorded trials may do anything else after other histories.
But the model says what it predicts after any history, so more of them are made, where few trials
are recorded: blocks of recorded trials of one subject, one after the other. Choices and outcomes
within a block follow one another as they did; what was learned before it is new. They are made of
the trials that a fit may see, and what is fitted along them is what the model says.
"""

from __future__ import annotations

import dataclasses

import jax
import numpy as np
from jaxtyping import Bool, Int, PRNGKeyArray

from ...trials import Trials

BLOCK = 20
"""Trials of a block, on average."""


def n_made(trials: Trials, enough: int) -> int:
    """How many sessions are made beside the recorded ones, for so many trials in all; each is as
    long as the longest."""
    missing = enough - int(trials.scored.sum())
    return max(0, -(-missing // trials.choice.shape[1]))


def made_histories(
    trials: Trials, seen: Bool[np.ndarray, "session trial"], n_sessions: int, key: PRNGKeyArray
) -> Trials:
    """So many sessions made of blocks of recorded trials.

    seen: what they are made of. Each session is of one subject, the more often the more of its
    trials are seen. A block begins at any of them, ends with geometric chance, at the end of its
    session and where trials are not seen.
    """
    rng = np.random.default_rng(np.asarray(jax.random.key_data(key)).ravel())
    seen = seen & trials.in_session
    session, trial = np.nonzero(seen)
    n_trials = trials.choice.shape[1]
    first = session[rng.integers(len(session), size=n_sessions)]
    subject = trials.subject[first]
    index = np.stack([
        _blocks(seen, session[trials.subject[session] == s], trial[trials.subject[session] == s],
                n_trials, rng)
        for s in subject
    ])  # fmt: skip
    of_session, of_trial = index[:, 0], index[:, 1]
    names = dataclasses.replace(
        trials.names, sessions=tuple(f"made {i + 1}" for i in range(n_sessions))
    )
    return Trials(
        choice=trials.choice[of_session, of_trial],
        outcome=trials.outcome[of_session, of_trial],
        signal=trials.signal[of_session, of_trial],
        context=trials.context[of_session, of_trial],
        number=np.tile(np.arange(n_trials, dtype=trials.number.dtype), (n_sessions, 1)),
        instructed=trials.instructed[of_session, of_trial],
        length=np.full(n_sessions, n_trials, trials.length.dtype),
        subject=subject,
        names=names,
    )


def _blocks(
    seen: Bool[np.ndarray, "session trial"], session: Int[np.ndarray, " start"],
    trial: Int[np.ndarray, " start"], n_trials: int, rng: np.random.Generator,
) -> Int[np.ndarray, "index made"]:  # fmt: skip
    """Session and trial of each of so many trials, block by block. session, trial: where a block
    may begin."""
    found: list[tuple[int, int]] = []
    while len(found) < n_trials:
        at = rng.integers(len(session))
        s, t, n = int(session[at]), int(trial[at]), int(rng.geometric(1 / BLOCK))
        while n and t < seen.shape[1] and seen[s, t]:
            found.append((s, t))
            t, n = t + 1, n - 1
    return np.array(found[:n_trials]).T
