"""Conditions that rows of the table of results must meet, and their order."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ...errors import ConfigError
from ..kinds import KINDS
from ..options import options_of
from ..sweep.axes import ALIASES
from ..values import near

if TYPE_CHECKING:
    import pandas as pd

ORDERED: dict[str, Callable[[Any, Any], bool]] = {
    "<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt,
}  # fmt: skip
_CONDITION = re.compile(r"([^<>=!~]+?)\s*(<=|>=|!=|=|<|>|~)\s*(.*)", re.DOTALL)


class Condition(NamedTuple):
    """One condition: `seed<=3`.

    Attributes:
        text: as the user wrote it.
        name: of a column.
        sign: =, !=, <, <=, >, >=, or ~ for "holds the text".
        value: as text.
    """

    text: str
    name: str
    sign: str
    value: str

    def holds(self, value: Any) -> bool:
        """Whether a cell meets it; an empty cell meets `!=` and, without a value, `=` alone."""
        if is_missing(value):
            return (self.sign == "=" and not self.value) or (self.sign == "!=" and bool(self.value))
        own, wanted = _number(value), _number(self.value)
        if self.sign in ORDERED:
            if own is not None and wanted is not None:
                return ORDERED[self.sign](own, wanted)
            both_text = (own is None and wanted is None) or isinstance(value, str)
            return both_text and ORDERED[self.sign](text_of(value), self.value)
        if self.sign == "~":
            return self.value.casefold() in text_of(value).casefold()
        alike = own is not None and wanted is not None and own == wanted
        alike |= text_of(value).casefold() == self.value.casefold()
        return alike == (self.sign == "=")


def read_conditions(words: Iterable[str]) -> list[Condition]:
    """Conditions from words such as `seed=3`.

    Raises:
        ConfigError: a word is no condition, or compares with nothing.
    """
    found = []
    for word in words:
        match = _CONDITION.fullmatch(word.strip())
        if match is None or (match[2] in (*ORDERED, "~") and not match[3]):
            raise ConfigError(
                f"--where takes NAME=VALUE, or with != < <= > >= or ~ (holds the text), such as "
                f"seed=3 or disrnn.normalized_likelihood>0.6; {word!r} is not of that form."
            )
        found.append(Condition(word, match[1].strip(), match[2], match[3].strip()))
    return found


def chosen(frame: pd.DataFrame, conditions: Iterable[Condition]) -> pd.DataFrame:
    """The rows that meet all conditions.

    Raises:
        ConfigError: a column is not known; near matches are named.
    """
    for condition in conditions:
        column = column_of(frame, condition.name, "--where")
        cells = [None] * len(frame) if column is None else list(frame[column])
        frame = rows_where(frame, map(condition.holds, cells))
    return frame


def rows_where(frame: pd.DataFrame, which: Iterable[bool]) -> pd.DataFrame:
    """Some rows of a table, which may have none."""
    return frame.iloc[np.flatnonzero(np.fromiter(which, bool, len(frame)))]


def in_order(frame: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """The rows by the columns that are named, the first one first; empty cells last.

    Args:
        frame: the table.
        keys: names of columns, each with `-` before it where the largest comes first.

    Raises:
        ConfigError: a column is not known; near matches are named.
    """
    for key in reversed(list(keys)):
        column = column_of(frame, key.removeprefix("-"), "--sort")
        if column is None:
            continue
        cells = list(frame[column])
        known = [i for i, cell in enumerate(cells) if not is_missing(cell)]
        known.sort(key=lambda i: _order(cells[i]), reverse=key.startswith("-"))
        rest = [i for i, cell in enumerate(cells) if is_missing(cell)]
        frame = frame.iloc[[*known, *rest]]
    return frame


def column_of(frame: pd.DataFrame, name: str, where: str) -> str | None:
    """The column of that name: exact, an option by its name on the command line or in a sweep, or
    the only one that ends so. None for an option that no row has.

    Raises:
        ConfigError: there is none, or there are several; `where` begins the message.
    """
    columns = [str(column) for column in frame]
    wanted = name.strip().removeprefix("--").replace("-", "_")
    for known in (name.strip(), wanted, f"version.{wanted}"):
        if known in columns:
            return known
    known_options = names_of_options()
    key = known_options.get(wanted)
    if key is not None:
        return key if key in columns else None
    ends = [column for column in columns if column.endswith(f".{wanted}")]
    if len(ends) == 1:
        return ends[0]
    if ends:
        raise ConfigError(f"{where}: {name!r} may be {' or '.join(ends[:6])}. Name one in full.")
    if not len(frame):
        return None
    advice = near(wanted, dict.fromkeys([*columns, *known_options]))
    raise ConfigError(
        f"{where}: the runs have no {name!r}.{advice} accumbens runs --csv shows all names, with "
        "--every-option those of all options."
    )


def names_of_options() -> dict[str, str]:
    """The keys of the options of all kinds of result, by all their names."""
    found = {}
    for kind in reversed(KINDS):  # fits last, so that their names win
        if kind.config is not None:
            options = [o for o in options_of(kind.config_class) if not o.positional]
            found |= {o.name.replace("-", "_"): o.key for o in options}
            found |= {o.key: o.key for o in options}
    return found | ALIASES


def is_missing(value: object) -> bool:
    """Whether a cell is empty."""
    import pandas as pd

    return value is None or value is pd.NA or bool(value != value)


def text_of(value: Any) -> str:
    """A cell as conditions and the terminal have it."""
    if isinstance(value, bool | np.bool_):
        return str(value).lower()
    return str(value).removesuffix(".0") if isinstance(value, float) else str(value)


def _number(value: Any) -> float | None:
    """The number that a cell, or a word, is; None where it is none."""
    if isinstance(value, bool | np.bool_):
        return None
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return None


def _order(value: Any) -> tuple[int, Any]:
    """Numbers before text, so that any two cells can be compared."""
    number = _number(value)
    return (1, text_of(value)) if number is None else (0, number)
