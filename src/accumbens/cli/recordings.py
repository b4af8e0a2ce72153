"""`accumbens inspect` and `accumbens convert`: what a recording holds; recordings to a table."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ..errors import ConfigError
from ..io.sources import names_of
from ..run.convert.conversion import ConvertConfig

if TYPE_CHECKING:
    import pandas as pd

UNITS_SHOWN = 20
"""Units that `accumbens convert` prints; its record has all."""


@dataclasses.dataclass(frozen=True)
class InspectCommand:
    """List what a file holds: columns and their values, time series and clocks, clusters."""

    file: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(help=f"What to list: {names_of()}.")]
    rows: int = 40
    """Clusters to print."""

    def run(self, console: Console) -> None:
        from ..io.contents import inspect_file

        contents = inspect_file(self.file)
        console.print(f"[bold]{escape(str(self.file))}[/]", highlight=False)
        for key, value in contents.about.items():
            console.print(f"  {escape(key)}: {escape(value)}", highlight=False)
        for listing in contents.listings:
            n = self.rows if listing.long else len(listing.rows)
            _print_frame(console, listing.rows, listing.title, n)


@dataclasses.dataclass(frozen=True)
class ConvertCommand:
    """Turn NWB files or trial tables, with photometry and spikes, into one table for accumbens
    fit."""

    files: Annotated[
        tyro.conf.Positional[tuple[Path, ...]],
        tyro.conf.arg(help_behavior_hint=f"({names_of('trials')})"),
    ]
    """Files with the trials: one session each, or with a row a trial."""
    out: Path = Path("trials.parquet")
    """Table to write: CSV, TSV or Parquet; a record of what was done goes beside it."""
    options: Annotated[ConvertConfig, tyro.conf.arg(name="")] = dataclasses.field(
        default_factory=ConvertConfig
    )

    def run(self, console: Console) -> None:
        from ..run.convert.conversion import convert_files, write_converted
        from .printing import shown_progress

        if not self.files:
            raise ConfigError(
                "Name the files: accumbens convert SESSION.nwb ... --out TABLE, or TRIALS.csv ..."
            )
        with shown_progress() as progress:
            converted = convert_files(self.files, self.options, progress)
        record = write_converted(converted, self.out)
        table = Table()
        rows = converted.record["sessions"]
        for heading in rows[0]:
            table.add_column(heading)
        for row in rows:
            cells = row | {"file": Path(row["file"]).name}
            table.add_row(*(escape(_cell(value)) for value in cells.values()))
        console.print(table)
        if len(converted.quality):
            _print_quality(console, converted.quality)
        if len(converted.units):
            title = f"units: {len(converted.units)} (spikes/s)"
            units = converted.units
            known = units if any(units["region"]) else units.drop(columns="region")
            _print_frame(console, known, title, UNITS_SHOWN)
        console.print(f"Table:  {escape(str(self.out))}\nRecord: {escape(str(record))}")


def _print_frame(console: Console, frame: pd.DataFrame, title: str, rows: int) -> None:
    """A table of at most so many rows, and how many more there are."""
    table = Table(title=title, title_justify="left")
    for name in frame.columns:
        right = frame[name].dtype.kind in "iuf"
        table.add_column(str(name), justify="right" if right else "left", overflow="fold")
    for row in frame.head(rows).itertuples(index=False):
        table.add_row(*(escape(_cell(value)) for value in row))
    console.print(table)
    if len(frame) > rows:
        console.print(f"... and {len(frame) - rows:,} more", highlight=False)


def _print_quality(console: Console, quality: Any) -> None:
    """A row a fact, a column a channel and session."""
    table = Table(title="quality of the recordings", title_justify="left")
    for place in range(len(quality) + 1):
        table.add_column("" if place == 0 else str(place), overflow="fold")
    for fact in quality.columns:
        values = quality[fact].tolist()
        cells = [f"{v:.6g}" if isinstance(v, float) else _cell(v) for v in values]
        table.add_row(fact.replace("_", " "), *map(escape, cells))
    console.print(table)


def _cell(value: object) -> str:
    if isinstance(value, float):
        if value != value:
            return ""
        return f"{value:,.4f}".rstrip("0").rstrip(".") if abs(value) >= 1 else f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) else str(value)
