"""`accumbens inspect`: what a file holds."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated, ClassVar

from ..io.sources import names_of
from ..run.options import POSITIONAL, Note
from .commands import Command
from .output import Output

KNOWN = Note(lambda: f"Known are {names_of()}.")


@dataclasses.dataclass(frozen=True)
class InspectCommand(Command):
    """List what a file holds: columns and their values, time series and clocks, clusters."""

    examples: ClassVar = """
accumbens inspect session.nwb
accumbens inspect kilosort_output --rows 100
"""

    file: Annotated[Path, POSITIONAL, KNOWN]
    """File or folder to list."""
    rows: int = 40
    """Clusters to print."""

    def run(self, out: Output) -> None:
        from ..io.contents import inspect_file
        from .printing import print_frame

        contents = inspect_file(self.file)
        out.say(str(self.file), *(f"  {key}: {text}" for key, text in contents.about.items()))
        for listing in contents.listings:
            n = self.rows if listing.long else len(listing.rows)
            print_frame(out, listing.rows, listing.title, n)

    def interrupted(self) -> str:
        return "Nothing was changed."
