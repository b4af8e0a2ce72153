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
from rich.progress import Progress
from rich.table import Table

from ..run.selectivity_config import SelectivityConfig

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
        from ..run.selectivity import run_selectivity

        out = self.out or Path("runs") / f"{self.table.name.split('.')[0]}-selectivity"
        with Progress(console=console, transient=True) as progress:
            bar = progress.add_task("units", total=None)
            found = run_selectivity(
                self.table, self.options, out,
                lambda done, total: progress.update(bar, completed=done, total=total),
            )  # fmt: skip
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
    table = Table(title="Selective units, with 95 % intervals", title_justify="left")
    for heading in ("contrast", "region"):
        table.add_column(heading)
    for heading in ("units", "selective", "share", "up", "down", f"mean effect ({escape(unit)})"):
        table.add_column(heading, justify="right")
    last = ""
    for row in regions.to_dict("records"):
        if last and row["contrast"] != last:
            table.add_section()
        last = row["contrast"]
        table.add_row(
            escape(row["contrast"]), escape(row["region"] or "unknown"), f"{row['units']:,}",
            f"{row['selective']:,}",
            f"{row['fraction']:.0%} ({row['low']:.0%}, {row['high']:.0%})",
            f"{row['positive']:,}", f"{row['negative']:,}", f"{row['effect']:+.2f}",
        )  # fmt: skip
    console.print(table)
    _print_units(console, selectivity, unit)


def print_saved_selectivity(console: Console, folder: Path) -> None:
    """The tables that a finished analysis left in `folder`, and its warnings."""
    from ..errors import DataError
    from ..io.tables import read_table

    try:
        metrics = json.loads((folder / "metrics.json").read_text())
    except OSError:
        raise DataError(
            f"The run in {folder} is not finished. Delete it and run it again."
        ) from None
    tables = (read_table(folder / f"{name}.parquet") for name in ("selectivity", "regions"))
    print_selectivity(console, *tables, metrics["warnings"], metrics["unit"])
    console.print(f"\nFolder:  {escape(str(folder))}\nFigures: {escape(str(folder / 'figures'))}")


def _print_units(console: Console, selectivity: pd.DataFrame, unit: str) -> None:
    """The most selective units: the smallest q, of these the closest relation."""
    found = selectivity[selectivity["selective"]]
    if not len(found):
        console.print("No unit is selective.")
        return
    closest = found.assign(size=-found["correlation"].abs()).sort_values(
        ["q", "size"], kind="stable"
    )
    shown = closest.head(MOST_UNITS)
    title = f"The most selective of {len(found):,} responses of {found['unit'].nunique():,} units"
    table = Table(title=title, title_justify="left")
    for heading in ("unit", "region", "contrast"):
        table.add_column(heading)
    for heading in (f"effect ({escape(unit)})", "correlation", "p", "q", "trials"):
        table.add_column(heading, justify="right")
    for row in shown.to_dict("records"):
        table.add_row(
            escape(row["unit"]), escape(row["region"] or "unknown"), escape(row["contrast"]),
            f"{row['effect']:+.2f}", f"{row['correlation']:+.3f}", f"{row['p']:.2g}",
            f"{row['q']:.2g}", f"{row['trials']:,}",
        )  # fmt: skip
    console.print(table)
