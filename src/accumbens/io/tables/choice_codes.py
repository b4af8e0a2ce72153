"""Choice codes: from left/right, -1/1, true/false and others to 0, 1, ... and -1 for missed."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Bool, Int

from ...trials import MISSED, ChoiceCode
from .cells import BLANKS, factorized, plain_minus
from .format import TableFormat
from .problems import Problems, listed, show

USUAL_PAIRS = (("0", "1"), ("-1", "1"), ("left", "right"), ("l", "r"), ("false", "true"))
NUMBERED = ("1", "2")
"""A pair that is offered, but not taken unasked: 1 may be a lever of 0 and 1, or of 1 and 2."""


class CodedChoices(NamedTuple):
    """A choice column as numbers.

    Attributes:
        index: of each row's choice in `codes`; -1 where the trial was missed or its code is
            unknown.
        made: True where the cell is neither blank nor a code that means a missed trial.
        codes: the user's codes, in the order of the choices.
    """

    index: Int[np.ndarray, " row"]
    made: Bool[np.ndarray, " row"]
    codes: tuple[ChoiceCode, ...]


def code_key(value: object) -> str:
    """The same text for equal codes: 1, 1.0 and "1" are "1"; True is "true"; text is stripped, and
    has a keyboard's minus."""
    if isinstance(value, (bool, np.bool_)):
        return str(bool(value)).lower()
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    return plain_minus(str(value).strip())


def code_choices(
    column: pd.Series, format: TableFormat, problems: Problems, *, typed: bool
) -> CodedChoices:
    """Reads a choice column. Unknown codes are added to `problems`.

    Args:
        column: the choices.
        format: with the codes of choices and of missed trials, where they are named.
        problems: gets unknown codes.
        typed: whether the types of the column are meant ("0" is text); otherwise text is read as
            numbers or booleans where all codes allow it, as in a CSV file.

    Returns:
        The choices, with codes in their natural order.
    """
    where = f"column {show(format.choice)}"
    group, raw = factorized(column)
    values = [_plain(value) for value in raw]
    if not typed:
        values = [_parsed(value) for value in values]
    keys = [code_key(value) for value in values]
    missed = {code_key(code) for code in format.missed}
    named = {code_key(code) for code in format.choices}
    blank = [key.casefold() in BLANKS and key not in named for key in keys]
    left = [i for i, key in enumerate(keys) if key not in missed and not blank[i]]
    if len({_kind(values[i]) for i in left}) > 1:
        values = [str(_plain(value)) for value in raw]
        keys = [code_key(value) for value in values]

    counts = np.bincount(group[group >= 0], minlength=len(raw))
    first_row = dict(zip(*np.unique(group, return_index=True), strict=True))

    def census(indices: Sequence[int]) -> str:
        """The most frequent of these codes in words: `2 (30 rows, first row 5)`."""
        often = sorted(indices, key=lambda i: -counts[i])
        texts = [
            f"{show(values[i])} ({counts[i]} row{'s' if counts[i] > 1 else ''}, "
            f"first {problems.name_rows(np.array([first_row[i]]))})"
            for i in often[:4]
        ]
        return listed(texts, len(often), quote=False)

    made = np.zeros(len(raw) + 1, bool)
    made[left] = True
    left = _spelled_once(left, values, keys, format, problems)
    present = {keys[i]: values[i] for i in left}
    order = _order(present, format, problems)
    if order is None:
        problems.add(where, f"unknown choice codes {census(left)}", _advice(present))
        order = []
    place = {code_key(code): i for i, code in enumerate(order)}
    unknown = [i for i in left if keys[i] not in place] if order else []
    if unknown:
        problems.add(
            where,
            f"codes {census(unknown)} are not among the choices {listed(order)}",
            "correct them, add them to the choices (--choices), or name those that mean a missed "
            "trial (--missed)",
        )
    lookup = np.full(len(raw) + 1, MISSED, np.int32)
    for i in left:
        lookup[i] = place.get(keys[i], MISSED)
    return CodedChoices(lookup[group], made[group], tuple(order))


def _spelled_once(
    indices: Sequence[int],
    values: Sequence[ChoiceCode],
    keys: Sequence[str],
    format: TableFormat,
    problems: Problems,
) -> list[int]:
    """The indices of distinct codes; adds a problem where a code is written in two ways."""
    seen: dict[str, ChoiceCode] = {}
    kept: list[int] = []
    again: list[str] = []
    for i in indices:
        key = keys[i] if format.choices else keys[i].casefold()
        if key in seen and isinstance(values[i], str):
            again.append(f"{show(seen[key])} and {show(values[i])}")
        else:
            kept.append(i)
        seen.setdefault(key, values[i])
    if again:
        problems.add(
            f"column {show(format.choice)}",
            f"codes differ only in case or in blanks: {listed(again, quote=False)}",
            "write each code in one way",
        )
    return kept


def _order(
    present: dict[str, ChoiceCode], format: TableFormat, problems: Problems
) -> list[ChoiceCode] | None:
    """All codes in order, also those that do not occur; None if the order is not known."""
    if format.choices:
        if not all(str(code).strip() for code in format.choices):
            problems.add(
                f"column {show(format.choice)}",
                "a code of the choices (--choices) is blank, and a blank cell is a missed trial",
                "write a code into these cells, or leave the blank one out",
            )
        keys = [code_key(code) for code in format.choices]
        if len(set(keys)) < max(2, len(keys)) or set(keys) & {code_key(c) for c in format.missed}:
            problems.add(
                f"column {show(format.choice)}",
                f"the choices {listed(format.choices)} (--choices) are fewer than two, repeat a "
                "code, or include one that is also named as missed",
                "name each code of a choice once",
            )
        kinds = {_kind(code) for code in present.values()}
        keys = [key.casefold() if kinds == {"truth"} else key for key in keys]
        pairs = zip(keys, format.choices, strict=True)
        codes = [present.get(key, _as_kind(code, kinds)) for key, code in pairs]
        return codes if len({_kind(code) for code in codes}) == 1 else [str(c) for c in codes]
    folded = {key.casefold(): code for key, code in present.items()}
    for pair in USUAL_PAIRS:
        if set(folded) <= set(pair):
            style = next(iter(present.values()), 0)
            return [folded.get(token, _like(style, token)) for token in pair]
    return None


def _advice(present: dict[str, ChoiceCode]) -> str:
    """What to do about codes that are not one of the usual pairs, in words."""
    if len(present) > 12:
        return _all(present)
    tokens = {key.casefold(): code for key, code in present.items()}
    readings = []
    for pair in (*USUAL_PAIRS, NUMBERED):
        both, extra = set(pair) & set(tokens), [c for t, c in tokens.items() if t not in pair]
        if extra and (len(both) == 2 or (both and set(tokens) == {"-1", "0"})):
            chosen = [str(tokens.get(token, token)) for token in pair]
            use = f"--missed {shlex.join(map(str, extra))}"
            use += f" --choices {shlex.join(chosen)}" * (pair == NUMBERED)
            mean = "mean missed trials" if len(extra) > 1 else "means a missed trial"
            codes = listed([str(code) for code in extra], quote=False)
            readings.append(f"if {codes} {mean} (choices {' and '.join(chosen)}), use {use}")
    return "; ".join([*readings, f"{'if not, ' * bool(readings)}{_all(present)}"])


def _all(present: dict[str, ChoiceCode]) -> str:
    if len(present) > 12:
        return "name the column of the choices (--choice)"
    codes = sorted(present.values(), key=lambda c: (isinstance(c, str), c))
    return f"name all choices in order (--choices {shlex.join(map(str, codes))})"


def _plain(value: object) -> ChoiceCode:
    """A cell as a Python value; whole numbers as int."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, (bool, int, float, str)) else str(value)


def _parsed(value: ChoiceCode) -> ChoiceCode:
    """Text as the number or boolean that it spells ("01" and "1e0" stay text)."""
    text = str(value).strip()
    if text.casefold() in ("true", "false"):
        return text.casefold() == "true"
    number = plain_minus(text).removesuffix(".0")
    return int(number) if number.lstrip("-").isdecimal() and str(int(number)) == number else value


def _kind(code: ChoiceCode) -> str:
    if isinstance(code, bool):
        return "truth"
    return "text" if isinstance(code, str) else "number"


def _as_kind(code: ChoiceCode, kinds: set[str]) -> ChoiceCode:
    """A code that does not occur in the table, in the type of those that do."""
    if kinds == {"text"}:
        return str(code)
    return _parsed(code) if kinds else code


def _like(style: ChoiceCode, token: str) -> ChoiceCode:
    """The code that `token` stands for, written like `style` ("RIGHT" beside "LEFT")."""
    if isinstance(style, bool):
        return token == "true"
    if not isinstance(style, str):
        return int(token)
    text = style.strip()
    return token.upper() if text.isupper() else token.title() if text.istitle() else token
