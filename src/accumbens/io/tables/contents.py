"""What the columns of a table hold, so that a user can name them."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float
from pandas.api import types

from ..contents import Contents, Listing
from .cells import BLANKS, factorized, numbers
from .files import open_table

MAX_COUNTED = 6
"""Columns with at most this many distinct values are shown with each value and its count."""

EXAMPLES = 3
"""Number of values that are shown of other columns."""

COLUMNS = ("column", "type", "blank", "values", "range")
"""Columns of the description of a table's columns."""

MAX_RESTARTS = 0.05
"""Numbers that decrease in a smaller share of rows are taken to ascend within each session."""

_STORED = {
    ".parquet": "Parquet", ".pqt": "Parquet", ".xlsx": "Excel", ".mat": "MATLAB", ".txt": "text",
}  # fmt: skip


class Numbers(NamedTuple):
    """A column as numbers, NaN where blank, and their kind in words."""

    values: Float[np.ndarray, " row"]
    kind: str


def table_contents(path: Path) -> Contents:
    """What a table holds, to be printed. Raises DataError when it cannot be read."""
    file = open_table(path)
    file.problems.raise_if_any()
    name = path.name.casefold()
    about = {
        "stored as": _STORED.get(path.suffix.casefold(), "TSV" if ".tsv" in name else "CSV"),
        "rows": f"{len(file.frame):,}",
        "columns": f"{file.frame.shape[1]:,}",
        "note": " ".join(file.problems.notes),
    }
    listing = Listing("columns", describe_columns(file.frame))
    return Contents(path, {key: value for key, value in about.items() if value}, (listing,))


def describe_columns(frame: pd.DataFrame) -> pd.DataFrame:
    """Describes the columns of a table.

    Returns:
        One row for each column, with columns column, type, blank (number of cells), values (with
        counts, or examples), range. The range of numbers also says whether they ascend, as times
        and trial numbers do, by how much from row to row, and how often they start again, as they
        do in each session.
    """
    rows = []
    for i, name in enumerate(frame.columns):
        column = frame.iloc[:, i]
        blank = _blank(column)
        found = _numbers(column, blank)
        rows.append(
            {
                "column": str(name),
                "type": found.kind if found else _other_type(column, blank),
                "blank": int(blank.sum()),
                "values": _values(column, blank),
                "range": _range(found.values) if found else _times(column, blank),
            }
        )
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _blank(column: pd.Series) -> Bool[np.ndarray, " row"]:
    group, distinct = factorized(column)
    blank = [isinstance(v, str) and v.strip().casefold() in BLANKS for v in distinct]
    return np.array([*blank, True], bool)[group]


def _numbers(column: pd.Series, blank: Bool[np.ndarray, " row"]) -> Numbers | None:
    """The column as numbers; None where a cell is not a number."""
    dtype = column.dtype
    if types.is_bool_dtype(dtype) or types.is_datetime64_any_dtype(dtype) or blank.all():
        return None
    values, unread = numbers(column)
    if unread.any() or any(_with_zeros(value) for value in factorized(column)[1]):
        return None
    known = values[np.isfinite(values)]
    whole = bool((known == np.round(known)).all())
    return Numbers(values, "whole number" if whole else "number")


def _with_zeros(value: object) -> bool:
    """True for text such as 060223, which is a label although it spells a number."""
    return isinstance(value, str) and len(value) > 1 and value[0] == "0" and value[1].isdigit()


def _other_type(column: pd.Series, blank: Bool[np.ndarray, " row"]) -> str:
    if blank.all():
        return "blank"
    if types.is_datetime64_any_dtype(column.dtype):
        return "date and time"
    known = {str(value).strip().casefold() for value in factorized(column)[1]}
    return "true/false" if known <= {"true", "false"} else "text"


def _values(column: pd.Series, blank: Bool[np.ndarray, " row"]) -> str:
    """The values in words: `left (120), right (98)`; or their number and some examples."""
    group, distinct = factorized(column.loc[~blank])
    if len(distinct) > MAX_COUNTED:
        first = ", ".join(_shown(value) for value in distinct[:EXAMPLES])
        return f"{len(distinct):,} distinct: {first}, ..."
    counts = np.bincount(group[group >= 0], minlength=len(distinct))
    order = np.lexsort(([str(value) for value in distinct],)) if distinct else []
    if all(isinstance(v, (int, float, np.number)) for v in distinct):
        order = np.argsort([float(v) for v in distinct])  # type: ignore[arg-type]
    return ", ".join(f"{_shown(distinct[i])} ({counts[i]:,})" for i in order)


def _range(values: Float[np.ndarray, " row"]) -> str:
    """The range in words: `0 to 9`, and how the numbers ascend, if they do."""
    known = values[np.isfinite(values)]
    if not len(known):
        return ""
    text = f"{_shown(float(known.min()))} to {_shown(float(known.max()))}"
    steps = np.diff(known)
    falls = int((steps < 0).sum())
    if len(steps) < 2 or (steps == 0).any() or falls > MAX_RESTARTS * len(steps):
        return text
    rises = steps[steps > 0]
    each = f"by {_shown(float(np.median(rises)))}" if len(rises) else ""
    again = f", starts again {falls:,} times" if falls > 1 else ", starts again once"
    return f"{text}, ascending {each}{again if falls else ''}"


def _times(column: pd.Series, blank: Bool[np.ndarray, " row"]) -> str:
    if not types.is_datetime64_any_dtype(column.dtype) or blank.all():
        return ""
    return f"{column.min()} to {column.max()}"


def _shown(value: object) -> str:
    if isinstance(value, (float, np.floating)):
        number = float(value)
        return f"{number:,.4f}".rstrip("0").rstrip(".") if abs(number) >= 1 else f"{number:.4g}"
    text = str(value)
    return text if len(text) <= 24 else f"{text[:21]}..."
