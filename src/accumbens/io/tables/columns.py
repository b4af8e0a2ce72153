"""The columns of a table: finding them by name, and reading each as what it means."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from .cells import booleans, is_number, numbers, samples
from .format import DEFAULT_FORMAT, TableFormat, is_pattern
from .problems import Problems, listed, near_matches, show

_ALIASES = {
    "subject": {
        "subject",
        "subjects",
        "subj",
        "mouse",
        "rat",
        "monkey",
        "animal",
        "participant",
        "id",
    },
    "session": {"session", "sessions", "date", "day", "run"},
    "trial": {"trial", "trials"},
    "choice": {"choice", "choices", "chosen", "action", "response", "animalresponse"},
    "outcome": {"reward", "rewards", "rewarded", "outcome"},
}
"""Other common names of these columns, without case, `_`, or an id or number at the end."""

_MAY_LACK = ("subject", "trial")
_WITHOUT = {
    "subject": ", or use --subject None if all rows are of one subject",
    "session": ", or use --session None if each subject has one session",
    "trial": ", or use --trial None if the rows are in order",
}


def find_columns(
    frame: pd.DataFrame,
    format: TableFormat,
    problems: Problems,
    labels: Sequence[str] | None = None,
) -> tuple[dict[str, pd.Series], set[str]]:
    """Finds the columns that a format names. Missing and ambiguous columns are problems.

    Args:
        frame: the table.
        format: which column means what.
        problems: gets columns that are missing, named twice, or occur twice.
        labels: of all columns, where the frame has only some of them.

    Returns:
        The columns by name; and the fields of the format that need no column: those set to None,
        and the default columns of subject and trial number where no other column looks like them.
    """
    there = [str(label) for label in frame.columns]
    labels = list(labels or there)
    taken = {name for _, name in format.roles()}
    free = [label for label in labels if label not in taken]
    found: dict[str, pd.Series] = {}
    lacking = {field for field in ("subject", "session", "trial") if getattr(format, field) is None}
    used: dict[str, str] = {}
    absent = False
    for field, column in format.roles():
        if column in used:
            problems.add(
                f"column {show(column)}",
                f"is named for two uses, {used[column]} and {field}",
                f"name another column with --{field}",
            )
            continue
        used[column] = field
        places = [i for i, label in enumerate(labels) if label == column]
        if len(places) == 1:
            found[column] = frame.iloc[:, there.index(column)]
        elif places:
            problems.add(
                f"column {show(column)}",
                f"{len(places)} columns have this name ({_ordinals(places)})",
                "rename or remove all but one",
            )
        else:
            alike = [label for label in free if _core(label) in _ALIASES.get(field, ())]
            if field in _MAY_LACK and column == getattr(DEFAULT_FORMAT, field) and not alike:
                lacking.add(field)
            else:
                near = list(dict.fromkeys(near_matches(column, free) + alike))[:3]
                hint = f"did you mean {' or '.join(map(show, near))}? " if near else ""
                if column in frame.index.names:
                    hint = "it is a level of the index: call reset_index() first, or "
                what = "no column is like it" if is_pattern(column) else "there is no such column"
                remedy = f"{hint}name the column with --{field}{_WITHOUT.get(field, '')}"
                problems.add(f"column {show(column)}", what, remedy)
                absent = True
    if absent:
        problems.notes.append(f"Its columns: {_some(labels)}.")
        values = sum(is_number(label) for label in labels)
        if values and 2 * values >= len(labels):
            problems.notes.append(
                "The first row holds numbers, so the table seems to have no row with the names of "
                "its columns: put one first."
            )
    return found, lacking


def read_outcomes(
    columns: dict[str, pd.Series],
    format: TableFormat,
    made: Bool[np.ndarray, " row"],
    problems: Problems,
) -> tuple[Float[np.ndarray, "row outcome"], Bool[np.ndarray, " row"]]:
    """Outcomes as numbers, and choices with all of them; infinite ones and those missing after a
    choice are problems, unless the format takes these trials for missed ones."""
    values = np.full((len(made), len(format.outcome)), np.nan)
    whole = made.copy()
    for i, name in enumerate(format.outcome):
        if name in columns:
            values[:, i], unread = _finite(columns[name], "correct these cells", problems)
            blank = made & np.isnan(values[:, i]) & ~unread
            if format.blank_outcome == "missed":
                whole &= ~blank
            elif blank.any():
                remedy = (
                    "fill these cells, or blank the choice too if the trial was missed "
                    "(--blank-outcome missed takes it so)"
                )
                where = f"column {show(name)}"
                problems.add(where, "blank though a choice was made", remedy, blank)
    return values, whole


def read_signals(
    columns: dict[str, pd.Series], format: TableFormat, n_rows: int, problems: Problems
) -> Float[np.ndarray, "row signal"]:
    """Signals as numbers; infinite ones and columns without any number are problems."""
    values = np.full((n_rows, len(format.signal)), np.nan)
    for i, name in enumerate(format.signal):
        if name in columns:
            remedy = "correct these cells or leave them blank"
            values[:, i], unread = _finite(columns[name], remedy, problems)
            if (np.isnan(values[:, i]) & ~unread).all():
                what, remedy = "blank in every row", "name another column with --signal"
                problems.add(f"column {show(name)}", what, remedy)
    return values


def read_context(
    columns: dict[str, pd.Series], format: TableFormat, n_rows: int, problems: Problems
) -> Float[np.ndarray, "row context"]:
    """Context as numbers, NaN where blank."""
    values = np.full((n_rows, len(format.context)), np.nan)
    for i, name in enumerate(format.context):
        if name in columns:
            values[:, i], unread = numbers(columns[name])
            if unread.any():
                what = f"not a number: {samples(columns[name], unread)}"
                remedy = "correct these cells, or do not name this column as --context"
                problems.add(f"column {show(name)}", what, remedy, unread)
    return values


def read_instructed(
    columns: dict[str, pd.Series], format: TableFormat, n_rows: int, problems: Problems
) -> Bool[np.ndarray, " row"]:
    """True where the choice was forced, that is where the cell is true or 1."""
    if format.instructed not in columns:
        return np.zeros(n_rows, bool)
    column = columns[format.instructed]
    flags, unread = booleans(column)
    if unread.any():
        what = f"neither true (1) nor false (0): {samples(column, unread)}"
        where = f"column {show(format.instructed)}"
        problems.add(where, what, "correct these cells", unread)
    return flags


def _finite(
    column: pd.Series, remedy: str, problems: Problems
) -> tuple[Float[np.ndarray, " row"], Bool[np.ndarray, " row"]]:
    """A column as numbers, and True where a cell is neither blank nor a number."""
    value, unread = numbers(column)
    where = f"column {show(str(column.name))}"
    if len(unread) > 1 and unread[0] and unread.sum() == 1:
        remedy = f"{remedy}; if the row below the names holds units or more names, remove it"
    if unread.any():
        problems.add(where, f"not a number: {samples(column, unread)}", remedy, unread)
    if np.isinf(value).any():
        problems.add(where, "infinite", remedy, np.isinf(value))
    return value, unread


def _core(label: str) -> str:
    """The name of a column without case, punctuation, and an id or number at the end."""
    text = "".join(c for c in label.casefold() if c.isalnum())
    return re.sub(r"(?<=.)(number|index|name|num|id|no|nr)$", "", text)


def _some(labels: Sequence[str]) -> str:
    more = f" and {len(labels) - 30} more" if len(labels) > 30 else ""
    return ", ".join(labels[:30]) + more


def _ordinals(places: Sequence[int]) -> str:
    return f"columns {listed([i + 1 for i in places])} of the table"
