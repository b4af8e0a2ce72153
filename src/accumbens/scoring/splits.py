"""Which sessions a model is fitted to and which it is scored on; always whole sessions."""

from __future__ import annotations

import dataclasses
import difflib
import json
import re
from collections.abc import Collection, Iterable, Sequence
from typing import get_args

import numpy as np
from jaxtyping import Int

from ..errors import ConfigError, DataError
from ..summary import Summary, counted, listed, summarized
from ..trials import Trials
from .counting import Count

ORDINALS = {2: "second", 3: "third", 4: "fourth", 5: "fifth", 6: "sixth", 7: "seventh", 8: "eighth",
            9: "ninth", 10: "tenth"}  # fmt: skip


@summarized
@dataclasses.dataclass(frozen=True)
class Split:
    """Sessions to fit and sessions to score, as `subject/session` labels, and how they were chosen.

    The two are apart, or, where none is held out, the same.
    Raises ConfigError when either side is empty or only some sessions are on both.
    """

    train: tuple[str, ...]
    test: tuple[str, ...]
    description: str

    def __post_init__(self) -> None:
        for side, labels in (("fit", self.train), ("score", self.test)):
            if not labels:
                raise ConfigError(f"The split '{self.description}' leaves no session to {side}.")
        both = sorted(set(self.train) & set(self.test))
        if both and self.holds_out:
            raise ConfigError(
                f"The split '{self.description}' both fits and scores {', '.join(both)}: a session "
                "belongs on one side."
            )

    def _summary(self) -> Summary:
        scored = "held out" if self.holds_out else "scored, the same"
        facts = [("fitted", listed(self.train)), (scored, listed(self.test))]
        title = (
            f"Split ({self.description}): {counted(len(self.train), 'session')} fitted, "
            f"{len(self.test):,} {scored}"
        )
        return Summary(title, facts)

    @property
    def holds_out(self) -> bool:
        """False where the sessions scored are those that were fitted."""
        return set(self.train) != set(self.test)

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self), indent=2)

    @staticmethod
    def from_json(text: str) -> Split:
        """The split that `to_json` wrote. Raises DataError when the text is something else."""
        try:
            stored = json.loads(text)
            return Split(tuple(stored["train"]), tuple(stored["test"]), stored["description"])
        except (json.JSONDecodeError, KeyError, TypeError) as problem:
            raise DataError(
                "This is not a stored split: expected a JSON object with train, test and "
                f"description ({type(problem).__name__}: {problem})."
            ) from problem


def apply_split(split: Split, trials: Trials) -> tuple[Trials, Trials]:
    """(train, test) trials, each in the split's order; sessions that it does not name are left out.

    Raises DataError when the trials lack a session that the split names.
    """
    position = {label: i for i, label in enumerate(trials.session_labels)}
    _check_known((*split.train, *split.test), trials.session_labels)
    train, test = ([position[label] for label in side] for side in (split.train, split.test))
    return trials.select_sessions(train), trials.select_sessions(test)


def order_sessions(trials: Trials) -> Int[np.ndarray, " session"]:
    """Positions of the sessions in order of subject, then session label; numbers count as numbers.

    So session "10" follows "9", and 2024-02-01 follows 2024-01-31.
    """
    keys = [
        (_natural(str(trials.names.subjects[subject])), _natural(label))
        for subject, label in zip(trials.subject, trials.names.sessions, strict=True)
    ]
    return np.array(sorted(range(len(keys)), key=keys.__getitem__), dtype=np.int64)


def every_nth(trials: Trials, n: int = 2, count: Count = "within-subject") -> Split:
    """Score every n-th session, fit the others.

    Counted within each subject, those with fewer than n sessions are fitted only; where no subject
    has n, sessions are counted over all subjects instead. The split's description says so.

    Args:
        trials: in any order; sessions are counted in order of subject and session.
        n: 2 fits the 1st, 3rd, 5th... and scores the 2nd, 4th, 6th...
        count: what is counted: the sessions of each subject ("within-subject"), all sessions
            ("all-sessions"), or subjects, each with all its sessions ("subjects").

    Raises:
        ConfigError: n < 2, or `count` is none of these.
        DataError: there are fewer than n sessions, or subjects.

    Example:
        >>> import numpy as np
        >>> from accumbens import scoring, trials_from_arrays
        >>> trials = trials_from_arrays(np.zeros((4, 5), int), np.ones((4, 5, 1)))
        >>> split = scoring.every_nth(trials, 2)
        >>> split.test
        ('subject/1', 'subject/3')
        >>> fitted, held_out = scoring.apply_split(split, trials)
        >>> fitted.names.sessions, held_out.names.sessions
        (('0', '2'), ('1', '3'))
    """
    if n < 2:
        raise ConfigError(f"every_nth needs n of at least 2, not {n}: n = 1 would fit no session.")
    _check_count(count)
    thing = "subject" if count == "subjects" else "session"
    every = f"every {ORDINALS[n]} {thing}" if n in ORDINALS else f"one {thing} in {n}"
    _check_enough(trials, n, f"score {every}", thing)
    subjects = _sessions_by_subject(trials)
    short = [name for name, sessions in subjects.items() if len(sessions) < n]
    description = f"{every} in order of subject and session"
    if count == "subjects":
        test = [i for sessions in list(subjects.values())[n - 1 :: n] for i in sessions]
        description = f"{every}, with all its sessions"
    elif count == "all-sessions" or len(short) == len(subjects):
        test = order_sessions(trials)[n - 1 :: n].tolist()
        if count == "within-subject":
            description += f", counted over all subjects, for none has {n} sessions"
    else:
        test = [i for sessions in subjects.values() for i in sessions[n - 1 :: n]]
        description = f"{every} of each subject"
        if short:
            description += f"; those with fewer than {n} sessions are fitted only: {listed(short)}"
    return _held_out(trials, test, description)


def none_held_out(trials: Trials) -> Split:
    """Fit all sessions, and score the same ones: what models say of them, not how well they predict
    others. For parameters of one session, or of data that were held out elsewhere."""
    labels = tuple(trials.session_labels[i] for i in order_sessions(trials))
    return Split(labels, labels, "none is held out")


def k_fold(
    trials: Trials, k: int, rng: np.random.Generator, count: Count = "within-subject"
) -> list[Split]:
    """k splits; each session is scored in exactly one.

    Within subject, each split fits some of every subject: a subject's sessions are shuffled and
    dealt to the folds in turn, starting where the subject before stopped, so that folds differ by
    at most one session.

    Args:
        trials: in any order.
        k: number of folds.
        rng: shuffles.
        count: what is shuffled and dealt: the sessions of each subject ("within-subject"), all
            sessions ("all-sessions"), or whole subjects ("subjects").

    Raises:
        ConfigError: k < 2, or `count` is none of these.
        DataError: there are fewer sessions, or subjects, than folds; or, within subject, a subject
            has only one session.

    Example:
        >>> import numpy as np
        >>> from accumbens import scoring, trials_from_arrays
        >>> trials = trials_from_arrays(np.zeros((6, 5), int), np.ones((6, 5, 1)))
        >>> folds = scoring.k_fold(trials, 3, np.random.default_rng(0))
        >>> [len(fold.test) for fold in folds]
        [2, 2, 2]
    """
    if k < 2:
        raise ConfigError(f"k_fold needs k of at least 2, not {k}.")
    _check_count(count)
    _check_enough(trials, k, f"make {k} folds", "subject" if count == "subjects" else "session")
    subjects = list(_sessions_by_subject(trials).values())
    fold = np.empty(trials.n_sessions, np.int64)
    if count == "subjects":
        for place, subject in enumerate(rng.permutation(len(subjects))):
            fold[subjects[subject]] = place % k
    else:
        groups = subjects if count == "within-subject" else [order_sessions(trials).tolist()]
        single = [trials.session_labels[s[0]] for s in subjects if len(s) == 1]
        if single and count == "within-subject":
            raise DataError(
                f"Folds within subject need two sessions of every subject; {listed(single)} is "
                "the only one of its subject. Leave that subject out, or count otherwise: "
                "--split.count all-sessions, or --split.count subjects for folds of whole subjects."
            )
        dealt = np.concatenate([rng.permutation(sessions) for sessions in groups])
        fold[dealt] = np.arange(trials.n_sessions) % k
    what = {"within-subject": "within subject", "all-sessions": "over all sessions"}
    return [
        _held_out(
            trials,
            np.flatnonzero(fold == held_out).tolist(),
            f"fold {held_out + 1} of {k} {what.get(count, 'of whole subjects')}",
        )
        for held_out in range(k)
    ]


def hold_out_subjects(trials: Trials, test: Collection[str]) -> Split:
    """Score all sessions of the named subjects, fit all others.

    Args:
        trials: in any order.
        test: names of the subjects.

    Raises:
        ConfigError: all subjects are named, so that none is left to fit.
        DataError: the trials have no subject of that name; near matches are named.
    """
    subjects = _sessions_by_subject(trials)
    _check_known(test, tuple(subjects), "subject", "subjects")
    held_out = [i for name, sessions in subjects.items() if name in test for i in sessions]
    some = [name for name in subjects if name in test]
    return _held_out(trials, held_out, f"all sessions of {listed(some)}")


def leave_one_subject_out(trials: Trials) -> list[Split]:
    """One split for each subject, in order: all its sessions are scored, all others are fitted.

    Raises:
        DataError: there is only one subject.
    """
    _check_enough(trials, 2, "leave one out", "subject")
    return [hold_out_subjects(trials, [name]) for name in _sessions_by_subject(trials)]


def by_label(trials: Trials, test: Collection[str]) -> Split:
    """Score the named sessions (`subject/session`), fit all others.

    Raises DataError, with near matches, for a label that the trials do not have.
    """
    _check_known(test, trials.session_labels)
    held_out = [i for i, label in enumerate(trials.session_labels) if label in test]
    return _held_out(trials, held_out, "by session label")


def _held_out(trials: Trials, test: Iterable[int], description: str) -> Split:
    """The split that scores the sessions at these positions, each side in order."""
    order, scored = order_sessions(trials).tolist(), set(test)
    return Split(
        tuple(trials.session_labels[i] for i in order if i not in scored),
        tuple(trials.session_labels[i] for i in order if i in scored),
        description,
    )


def _sessions_by_subject(trials: Trials) -> dict[str, list[int]]:
    """Positions of the sessions of each subject that has any, in order."""
    found: dict[str, list[int]] = {}
    for i in order_sessions(trials).tolist():
        found.setdefault(str(trials.names.subjects[trials.subject[i]]), []).append(i)
    return found


def _check_count(count: str) -> None:
    if count not in get_args(Count):
        raise ConfigError(f"count is {count!r}; choose one of {', '.join(get_args(Count))}.")


def _check_enough(trials: Trials, least: int, purpose: str, thing: str = "session") -> None:
    n = trials.n_sessions if thing == "session" else len(np.unique(trials.subject))
    if n >= least:
        return
    if thing == "subject":
        raise DataError(
            f"These trials have {counted(n, 'subject')}, too few to {purpose}: whole subjects are "
            "held out. Add subjects, name the column of the subject, or hold out sessions "
            "(--split.count within-subject)."
        )
    raise DataError(
        f"These trials have {counted(n, 'session')}, too few to {purpose}: "
        "whole sessions are held out. Add sessions, or name a column that cuts the trials into "
        "sessions (days or blocks); or hold out none and score the fitted ones (--split.every 0)."
    )


def _check_known(
    labels: Collection[str], known: Sequence[str], thing: str = "session",
    several: str = "sessions (as subject/session)",
) -> None:  # fmt: skip
    problems = []
    for label in labels:
        if label not in known:
            near = difflib.get_close_matches(label, known, n=3, cutoff=0.5)
            hint = (
                f"did you mean {' or '.join(near)}?" if near else f"there is {known[0]}, for one."
            )
            problems.append(f"no {thing} {label}: {hint}")
    if problems:
        raise DataError(
            f"The split names {several} that these trials lack:\n- " + "\n- ".join(problems)
        )


def _natural(text: str) -> list[tuple[int, int, str]]:
    """A sort key in which runs of digits compare as numbers, and before letters."""
    return [
        (0, int(part), part) if part.isdigit() else (1, 0, part)
        for part in re.split(r"([0-9]+)", text)
        if part
    ]
