"""The text of `accumbens COMMAND --help`: what matters first, groups, words, examples."""

from __future__ import annotations

import shutil
import textwrap
from pathlib import Path
from typing import Any

from ..run.kinds import KINDS
from ..run.options import REQUIRED, Option, kinds_of, options_of
from ..run.values import choices_of, to_toml

INDENT, MAX_COLUMNS = 24, 100
CONFIG = "Text file (TOML) with any of these options; those on the command line override it."
CONFIG_OF_RUN = "The config.toml of a finished run is such a file."
HELP = ("--help", "Show this text.")


def help_text(command: Any, name: str, width: int | None = None) -> str:
    """How a command is used.

    Args:
        command: its dataclass, with the names of the options that matter most in `first` (none:
            all matter), its words in `words` and examples in `examples`.
        name: of the command.
        width: columns of the text; by default those of the terminal.
    """
    columns = min(MAX_COLUMNS, width or shutil.get_terminal_size().columns)
    options = options_of(command)
    positional = [option for option in options if option.positional]
    named = {option.name: option for option in options if not option.positional}
    words = [word_of(option) for option in positional]
    usage = " ".join(["Usage: accumbens", name, *words, *(["[OPTIONS]"] if named else [])])
    about = " ".join((command.__doc__ or "").split())
    parts = [usage, textwrap.fill(about, columns)]
    if positional:
        parts.append(_lines([(word_of(o), text_of(o)) for o in positional], columns))
    first = [named.pop(known) for known in command.first or tuple(named)]
    title = "Options that matter most:" if named else "Options:"
    top = [(shown(option), text_of(option)) for option in first]
    if first:
        kept = any(kind.config and kind.command == f"accumbens {name}" for kind in KINDS)
        top.append(("--config PATH", f"{CONFIG} {CONFIG_OF_RUN}" if kept else CONFIG))
    parts.append(f"{title}\n{_lines([*top, HELP], columns)}")
    for title, members in groups(list(named.values())).items():
        rows = [(shown(option), text_of(option)) for option in members]
        parts.append(f"{textwrap.fill(title, columns)}\n{_lines(rows, columns)}")
    if command.words:
        parts.append(f"Words used here:\n{_lines(list(command.words.items()), columns)}")
    if command.examples:
        parts.append("Examples:\n" + textwrap.indent(command.examples.strip("\n"), "  "))
    return "\n\n".join(parts) + "\n"


def groups(options: list[Option]) -> dict[str, list[Option]]:
    """Options by their group's title: those of one dataclass together, in the order of the tree.

    Those that belong to no group come last.
    """
    found: dict[tuple[str, ...], list[Option]] = {}
    for option in options:
        found.setdefault(option.place[:-1], []).append(option)
    titled: dict[str, list[Option]] = {}
    for members in sorted(found.values(), key=lambda members: not members[0].group):
        text = members[0].group.rstrip(".") or "Others"
        prefix = members[0].name.rpartition(".")[0]
        titled.setdefault(f"{text} (--{prefix}):" if prefix else f"{text}:", []).extend(members)
    return titled


def shown(option: Option) -> str:
    """`--seeds N`, `--joint, --no-joint`"""
    if option.kind is bool:
        head, dot, last = option.name.rpartition(".")
        return f"--{option.name}, --{head}{dot}no-{last}"
    return f"--{option.name} {word_of(option)}"


def word_of(option: Option) -> str:
    """What stands for the values of an option: `N`, `TEXT ...`, `all|none`."""
    if option.positional:
        word = option.name.upper()
        word = f"{word} ..." if option.many else word
        return word if option.default is REQUIRED else f"[{word}]"
    if option.many:
        return f"{_word(option, option.members[0])} ..."
    if option.members:
        return " ".join(_word(option, kind) for kind in option.members)
    return _word(option, option.kind)


def _word(option: Option, kind: Any) -> str:
    if option.names is not None:
        return option.names.word
    words = {int: "N", float: "NUMBER", str: "TEXT", Path: "PATH"}
    parts: list[str] = []
    for one in kinds_of(kind):
        parts += choices_of(one) or [words[one]]
    return parts[0] if "TEXT" in parts else "|".join(parts)


def text_of(option: Option) -> str:
    """The option's help, the names it takes, and its default."""
    text = option.help
    if option.names is not None:
        text += f" One of {', '.join(option.names.known())}."
    if option.note is not None:
        text += f" {option.note.text()}"
    if option.default is REQUIRED:
        return text if option.positional else f"{text} (required)"
    default = option.default
    if default is None or default == () or default == "" or option.positional:
        return text
    if isinstance(default, bool):
        default = "yes" if default else "no"
    values = to_toml(default)
    said = " ".join(map(_plain, values)) if isinstance(values, list) else _plain(values)
    return f"{text} (default: {said})"


def _plain(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _lines(rows: list[tuple[str, str]], columns: int) -> str:
    """Names on the left, texts on the right, below a name that is too long for its column."""
    lines = []
    for name, text in rows:
        wrapped = textwrap.wrap(text, columns - INDENT) or [""]
        if len(name) > INDENT - 4:
            lines.append(f"  {name}")
        else:
            lines.append(f"  {name:<{INDENT - 2}}{wrapped.pop(0)}")
        lines += [" " * INDENT + line for line in wrapped]
    return "\n".join(lines)
