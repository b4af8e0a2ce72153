"""`accumbens selectivity`: what does each unit respond to?"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

from ..run.options import POSITIONAL, ROOT
from ..run.selectivity.config import SelectivityConfig
from .commands import Command
from .output import Output

if TYPE_CHECKING:
    import pandas as pd

UNITS_SHOWN = 10
"""Lines of the table of units."""


@dataclasses.dataclass(frozen=True)
class SelectivityCommand(Command):
    """What does each unit respond to, or is it associated with? Tests each unit for each outcome,
    and whether it tells two outcomes apart, in a way that drifts do not fool; sums up by region."""

    first: ClassVar = (
        "test", "outcome", "signal", "out", "regions", "probabilities", "given", "max-shift",
        "resamples",
        "seed",
    )  # fmt: skip
    examples: ClassVar = """
accumbens selectivity units.parquet --test linear_shift --outcome reward
accumbens selectivity units.parquet --test schedule --outcome reward tone
accumbens selectivity units.parquet --test linear_shift --outcome reward --given choice value
"""

    table: Annotated[Path, POSITIONAL]
    """Trial table with units as columns: CSV, TSV, Parquet, Excel or MATLAB."""
    options: Annotated[SelectivityConfig, ROOT]
    """Test."""
    out: Path | None = None
    """Folder to make; by default runs/<name of the table>-selectivity."""

    def run(self, out: Output) -> None:
        from ..figures.labels import data_counts
        from ..run.selectivity.analysis import run_selectivity
        from .printing import shown_progress
        from .schedule import print_schedule

        folder = self.out or Path("runs") / f"{self.table.name.split('.')[0]}-selectivity"
        with shown_progress() as progress:
            found = run_selectivity(self.table, self.options, folder, progress)
        out.say("", f"{data_counts(found.trials)}.")
        print_schedule(out, found.calibration)
        print_selectivity(out, found.selectivity, found.regions, found.warnings, self.options.unit)
        out.paths(folder=folder, figures=folder / "figures")

    def interrupted(self) -> str:
        return "An analysis of units keeps nothing before its end. Run the same command again."


def print_selectivity(
    out: Output,
    selectivity: pd.DataFrame,
    regions: pd.DataFrame,
    warnings: Sequence[str],
    unit: str,
) -> None:
    """Warnings; a row a contrast and region; then the most selective units."""
    for warning in warnings:
        out.warn(warning)
    rows = regions.to_dict("records")
    unknown = "unknown" if any(row["region"] for row in rows) else "all"
    headings = ("region", "units", "selective", "share (95 %)", "up", "down", f"mean, {unit}")
    kind = str(selectivity["kind"].iloc[0]) if "kind" in selectivity else "association"
    for contrast in dict.fromkeys(row["contrast"] for row in rows):
        cells = [
            [
                row["region"] or unknown, f"{row['units']:,}", f"{row['selective']:,}",
                f"{row['fraction']:.0%} ({row['low']:.0%}, {row['high']:.0%})",
                f"{row['positive']:,}", f"{row['negative']:,}", f"{row['effect']:+.2f}",
            ]
            for row in rows
            if row["contrast"] == contrast
        ]  # fmt: skip
        out.table(headings, cells, title=_question(contrast, kind), numbers=range(1, 7))
    _print_units(out, selectivity, unit)


def print_saved_selectivity(out: Output, folder: Path) -> None:
    """The tables that a finished analysis left in `folder`, and its warnings."""
    from ..run.stored import load_analysis

    found = load_analysis(folder)
    selectivity, regions = found.table("selectivity"), found.table("regions")
    print_selectivity(out, selectivity, regions, found.metrics["warnings"], found.metrics["unit"])
    out.paths(folder=folder, figures=folder / "figures")


def _question(contrast: str, kind: str) -> str:
    """What a unit does; of tables of 0.1.0, which do not say, the cautious word."""
    first, _, second = contrast.partition(" - ")
    if kind == "response":
        return f"Tells {first} from {second}" if second else f"Responds to {first}"
    return f"Is associated with {first}" + (f" rather than {second}" if second else "")


def _print_units(out: Output, selectivity: pd.DataFrame, unit: str) -> None:
    """The most selective units: the smallest q of any contrast, of these the closest relation."""
    from ..neural.units.selectivity import most_selective

    units = most_selective(selectivity.query("selective"))
    if not units:
        out.say("No unit is selective.")
        return
    contrasts = list(dict.fromkeys(selectivity["contrast"]))
    located = any(selectivity["region"])
    places = ["unit", "region"] if located else ["unit"]
    headings = [*places, *contrasts, "smallest q"]
    by_place = {(row["unit"], row["contrast"]): row for row in selectivity.to_dict("records")}
    cells = []
    for name in units[:UNITS_SHOWN]:
        rows = [by_place[name, contrast] for contrast in contrasts]
        effects = [f"{r['effect']:+.2f}{'*' if r['selective'] else ' '}" for r in rows]
        place = [rows[0]["region"] or "unknown"] if located else []
        cells.append(
            [name, *place, *effects, f"{min(row['q'] for row in rows if row['q'] == row['q']):.2g}"]
        )
    title = f"Effects in the most selective of {len(units):,} selective units, {unit}"
    numbers = range(len(places), len(headings))
    out.table(headings, cells, title=title, numbers=numbers, caption="* selective")
