"""`accumbens report`: one page with all that a run found."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated, ClassVar

from ..run.options import POSITIONAL
from .commands import Command
from .output import Output


@dataclasses.dataclass(frozen=True)
class ReportCommand(Command):
    """Write one HTML page with all that a run found: to read in any browser, explore trial by
    trial, print and send. It is written from the run folder alone, and asks nothing of the
    network."""

    examples: ClassVar = """
accumbens report runs/trials
accumbens report runs/trials-credit --out credit.html
"""

    folder: Annotated[Path, POSITIONAL]
    """Folder of a fit, a sweep, credit or selectivity."""
    out: Path | None = None
    """HTML file to write; by default report.html in the run folder."""
    replace: bool = False
    """Replace a file of that name."""

    def run(self, out: Output) -> None:
        from ..report import write_report

        path = write_report(self.folder, self.out, replace=self.replace)
        out.say(f"{path}: {path.stat().st_size / 1e6:.1f} MB, for any browser.")
