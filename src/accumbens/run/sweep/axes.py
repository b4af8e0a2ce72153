"""What a sweep varies: options of `accumbens fit`, each with its values, in all combinations."""

from __future__ import annotations

import dataclasses
import itertools
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ...errors import ConfigError
from ..fit.config import FitConfig
from ..options import Option, options_of
from ..values import from_toml, from_words, near

ALIASES = {"penalties.factor": "selection.factor", "subjects": "only_subjects"}
"""Names that a sweep has for options of a fit. The order of a table's subjects, which the command
line of a fit calls subjects, is `table.subjects` here."""
SUBJECTS, EACH = "only_subjects", "each"
"""The option whose value `each` stands for every subject of the table in turn."""
_RANGE = re.compile(r"([+-]?\d{1,18}):([+-]?\d{1,18})(?::(\d{1,18}))?")
MAX_VALUES = 100_000


@dataclasses.dataclass(frozen=True)
class Axis:
    """One option that is varied.

    Attributes:
        name: what the user calls it, `penalties.factor`.
        option: of a fit.
        values: in order, each of the option's type.
        each: whether the values are the subjects of the table, which are not known yet.
    """

    name: str
    option: Option
    values: tuple[Any, ...]
    each: bool = False


def read_axes(vary: Sequence[str] | Mapping[str, Any]) -> tuple[Axis, ...]:
    """The options that are varied, checked before anything is read or fitted.

    Args:
        vary: words such as `seed=0:20` (20 is left out), `penalties.factor=0.3,1,3` and
            `models=disrnn+bias,disrnn` (+ joins the values of one cell); or values by name.

    Raises:
        ConfigError: there is none, an option is unknown or named twice, or a value does not suit.
    """
    pairs = list(vary.items()) if isinstance(vary, Mapping) else [_pair(word) for word in vary]
    if not pairs:
        raise ConfigError("Nothing is varied. Say what: --vary seed=0:20")
    axes = [_axis(name, values) for name, values in pairs]
    keys = [axis.option.key for axis in axes]
    twice = next((axis.name for axis in axes if keys.count(axis.option.key) > 1), None)
    if twice is not None:
        raise ConfigError(f"--vary names {twice} twice. Give all its values at once, by commas.")
    return tuple(axes)


def combinations(axes: Sequence[Axis]) -> list[tuple[Any, ...]]:
    """A value of each axis, in all combinations; the last axis changes fastest.

    Raises:
        ConfigError: they are more than a sweep may have.
    """
    n = math.prod(len(axis.values) for axis in axes)
    if n > MAX_VALUES:
        raise ConfigError(f"--vary means {n:,} cells; a sweep may have {MAX_VALUES:,}.")
    return list(itertools.product(*(axis.values for axis in axes)))


def with_subjects(axes: Iterable[Axis], subjects: Sequence[str]) -> tuple[Axis, ...]:
    """The axes in which `each` stands for these subjects, in turn."""
    each = tuple((name,) for name in subjects)
    return tuple(dataclasses.replace(a, values=each, each=False) if a.each else a for a in axes)


def option_of_fit(name: str) -> Option:
    """The option of a fit by its name on the command line, in files, or in a sweep.

    Raises:
        ConfigError: there is none; near matches are named.
    """
    options = [option for option in options_of(FitConfig) if not option.positional]
    known = {o.name.replace("-", "_"): o for o in options} | {o.key: o for o in options}
    wanted = name.strip().removeprefix("--").replace("-", "_")
    wanted = ALIASES.get(wanted, wanted)
    if wanted in known:
        return known[wanted]
    advice = near(wanted, [*known, *ALIASES])
    raise ConfigError(
        f"--vary: accumbens fit has no option {name!r}.{advice} All of them: accumbens fit --help"
    )


def _pair(word: str) -> tuple[str, str]:
    name, equals, values = word.partition("=")
    if not equals or not name.strip() or not values.strip():
        raise ConfigError(
            f"--vary takes NAME=VALUES, such as seed=0:20 or penalties.factor=0.3,1,3; {word!r} "
            "is not of that form."
        )
    return name, values


def _axis(name: str, values: Any) -> Axis:
    option = option_of_fit(name)
    each = option.key == SUBJECTS and values in (EACH, [EACH], (EACH,))
    if each:
        return Axis(name.strip(), option, (), each=True)
    found = _from_text(option, values) if isinstance(values, str) else _from_values(option, values)
    if not found:
        raise ConfigError(f"--vary {name}: there is no value. Give at least one.")
    if len({repr(value) for value in found}) < len(found):
        twice = next(v for i, v in enumerate(found) if v in found[:i])
        raise ConfigError(f"--vary {name}: the value {text_of(twice)} is given twice. Keep one.")
    return Axis(name.strip(), option, tuple(found))


def _from_text(option: Option, text: str) -> list[Any]:
    between = _RANGE.fullmatch(text.strip())
    if between and option.kind in (int, int | None):
        first, end, step = (int(part or 1) for part in between.groups())
        if step < 1:
            raise ConfigError(f"--vary {option.name}={text}: the step is {step}; give 1 or more.")
        numbers = range(first, end, step)
        if len(numbers) > MAX_VALUES:
            raise ConfigError(
                f"--vary {option.name}={text} means {len(numbers):,} cells; a sweep may have "
                f"{MAX_VALUES:,}."
            )
        return list(numbers)
    words = [word.strip() for word in text.split(",")]
    return [from_words(option, word.split("+") if option.members else [word]) for word in words]


def _from_values(option: Option, values: Any) -> list[Any]:
    if not isinstance(values, Iterable):
        raise ConfigError(
            f"vary[{option.key!r}] is {values!r}; give its values as a list, a range or an array."
        )
    return [from_toml(option, _plain(option, value)) for value in values]


def _plain(option: Option, value: Any) -> Any:
    """The value as a TOML file would hold it; one member stands for a list of one."""
    value = value.item() if isinstance(value, np.generic) else value
    if option.members:
        several = isinstance(value, list | tuple | np.ndarray)
        return [_plain_member(v) for v in value] if several else [_plain_member(value)]
    return "" if value is None else value


def _plain_member(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def text_of(value: Any) -> str:
    """A value as `--vary` takes it."""
    if isinstance(value, tuple):
        return "+".join(map(text_of, value)) or "none"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)
