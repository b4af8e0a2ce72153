"""`accumbens crate`: a run as an RO-Crate."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated, ClassVar

from ..run.crate.description import CrateDescription
from ..run.options import FLAT, POSITIONAL
from .commands import Command
from .output import Output


@dataclasses.dataclass(frozen=True)
class CrateCommand(Command):
    """Export a run as an RO-Crate (Process Run Crate 0.5), for a repository or a colleague: its
    files, and in ro-crate-metadata.json which data, options, versions and command they come from.
    The trial table is no part of it, but predictions.parquet holds its trials."""

    first: ClassVar = ("out", "name", "description", "author", "license")
    examples: ClassVar = """
accumbens crate runs/mine --out mine.zip --license https://spdx.org/licenses/CC-BY-4.0
accumbens crate runs/mine --out crates/mine --author 'Ada Lovelace' 'Mary Somerville'
"""

    folder: Annotated[Path, POSITIONAL]
    """Folder of a fit, of predictions, or of an analysis of credit or selectivity."""
    out: Path | None = None
    """Folder to write, or archive where it ends in .zip; by default <name of the run>.crate.zip."""
    described: Annotated[CrateDescription, FLAT] = dataclasses.field(
        default_factory=CrateDescription
    )
    """Words and license."""

    def run(self, out: Output) -> None:
        from ..run.crate.writing import write_crate

        target = self.out or Path(f"{self.folder.resolve().name}.crate.zip")
        out.paths(crate=write_crate(self.folder, target, self.described))
