"""`accumbens show`: what a run found."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated, ClassVar

from ..errors import AccumbensError, DataError
from ..lazy import at_place
from ..run.kinds import kind_of, what_is_shown
from ..run.options import POSITIONAL, Note
from .commands import Command
from .output import Output

WRONG = (KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError, RecursionError)
"""What printing meets in numbers and tables that somebody, or a disk, has changed."""

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

        kind = kind_of(self.folder)
        try:
            at_place(kind.show, __package__)(out, self.folder)
            made = [made_in_words(entry) for entry in read_made(self.folder)]
        except AccumbensError:
            raise
        except WRONG as error:
            raise DataError(
                f"The result in {self.folder} is damaged: it does not hold what {kind.command} "
                f"writes ({type(error).__name__}: {str(error)[:200]}). Copy it again, or run the "
                "command again."
            ) from error
        for line in made:
            out.say(line)
