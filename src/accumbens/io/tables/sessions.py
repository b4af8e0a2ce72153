"""The rows of a table as subjects and sessions, and what can be wrong with them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Bool, Int

from .cells import labels, samples, whole_numbers
from .format import TableFormat
from .problems import Problems, listed, show


class Sessions(NamedTuple):
    """Where rows go: row `row[i]` of the table is trial `position[i]` of session `session[i]`.

    Sessions are numbered as they first appear, each a pair of `subject` and `label` (indices into
    `subject_names` and `label_names`); `number[i]` is the table's own trial number.
    """

    row: Int[np.ndarray, " row"]
    session: Int[np.ndarray, " row"]
    position: Int[np.ndarray, " row"]
    number: Int[np.ndarray, " row"]
    length: Int[np.ndarray, " session"]
    subject: Int[np.ndarray, " session"]
    label: Int[np.ndarray, " session"]
    subject_names: tuple[str, ...]
    label_names: tuple[str, ...]

    def listed(self, sessions: Int[np.ndarray, " some"]) -> str:
        """Some sessions as `session "M1/1" and "M1/2"`."""
        names = [
            f"{self.subject_names[self.subject[s]]}/{self.label_names[self.label[s]]}"
            for s in sessions[:4]
        ]
        return f"session {listed(names, len(sessions))}"


def read_sessions(
    columns: dict[str, pd.Series],
    lacking: set[str],
    format: TableFormat,
    n_rows: int,
    problems: Problems,
) -> Sessions | None:
    """The sessions of a table; None where the column of subjects or of sessions is not there.

    Rows with a blank subject or session are left out, and are among the `problems`.
    """
    parts: list[tuple[Int[np.ndarray, " row"], tuple[str, ...]]] = []
    for field in ("subject", "session"):
        name = getattr(format, field)
        if field in lacking:
            parts.append((np.zeros(n_rows, np.int64), (field,)))
        elif name in columns:
            index, names = labels(columns[name])
            if (index < 0).any():
                remedy = f"fill in the {field}, or remove these rows"
                problems.add(f"column {show(name)}", "blank", remedy, index < 0)
            if field == "subject" and format.subjects:
                index, names = _renumbered(index, names, format, problems)
            parts.append((index, names))
    if len(parts) < 2:
        return None
    (subject, subjects), (label, label_names) = parts
    known = (subject >= 0) & (label >= 0)

    def grouped(rows: Bool[np.ndarray, " row"], number: Int[np.ndarray, " row"] | None) -> Sessions:
        row = np.flatnonzero(rows)
        session, pairs = pd.factorize(subject[row] * len(label_names) + label[row])
        session = session.astype(np.int64)
        length = np.bincount(session, minlength=len(pairs))
        order = np.argsort(session, kind="stable")
        position = np.empty(len(row), np.int64)
        position[order] = np.arange(len(row)) - np.repeat(np.cumsum(length) - length, length)
        own = position if number is None else number[row]
        whose, which = np.divmod(pairs, max(len(label_names), 1))
        return Sessions(row, session, position, own, length, whose, which, subjects, label_names)

    if format.trial not in columns:
        return grouped(known, None)
    number, unread = whole_numbers(columns[format.trial])
    if unread.any():
        what = f"not a whole number: {samples(columns[format.trial], unread)}"
        problems.add(f"column {show(format.trial)}", what, "correct these cells", unread)
    sessions = grouped(known & ~unread, number)
    _check_order(sessions, format, problems)
    _check_not_split(sessions, format, problems)
    return grouped(known, number) if unread.any() else sessions


def check_some_choice(
    sessions: Sessions, made: Bool[np.ndarray, " row"], format: TableFormat, problems: Problems
) -> None:
    """Adds a problem where a session has no valid choice at all."""
    n_made = np.bincount(sessions.session[made[sessions.row]], minlength=len(sessions.length))
    empty = np.flatnonzero(n_made == 0)
    if empty.size:
        problems.add(
            f"column {show(format.choice)}",
            f"no valid choice in {sessions.listed(empty)}",
            "remove the session, or check which codes mean missed (--missed)",
            sessions.row[np.isin(sessions.session, empty)],
        )


def _renumbered(
    subject: Int[np.ndarray, " row"],
    present: tuple[str, ...],
    format: TableFormat,
    problems: Problems,
) -> tuple[Int[np.ndarray, " row"], tuple[str, ...]]:
    """Subjects as indices into `format.subjects`; the others are added to `problems`."""
    place = {name: i for i, name in enumerate(format.subjects)}
    lookup = np.array([place.get(name, -1) for name in present] + [-1], np.int64)
    others = [name for name in present if name not in place]
    where = f"column {show(format.subject)}"
    if len(place) < len(format.subjects):
        what = f"the subjects asked for, {listed(format.subjects)}, repeat a name"
        problems.add(where, what, "name each once (--subjects)")
    if others:
        who = f"subject {listed(others[:4], len(others))} not among the subjects asked for"
        remedy = "add to --subjects, or remove these rows"
        problems.add(where, who, remedy, (lookup[subject] < 0) & (subject >= 0))
    return lookup[subject], format.subjects


def _check_order(sessions: Sessions, format: TableFormat, problems: Problems) -> None:
    """Adds problems where trial numbers repeat or fall within a session."""
    session, number = sessions.session, sessions.number
    order = np.argsort(session, kind="stable")
    wrong = np.zeros(len(order), bool)
    wrong[order[1:]] = (np.diff(session[order]) == 0) & (np.diff(number[order]) <= 0)
    if not wrong.any():
        return
    ranked = np.lexsort((number, session))
    again = np.zeros(len(order), bool)
    again[ranked[1:]] = (np.diff(session[ranked]) == 0) & (np.diff(number[ranked]) == 0)
    apart = "give each session its own label"
    if not format.session:
        apart = "name the column that tells sessions apart with --session"
    for rows, what, remedy in (
        (again, "a trial number occurs again in", f"remove the repeated rows, or {apart}"),
        (wrong & ~again, "trial numbers fall in", f"sort by trial within sessions, or {apart}"),
    ):
        if rows.any():
            what = f"{what} {sessions.listed(np.unique(session[rows]))}"
            problems.add(f"column {show(format.trial)}", what, remedy, sessions.row[rows])


def _check_not_split(sessions: Sessions, format: TableFormat, problems: Problems) -> None:
    """Adds a problem where subjects share a label and their trial numbers make up one session.

    Subjects may well use the same labels (dates); but numbers that are disjoint and together have
    no gap were probably counted in one session, part of whose rows name the wrong subject.
    """
    label = sessions.label[sessions.session]
    shared = np.bincount(sessions.label, minlength=len(sessions.label_names))[label] > 1
    ranked = np.flatnonzero(shared)[np.lexsort((sessions.number[shared], label[shared]))]
    same = np.diff(label[ranked]) == 0
    broken = label[ranked[1:]][same & (np.diff(sessions.number[ranked]) != 1)]
    split = np.setdiff1d(label[ranked], broken)
    for which in split[:4]:
        rows = label == which
        first, last = sessions.number[rows].min(), sessions.number[rows].max()
        sharing = sessions.subject[sessions.label == which]
        who = listed([sessions.subject_names[i] for i in sharing[:4]], len(sharing))
        others = sessions.subject[sessions.session] != sharing[0]
        problems.add(
            f"columns {show(format.subject)} and {show(format.session)}",
            f"session {show(sessions.label_names[which])} seems split across subjects {who}, who "
            f"share out its trial numbers {first} to {last}",
            "correct the subject, or, if these are several sessions, give them different labels",
            sessions.row[rows & others],
        )
    if len(split) > 4:
        problems.found.append(f"{len(split) - 4} more sessions seem split across subjects")
