"""A column of a trial table that says under which condition each session was: drug, cohort, ..."""

from __future__ import annotations

import os

import numpy as np
import pandas as pd

from .cells import BLANKS, labels
from .columns import find_columns
from .files import TableFile, open_table
from .format import DEFAULT_FORMAT, TableFormat
from .problems import Problems, listed, near_matches, show
from .sessions import read_sessions

UNTREATED = "none"
"""Of what stands in blank cells, the one that is a level here."""


def session_levels(
    table: pd.DataFrame | str | os.PathLike[str],
    column: str,
    format: TableFormat = DEFAULT_FORMAT,
    option: str = "--contrast",
) -> dict[str, str]:
    """The level of each session, from a column of a table with one row for each trial.

    Args:
        table: a DataFrame, or the path of a CSV, TSV or Parquet file.
        column: that holds the levels, such as `drug`. Blank cells are passed over; a session with
            blank cells alone has no level.
        format: which columns name subject and session.
        option: that names the column on the command line, for messages.

    Returns:
        The level of each session by its label, `subject/session`, as text.

    Raises:
        DataError: there is no such column, or it changes within a session.

    Example:
        >>> import pandas as pd
        >>> from accumbens.io import session_levels
        >>> rows = [("M1", "day1", "saline"), ("M1", "day1", "saline"), ("M1", "day2", "dcz")]
        >>> table = pd.DataFrame(rows, columns=["subject", "session", "drug"])
        >>> session_levels(table.assign(choice=0, reward=0), "drug")
        {'M1/day1': 'saline', 'M1/day2': 'dcz'}
    """
    if isinstance(table, pd.DataFrame):
        file = TableFile(
            table, Problems("this table", table.index, "rows named by its index"), True
        )
    else:
        text = (format.subject, format.session, column)
        file = open_table(table, [name for name in text if name])
    frame, problems = file.frame, file.problems
    names = [str(label) for label in frame.columns]
    if column not in names:
        near = near_matches(column, names)
        hint = f"did you mean {listed(near)}? " if near else ""
        problems.add(
            f"column {show(column)}", "there is no such column",
            f"{hint}name the column with {option}",
        )  # fmt: skip
        problems.notes.append(f"Its columns: {', '.join(names[:30])}.")
        problems.raise_if_any()
    columns, lacking = find_columns(frame, format.in_table(names), problems)
    sessions = read_sessions(columns, lacking, format, len(frame), problems)
    problems.raise_if_any()
    assert sessions is not None
    code, levels = labels(frame.iloc[:, names.index(column)])
    blank = [level.strip().casefold() in BLANKS - {UNTREATED} for level in levels]
    own = np.where(np.array([*blank, True])[code], -1, code)[sessions.row]
    known = own >= 0
    n = len(sessions.length)
    low, high = np.full(n, len(levels)), np.full(n, -1)
    np.minimum.at(low, sessions.session[known], own[known])
    np.maximum.at(high, sessions.session[known], own[known])
    if (changing := np.flatnonzero(low < high)).size:
        first = changing[0]
        problems.add(
            f"column {show(column)}",
            f"changes within {sessions.listed(changing)} ({levels[low[first]]} and "
            f"{levels[high[first]]} in the first)",
            f"{option} speaks of whole sessions: name a column with one level a session, or make "
            "sessions of the parts",
        )  # fmt: skip
        problems.raise_if_any()
    return {
        f"{sessions.subject_names[sessions.subject[s]]}/"
        f"{sessions.label_names[sessions.label[s]]}": levels[high[s]]
        for s in range(n)
        if high[s] >= 0
    }
