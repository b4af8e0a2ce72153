"""From the rows of a table to subjects and sessions; checks of both."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Bool, Int

from .cells import labels, samples, whole_numbers
from .format import TableFormat
from .problems import Problems, listed, show
from .spelling import SAY, alike_in, alike_of

MANY_SESSIONS, MIN_MEAN_LENGTH = 10, 3
"""With at least so many sessions, of fewer rows than this on average, the column is a wrong one."""


class Sessions(NamedTuple):
    """The trial of each row: row `row[i]` is trial `position[i]` of session `session[i]`.

    Attributes:
        row, session, position: numbers of rows, of sessions in the order in which they first
            appear, and of trials within sessions, from 0.
        number: the table's own trial number.
        length: number of trials of each session.
        subject, label: of each session, as indices into `subject_names` and `label_names`.
        subject_names, label_names: names of subjects, and labels of sessions.
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
        """Sessions in words: `session "M1/1" and "M1/2"`."""
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
    """Finds the sessions of a table. Problems are added to `problems`.

    Args:
        columns: of the table, by name.
        lacking: fields of the format that need no column.
        format: which column means what.
        n_rows: rows of the table.
        problems: gets rows with a blank subject or session (which are left out), and trial numbers
            that are not ascending.

    Returns:
        The sessions; None where the column of subjects or of sessions is missing.
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
        found = grouped(known, None)
        _check_labels(found, format, problems)
        return found
    number, unread = whole_numbers(columns[format.trial])
    if unread.any():
        what = f"not a whole number: {samples(columns[format.trial], unread)}"
        remedy = "correct these cells, or count rows with --trial None if they are in order"
        problems.add(f"column {show(format.trial)}", what, remedy, unread)
    sessions = grouped(known & ~unread, number)
    _check_labels(sessions, format, problems)
    _check_order(sessions, format, problems)
    _check_not_split(sessions, format, problems)
    return grouped(known, number) if unread.any() else sessions


def check_some_choice(
    sessions: Sessions, made: Bool[np.ndarray, " row"], format: TableFormat, problems: Problems
) -> None:
    """Adds a problem where a session has no valid choice."""
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
        what = f"the subjects {listed(format.subjects)} (--subjects) repeat a name"
        problems.add(where, what, "name each once")
    if others:
        who = f"subject {listed(others[:4], len(others))} is not among the subjects (--subjects)"
        remedy = "add it, or remove these rows"
        problems.add(where, who, remedy, (lookup[subject] < 0) & (subject >= 0))
    return lookup[subject], format.subjects


def _check_labels(sessions: Sessions, format: TableFormat, problems: Problems) -> None:
    """Adds problems where labels look alike, or where nearly each row is a session of its own."""
    subjects = [sessions.subject_names[i] for i in sessions.subject]
    if not format.labels_differ:
        labels = [sessions.label_names[i] for i in sessions.label]
        for what, groups in alike_in(subjects, zip(subjects, labels, strict=True)):
            field = format.subject if what == "subjects" else format.session
            problems.add(
                f"column {show(field)}",
                alike_of(what, groups),
                f"write each in one way, or say that they do differ ({SAY})",
            )
    n_sessions, n_rows = len(sessions.length), len(sessions.row)
    if n_sessions < MANY_SESSIONS or n_rows >= MIN_MEAN_LENGTH * n_sessions:
        return
    names = [name for name in (format.subject, format.session) if name is not None]
    problems.add(
        f"column{'s' if len(names) > 1 else ''} {listed(names)}",
        f"{n_rows} rows are {n_sessions} sessions, so that nearly each row begins anew and no "
        "trial has a past",
        "name the column that tells sessions apart with --session (a date, not the time of each "
        "trial), or use --session None if each subject has one session",
    )


def _check_order(sessions: Sessions, format: TableFormat, problems: Problems) -> None:
    """Adds problems where trial numbers repeat or decrease within a session."""
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
    anew = "; if they are in order (counted anew in each block, say), --trial None counts rows"
    for rows, what, remedy in (
        (again, "a trial number occurs again in", f"remove the repeated rows, or {apart}{anew}"),
        (wrong & ~again, "trial numbers decrease in", f"sort by trial within sessions, or {apart}"),
    ):
        if rows.any():
            what = f"{what} {sessions.listed(np.unique(session[rows]))}"
            problems.add(f"column {show(format.trial)}", what, remedy, sessions.row[rows])


def _check_not_split(sessions: Sessions, format: TableFormat, problems: Problems) -> None:
    """Adds a problem where sessions of several subjects seem to be one session.

    Subjects may have sessions with the same label (dates). But trial numbers that do not overlap
    and together have no gap were probably counted in one session, and some of its rows name the
    wrong subject.
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
            f"session {show(sessions.label_names[which])} seems to be split across subjects {who}: "
            f"their trial numbers together are {first} to {last} without a gap",
            "correct the subject, or, if these are several sessions, give them different labels",
            sessions.row[rows & others],
        )
    if len(split) > 4:
        problems.found.append(f"{len(split) - 4} more sessions seem to be split across subjects")
