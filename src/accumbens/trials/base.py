"""The types `Trials` and `Batch`."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, NamedTuple

import equinox as eqx
import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from ..errors import DataError, expect
from ..summary import Summary, counted, listed, summarized
from .consistency import contradictions
from .names import MISSED, TrialNames


class Counts(NamedTuple):
    """What means over a mini-batch divide by: numbers of all sessions over that of mini-batches.

    Divided by so much, and not by its own numbers, mini-batches average to the means over all.

    Attributes:
        valid: trials with a choice.
        scored: trials with a free choice.
        signal_scored: trials with a free choice on which each signal was measured.
    """

    valid: Float[Shaped, ""]
    scored: Float[Shaped, ""]
    signal_scored: Float[Shaped, " signal"]


class Batch(NamedTuple):
    """The numbers of `Trials` in the form that models compute with, without NaN and names.

    Attributes:
        choice: number of the choice; -1 where there is none.
        outcome: of each kind; 0 where no choice was made.
        valid: a choice was made, so the state of a model changes.
        scored: a free choice was made.
        signal: of each kind; 0 where it is not scored.
        signal_scored: a free choice was made and the signal was measured.
        subject: number of the subject of each session.
        counts: what means divide by; None for this batch's own numbers.
    """

    choice: Int[Shaped, "session trial"]
    outcome: Float[Shaped, "session trial outcome"]
    valid: Bool[Shaped, "session trial"]
    scored: Bool[Shaped, "session trial"]
    signal: Float[Shaped, "session trial signal"]
    signal_scored: Bool[Shaped, "session trial signal"]
    subject: Int[Shaped, " session"]
    counts: Counts | None = None

    def at(self, sessions: Any, counts: Counts | None = None) -> Batch:
        """Some of the sessions; where the number is negative, a session without a valid trial.

        Args:
            sessions: their numbers, an array of one axis.
            counts: what means over them divide by.
        """
        there = (sessions >= 0)[:, None]
        return Batch(
            choice=self.choice[sessions],
            outcome=self.outcome[sessions],
            valid=self.valid[sessions] & there,
            scored=self.scored[sessions] & there,
            signal=self.signal[sessions],
            signal_scored=self.signal_scored[sessions] & there[:, :, None],
            subject=self.subject[sessions],
            counts=counts,
        )


@summarized
class Trials(eqx.Module):
    """Sessions of trials as padded NumPy arrays, sessions first; immutable.

    Args:
        choice: number of the choice among `names.choices`; -1 on missed trials and in padding.
        outcome: one column for each kind of outcome (`reward`; or `controllable`, `distractor`), in
            the unit of the table; may be NaN on missed trials; 0 in padding.
        signal: one column for each neural signal, in the unit of the table; NaN where not measured.
        context: further numbers of each trial that no model sees, such as the reward probability of
            each arm, or times of events.
        number: of the trial in the table (trials may have been removed); -1 in padding.
        instructed: the choice was forced, not free.
        length: number of trials of each session, at least 1; padding follows.
        subject: number of the subject of each session among `names.subjects`.
        names: of choices, columns, subjects and sessions.

    Raises:
        DataError: arrays and names differ in shape, or hold impossible values.
    """

    choice: Int[np.ndarray, "session trial"]
    outcome: Float[np.ndarray, "session trial outcome"]
    signal: Float[np.ndarray, "session trial signal"]
    context: Float[np.ndarray, "session trial context"]
    number: Int[np.ndarray, "session trial"]
    instructed: Bool[np.ndarray, "session trial"]
    length: Int[np.ndarray, " session"]
    subject: Int[np.ndarray, " session"]
    names: TrialNames = eqx.field(static=True)

    def __check_init__(self) -> None:
        problems = contradictions(vars(self), self.names)
        if problems:
            raise DataError("These trials are not consistent:\n- " + "\n- ".join(problems))

    @property
    def n_sessions(self) -> int:
        """Number of sessions."""
        return self.choice.shape[0]

    @property
    def n_choices(self) -> int:
        """Number of choices."""
        return len(self.names.choices)

    @property
    def in_session(self) -> Bool[np.ndarray, "session trial"]:
        """True on trials, False in padding."""
        return np.arange(self.choice.shape[1])[None, :] < self.length[:, None]

    @property
    def valid(self) -> Bool[np.ndarray, "session trial"]:
        """True where a choice was made (free or instructed)."""
        return self.in_session & (self.choice != MISSED)

    @property
    def scored(self) -> Bool[np.ndarray, "session trial"]:
        """True where a free choice was made; likelihoods are averaged over these trials."""
        return self.valid & ~self.instructed

    @property
    def measured(self) -> Bool[np.ndarray, "session trial signal"]:
        """True where a signal was measured, whether a choice was made or not."""
        return self.in_session[:, :, None] & np.isfinite(self.signal)

    @property
    def signal_scored(self) -> Bool[np.ndarray, "session trial signal"]:
        """True where a signal was measured and a free choice made; signals are scored here."""
        return self.scored[:, :, None] & self.measured

    @property
    def session_labels(self) -> tuple[str, ...]:
        """`subject/session` for each session, for messages and stored splits."""
        return tuple(
            f"{self.names.subjects[i]}/{label}"
            for i, label in zip(self.subject, self.names.sessions, strict=True)
        )

    def _summary(self) -> Summary | None:
        if not isinstance(self.choice, np.ndarray):
            return None
        names, subjects = self.names, [self.names.subjects[i] for i in np.unique(self.subject)]
        longest, shortest = int(self.length.max()), int(self.length.min())
        each = f"{shortest:,} to " if shortest < longest else ""
        trials = int(self.length.sum())
        title = (
            f"Trials: {counted(len(subjects), 'subject')}, {counted(self.n_sessions, 'session')} "
            f"of {each}{counted(longest, 'trial')}, {trials:,} in all"
        )
        made, missed = self.choice[self.valid], trials - int(self.valid.sum())
        shares = [f"{code}" for code in names.choices]
        if made.size:
            shares = [f"{code}: {(made == i).mean():.0%}" for i, code in enumerate(names.choices)]
        forced = int((self.instructed & self.valid).sum())
        kinds = [f"{n:,} {kind}" for n, kind in ((missed, "missed"), (forced, "instructed")) if n]
        facts = [
            ("subjects", listed(subjects)),
            ("choices", "; ".join([listed(shares), *kinds])),
            ("outcomes", listed(_means(names.outcomes, self.outcome, self.valid))),
            ("signals", listed(self._shares_measured())),
        ]
        if names.contexts:
            facts.append(("context", listed(names.contexts)))
        return Summary(title, facts)

    def _shares_measured(self) -> list[str]:
        """The name of each signal, and the share of scored trials on which it was measured."""
        share = self.signal_scored.sum((0, 1)) / max(1, int(self.scored.sum()))
        return [f"{name} (on {share[i]:.0%})" for i, name in enumerate(self.names.signals)]

    def batch(self, dtype: np.typing.DTypeLike = np.float32) -> Batch:
        """The arrays that models compute with; missing numbers are 0 and masked.

        Args:
            dtype: of the numbers.
        """
        signal_scored = self.signal_scored
        return Batch(
            choice=self.choice.astype(np.int32),
            outcome=np.where(self.valid[:, :, None], self.outcome, 0.0).astype(dtype),
            valid=self.valid,
            scored=self.scored,
            signal=np.where(signal_scored, self.signal, 0.0).astype(dtype),
            signal_scored=signal_scored,
            subject=self.subject.astype(np.int32),
        )

    def select_sessions(self, indices: Sequence[int] | Int[np.ndarray, " chosen"]) -> Trials:
        """Some of the sessions; subjects keep their numbers, and padding shrinks.

        Args:
            indices: numbers of the sessions, from 0, in the order wanted.

        Raises:
            DataError: no session is selected.
        """
        index = np.asarray(indices, dtype=np.int64)
        if index.size == 0:
            raise DataError("No session is selected. Name at least one.")
        longest = int(self.length[index].max())
        names = dataclasses.replace(
            self.names, sessions=tuple(self.names.sessions[i] for i in index)
        )
        return Trials(
            choice=self.choice[index, :longest],
            outcome=self.outcome[index, :longest],
            signal=self.signal[index, :longest],
            context=self.context[index, :longest],
            number=self.number[index, :longest],
            instructed=self.instructed[index, :longest],
            length=self.length[index],
            subject=self.subject[index],
            names=names,
        )

    def select_signals(self, signals: Sequence[str]) -> Trials:
        """The same trials with some of their signals.

        Args:
            signals: names of the signals, in the order wanted.

        Raises:
            DataError: the trials have no signal of this name.
        """
        unknown = [s for s in signals if s not in self.names.signals]
        if unknown:
            raise DataError(
                f"These trials have no signal {', '.join(unknown)}; their signals are "
                f"{', '.join(self.names.signals) or 'none'}."
            )
        index = [self.names.signals.index(s) for s in signals]
        return self.with_signals(self.signal[:, :, index], tuple(signals))

    def with_signals(
        self, signal: Float[np.ndarray, "session trial signal"], names: tuple[str, ...]
    ) -> Trials:
        """The same trials with other signals.

        Args:
            signal: one column for each signal; NaN where not measured.
            names: of the signals.
        """
        return dataclasses.replace(
            self, signal=signal, names=dataclasses.replace(self.names, signals=names)
        )


def expect_trials(trials: object) -> None:
    """Raises ConfigError for something else than `Trials`, such as a DataFrame."""
    expect(trials, Trials, "trials", "Give Trials: read a table with from_table(table), or build "
           "them with trials_from_arrays(...).")  # fmt: skip


def _means(names: Sequence[str], values: np.ndarray, where: np.ndarray) -> list[str]:
    """Each outcome's name and its mean over trials with a choice."""
    if not where.any():
        return list(names)
    return [f"{n} (mean {values[where][:, i].mean():.3g})" for i, n in enumerate(names)]
