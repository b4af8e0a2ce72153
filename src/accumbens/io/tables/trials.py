"""From trial tables (one row for each trial) to `Trials` and back, exactly."""

from __future__ import annotations

import collections
import os
from collections.abc import Sequence

import numpy as np
import pandas as pd
from jaxtyping import Int

from ...errors import DataError, expect
from ...trials import (
    MISSED,
    ChoiceCode,
    TrialNames,
    Trials,
    expect_trials,
)
from .choice_codes import code_choices, code_key
from .columns import (
    find_columns,
    read_context,
    read_instructed,
    read_outcomes,
    read_signals,
)
from .files import TableFile, open_table, read_table, write_table
from .format import DEFAULT_FORMAT, TableFormat
from .problems import Problems, listed
from .sessions import check_some_choice, read_sessions
from .spelling import alike_in

__all__ = ["TableFormat", "format_of", "from_table", "read_table", "to_table", "write_table"]


def from_table(
    table: pd.DataFrame | str | os.PathLike[str], format: TableFormat = DEFAULT_FORMAT
) -> Trials:
    """Reads trials from a table with one row for each trial.

    Sessions, and subjects unless `format.subjects` names them, are numbered in the order in which
    they first appear. The rows of a session need not be next to each other, but must be in the
    order of their trial numbers. Outcomes, signals and context keep their units.

    Args:
        table: a DataFrame, or the path of a CSV, TSV or Parquet file.
        format: which column means what.

    Raises:
        DataError: lists every problem of the table, with columns and rows.

    Example:
        >>> import pandas as pd
        >>> from accumbens import TableFormat, from_table
        >>> rows = [("day1", 0, "left", 1, 0.8), ("day1", 1, "right", 0, -0.4)]
        >>> rows.append(("day1", 2, None, None, None))  # a missed trial
        >>> table = pd.DataFrame(rows, columns=["session", "trial", "choice", "reward", "dopamine"])
        >>> from_table(table, TableFormat(subject=None, signal=("dopamine",)))
        Trials: 1 subject, 1 session of 3 trials, 3 in all
          subjects  subject
          choices   left: 50%, right: 50%; 1 missed
          outcomes  reward (mean 0.5)
          signals   dopamine (on 100%)
    """
    expect(table, (pd.DataFrame, str, os.PathLike), "table", "Give a DataFrame, or the path of a "
           "table.")  # fmt: skip
    if isinstance(table, pd.DataFrame):
        own_names = table.index.is_unique and not isinstance(table.index, pd.MultiIndex)
        rows = table.index if own_names else pd.RangeIndex(len(table))
        file = TableFile(table, Problems("this table", rows, "rows named by its index"), typed=True)
    else:
        text = (format.subject, format.session, format.choice)

        def wanted(labels: Sequence[str]) -> set[str]:
            return {column for _, column in format.in_table(labels).roles()}

        file = open_table(table, [column for column in text if column], wanted)
    frame, problems = file.frame, file.problems
    named = format.in_table(file.labels)
    columns, lacking = find_columns(frame, named, problems, file.labels)
    format = named
    if not len(frame):
        problems.add("the table", "it has no rows below its header", "export it again")
        problems.raise_if_any()

    coded = None
    if format.choice in columns:
        coded = code_choices(columns[format.choice], format, problems, typed=file.typed)
    made = np.zeros(len(frame), bool) if coded is None else coded.made
    outcome, made = read_outcomes(columns, format, made, problems)
    signal = read_signals(columns, format, len(frame), problems)
    context = read_context(columns, format, len(frame), problems)
    instructed = read_instructed(columns, format, len(frame), problems)
    sessions = read_sessions(columns, lacking, format, len(frame), problems)
    if coded is not None and sessions is not None:
        check_some_choice(sessions, made, format, problems)
    problems.raise_if_any()
    assert coded is not None
    assert sessions is not None

    shape = (len(sessions.length), int(sessions.length.max()))

    def padded(cells: np.ndarray, kind: type, fill: float | bool) -> np.ndarray:
        array = np.full((*shape, *cells.shape[1:]), fill, kind)
        array[sessions.session, sessions.position] = cells
        return array

    return Trials(
        choice=padded(np.where(made, coded.index, MISSED), np.int32, float(MISSED)),
        outcome=padded(outcome, np.float64, 0.0),
        signal=padded(signal, np.float64, np.nan),
        context=padded(context, np.float64, np.nan),
        number=padded(sessions.number, np.int64, -1.0),
        instructed=padded(instructed, np.bool_, False),
        length=sessions.length.astype(np.int64),
        subject=sessions.subject.astype(np.int32),
        names=TrialNames(
            choices=coded.codes,
            outcomes=format.outcome,
            signals=format.signal,
            contexts=format.context,
            subjects=sessions.subject_names,
            sessions=tuple(sessions.label_names[k] for k in sessions.label),
        ),
    )


def to_table(trials: Trials, format: TableFormat = DEFAULT_FORMAT) -> pd.DataFrame:
    """Writes trials as a table with one row for each trial, session after session.

    `from_table(table, format_of(trials, format))` reads the same trials back exactly.

    Args:
        trials: to write.
        format: gives the names of the columns of subject, session, trial, choice and instructed
            (written where any trial was). Outcomes, signals and contexts have their own names.

    Raises:
        DataError: two columns have one name, a session, subject or choice code is blank or not
            unique, or trial numbers are not ascending.

    Example:
        >>> import numpy as np
        >>> from accumbens import to_table, trials_from_arrays
        >>> trials = trials_from_arrays(np.array([[0, 1]]), np.array([[[1.0], [0.0]]]))
        >>> print(to_table(trials).to_string(index=False))
        subject session  trial  choice  reward
        subject       0      0       0     1.0
        subject       0      1       1     0.0
    """
    expect_trials(trials)
    format = format_of(trials, format)
    _check_names(trials, format)
    names, inside = trials.names, trials.in_session
    subject = np.broadcast_to(trials.subject[:, None], inside.shape)[inside]
    session = np.broadcast_to(np.arange(trials.n_sessions)[:, None], inside.shape)[inside]
    columns: dict[str, object] = {
        str(format.subject): pd.array(names.subjects, dtype="str").take(subject),
        str(format.session): pd.array(names.sessions, dtype="str").take(session),
        str(format.trial): trials.number[inside],
        format.choice: _decoded(trials.choice[inside], names.choices),
    }
    for field in ("outcome", "signal", "context"):
        for i, column in enumerate(getattr(format, field)):
            columns[column] = getattr(trials, field)[inside][:, i]
    if format.instructed:
        columns[format.instructed] = trials.instructed[inside]
    return pd.DataFrame(columns)


def _decoded(
    choice: Int[np.ndarray, " row"], codes: tuple[ChoiceCode, ...]
) -> pd.api.extensions.ExtensionArray | np.ndarray:
    """Choices in the user's own codes, missing where missed."""
    kind = {bool: "boolean", int: "Int64", float: "Float64", str: "str"}[_common_type(codes)]
    column = pd.array(codes, dtype=kind).take(choice, allow_fill=True)
    if (choice == MISSED).any() or kind == "str":
        return column
    return np.asarray(column)


def _common_type(codes: tuple[ChoiceCode, ...]) -> type:
    """The type of all codes: bool, int, float or str; whole and fractional numbers are floats."""
    kinds = {type(code) for code in codes}
    return float if kinds == {int, float} else kinds.pop() if len(kinds) == 1 else object


def _check_names(trials: Trials, format: TableFormat) -> None:
    """Raises DataError where a table of these trials could not be read back."""
    names, problems = trials.names, []
    for what, keys in (
        ("column", [column for _, column in format.roles()]),
        ("subject", names.subjects),
        ("session", list(zip(trials.subject, names.sessions, strict=True))),
        ("choice code", [code_key(code) for code in names.choices]),
    ):
        twice = [key for key, count in collections.Counter(keys).items() if count > 1]
        if twice:
            shown = [key[1] if isinstance(key, tuple) else key for key in twice[:4]]
            problems.append(f"{what} {listed(shown, len(twice))} is named twice: rename it")
    if not all(str(name).strip() for name in (*names.subjects, *names.sessions, *names.choices)):
        problems.append("a subject, session or choice code is blank: name it")
    if _common_type(names.choices) is object:
        problems.append(f"choice codes {listed(names.choices)} have several types: use one")
    if (np.diff(trials.number, axis=1) <= 0)[trials.in_session[:, 1:]].any():
        problems.append("trial numbers are not ascending within sessions: renumber the trials")
    if problems:
        raise DataError("Cannot make a table of these trials:\n- " + "\n- ".join(problems))


def format_of(trials: Trials, like: TableFormat = DEFAULT_FORMAT) -> TableFormat:
    """The format with which `from_table` reads `to_table(trials, like)` back exactly.

    Args:
        trials: that are written.
        like: gives the names of the columns of subject, session, trial, choice and instructed.
    """
    flags = like.instructed or ("instructed" if trials.instructed.any() else None)
    return TableFormat(
        choice=like.choice,
        outcome=trials.names.outcomes,
        signal=trials.names.signals,
        subject=like.subject or DEFAULT_FORMAT.subject,
        session=like.session or DEFAULT_FORMAT.session,
        trial=like.trial or DEFAULT_FORMAT.trial,
        instructed=flags,
        context=trials.names.contexts,
        choices=trials.names.choices,
        subjects=trials.names.subjects,
        labels_differ=like.labels_differ or _look_alike(trials),
    )


def _look_alike(trials: Trials) -> bool:
    """Whether subjects, or sessions of one subject, have labels that look like one."""
    names = trials.names
    own = [names.subjects[i] for i in trials.subject]
    return bool(alike_in(names.subjects, zip(own, names.sessions, strict=True)))
