"""The command line: `accumbens COMMAND`, from simulate, fit and credit to selectivity and demo."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any


def main(arguments: Sequence[str] | None = None) -> None:
    """Parses, calls, prints; exits with 2 on a mistake of the user's, 130 on an interrupt."""
    import tyro
    from rich.console import Console

    from ..errors import AccumbensError
    from . import commands

    given = list(sys.argv[1:] if arguments is None else arguments)
    console = Console(stderr=True)
    try:
        given, defaults = commands.with_config_file(given)
        command: Any = tyro.cli(
            commands.Command,  # type: ignore[arg-type]
            args=given,
            default=defaults,
            prog="accumbens",
            description="What did each outcome teach the animal?",
            config=commands.MARKERS,
        )
        command.run(Console())
    except AccumbensError as error:
        console.print(f"[bold red]Error:[/] {commands.escaped(error)}", highlight=False)
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        console.print("\nInterrupted. What was reached is kept.")
        raise SystemExit(130) from None
