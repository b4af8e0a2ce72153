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
    """Print what a run found: Table 1, bottlenecks and seeds of a fit; indices and p-values of
    credit; or units and regions of selectivity."""

    examples: ClassVar = """
accumbens show runs/trials
accumbens show runs/trials-credit
"""

    folder: Annotated[Path, POSITIONAL]
    """Run folder."""

    def run(self, out: Output) -> None:
        from ..run.folder import RunFolder, load_run
        from .credit import print_saved_credit
        from .printing import print_run
        from .selectivity import print_saved_selectivity

        kind = RunFolder(self.folder).about().get("kind")
        if kind == "credit":
            print_saved_credit(out, self.folder)
        elif kind == "selectivity":
            print_saved_selectivity(out, self.folder)
        else:
            print_run(out, load_run(self.folder))
