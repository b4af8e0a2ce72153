"""Water that an animal got without earning it, which the columns of rewards do not count.

In dynamic foraging, `auto_waterL` and `auto_waterR` say where water was given freely. An animal
that chose this side drank, though its choice was not rewarded: a non-contingent reward.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Literal, NamedTuple, cast

import numpy as np
import pandas as pd
from jaxtyping import Bool, Shaped

from .cells import factorized, numbers
from .files import open_table
from .format import FREE_WATER, ChoiceText, TableFormat

_GIVEN = r"(auto|free|manual|extra|bonus|gift)(water|reward|drop)s?"
_LEFT = ("0", "0.0", "-1", "-1.0", "l", "left", "false")
_RIGHT = ("1", "1.0", "r", "right", "true")
_BLANK = ("", "nan", "none", "<na>")


class FreeWater(NamedTuple):
    """Water given freely.

    Attributes:
        columns: that say where it was given.
        given: whether the animal got it in each trial: on the side that it chose, where the columns
            name sides.
        unclear: columns that name a side where the codes of the choices do not say which is which.
    """

    columns: tuple[str, ...]
    given: Bool[np.ndarray, " row"]
    unclear: tuple[str, ...] = ()


def free_water(
    names: Iterable[str],
    cells_of: Callable[[str], Shaped[np.ndarray, " row"] | None],
    choice: Shaped[np.ndarray, " row"],
    counted: set[str],
    missed: Sequence[ChoiceText] = (),
) -> FreeWater | None:
    """Water that was given freely in the trials of a table; None where no column says so.

    Args:
        names: of its columns.
        cells_of: gives the cells of a column; None where they are no single values.
        choice: the cells of the choice column; 0, -1, left or L is left, 1, right or R is right.
        counted: columns that outcomes are made of already.
        missed: codes of missed trials.
    """
    group, distinct = factorized(pd.Series(choice))
    sides = np.array([_side(value) for value in distinct] + [""])[group]
    no_choice = {str(code) for code in missed} | {*_BLANK}
    codes = {_without_zeros(value) for value in distinct} - no_choice
    told = [_side(code) for code in codes]
    clear = "" not in told and len(set(told)) == len(told)
    given, columns, unclear = np.zeros(len(choice), bool), [], []
    for name in names:
        named = _says_given(name)
        if named is None or name in counted:
            continue
        cells = cells_of(name)
        if cells is None or len(cells) != len(choice):
            continue
        values, unread = numbers(pd.Series(cells))
        if unread.any():
            continue
        side = (named[1] or named[4] or "")[:1]
        if side and not clear:
            if (np.nan_to_num(values) > 0).any():
                unclear.append(name)
            continue
        here = np.ones(len(choice), bool) if not side else sides == side
        columns.append(name)
        given |= (np.nan_to_num(values) > 0) & here
    found = FreeWater(tuple(columns), given, tuple(unclear))
    return found if columns or unclear else None


def _says_given(name: str) -> re.Match[str] | None:
    """The name of a column that says where water was given freely, taken apart."""
    return re.fullmatch(rf"(l|r|left|right)?{_GIVEN}(l|r|left|right)?", _core(name))


def counted_in(
    frame: pd.DataFrame, water: FreeWater, how: Literal["leave", "reward", "outcome"], outcome: str
) -> tuple[pd.DataFrame, int, int]:
    """The trials with free water counted as the user wants.

    Args:
        frame: one row a trial, outcomes by name.
        water: given freely.
        how: leave: not at all; reward: as the outcome; outcome: as an outcome of its own.
        outcome: name of the first outcome.

    Returns:
        The trials; the number in which the outcome is 0 but water was given; and the number of
        those whose outcome is above 0.
    """
    earned, unread = numbers(cast(pd.Series, frame[outcome]))
    if unread.any():
        return frame, 0, 0
    more = water.given & ~(earned > 0)
    if how == "reward":
        frame = frame.assign(**{outcome: np.where(more, 1.0, earned)})
    if how == "outcome":
        frame = frame.assign(**{FREE_WATER: more.astype(float)})
    return frame, int(more.sum()), int((earned > 0).sum())


def sides_unclear(columns: Sequence[str]) -> str:
    """That nobody knows whether an animal got the water that these columns of sides tell of."""
    return (
        f"{', '.join(columns)} say on which side water was given freely, but the codes of the "
        "choices do not say which side they mean. "
    )


def uncounted(name: str, water: FreeWater, more: int, rewarded: int, outcome: str) -> str:
    """What to say about free water that is not counted."""
    choices = "1 choice was" if more == 1 else f"{more} choices were"
    return (
        f"{name}: {choices} followed by water given freely "
        f"({', '.join(water.columns)}), which {outcome!r} ({rewarded} trials) does not count. "
        "Count it as reward (--free-water reward), or as an outcome of its own, which no choice "
        "earned (--free-water outcome)."
    )


def free_water_of_table(
    path: str | os.PathLike[str], format: TableFormat, subjects: Sequence[str] = (),
    option: str = "--outcome",
) -> str | None:  # fmt: skip
    """What to say about free water that the outcomes of a trial table do not count, if anything.

    Args:
        path: of the table.
        format: which column means what.
        subjects: those that count; empty: all.
        option: with which a user names an outcome of its own.
    """

    def wanted(labels: Sequence[str]) -> set[str]:
        given = {label for label in labels if _says_given(label)}
        return given | {format.choice, *format.outcome, format.subject or ""} if given else given

    frame = open_table(path, [format.choice], wanted).frame
    names = [str(name) for name in frame.columns]
    if format.choice not in names or not format.outcome or format.outcome[0] not in names:
        return None
    frame = frame.set_axis(names, axis=1).loc[:, ~pd.Index(names).duplicated()]
    if subjects and format.subject in names:
        frame = frame[frame[format.subject].astype(str).isin(list(subjects))]
    choice = np.asarray(frame[format.choice].astype(object))
    used = {format.choice, *format.outcome, *format.signal}
    found = free_water(
        frame.columns, lambda name: np.asarray(frame[name].astype(object)), choice, used,
        format.missed,
    )  # fmt: skip
    if found is None:
        return None
    first = format.outcome[0]
    if found.unclear:
        return sides_unclear(found.unclear) + (
            f"Give the sides as left and right, or 0 and 1; or make a column of them that is no "
            f"longer of one side, and name it as an outcome ({option})."
        )
    _, more, rewarded = counted_in(frame, found, "leave", first)
    if not more:
        return None
    choices = "1 choice was" if more == 1 else f"{more:,} choices were"
    return (
        f"{choices} followed by water given freely ({', '.join(found.columns)}), which {first!r} "
        f"({rewarded:,} trials) does not count. Add it to that column, or make it an outcome of "
        f"its own ({option}), which no choice earned."
    )


def _side(value: object) -> Literal["l", "r", ""]:
    text = str(value).strip().casefold()
    return "l" if text in _LEFT else "r" if text in _RIGHT else ""


def _without_zeros(value: object) -> str:
    """A code as a user writes it: 2 for 2.0."""
    return re.sub(r"\.0$", "", str(value).strip().casefold())


def _core(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.casefold())
