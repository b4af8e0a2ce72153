"""Values of options: from the words of a command line, and from what a TOML file holds."""

from __future__ import annotations

import difflib
import math
import re
import typing
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

from ..errors import ConfigError
from .options import Option, described, kinds_of, may_be_none

MAX_SHOWN_LENGTH = 60
"""Characters of a wrong value that a message repeats."""
_NO = object()


def from_words(option: Option, words: Sequence[str]) -> Any:
    """The value of an option from the words that follow its name.

    Numbers of a list may be separated by commas too. `None` is None where that is allowed.
    Raises ConfigError that names the option and says what it takes.
    """
    name = option.name.upper() if option.positional else f"--{option.name}"
    kind = option.kind
    if may_be_none(kind) and list(words) == ["None"]:
        return None
    if not option.members:
        if len(words) != 1:
            given = f"; {len(words)} given" if words else ""
            raise ConfigError(f"{name} takes one value, {_what(option, kind)}{given}.")
        return _single(option, name, kind, words[0], _from_word)
    if not {str, Path} & set(kinds_of(option.members[0])):
        words = [part for word in words for part in word.split(",") if part]
    return _tuple(option, name, words, _from_word)


def from_toml(option: Option, value: Any) -> Any:
    """The value of an option from what a TOML file says; "" is None where that is allowed.

    Raises ConfigError that names the option's key and says what it takes.
    """
    if value == "" and may_be_none(option.kind):
        return None
    if not option.members:
        return _single(option, option.key, option.kind, value, _from_value)
    if not isinstance(value, list):
        raise ConfigError(f"{option.key} must be a list, such as {option.key} = [...].")
    return _tuple(option, option.key, value, _from_value)


def to_toml(value: Any) -> Any:
    """The value as TOML can hold it."""
    if isinstance(value, tuple):
        return [to_toml(v) for v in value]
    if isinstance(value, Path):
        return str(value)
    return "" if value is None else value


def near(name: str, known: Iterable[str], before: str = "") -> str:
    """` Did you mean ...?`, or nothing if no name is like it; `before` stands before each."""
    close = [f"{before}{other}" for other in difflib.get_close_matches(name, list(known), n=2)]
    return f" Did you mean {' or '.join(close)}?" if close else ""


def _tuple(
    option: Option, name: str, values: Sequence[Any], read: Callable[[Any, Any], Any]
) -> tuple[Any, ...]:
    kinds = option.members
    if option.many:
        kinds = (kinds[0],) * len(values)
    elif len(kinds) != len(values):
        raise ConfigError(
            f"{name} takes {len(kinds)} values, each {_what(option, kinds[0])}; "
            f"{len(values)} given."
        )
    return tuple(
        _single(option, name, one, value, read) for one, value in zip(kinds, values, strict=True)
    )


def _single(
    option: Option, name: str, kind: Any, value: Any, read: Callable[[Any, Any], Any]
) -> Any:
    for one in kinds_of(kind):
        found = read(one, value)
        if found is not _NO:
            return found
    text = value if isinstance(value, str) else str(value)
    text = text if len(text) <= MAX_SHOWN_LENGTH else f"{text[:MAX_SHOWN_LENGTH]}..."
    shown = repr(text) if isinstance(value, str) else "a table" if isinstance(value, dict) else text
    choices = [choice for one in kinds_of(kind) for choice in choices_of(one)]
    if choices and len(kinds_of(kind)) == 1:
        known = ", ".join(choices)
        raise ConfigError(f"{name} is {shown}; choose one of {known}.{near(text, choices)}")
    raise ConfigError(f"{name} is {shown}; it must be {_what(option, kind)}.")


def choices_of(kind: Any) -> list[str]:
    """The values of a Literal as text; of any other type, none."""
    literal = typing.get_origin(kind) is Literal
    return [str(choice) for choice in typing.get_args(kind)] if literal else []


def _what(option: Option, kind: Any) -> str:
    return f"one {option.names.word}" if option.names is not None else described(kind)


def _from_word(kind: Any, word: str) -> Any:
    if kind is int:
        return int(word) if re.fullmatch(r"[+-]?[0-9]{1,18}", word) else _NO
    if kind is float:
        try:
            number = float(word)
        except ValueError:
            return _NO
        return number if math.isfinite(number) else _NO
    if kind is bool:
        return {"true": True, "false": False}.get(word.lower(), _NO)
    if typing.get_origin(kind) is Literal:
        return next((c for c in typing.get_args(kind) if str(c) == word), _NO)
    return kind(word)


def _from_value(kind: Any, value: Any) -> Any:
    if kind is float and isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return float(value) if math.isfinite(value) else _NO
        except OverflowError:
            return _NO
    if kind is int and isinstance(value, int) and not isinstance(value, bool):
        return value if abs(value) < 10**18 else _NO
    if typing.get_origin(kind) is Literal:
        return next(
            (c for c in typing.get_args(kind) if c == value and type(c) is type(value)), _NO
        )
    if kind is bool:
        return value if isinstance(value, bool) else _NO
    if kind in (str, Path) and isinstance(value, str):
        return kind(value)
    return _NO
