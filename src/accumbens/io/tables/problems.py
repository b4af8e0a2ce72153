"""All problems of one table, collected so that one error lists them all."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from jaxtyping import Bool, Int

from ...errors import DataError


@dataclasses.dataclass
class Problems:
    """The problems of a table.

    Args:
        table: its name, for messages.
        rows: the name of each data row, as the user knows it.
        counting: says how rows are named.
        found: the problems.
        notes: facts that help with all problems.
    """

    table: str
    rows: pd.Index
    counting: str
    found: list[str] = dataclasses.field(default_factory=list)
    notes: list[str] = dataclasses.field(default_factory=list)

    def add(
        self,
        where: str,
        what: str,
        remedy: str,
        rows: Bool[np.ndarray, " row"] | Int[np.ndarray, " named"] | None = None,
    ) -> None:
        """Adds a problem.

        Args:
            where: it is, such as a column.
            what: is wrong.
            remedy: what to do.
            rows: in which rows it is.
        """
        if rows is not None:
            where = f"{where}, {self.name_rows(rows)}"
        self.found.append(f"{where}: {what}; {remedy}")

    def name_rows(self, rows: Bool[np.ndarray, " row"] | Int[np.ndarray, " named"]) -> str:
        """Rows in words: `row 5`, `rows 5, 9 and 12`, `rows 5 to 90`, or `rows 5, 9 and 4 more`."""
        positions = np.flatnonzero(rows) if rows.dtype == bool else rows
        if len(positions) > 3 and positions[-1] - positions[0] == len(positions) - 1:
            return f"rows {self.rows[positions[0]]} to {self.rows[positions[-1]]}"
        names = [self.rows[i] for i in positions[:4]]
        return ("row " if len(positions) == 1 else "rows ") + listed(
            names, len(positions), quote=False
        )

    def raise_if_any(self) -> None:
        """Raises one DataError that lists all problems, if there are any."""
        if not self.found:
            return
        count = f"{len(self.found)} problem{'s' if len(self.found) > 1 else ''}"
        lines = [f"Cannot use {self.table} ({count}; {self.counting}):"]
        lines += [f"- {problem}." for problem in self.found]
        raise DataError("\n".join(lines + self.notes))


def show(value: object) -> str:
    """A value as a message shows it: text in double quotes, shortened."""
    if isinstance(value, str):
        return f'"{value[:40]}..."' if len(value) > 40 else f'"{value}"'
    return str(value)[:40]


def listed(values: Iterable[object], total: int | None = None, *, quote: bool = True) -> str:
    """Values in words: `a`, `a and b`, `a, b and c`; of more than four `a, b, c and 9 more`."""
    values = list(values)
    total = len(values) if total is None else total
    shown = values if total <= 4 else values[:3]
    texts = [show(v) if quote else str(v) for v in shown]
    if total > len(shown):
        texts.append(f"{total - len(shown)} more")
    return " and ".join([", ".join(texts[:-1]), texts[-1]]) if len(texts) > 1 else texts[0]


def near_matches(name: str, known: Sequence[str]) -> list[str]:
    """Up to three known names that the user may have meant by `name`, best first."""
    folded = {k: k.casefold().strip() for k in known}
    wanted = name.casefold().strip()
    same = [k for k in known if folded[k] == wanted]
    close = difflib.get_close_matches(wanted, list(folded.values()), n=3, cutoff=0.7)
    alike = [k for text in close for k in known if folded[k] == text]
    parts = [k for k in known if len(wanted) > 3 and wanted in folded[k] and len(k) < 32]
    return list(dict.fromkeys(same + alike + parts))[:3]
