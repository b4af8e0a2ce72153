"""Each command's options, as dataclasses; tyro makes the command line and its help of them."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated, Union

import tyro
from rich.console import Console
from rich.markup import escape

from ..errors import ConfigError
from ..run.fit.config import FitConfig, read_config
from .credit import CreditCommand
from .power import PowerCommand
from .recordings import ConvertCommand, InspectCommand
from .selectivity import SelectivityCommand
from .simulate import SimulateCommand

MARKERS = (tyro.conf.ConsolidateSubcommandArgs,)


@dataclasses.dataclass(frozen=True)
class FitCommand:
    """Fit and compare models of choices, and of dopamine, on a table with one row a trial."""

    table: tyro.conf.Positional[Path | None] = None
    """Trial table: CSV, TSV or Parquet."""
    out: Path | None = None
    """Run folder to create; default: runs/<name of the table>."""
    resume: Path | None = None
    """Finish the interrupted run in this folder, with its own options."""
    config: Path | None = None
    """TOML file with any of these options; the command line overrides it."""
    options: Annotated[FitConfig, tyro.conf.arg(name="")] = dataclasses.field(
        default_factory=FitConfig
    )

    def run(self, console: Console) -> None:
        from ..run.fit.pipeline import resume_fit, run_fit
        from .printing import print_run, shown_progress

        if self.resume is not None:
            if self.table is not None or self.out is not None:
                raise ConfigError("--resume takes table and options from the run: name it alone.")
            with shown_progress() as progress:
                run = resume_fit(self.resume, progress)
        else:
            if self.table is None:
                raise ConfigError("Name a table to fit: accumbens fit TABLE --signal COLUMN")
            out = self.out or Path("runs") / self.table.name.split(".")[0]
            with shown_progress() as progress:
                run = run_fit(self.table, self.options, out, progress)
        print_run(console, run)


@dataclasses.dataclass(frozen=True)
class ShowCommand:
    """Print what a run found: Table 1, bottlenecks and seeds; indices and p-values; or units."""

    folder: tyro.conf.Positional[Path]
    """Run folder."""

    def run(self, console: Console) -> None:
        from ..run.folder import RunFolder, load_run
        from .credit import print_saved_credit
        from .printing import print_run
        from .selectivity import print_saved_selectivity

        kind = RunFolder(self.folder).about().get("kind")
        if kind == "credit":
            print_saved_credit(console, self.folder)
        elif kind == "selectivity":
            print_saved_selectivity(console, self.folder)
        else:
            print_run(console, load_run(self.folder))


@dataclasses.dataclass(frozen=True)
class DemoCommand:
    """The main job on simulated data: Q-learning in a drifting bandit, its prediction error."""

    out: Path = Path("demo")
    """Folder to create, for the table and the run."""
    seed: int = 0
    """Seed of the simulation and of the fit."""

    def run(self, console: Console) -> None:
        from .demo import run_demo

        run_demo(console, self.out, self.seed)


Command = Union[  # noqa: UP007
    Annotated[SimulateCommand, tyro.conf.subcommand("simulate")],
    Annotated[FitCommand, tyro.conf.subcommand("fit")],
    Annotated[CreditCommand, tyro.conf.subcommand("credit")],
    Annotated[PowerCommand, tyro.conf.subcommand("power")],
    Annotated[SelectivityCommand, tyro.conf.subcommand("selectivity")],
    Annotated[ShowCommand, tyro.conf.subcommand("show")],
    Annotated[InspectCommand, tyro.conf.subcommand("inspect")],
    Annotated[ConvertCommand, tyro.conf.subcommand("convert")],
    Annotated[DemoCommand, tyro.conf.subcommand("demo")],
]


def with_config_file(arguments: list[str]) -> tuple[list[str], object]:
    """The arguments, and defaults for them: those of the TOML file that `--config` names."""
    for i, argument in enumerate(arguments):
        if argument == "--config" and i + 1 < len(arguments):
            path = Path(arguments[i + 1])
        elif argument.startswith("--config="):
            path = Path(argument.partition("=")[2])
        else:
            continue
        return arguments, FitCommand(config=path, options=read_config(path))
    return arguments, tyro.MISSING


def escaped(error: Exception) -> str:
    """The error's text, safe to print with rich's markup."""
    return escape(str(error))
