"""`accumbens selectivity`: what does each unit respond to?"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ..run.selectivity.config import SelectivityConfig

if TYPE_CHECKING:
    import pandas as pd

MOST_UNITS = 10
"""Lines of the table of units."""


@dataclasses.dataclass(frozen=True)
class SelectivityCommand:
    """What does each unit respond to? Tests each unit's response to each outcome, and whether it
    tells two outcomes apart, in a way that drifts do not fool; sums up by brain region."""

    table: tyro.conf.Positional[Path]
    """Trial table with units as columns: CSV, TSV or Parquet."""
    options: Annotated[SelectivityConfig, tyro.conf.arg(name="")]
    out: Path | None = None
    """Folder to create; default: runs/<name of the table>-selectivity."""

    def run(self, console: Console) -> None:
        from ..figures.labels import data_counts
        from ..run.selectivity.analysis import run_selectivity
        from .printing import shown_progress

        out = self.out or Path("runs") / f"{self.table.name.split('.')[0]}-selectivity"
        with shown_progress() as progress:
            found = run_selectivity(self.table, self.options, out, progress)
        console.print(f"\n{data_counts(found.trials)}.", highlight=False)
        print_selectivity(
            console, found.selectivity, found.regions, found.warnings, self.options.unit
        )
        console.print(f"\nFolder:  {escape(str(out))}\nFigures: {escape(str(out / 'figures'))}")


def print_selectivity(
    console: Console,
    selectivity: pd.DataFrame,
    regions: pd.DataFrame,
    warnings: Sequence[str],
    unit: str,
) -> None:
    """Warnings; a row a contrast and region; then the most selective units."""
    for warning in warnings:
        console.print(f"[bold red]Warning:[/] {escape(warning)}", highlight=False)
    rows = regions.to_dict("records")
    unknown = "unknown" if any(row["region"] for row in rows) else "all"
    for contrast in dict.fromkeys(row["contrast"] for row in rows):
        table = Table(title=escape(_question(contrast)), title_justify="left", min_width=72)
        table.add_column("region")
        for heading in ("units", "selective", "share (95 %)", "up", "down", f"mean, {unit}"):
            table.add_column(escape(heading), justify="right")
        for row in (row for row in rows if row["contrast"] == contrast):
            table.add_row(
                escape(row["region"] or unknown), f"{row['units']:,}", f"{row['selective']:,}",
                f"{row['fraction']:.0%} ({row['low']:.0%}, {row['high']:.0%})",
                f"{row['positive']:,}", f"{row['negative']:,}", f"{row['effect']:+.2f}",
            )  # fmt: skip
        console.print(table)
    _print_units(console, selectivity, unit)


def print_saved_selectivity(console: Console, folder: Path) -> None:
    """The tables that a finished analysis left in `folder`, and its warnings."""
    from ..errors import DataError
    from ..io.tables.trials import read_table

    try:
        metrics = json.loads((folder / "metrics.json").read_text())
    except OSError:
        raise DataError(
            f"The run in {folder} is not finished. Delete it and run it again."
        ) from None
    selectivity, regions = (
        read_table(folder / f"{name}.parquet") for name in ("selectivity", "regions")
    )
    print_selectivity(console, selectivity, regions, metrics["warnings"], metrics["unit"])
    console.print(f"\nFolder:  {escape(str(folder))}\nFigures: {escape(str(folder / 'figures'))}")


def _question(contrast: str) -> str:
    first, _, second = contrast.partition(" - ")
    return f"Tells {first} from {second}" if second else f"Responds to {first}"


def _print_units(console: Console, selectivity: pd.DataFrame, unit: str) -> None:
    """The most selective units: the smallest q of any contrast, of these the closest relation."""
    from ..neural.units.selectivity import most_selective

    units = most_selective(selectivity.query("selective"))
    if not units:
        console.print("No unit is selective.")
        return
    contrasts = list(dict.fromkeys(selectivity["contrast"]))
    title = f"Effects in the most selective of {len(units):,} selective units, {unit}"
    table = Table(title=escape(title), title_justify="left", caption="* selective", min_width=72,
                  caption_justify="left")  # fmt: skip
    located = any(selectivity["region"])
    for heading in ("unit", "region") if located else ("unit",):
        table.add_column(heading)
    for heading in (*contrasts, "smallest q"):
        table.add_column(escape(heading), justify="right")
    by_place = {(row["unit"], row["contrast"]): row for row in selectivity.to_dict("records")}
    for name in units[:MOST_UNITS]:
        rows = [by_place[name, contrast] for contrast in contrasts]
        cells = [f"{r['effect']:+.2f}{'*' if r['selective'] else ' '}" for r in rows]
        q = min(row["q"] for row in rows)
        place = (escape(rows[0]["region"] or "unknown"),) if located else ()
        table.add_row(escape(name), *place, *cells, f"{q:.2g}")
    console.print(table)
