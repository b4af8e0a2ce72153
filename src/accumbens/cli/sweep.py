"""`accumbens sweep`: many fits of one table, which differ in some options."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from ..errors import ConfigError
from ..run.fit.config import FitConfig
from ..run.options import FLAT, POSITIONAL, REPEATED, ROOT, Place
from ..run.sweep.config import CELL_DEFAULTS, EngineConfig
from .commands import Command
from .output import Output

if TYPE_CHECKING:
    from ..run.sweep.sweep import Sweep

SHOWN_ERRORS = 5


@dataclasses.dataclass(frozen=True)
class SweepCommand(Command):
    """Fit one table many times: every combination of some options is a cell, and each cell an
    ordinary run folder. Stopped or killed, the same command goes on where it was. All options of
    accumbens fit hold for all cells; but seeds is 1 here, and figures are left out, unless you say
    otherwise."""

    compiles: ClassVar = True
    first: ClassVar = ("vary", "out", "on", "jobs", "status", "resume", "retry", "signal", "models")
    words: ClassVar = {
        "cell": "One fit of the sweep, in a folder of its own below SWEEP/cells.",
    }
    examples: ClassVar = """
accumbens sweep trials.csv --vary seed=0:20 --vary penalties.factor=0.3,1,3 --out sweeps/starts
accumbens sweep trials.csv --vary subjects=each --vary split.fold=0:5 --out sweeps/animals
accumbens sweep --status sweeps/starts
accumbens sweep --retry sweeps/starts
"""

    table: Annotated[Path | None, POSITIONAL] = None
    """Trial table: CSV, TSV, Parquet, Excel or MATLAB."""
    vary: Annotated[tuple[str, ...], REPEATED] = ()
    """What differs between cells, NAME=VALUES with the name of any option of accumbens fit:
    seed=0:20 (from 0 to 19), split.fold=0:5, penalties.factor=0.3,1,3 (multiplies all penalties),
    subjects=each (a cell for each subject), subjects=M1,M2 (a cell for each of these; what fit
    calls --subjects is table.subjects here). Several make every combination."""
    out: Path | None = None
    """Folder of the sweep; by default sweeps/<name of the table>."""
    status: Path | None = None
    """Only say how far the sweep in this folder has come; give it alone."""
    resume: Path | None = None
    """Finish the sweep in this folder, with its own table and options."""
    retry: Path | None = None
    """The same, and fit the cells that failed anew."""
    engine: Annotated[EngineConfig, FLAT] = dataclasses.field(default_factory=EngineConfig)
    """Where the cells run."""
    options: Annotated[FitConfig, ROOT] = dataclasses.field(default_factory=FitConfig)
    """Options of every cell."""

    @classmethod
    def defaults(cls, values: Mapping[Place, Any]) -> dict[Place, Any]:
        del values
        return {("options", name): value for name, value in CELL_DEFAULTS.items()}

    def __post_init__(self) -> None:
        super().__post_init__()
        ways = {name: getattr(self, name) for name in ("status", "resume", "retry")}
        named = [f"--{name}" for name, path in ways.items() if path is not None]
        if len(named) > 1:
            raise ConfigError(f"{' and '.join(named)} exclude each other. Give one of them.")
        if named and (self.table is not None or self.vary or self.out is not None):
            raise ConfigError(
                f"{named[0]} takes table and options from the sweep in the folder that follows it. "
                "Give neither a table nor --vary nor --out with it."
            )

    @property
    def folder(self) -> Path:
        """The folder of the sweep."""
        known = self.status or self.resume or self.retry
        if known is not None:
            return known
        if self.table is None:
            raise ConfigError("Name a table: accumbens sweep TABLE --vary seed=0:20 --out SWEEP")
        return self.out or Path("sweeps") / self.table.name.split(".")[0]

    def run(self, out: Output) -> None:
        folder = self.folder
        from ..run.sweep.sweeping import load_sweep, resume_sweep, run_sweep
        from .printing import shown_progress

        if self.status is not None:
            print_sweep(out, load_sweep(folder))
            return
        with shown_progress() as progress:
            if self.table is None:
                sweep = resume_sweep(
                    folder, retry=self.retry is not None, engine=self.engine, progress=progress
                )
            else:
                sweep = run_sweep(
                    self.table, self.options, vary=self.vary, out=folder, engine=self.engine,
                    progress=progress,
                )  # fmt: skip
        print_sweep(out, sweep)

    def interrupted(self) -> str:
        from shlex import quote

        if (self.folder / "sweep.json").is_file():
            folder = quote(str(self.folder))
            return f"What was reached is kept. Go on: accumbens sweep --resume {folder}"
        return "Nothing was fitted yet. Run the same command again."


def print_sweep(out: Output, sweep: Sweep) -> None:
    """How far a sweep has come, why cells failed, and what is varied."""
    out.say(*repr(sweep).splitlines())
    failed = sweep.failed
    for name, error in list(failed.items())[:SHOWN_ERRORS]:
        out.warn(f"{name}: {error}")
    if len(failed) > SHOWN_ERRORS:
        out.warn(f"{len(failed) - SHOWN_ERRORS} more cells failed; cell.json of each says why.")
    if failed:
        out.say(f"To fit them anew: accumbens sweep --retry {sweep.path}")
    out.paths(sweep=sweep.path, runs=sweep.path / "cells")


def print_saved_sweep(out: Output, folder: Path) -> None:
    """What a sweep in a folder has come to."""
    from ..run.sweep.sweeping import load_sweep

    print_sweep(out, load_sweep(folder))
