"""`accumbens runs`: all runs below a folder."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated, ClassVar

from ..errors import ConfigError
from ..run.options import POSITIONAL, REPEATED
from .commands import Command
from .output import Output


@dataclasses.dataclass(frozen=True)
class RunsCommand(Command):
    """List all runs below a folder: options that differ, scores on held-out sessions, open latents
    of the disRNN, data, versions, when, and how long. Cells of a sweep stand under their sweep;
    a damaged run is listed with the reason."""

    first: ClassVar = ("where", "sort", "csv", "out", "rows", "every-option")
    examples: ClassVar = """
accumbens runs
accumbens runs sweeps --where 'disrnn.normalized_likelihood>0.6' state=done --sort -open_latents
accumbens runs sweeps/starts --out starts.csv
"""

    folder: Annotated[Path, POSITIONAL] = Path()
    """Folder below which the runs are; by default this one."""
    where: Annotated[tuple[str, ...], REPEATED] = ()
    """Only runs that meet all of these: NAME=VALUE, or with != < <= > >= or ~ (holds the text).
    Names are those of columns and of options: seed=3, state!=done, kind=fit."""
    sort: tuple[str, ...] = ()
    """Columns to sort by, the first one first; -NAME: the largest first."""
    csv: bool = False
    """Print CSV with all columns, also the ends of intervals, instead of tables."""
    out: Path | None = None
    """Write all columns to this file too: CSV, TSV or Parquet."""
    replace: bool = False
    """Replace a file of that name."""
    rows: int = 50
    """Rows that each printed table has at most; CSV has all."""
    every_option: bool = False
    """Options that do not differ too."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.rows < 1:
            raise ConfigError(f"rows is {self.rows}; it must be at least 1.")

    def run(self, out: Output) -> None:
        from ..files import check_free
        from ..io.tables.files import write_table
        from ..io.tables.formulas import csv_text
        from ..run.index.frame import runs
        from .runs_tables import print_runs

        if self.out is not None:
            check_free(self.out, replace=self.replace)
        frame = runs(self.folder, where=self.where, sort=self.sort, every_option=self.every_option)
        if self.out is not None:
            write_table(frame, self.out)
        if self.csv:
            out.text(csv_text(frame))
            return
        if not len(frame):
            which = " that meet the conditions" if self.where else ""
            out.say(f"There are no runs{which} below {self.folder}.")
        print_runs(out, frame, self.folder, self.rows)
        if self.out is not None:
            out.paths(table=self.out)
