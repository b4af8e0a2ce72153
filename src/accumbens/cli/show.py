"""`accumbens show`: what a run found."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated, ClassVar

from ..run.options import POSITIONAL
from .commands import Command
from .output import Output


@dataclasses.dataclass(frozen=True)
class ShowCommand(Command):
    """Print again what a command found: Table 1, bottlenecks and seeds of a fit; indices and
    p-values of credit; units and regions of selectivity; power; or what convert read."""

    examples: ClassVar = """
accumbens show runs/trials
accumbens show runs/trials-credit
accumbens show trials.convert.json
"""

    folder: Annotated[Path, POSITIONAL]
    """Run folder, or the record of a conversion."""

    def run(self, out: Output) -> None:
        from ..lazy import at_place
        from ..run.kinds import kind_of

        at_place(kind_of(self.folder).show, __package__)(out, self.folder)
