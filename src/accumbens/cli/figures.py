"""`accumbens figures`: the figures of a paper, from a result's own data, for print."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from ..run.options import POSITIONAL
from .commands import Command
from .output import Output


@dataclasses.dataclass(frozen=True)
class FiguresCommand(Command):
    """Write the figures of a paper with your own data, one page each, as a journal prints them
    (PDF, PNG, CSV), from the run folder alone. Paper dopamine, of a fit: Figures 2 and 3 and
    Table 1 (LaTeX too). Paper credit: Figures 1c and 2 of credit, Figure 3 of selectivity."""

    examples: ClassVar = """
accumbens figures runs/trials --paper dopamine
accumbens figures runs/trials-credit --paper credit --journal cell --no-captions
"""

    folder: Annotated[Path, POSITIONAL]
    """Folder of a fit, of credit or of selectivity."""
    paper: Literal["dopamine", "credit"] | None = None
    """Whose figures; by default those that the result has."""
    out: Path | None = None
    """Folder for the files; by default figures/<paper> in the run folder."""
    journal: Literal[
        "nature", "science", "cell", "elife", "pnas", "jneurosci", "plos", "letter"
    ] = "nature"
    """Whose width of a page the figures have."""
    captions: bool = True
    """Print the captions below the figures; captions.md has them anyway."""
    replace: bool = False
    """Replace files of these names."""

    def run(self, out: Output) -> None:
        from ..report.papers.written import write_paper_figures

        written = write_paper_figures(
            self.folder, self.paper, self.out, journal=self.journal, captions=self.captions,
            replace=self.replace,
        )  # fmt: skip
        for png in written.values():
            out.say(f"{png.with_suffix('.pdf')}")
