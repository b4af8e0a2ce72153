"""The command line: `accumbens COMMAND`. What a command needs is imported when it is named."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Sequence

from ..cores import limit_threads
from ..errors import AccumbensError, ConfigError
from ..version import __version__
from .commands import COMMANDS, Command, Entry
from .interrupts import Interrupts
from .output import Output


def main(arguments: Sequence[str] | None = None) -> None:
    """Parses, calls, prints; exits with 2 on a mistake of the user's, 130 on an interrupt.

    Args:
        arguments: the command and its options; by default those of the process, which an interrupt
            then ends without waiting for its threads.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    out = Output()
    with Interrupts(ends_process=arguments is None) as interrupts:
        try:
            command = read(words, out)
            if command is not None:
                interrupts.advice = command.interrupted
                if arguments is None:
                    limit_threads(command.threads)
                    if command.compiles:
                        _keep_programs()
                command.run(out)
        except AccumbensError as error:
            out.error(str(error))
            raise SystemExit(2) from None
        except OSError as error:
            if error.filename is None:
                raise
            name = str(error.filename)
            shown = name if len(name) <= 200 else f"{name[:200]}..."
            advice = "Check the path, or name another."
            out.error(f"The system refuses {shown}: {error.strerror}. {advice}")
            raise SystemExit(2) from None
        except KeyboardInterrupt:
            out.flush()
            interrupts.end()
            raise SystemExit(130) from None
        finally:
            out.flush()
    if out.lost is not None:
        out.error(f"Standard output is cut short: {out.lost.strerror}.")
        raise SystemExit(1)


def _keep_programs() -> None:
    from ..compiled.programs import keep_programs

    keep_programs()


def read(words: list[str], out: Output) -> Command | None:
    """The command that the words mean; None where they ask for help or the version, which is said.

    Raises ConfigError where they mean none.
    """
    first = words[0] if words else "--help"
    if first in ("-h", "--help", "help"):
        out.text(overview())
        return None
    if first in ("-V", "--version", "version"):
        out.text(f"accumbens {__version__} (Python {platform.python_version()})\n")
        return None
    entry = find(first)
    command, rest = entry.command, words[1:]
    if "-h" in rest or "--help" in rest:
        from .help import help_text

        out.text(help_text(command, entry.name))
        return None
    from .parsing import parse

    return parse(command, rest, entry.name, command.defaults)


def find(name: str) -> Entry:
    """The command of that name. Raises ConfigError that names those like it."""
    for entry in COMMANDS:
        if entry.name == name:
            return entry
    from ..run.values import near

    advice = near(name, [entry.name for entry in COMMANDS])
    if not advice and os.path.exists(name):
        advice = f" To fit models to it: accumbens fit {name}."
    if not advice:
        advice = f" There are {', '.join(entry.name for entry in COMMANDS)}."
    raise ConfigError(f"There is no command {name!r}.{advice}")


def overview() -> str:
    """What `accumbens --help` says."""
    width = max(len(entry.name) for entry in COMMANDS)
    commands = "\n".join(f"  {entry.name:<{width}}  {entry.about}" for entry in COMMANDS)
    return f"""Usage: accumbens COMMAND [OPTIONS]

What did each outcome teach the animal, and where in the brain is that lesson?

Commands:
{commands}

  accumbens COMMAND --help   explains a command and its options
  accumbens --version        says which version this is

Examples:
  accumbens demo
  accumbens fit trials.csv --signal dopamine
  accumbens credit trials.csv --controllable reward --distractor tone
"""
