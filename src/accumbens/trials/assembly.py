"""`Trials` from arrays, or from several `Trials`."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, Int

from ..errors import DataError, expect
from .base import Trials, expect_trials
from .names import MISSED, TrialNames


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
    """Makes `Trials` from arrays, with default values for what is not given.

    Values in the padding of the arrays are overwritten, so that equal sessions are equal arrays.

    Args:
        choice: number of the choice, from 0; -1 on missed trials.
        outcome: one column for each kind of outcome.
        signal: NaN where not measured; by default all of it.
        context: by default NaN.
        number: of each trial; by default from 0.
        instructed: by default no trial is.
        length: of each session; by default all trials.
        subject: number of the subject of each session; by default 0.
        names: by default two choices, the outcome `reward`, and one subject.

    Raises:
        DataError: the arrays are not consistent.

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
    if np.ndim(choice) != 2:
        raise DataError(
            f"`choice` has the shape {np.shape(choice)}; it must have two axes, session and trial. "
            "For a single session, give choice[None] and outcome[None]."
        )
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
    """Joins the sessions of several `Trials`. Subjects with the same name are the same subject.

    Args:
        parts: with the same choices, outcomes, signals and contexts.

    Raises:
        DataError: these differ, or there are no parts.

    Example:
        >>> import numpy as np
        >>> from accumbens import TrialNames, concatenate, trials_from_arrays
        >>> choice, reward = np.array([[0, 1, 1]]), np.ones((1, 3, 1))
        >>> first = trials_from_arrays(choice, reward, names=TrialNames(subjects=("M1",)))
        >>> second = trials_from_arrays(choice, reward, names=TrialNames(subjects=("M2",)))
        >>> concatenate([first, second]).names.subjects
        ('M1', 'M2')
    """
    expect(parts, Sequence, "parts", "Give a list of Trials: concatenate([first, second]).")
    for part in parts:
        expect_trials(part)
    if not parts:
        raise DataError("There are no trials to join. Give at least one part.")
    first = parts[0].names
    for part in parts[1:]:
        for field in ("choices", "outcomes", "signals", "contexts"):
            if getattr(part.names, field) != getattr(first, field):
                raise DataError(
                    f"Trials with different {field} cannot be joined: they have "
                    f"{getattr(first, field)} and {getattr(part.names, field)}. Make them equal."
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


def with_present_subjects(trials: Trials) -> Trials:
    """The same sessions, in which only subjects that have one are named and numbered, in the order
    that they had.

    Args:
        trials: of which some sessions may have been taken away.
    """
    present, number = np.unique(trials.subject, return_inverse=True)
    names = dataclasses.replace(
        trials.names, subjects=tuple(trials.names.subjects[i] for i in present)
    )
    return dataclasses.replace(trials, subject=number.astype(trials.subject.dtype), names=names)
