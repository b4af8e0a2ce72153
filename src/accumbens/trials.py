"""The vocabulary: `Trials`, what one experiment (real or simulated) contains.

Time order on trial t, everywhere: the state before t predicts `choice[t]`; then
`outcome[t]` arrives; the `signal[t]` (dopamine, say) may depend on the state before t,
on the choice and on the outcome.

Two rules, stated once and obeyed by every function:
* a *missed* trial (choice -1) is kept; it leaves a model's state as it was and is never scored;
* an *instructed* trial moves a model's state like any other but is never scored.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

import equinox as eqx
import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from .errors import DataError
from .summary import Summary, counted, listed, summarized

MISSED = -1
"""Value of `Trials.choice` where the animal made no valid choice, and in padding."""

ChoiceCode = int | float | str | bool


@dataclasses.dataclass(frozen=True)
class TrialNames:
    """What the axes and integers of a `Trials` stand for.

    `choices[i]` is the user's own code of choice i ("left", -1, ...); `subjects[i]` that of
    subject i; `sessions[s]` the label of session s, unique within its subject.
    """

    choices: tuple[ChoiceCode, ...] = (0, 1)
    outcomes: tuple[str, ...] = ("reward",)
    signals: tuple[str, ...] = ()
    contexts: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ("subject",)
    sessions: tuple[str, ...] = ()


class Batch(NamedTuple):
    """The numbers of a `Trials` in the form that models compute with: no NaN, no names.

    `valid`: a choice was made, so the state moves. `scored`: `valid` and not instructed.
    `signal_scored`: `scored` and the signal was measured.
    """

    choice: Int[Shaped, "session trial"]
    outcome: Float[Shaped, "session trial outcome"]
    valid: Bool[Shaped, "session trial"]
    scored: Bool[Shaped, "session trial"]
    signal: Float[Shaped, "session trial signal"]
    signal_scored: Bool[Shaped, "session trial signal"]
    subject: Int[Shaped, " session"]


@summarized
class Trials(eqx.Module):
    """Sessions of trials as padded arrays, sessions first; immutable, arrays on the host.

    choice: index into `names.choices`; -1 on missed trials and in padding.
    outcome: one column per kind of outcome (`reward`; or `controllable`, `distractor`), in the
        table's own unit; NaN allowed on missed trials only; 0 in padding.
    signal: one column per neural signal, in the table's own unit; NaN where not measured.
    context: further numbers per trial that no model sees (each arm's reward probability, times).
    number: the trial's number in the table (trials may have been removed); -1 in padding.
    instructed: the choice was forced, not free.
    length: trials in each session, at least 1; padding follows.
    subject: index into `names.subjects`.
    Raises DataError when the parts contradict each other.
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
        problems = _contradictions(self)
        if problems:
            raise DataError("These trials contradict themselves:\n- " + "\n- ".join(problems))

    @property
    def n_sessions(self) -> int:
        return self.choice.shape[0]

    @property
    def n_choices(self) -> int:
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
        """True where a free choice was made: what every likelihood is averaged over."""
        return self.valid & ~self.instructed

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
        each = f"of {shortest:,} to {longest:,}" if shortest < longest else f"of {longest:,}"
        trials = int(self.length.sum())
        title = (
            f"Trials: {counted(len(subjects), 'subject')}, {counted(self.n_sessions, 'session')} "
            f"{each} trials, {trials:,} in all"
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
            ("signals", listed(_measured(names.signals, self.signal, self.scored))),
        ]
        if names.contexts:
            facts.append(("context", listed(names.contexts)))
        return Summary(title, facts)

    def batch(self, dtype: np.typing.DTypeLike = np.float32) -> Batch:
        """The arrays that models compute with, as `dtype`; missing numbers become 0 and masked."""
        signal_scored = self.scored[:, :, None] & np.isfinite(self.signal)
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
        """The named sessions in the named order; subjects keep their numbers, padding shrinks."""
        index = np.asarray(indices, dtype=np.int64)
        if index.size == 0:
            raise DataError("No session selected: name at least one.")
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
        """The same trials with only the named signal columns, in the named order."""
        unknown = [s for s in signals if s not in self.names.signals]
        if unknown:
            raise DataError(f"No signal named {unknown}; these trials have {self.names.signals}.")
        index = [self.names.signals.index(s) for s in signals]
        return self.with_signals(self.signal[:, :, index], tuple(signals))

    def with_signals(
        self, signal: Float[np.ndarray, "session trial signal"], names: tuple[str, ...]
    ) -> Trials:
        """The same trials with these signals instead."""
        return dataclasses.replace(
            self, signal=signal, names=dataclasses.replace(self.names, signals=names)
        )


def trials_from_arrays(
    choice: Int[np.ndarray, "session trial"],
    outcome: Float[np.ndarray, "session trial outcome"],
    *,
    signal: Float[np.ndarray, "session trial signal"] | None = None,
    context: Float[np.ndarray, "session trial context"] | None = None,
    number: Int[np.ndarray, "session trial"] | None = None,
    instructed: Bool[np.ndarray, "session trial"] | None = None,
    length: Int[np.ndarray, " session"] | None = None,
    subject: Int[np.ndarray, " session"] | None = None,
    names: TrialNames | None = None,
) -> Trials:
    """`Trials` from arrays, with everything that is not given at its plainest value.

    Whatever lies in the padding of the arrays is overwritten, so equal sessions are equal arrays.

    Example:
        >>> import numpy as np
        >>> from accumbens import TrialNames, trials_from_arrays
        >>> names = TrialNames(choices=("left", "right"), subjects=("M1",))
        >>> choice = np.array([[0, 1, -1, 1], [1, 1, 0, 1]])  # -1: missed
        >>> reward = np.array([[1.0, 0.0, 0.0, 1.0], [0.0, 0.0, 1.0, 1.0]])
        >>> trials_from_arrays(choice, reward[:, :, None], names=names)
        Trials: 1 subject, 2 sessions of 4 trials, 8 in all
          subjects  M1
          choices   left: 29%, right: 71%; 1 missed
          outcomes  reward (mean 0.571)
          signals   none
    """
    n_sessions, n_trials = choice.shape
    names = names or TrialNames()
    if not names.sessions:
        names = dataclasses.replace(names, sessions=tuple(str(s) for s in range(n_sessions)))
    length = np.full(n_sessions, n_trials) if length is None else np.asarray(length)
    inside = np.arange(n_trials)[None, :] < length[:, None]

    def padded(array, columns, fill):
        if array is None:
            return np.full((n_sessions, n_trials, columns), np.nan)
        return np.where(inside[:, :, None], np.asarray(array, np.float64), fill)

    if number is None:
        number = np.broadcast_to(np.arange(n_trials), (n_sessions, n_trials))
    if instructed is None:
        instructed = np.zeros((n_sessions, n_trials), bool)
    return Trials(
        choice=np.where(inside, choice, MISSED).astype(np.int32),
        outcome=padded(outcome, len(names.outcomes), 0.0),
        signal=padded(signal, len(names.signals), np.nan),
        context=padded(context, len(names.contexts), np.nan),
        number=np.where(inside, number, -1).astype(np.int64),
        instructed=inside & instructed,
        length=length.astype(np.int64),
        subject=np.zeros(n_sessions, np.int32) if subject is None else subject.astype(np.int32),
        names=names,
    )


def concatenate(parts: Sequence[Trials]) -> Trials:
    """All sessions of several `Trials` that share choices, outcomes, signals and contexts.

    Subjects with the same name are the same subject. Raises DataError if the columns differ.

    Example:
        >>> import numpy as np
        >>> from accumbens import TrialNames, concatenate, trials_from_arrays
        >>> choice, reward = np.array([[0, 1, 1]]), np.ones((1, 3, 1))
        >>> first = trials_from_arrays(choice, reward, names=TrialNames(subjects=("M1",)))
        >>> second = trials_from_arrays(choice, reward, names=TrialNames(subjects=("M2",)))
        >>> concatenate([first, second]).names.subjects
        ('M1', 'M2')
    """
    first = parts[0].names
    for part in parts[1:]:
        for field in ("choices", "outcomes", "signals", "contexts"):
            if getattr(part.names, field) != getattr(first, field):
                raise DataError(
                    f"Cannot join trials with different {field}: "
                    f"{getattr(first, field)} and {getattr(part.names, field)}."
                )
    subjects = tuple(dict.fromkeys(s for part in parts for s in part.names.subjects))
    longest = max(part.choice.shape[1] for part in parts)

    def stack(field, fill):
        arrays = []
        for part in parts:
            array = getattr(part, field)
            extra = [(0, 0), (0, longest - array.shape[1])] + [(0, 0)] * (array.ndim - 2)
            arrays.append(np.pad(array, extra, constant_values=fill))
        return np.concatenate(arrays)

    return Trials(
        choice=stack("choice", MISSED),
        outcome=stack("outcome", 0.0),
        signal=stack("signal", np.nan),
        context=stack("context", np.nan),
        number=stack("number", -1),
        instructed=stack("instructed", False),
        length=np.concatenate([part.length for part in parts]),
        subject=np.concatenate(
            [
                np.array([subjects.index(name) for name in part.names.subjects])[part.subject]
                for part in parts
            ]
        ).astype(np.int32),
        names=dataclasses.replace(
            first,
            subjects=subjects,
            sessions=tuple(label for part in parts for label in part.names.sessions),
        ),
    )


def _means(names: Sequence[str], values: np.ndarray, where: np.ndarray) -> list[str]:
    """Each outcome's name and its mean over trials with a choice."""
    if not where.any():
        return list(names)
    return [f"{n} (mean {values[where][:, i].mean():.3g})" for i, n in enumerate(names)]


def _measured(names: Sequence[str], values: np.ndarray, where: np.ndarray) -> list[str]:
    """Each signal's name and on what share of scored trials it was measured."""
    known = np.isfinite(values) & where[..., None]
    share = known.sum((0, 1)) / max(1, int(where.sum()))
    return [f"{name} (on {share[i]:.0%})" for i, name in enumerate(names)]


def _contradictions(trials: Trials) -> list[str]:
    """Every way in which the parts of `trials` disagree, in words."""
    names, problems = trials.names, []
    shape = trials.choice.shape
    for field, columns in (("outcome", "outcomes"), ("signal", "signals"), ("context", "contexts")):
        expected = (*shape, len(getattr(names, columns)))
        if getattr(trials, field).shape != expected:
            problems.append(
                f"`{field}` has shape {getattr(trials, field).shape}, but choices and "
                f"names.{columns} = {getattr(names, columns)} ask for {expected}"
            )
    for field in ("number", "instructed"):
        if getattr(trials, field).shape != shape:
            problems.append(f"`{field}` has shape {getattr(trials, field).shape}, not {shape}")
    for field in ("length", "subject"):
        if getattr(trials, field).shape != shape[:1]:
            problems.append(f"`{field}` has shape {getattr(trials, field).shape}, not {shape[:1]}")
    if len(names.sessions) != shape[0]:
        problems.append(f"{len(names.sessions)} session names for {shape[0]} sessions")
    if problems:
        return problems
    if ((trials.length < 1) | (trials.length > shape[1])).any():
        problems.append(f"`length` must lie between 1 and {shape[1]}; it holds {trials.length}")
    if ((trials.subject < 0) | (trials.subject >= len(names.subjects))).any():
        problems.append(f"`subject` must lie between 0 and {len(names.subjects) - 1}")
    inside, made = trials.in_session, trials.choice != MISSED
    if ((trials.choice < MISSED) | (trials.choice >= trials.n_choices)).any():
        problems.append(f"`choice` must lie between -1 (missed) and {trials.n_choices - 1}")
    if (made & ~inside).any():
        problems.append("`choice` must be -1 in the padding after each session")
    if (~np.isfinite(trials.outcome) & (made & inside)[..., None]).any():
        problems.append("`outcome` must be finite wherever a choice was made")
    return problems
