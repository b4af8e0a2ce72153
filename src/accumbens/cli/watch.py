"""`accumbens watch`: a running fit or sweep in the browser."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated, ClassVar

from ..run.options import POSITIONAL
from .commands import Command
from .output import Output


@dataclasses.dataclass(frozen=True)
class WatchCommand(Command):
    """Show a running fit or sweep in the browser: losses, latents that close, cells that are done.
    It reads the folder, and only this machine can ask it. Ctrl-C ends it, and nothing else."""

    examples: ClassVar = """
accumbens watch runs/trials
"""

    folder: Annotated[Path, POSITIONAL]
    """Folder of a fit or of a sweep."""
    port: int = 0
    """Port to listen on; 0: one that is free."""

    def run(self, out: Output) -> None:
        from ..report.watching import server_of

        with server_of(self.folder, self.port) as server:
            out.say(f"Open http://127.0.0.1:{server.server_port}/ in a browser; Ctrl-C ends it.")
            out.flush()
            server.serve_forever()

    def interrupted(self) -> str:
        return "The page has ended; what it watched goes on."
