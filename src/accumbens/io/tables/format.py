"""Which column of a trial table means what."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

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
    """Columns of neural signals, one number per trial (dopamine at the outcome); may be blank."""
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
            The same format, in which the optional columns that the table has are context; those
            that have another use already are left out.
        """
        used = {column for _, column in self.roles()}
        there = dict.fromkeys(c for c in self.optional_context if c in columns and c not in used)
        context = (*self.context, *there)
        return dataclasses.replace(self, context=context, optional_context=())


DEFAULT_FORMAT = TableFormat()
