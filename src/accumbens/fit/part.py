"""A part of the sessions on which what has to be chosen is chosen, where there are many trials."""

from __future__ import annotations

import jax
import numpy as np
from jaxtyping import Int, PRNGKeyArray

from ..trials import Trials
from .gradient.batches import LARGE, TRIALS_PER_STEP


def part_of_sessions(
    trials: Trials, n_trials: int | None, folds: int, *, key: PRNGKeyArray
) -> Trials | None:
    """The sessions on which to choose, in their order; None where that is all of them.

    Subjects give as many sessions as each other, as far as they have them. With more subjects than
    can give one session to each fold, as many subjects as can are drawn: what tells animals apart
    is judged by other sessions of the same animal.

    Args:
        trials: all sessions.
        n_trials: trials with a choice of the part, about; None: all up to `LARGE`, then
            `TRIALS_PER_STEP`.
        folds: into which the part will be divided.
        key: draws subjects and sessions.
    """
    of_session = trials.valid.sum(1)
    n_valid = int(of_session.sum())
    if n_trials is None:
        n_trials = n_valid if n_valid <= LARGE else TRIALS_PER_STEP
    if n_trials >= n_valid:
        return None
    order = _turns(trials, folds, key)
    before = np.cumsum(of_session[order]) - of_session[order]
    taken = order[(before < n_trials) | (np.arange(len(order)) < folds)]
    return None if len(taken) == len(order) else trials.select_sessions(np.sort(taken))


def _turns(trials: Trials, folds: int, key: PRNGKeyArray) -> Int[np.ndarray, " session"]:
    """Sessions in the order in which they are taken: the first `folds` of one subject after the
    other, until every subject has given as many; then each subject's next one in turn."""
    n, n_subjects = trials.n_sessions, len(trials.names.subjects)
    uniform = np.asarray(jax.random.uniform(key, (n + n_subjects,)))
    of_subject = uniform[n:][trials.subject]
    own = np.lexsort((uniform[:n], trials.subject))
    rank = np.empty(n, np.int64)
    counts = np.bincount(trials.subject, minlength=n_subjects)
    rank[own] = np.arange(n) - np.repeat(np.cumsum(counts) - counts, counts)
    later = np.maximum(rank - folds + 1, 0)
    return np.lexsort((uniform[:n], trials.subject, of_subject, later))
