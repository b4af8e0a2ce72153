"""`accumbens show`: what a run found."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated, ClassVar

from ..lazy import at_place
from ..run.kinds import kind_of, what_is_shown
from ..run.options import POSITIONAL, Note
from .commands import Command
from .output import Output

SHOWN = Note(lambda: f"Shown are {what_is_shown()}.")


@dataclasses.dataclass(frozen=True)
class ShowCommand(Command):
    """Print again what an earlier command found."""

    examples: ClassVar = """
accumbens show runs/trials
accumbens show runs/trials-credit
accumbens show trials.convert.json
"""

    folder: Annotated[Path, POSITIONAL, SHOWN]
    """Run folder, or the record of a conversion."""

    def run(self, out: Output) -> None:
        from ..run.provenance import made_in_words, read_made

        at_place(kind_of(self.folder).show, __package__)(out, self.folder)
        for entry in read_made(self.folder):
            out.say(made_in_words(entry))
