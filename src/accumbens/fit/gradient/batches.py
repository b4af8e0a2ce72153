"""Mini-batches of sessions: which sessions each gradient step sees, where data are large.

Once an epoch all sessions are dealt to the steps: in order of subject, subjects and the sessions of
each in random order, one to each step in turn. So every step sees a subject as often as any other
step does, but for one session, and every session is seen once an epoch. Means divide by the numbers
of all sessions over that of mini-batches (see `Counts`): the gradients of an epoch's mini-batches
average to that of all sessions, penalties included.
"""

from __future__ import annotations

import dataclasses

import jax
import numpy as np
from jaxtyping import Int, PRNGKeyArray

from ...trials import Batch, Counts

LARGE = 100_000
"""Up to so many trials with a choice, every step sees all sessions, unless the user says more."""
TRIALS_PER_STEP = 50_000
"""Beyond, a step sees whole sessions of about so many: its gradient is then as exact as that of a
data set of this size, and costs no more however large the data are."""
AVERAGING = 0.98
"""Averaged weights are exponential averages over steps with this decay."""
DEALING = np.uint32(2**32 - 1)
"""Apart from the numbers of steps, which make the keys of their noise."""


@dataclasses.dataclass
class MiniBatches:
    """How sessions are dealt to steps.

    Args:
        sessions: numbers of those with a valid trial.
        subject: of each of them.
        length: of each, up to its last valid trial.
        n: mini-batches in an epoch.
        counts: what means over a mini-batch divide by.
        key: draws the orders. The deal of an epoch depends on it and the epoch's number alone.
    """

    sessions: Int[np.ndarray, " session"]
    subject: Int[np.ndarray, " session"]
    length: Int[np.ndarray, " session"]
    n: int
    counts: Counts
    key: PRNGKeyArray

    def __post_init__(self) -> None:
        self._dealt: tuple[int, Int[np.ndarray, "batch place"]] | None = None

    @property
    def n_places(self) -> int:
        """Sessions in a mini-batch; some have one less."""
        return -(-len(self.sessions) // self.n)

    def of_steps(self, first: int, n_steps: int) -> Int[np.ndarray, "step place"]:
        """Numbers of the sessions that each step sees, the longest first; -1 where there is none.

        Args:
            first: number of the first step, from 0.
            n_steps: how many steps.
        """
        steps = np.arange(first, first + n_steps)
        return np.stack([self._epoch(int(step) // self.n)[step % self.n] for step in steps])

    def _epoch(self, epoch: int) -> Int[np.ndarray, "batch place"]:
        dealt = self._dealt
        if dealt is None or dealt[0] != epoch:
            dealt = self._dealt = (epoch, self._deal(epoch))
        return dealt[1]

    def _deal(self, epoch: int) -> Int[np.ndarray, "batch place"]:
        n_sessions, n_subjects = len(self.sessions), int(self.subject.max()) + 1
        key = jax.random.fold_in(jax.random.fold_in(self.key, DEALING), epoch)
        uniform = np.asarray(jax.random.uniform(key, (n_sessions + n_subjects,)))
        of_subject = uniform[n_sessions:][self.subject]
        order = np.lexsort((uniform[:n_sessions], self.subject, of_subject))
        place, batch = np.divmod(np.arange(n_sessions), self.n)
        dealt = np.full((self.n, self.n_places), -1, np.int32)
        length = np.zeros(dealt.shape, self.length.dtype)
        dealt[batch, place] = self.sessions[order]
        length[batch, place] = self.length[order]
        longest_first = np.argsort(-length, axis=1, kind="stable")
        return np.take_along_axis(dealt, longest_first, axis=1)


def mini_batches(
    batch: Batch, trials_per_step: int | None, *, key: PRNGKeyArray
) -> MiniBatches | None:
    """Mini-batches of these sessions; None where every step sees all of them.

    Args:
        batch: all sessions.
        trials_per_step: trials with a choice in each step, about; None: all of them up to `LARGE`,
            then `TRIALS_PER_STEP`.
        key: draws the orders.
    """
    valid = np.asarray(batch.valid)
    n_valid = int(valid.sum())
    if trials_per_step is None:
        trials_per_step = n_valid if n_valid <= LARGE else TRIALS_PER_STEP
    sessions = np.flatnonzero(valid.any(1))
    n = min(round(n_valid / trials_per_step), len(sessions))
    if n < 2:
        return None
    last = valid.shape[1] - np.argmax(valid[sessions, ::-1], axis=1)
    signal_scored = np.asarray(batch.signal_scored).sum((0, 1))
    scored = int(np.asarray(batch.scored).sum())
    numbers = (np.float32(np.maximum(count, 1) / n) for count in (n_valid, scored, signal_scored))
    subject = np.asarray(batch.subject)[sessions]
    return MiniBatches(sessions, subject, last, n, Counts(*numbers), key)


def labelled(name: str, batches: MiniBatches | None, of: str = "sessions") -> str:
    """A name for progress that says so where there are mini-batches. of: what they hold."""
    if batches is None:
        return name
    return f"{name}, mini-batches of {batches.n_places:,} of {len(batches.sessions):,} {of}"
