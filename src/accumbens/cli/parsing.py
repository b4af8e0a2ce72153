"""Words of a command line to the command that they mean."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from ..errors import ConfigError
from ..run.options import Option, Place, build, options_of
from ..run.toml import read_values
from ..run.values import from_words, near

Command = TypeVar("Command")
_OPTION = re.compile(r"--[A-Za-z]")


class Flag(NamedTuple):
    """What a name on the command line sets: `on` is False for `--no-joint`, None with a value."""

    option: Option
    on: bool | None


def parse(
    command: type[Command],
    words: Sequence[str],
    name: str,
    defaults: Callable[[Mapping[Place, Any]], Mapping[Place, Any]] | None = None,
) -> Command:
    """The command with its options from the command line, else from the file that `--config` names.

    Args:
        command: a dataclass with marks of `run.options`.
        words: what follows the command's name.
        name: of the command, for messages.
        defaults: what holds where neither says anything, given what the user gave; the defaults of
            the dataclass's fields hold for the rest.

    Raises:
        ConfigError: an option is unknown, missing, or has a value that does not suit.
    """
    given, positional, config = _split(command, words, name)
    values: dict[Place, Any] = {}
    if config is not None:
        values |= read_values(command, config)
    values |= given | _positional(command, positional, name)
    if defaults is not None:
        values = {**defaults(values), **values}
    try:
        return build(command, values)
    except ConfigError as error:
        if config is None:
            raise
        raise ConfigError(f"{error} (options from {config} and from the command line)") from error


def flags_of(command: type) -> dict[str, Flag]:
    """All names of options on the command line, without `--`, except help and config."""
    flags = {}
    for option in options_of(command):
        if option.positional:
            continue
        if option.kind is bool:
            head, dot, last = option.name.rpartition(".")
            flags[option.name] = Flag(option, True)
            flags[f"{head}{dot}no-{last}"] = Flag(option, False)
        else:
            flags[option.name] = Flag(option, None)
    return flags


def _split(
    command: type, words: Sequence[str], command_name: str
) -> tuple[dict[Place, Any], list[str], Path | None]:
    """Values of named options, positional words, and the configuration file."""
    flags = flags_of(command)
    values: dict[Place, Any] = {}
    positional: list[str] = []
    config, rest = None, list(words)
    while rest:
        word = rest.pop(0)
        if word == "--":
            positional += rest
            break
        if not _OPTION.match(word):
            positional.append(word)
            continue
        name, equals, attached = word[2:].partition("=")
        name = name.replace("_", "-")
        if name == "config":
            taken = [attached] if equals else _take(rest, 1)
            if not taken:
                raise ConfigError("--config needs a value: the path of a TOML file.")
            config = Path(taken[0])
            continue
        flag = flags.get(name)
        if flag is None:
            advice = near(name, [*flags, "config", "help"], "--")
            raise ConfigError(
                f"accumbens {command_name} has no option --{name}.{advice} All of them: accumbens "
                f"{command_name} --help"
            )
        if flag.on is not None and not equals:
            values[flag.option.place] = flag.on
            continue
        members = flag.option.members
        n = None if flag.option.many else len(members) or 1
        taken = [attached] if equals else _take(rest, n)
        before = values.get(flag.option.place, ()) if flag.option.repeated else ()
        found = from_words(flag.option, taken)
        values[flag.option.place] = (*before, *found) if before else found
    return values, positional, config


def _take(rest: list[str], n: int | None) -> list[str]:
    """Removes and returns the next `n` words (None: all) up to the next option."""
    end = next((i for i, word in enumerate(rest) if word == "--" or _OPTION.match(word)), len(rest))
    taken = rest[:end] if n is None else rest[: min(n, end)]
    del rest[: len(taken)]
    return taken


def _positional(command: type, words: list[str], name: str) -> dict[Place, Any]:
    values: dict[Place, Any] = {}
    rest = list(words)
    for option in (option for option in options_of(command) if option.positional):
        taken = rest if option.many else rest[:1]
        if taken:
            values[option.place] = from_words(option, taken)
        rest = rest[len(taken) :]
    if rest:
        raise ConfigError(
            f"accumbens {name} does not know what {rest[0]!r} is for. How it is used: "
            f"accumbens {name} --help"
        )
    return values
