"""Which rows the panel has, and which half each belongs to.

The halves were fixed before anything was measured: half A, on which procedures are decided, has the
even draws of every generator and the table that was in view all along (`mouse_bandit_photometry`);
half B, on which the decided procedure is confirmed once, has the odd draws and all other tables.
Seeds of the demonstration belong to neither.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from .agents import GENERATORS

IN_VIEW = "mouse_bandit_photometry"
"""The table that the defaults were developed on."""


@dataclasses.dataclass(frozen=True)
class Row:
    """One set of trials. sessions, trials, draw: of generators; draw: seed of a demonstration."""

    group: Literal["agent", "table", "demonstration"]
    name: str
    sessions: int | None = None
    trials: int | None = None
    draw: int | None = None

    @property
    def key(self) -> str:
        """`q_learning/100x100/0`, `table/mouse_bandit_7030`, `demonstration/3`."""
        if self.group == "agent":
            return f"{self.name}/{self.sessions}x{self.trials}/{self.draw}"
        if self.group == "demonstration":
            return f"demonstration/{self.draw}"
        return f"table/{self.name}"

    @property
    def half(self) -> str | None:
        """A or B; None of a demonstration."""
        if self.group == "agent":
            return "AB"[(self.draw or 0) % 2]
        if self.group == "table":
            return "A" if self.name == IN_VIEW else "B"
        return None


class Table(NamedTuple):
    """A real table. file: in the folder of data. signal: columns. condition: the rows to keep of a
    table with the column `condition`. people: keep so many subjects, spread over all of them."""

    file: str
    signal: tuple[str, ...] = ()
    condition: str | None = None
    people: int | None = None


TABLES: dict[str, Table] = {
    "mouse_bandit_photometry": Table("mouse_bandit_photometry.parquet", ("auc_outcome",)),
    "mouse_bandit_saline": Table("mouse_bandit_drug.parquet", ("auc_outcome",), "saline"),
    "mouse_bandit_dcz": Table("mouse_bandit_drug.parquet", ("auc_outcome",), "dcz"),
    "mouse_bandit_7030": Table("mouse_bandit_7030.parquet"),
    "human_volatile_bandit": Table("human_volatile_bandit.parquet"),
    "human_bandit_20": Table("human_bandit.parquet", people=20),
    "monkey_matching_pennies": Table("monkey_matching_pennies.parquet"),
    "nwb": Table("nwb"),
}
"""By name. `nwb`: all sessions of that folder together, one of each mouse, since a plain fit of one
session has nothing to hold out."""


def panel_rows(
    sizes: Sequence[int], n_draws: int, n_trials: int, only: Sequence[str] = ()
) -> list[Row]:
    """Every row but demonstrations; tables first, then draw by draw, the small ones first.

    only: generators and tables to keep; empty: all.
    """
    tables = [Row("table", name) for name in TABLES]
    agents = [
        Row("agent", name, size, n_trials, draw)
        for draw in range(n_draws)
        for size in sorted(sizes)
        for name in GENERATORS
    ]
    return [row for row in [*tables, *agents] if not only or row.name in only]


def absent(rows: Sequence[Row], data: Path) -> list[Row]:
    """The rows whose data are not in that folder."""
    return [r for r in rows if r.group == "table" and not (data / TABLES[r.name].file).exists()]
