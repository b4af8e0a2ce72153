"""Which sessions a model is fitted to and which it is scored on; always whole sessions."""

from __future__ import annotations

import dataclasses
import difflib
import json
import re
from collections.abc import Collection

import numpy as np
from jaxtyping import Int

from ..errors import ConfigError, DataError
from ..summary import Summary, counted, listed, summarized
from ..trials import Trials

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
    _check_known((*split.train, *split.test), trials)
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


def every_nth(trials: Trials, n: int = 2) -> Split:
    """Score every n-th session in order of subject and session, fit the others.

    n: 2 fits the 1st, 3rd, 5th... session and scores the 2nd, 4th, 6th...
    Raises ConfigError when n < 2, DataError when there are fewer than n sessions.

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
    _check_enough(trials, n, f"score {_every(n)}")
    labels = [trials.session_labels[i] for i in order_sessions(trials)]
    test = labels[n - 1 :: n]
    train = [label for i, label in enumerate(labels) if i % n != n - 1]
    return Split(tuple(train), tuple(test), f"{_every(n)} in order of subject and session")


def _every(n: int) -> str:
    """`every second session`."""
    return f"every {ORDINALS[n]} session" if n in ORDINALS else f"one session in {n}"


def none_held_out(trials: Trials) -> Split:
    """Fit all sessions, and score the same ones: what models say of them, not how well they predict
    others. For parameters of one session, or of data that were held out elsewhere."""
    labels = tuple(trials.session_labels[i] for i in order_sessions(trials))
    return Split(labels, labels, "none is held out")


def k_fold(trials: Trials, k: int, rng: np.random.Generator) -> list[Split]:
    """k splits; each session is scored in exactly one, and each fits some of every subject.

    A subject's sessions are shuffled and dealt to the folds in turn, starting where the subject
    before stopped, so that folds differ by at most one session.
    Raises ConfigError when k < 2, DataError when there are fewer sessions than folds or a subject
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
    _check_enough(trials, k, f"make {k} folds")
    order = order_sessions(trials)
    by_subject = [order[trials.subject[order] == i] for i in dict.fromkeys(trials.subject[order])]
    if single := [trials.session_labels[s[0]] for s in by_subject if len(s) == 1]:
        raise DataError(
            f"Folds within subject need two sessions of every subject; {', '.join(single)} is the "
            "only one of its subject. Leave that subject out, or split with every_nth or by_label."
        )
    dealt = np.concatenate([rng.permutation(sessions) for sessions in by_subject])
    fold = np.empty(trials.n_sessions, np.int64)
    fold[dealt] = np.arange(trials.n_sessions) % k
    return [
        Split(
            tuple(trials.session_labels[i] for i in order if fold[i] != held_out),
            tuple(trials.session_labels[i] for i in order if fold[i] == held_out),
            f"fold {held_out + 1} of {k} within subject",
        )
        for held_out in range(k)
    ]


def by_label(trials: Trials, test: Collection[str]) -> Split:
    """Score the named sessions (`subject/session`), fit all others.

    Raises DataError, with near matches, for a label that the trials do not have.
    """
    _check_known(test, trials)
    labels = [trials.session_labels[i] for i in order_sessions(trials)]
    return Split(
        tuple(label for label in labels if label not in test),
        tuple(label for label in labels if label in test),
        "by session label",
    )


def _check_enough(trials: Trials, least: int, purpose: str) -> None:
    if trials.n_sessions < least:
        raise DataError(
            f"These trials have {counted(trials.n_sessions, 'session')}, too few to {purpose}: "
            "whole sessions are held out. Add sessions, or name a column that cuts the trials into "
            "sessions (days or blocks); or hold out none and score the fitted ones (--split.every "
            "0)."
        )


def _check_known(labels: Collection[str], trials: Trials) -> None:
    known = trials.session_labels
    problems = []
    for label in labels:
        if label not in known:
            near = difflib.get_close_matches(label, known, n=3, cutoff=0.5)
            hint = (
                f"did you mean {' or '.join(near)}?" if near else f"there is {known[0]}, for one."
            )
            problems.append(f"no session {label}: {hint}")
    if problems:
        raise DataError(
            "The split names sessions (as subject/session) that these trials lack:\n- "
            + "\n- ".join(problems)
        )


def _natural(text: str) -> list[tuple[int, int, str]]:
    """A sort key in which runs of digits compare as numbers, and before letters."""
    return [
        (0, int(part), part) if part.isdigit() else (1, 0, part)
        for part in re.split(r"([0-9]+)", text)
        if part
    ]
