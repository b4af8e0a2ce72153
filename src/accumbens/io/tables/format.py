"""Which column of a trial table means what."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Sequence
from typing import Literal

FREE_WATER = "free_water"
"""Name of the outcome that counts water given freely."""

ChoiceText = str | int | float
"""A choice code as a user writes it: text on the command line, the code itself in Python."""


@dataclasses.dataclass(frozen=True)
class TableFormat:
    """The columns of a table with one row a trial, and the codes in its choice column.

    In Python, a single column or code may stand for a tuple of one.
    """

    choice: str = "choice"
    """Column of the choices: 0/1, -1/1, left/right, L/R, true/false, or the codes in `choices`."""
    outcome: tuple[str, ...] = ("reward",)
    """Columns of the outcomes, one per kind: reward; or controllable and distractor."""
    signal: tuple[str, ...] = ()
    """Columns of neural signals, one number per trial (dopamine at the outcome); may be blank.
    'unit_*' names all whose names begin so."""
    subject: str | None = "subject"
    """Column that names the animal or person; None: all rows are of one subject."""
    session: str | None = "session"
    """Column that names the session; None: one session per subject."""
    trial: str | None = "trial"
    """Column of trial numbers, ascending within a session; None: the order of the rows."""
    instructed: str | None = None
    """Column that is true where the choice was forced: such trials are learnt from, not scored."""
    context: tuple[str, ...] = ()
    """Columns of further numbers to carry along, which no model sees (reward probabilities)."""
    optional_context: tuple[str, ...] = ()
    """Columns of further numbers, which are left out where the table does not have them."""
    missed: tuple[ChoiceText, ...] = ()
    """Codes in the choice column that mean a missed trial, such as 2 or ignored; so do blanks."""
    choices: tuple[ChoiceText, ...] = ()
    """All codes of the choice column in order, where they are not one of the usual pairs."""
    subjects: tuple[str, ...] = ()
    """All subjects in order, to number them as a fitted model does; default: as they come."""
    labels_differ: bool = False
    """Labels of subjects, or of sessions of a subject, that differ only in blanks, case, leading
    zeros or ".0" are different ones; otherwise they are an error."""
    blank_outcome: Literal["error", "missed"] = "error"
    """What a choice is whose outcome is blank: an error, or a missed trial."""

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if str(field.type).startswith("tuple") and not isinstance(value, tuple):
                one = isinstance(value, str | int | float)  # a single column or code
                whole = (value,) if one else tuple(value)
                object.__setattr__(self, field.name, whole)

    def roles(self) -> list[tuple[str, str]]:
        """The columns that are named: pairs of field and column, one for each use."""
        single = ("subject", "session", "trial", "choice", "instructed")
        pairs = [(field, getattr(self, field)) for field in single]
        for field in ("outcome", "signal", "context"):
            pairs += [(field, column) for column in getattr(self, field)]
        return [(field, column) for field, column in pairs if column is not None]

    def in_table(self, columns: Sequence[str]) -> TableFormat:
        """The format for a table with these columns.

        Returns:
            The same format, in which the optional columns that the table has are context, and
            patterns among the signals are the columns that they name; those that have another use
            already are left out. A pattern that names none stays.
        """
        used = {column for _, column in self.roles()}
        there = dict.fromkeys(c for c in self.optional_context if c in columns and c not in used)
        free = [column for column in columns if column not in used]
        return dataclasses.replace(
            self,
            signal=_named(self.signal, columns, free),
            context=(*self.context, *there),
            optional_context=(),
        )


def is_pattern(name: str) -> bool:
    """Whether a name stands for all columns like it: `*` for any text, `?` for one character."""
    return "*" in name or "?" in name


def _named(names: Iterable[str], columns: Sequence[str], free: Sequence[str]) -> tuple[str, ...]:
    """The columns that are named by name or pattern, each once, in order.

    columns: of the table. free: those of them that a pattern may mean.
    """
    found: list[str] = []
    for name in names:
        like = [name]
        if is_pattern(name) and name not in columns:
            text = re.escape(name).replace(r"\*", ".*").replace(r"\?", ".")
            like = [c for c in free if re.fullmatch(text, c, re.DOTALL)] or [name]
            like = [c for c in like if c not in found]
        found += like
    return tuple(found)


DEFAULT_FORMAT = TableFormat()
