"""Text that a spreadsheet would take for a formula: marked in CSV files, and read back as it was.

Excel and LibreOffice run a cell that begins with =, +, - or @, though it came from a text file. A
mark of one apostrophe keeps it text there; numbers need none.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import pandas as pd

from .cells import is_number

_FORMULA = re.compile(r"'*[=+\-@\t\r].")
"""Text that is marked: with the marks that it has already, so that reading takes away one alone."""


def marked(text: str) -> str:
    """The text as a CSV file holds it."""
    return f"'{text}" if _FORMULA.match(text) and not is_number(text.lstrip("'")) else text


def unmarked(text: str) -> str:
    """The text that `marked` has marked, or the same text."""
    found = text.startswith("'") and _FORMULA.match(text) and not is_number(text.lstrip("'"))
    return text[1:] if found else text


def marked_frame(frame: pd.DataFrame) -> pd.DataFrame:
    """A table whose text, names of columns included, is marked."""
    return _changed(frame, marked)


def unmarked_frame(frame: pd.DataFrame) -> pd.DataFrame:
    """A table that was read from a CSV file, without the marks."""
    return _changed(frame, unmarked)


def csv_text(frame: pd.DataFrame) -> str:
    """A table without its index as CSV, for people to open: marked, numbers with all digits."""
    return marked_frame(frame).to_csv(index=False, lineterminator="\n")


def _changed(frame: pd.DataFrame, change: Callable[[str], str]) -> pd.DataFrame:
    made = frame.copy(deep=False)
    for i in range(frame.shape[1]):
        column = frame.iloc[:, i]
        if column.dtype.kind == "O" or isinstance(column.dtype, pd.StringDtype):
            texts = {x for x in column.unique() if isinstance(x, str)}
            new = {x: change(x) for x in texts if change(x) != x}
            if new:
                changed = column.map(lambda x, new=new: new.get(x, x) if isinstance(x, str) else x)
                made.isetitem(i, changed.astype(column.dtype))
    names = [change(x) if isinstance(x, str) else x for x in frame.columns]
    if names != list(frame.columns):
        made.columns = pd.Index(names, dtype=object)
    return made
