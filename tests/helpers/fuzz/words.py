"""Words of a command line that nobody means, to every command."""

import random

from accumbens.cli.commands import COMMANDS
from accumbens.cli.help import help_text
from accumbens.cli.parsing import flags_of, parse
from accumbens.errors import AccumbensError

from .damage import ODD


def odd_command(rng: random.Random) -> tuple[str, list[str]]:
    """A command, and words after it: options of its own and others, with odd values or none."""
    entry = rng.choice(COMMANDS)
    flags = [f"--{flag}" for flag in flags_of(entry.command)]
    words: list[str] = []
    for _ in range(rng.randint(0, 6)):
        how = rng.random()
        flag = rng.choice(flags)
        if how < 0.6:
            words += [flag, *(_value(rng) for _ in range(rng.randint(0, 3)))]
        elif how < 0.75:
            words.append(f"{flag}={_value(rng)}")
        elif how < 0.85:
            words.append(flag[: rng.randint(2, len(flag))] + rng.choice(["", "x", "."]))
        else:
            words.append(_value(rng))
    return entry.name, words


def read_command(name: str, words: list[str]) -> str:
    """Parses them, with the defaults of the command; nothing is run."""
    command = next(entry.command for entry in COMMANDS if entry.name == name)
    try:
        parse(command, words, name, command.defaults)
    except AccumbensError as error:
        if len(str(error)) <= 20:
            raise AssertionError(f"an error that says nothing: {error!r}") from error
        return "e"
    help_text(command, name)
    return "r"


def _value(rng: random.Random) -> str:
    usual = ("0.5", "3", "reward", "trials.csv", "None", "disrnn", "true", "a b", "-1", "1e9")
    return rng.choice(ODD if rng.random() < 0.5 else usual)
