"""`accumbens inspect` and `accumbens convert`: what a recording holds; recordings to a table."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated, Any

import tyro
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ..errors import ConfigError
from ..run.convert import ConvertConfig


@dataclasses.dataclass(frozen=True)
class InspectCommand:
    """List what a recording holds: subject, columns of trials, time series and clocks, units."""

    file: tyro.conf.Positional[Path]
    """NWB file (HDF5 or Zarr), or pyPhotometry file (.ppd)."""

    def run(self, console: Console) -> None:
        from ..io.nwb_contents import inspect_nwb

        if self.file.suffix.casefold() == ".ppd":
            _print_ppd(console, self.file)
            return
        contents = inspect_nwb(self.file)
        console.print(f"[bold]{escape(str(self.file))}[/]", highlight=False)
        for key, value in contents.about.items():
            console.print(f"  {key}: {escape(value)}", highlight=False)
        for name, rows in contents.tables.items():
            here = contents.columns[contents.columns["table"] == name]
            shown = ("column", "type", "blank", "examples", "description")
            _print_frame(console, here, shown, f"table {name}: {rows} rows")
        if len(contents.series):
            shown = ("name", "kind", "samples", "unit", "rate", "start", "span", "clock")
            _print_frame(console, contents.series, shown, "time series (s, Hz)")
        if contents.n_units:
            shown = ("column", "type", "blank", "examples", "description")
            _print_frame(console, contents.units, shown, f"units: {contents.n_units}")


@dataclasses.dataclass(frozen=True)
class ConvertCommand:
    """Turn NWB files or trial tables, with photometry and spikes, into one table for accumbens
    fit."""

    files: tyro.conf.Positional[tuple[Path, ...]]
    """NWB files (HDF5 or Zarr), one session each; or tables (CSV, TSV, Parquet), a row a trial."""
    out: Path = Path("trials.parquet")
    """Table to write: CSV, TSV or Parquet; a record of what was done goes beside it."""
    options: Annotated[ConvertConfig, tyro.conf.arg(name="")] = dataclasses.field(
        default_factory=ConvertConfig
    )

    def run(self, console: Console) -> None:
        from ..run.convert import convert, write_converted

        if not self.files:
            raise ConfigError(
                "Name the files: accumbens convert SESSION.nwb ... --out TABLE, or TRIALS.csv ..."
            )
        converted = convert(self.files, self.options)
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
            shown = tuple(converted.units.columns)
            _print_frame(console, converted.units.head(20), shown, f"units: {len(converted.units)}")
        console.print(f"Table:  {escape(str(self.out))}\nRecord: {escape(str(record))}")


def _print_ppd(console: Console, path: Path) -> None:
    """The header, channels and digital lines of a pyPhotometry file."""
    import pandas as pd

    from ..io.nwb_contents import describe_series
    from ..io.photometry_files import read_ppd

    recording = read_ppd(path)
    console.print(f"[bold]{escape(str(path))}[/]", highlight=False)
    for key, value in recording.about.items():
        console.print(f"  {escape(str(key))}: {escape(str(value))}", highlight=False)
    rows = [describe_series(name, series) for name, series in recording.series.items()]
    shown = ("name", "kind", "samples", "unit", "rate", "start", "span", "clock")
    _print_frame(console, pd.DataFrame(rows), shown, "time series (s, Hz)")
    for name, times in recording.events.items():
        first = f", the first at {times[0]:.3f} s" if len(times) else ""
        console.print(f"{name}: {len(times):,} pulses{first}", highlight=False)


def _print_frame(console: Console, frame: Any, columns: tuple[str, ...], title: str) -> None:
    table = Table(title=title, title_justify="left")
    for name in columns:
        table.add_column(name, overflow="fold")
    for row in frame.to_dict("records"):
        table.add_row(*(escape(_cell(row[name])) for name in columns))
    console.print(table)


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
        return "" if value != value else f"{value:,.10g}"
    return f"{value:,}" if isinstance(value, int) else str(value)
