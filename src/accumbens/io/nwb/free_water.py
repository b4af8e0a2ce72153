"""Water that an animal got without earning it, which the columns of rewards do not count.

In dynamic foraging, `auto_waterL` and `auto_waterR` say where water was given freely. An animal
that chose this side drank, though its choice was not rewarded: a non-contingent reward.
"""

from __future__ import annotations

import re
from typing import Any, Literal, NamedTuple, cast

import numpy as np
import pandas as pd
from jaxtyping import Bool, Shaped

from ..tables.cells import factorized, numbers
from .columns import table_column
from .format import FREE_WATER

_GIVEN = r"(auto|free|manual|extra|bonus|gift)(water|reward|drop)s?"
_LEFT, _RIGHT = ("0", "0.0", "l", "left", "false"), ("1", "1.0", "r", "right", "true")


class FreeWater(NamedTuple):
    """Water given freely.

    Attributes:
        columns: that say where it was given.
        given: whether the animal got it in each trial: on the side that it chose, where the columns
            name sides.
    """

    columns: tuple[str, ...]
    given: Bool[np.ndarray, " row"]


def free_water(
    table: Any, choice: Shaped[np.ndarray, " row"], counted: set[str]
) -> FreeWater | None:
    """Water that was given freely in the trials of an open file; None where no column says so.

    Args:
        table: of the trials.
        choice: the cells of the choice column; 0, left or L is left, 1, right or R is right.
        counted: columns that outcomes are made of already.
    """
    group, distinct = factorized(pd.Series(choice))
    sides = np.array([_side(value) for value in distinct] + [""])[group]
    given, columns = np.zeros(len(choice), bool), []
    for name in table.colnames:
        found = re.fullmatch(rf"(l|r|left|right)?{_GIVEN}(l|r|left|right)?", _core(name))
        if found is None or name in counted:
            continue
        cells = table_column(table, name)
        if cells is None or len(cells) != len(choice):
            continue
        values, unread = numbers(pd.Series(cells))
        if unread.any():
            continue
        side = (found[1] or found[4] or "")[:1]
        here = np.ones(len(choice), bool) if not side else sides == side
        columns.append(name)
        given |= (np.nan_to_num(values) > 0) & here
    return FreeWater(tuple(columns), given) if columns else None


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


def uncounted(name: str, water: FreeWater, more: int, rewarded: int, outcome: str) -> str:
    """What to say about free water that is not counted."""
    return (
        f"{name}: {more} choices were followed by water given freely "
        f"({', '.join(water.columns)}), which {outcome!r} ({rewarded} trials) does not count. "
        "Count it as reward (--free-water reward), or as an outcome of its own, which no choice "
        "earned (--free-water outcome)."
    )


def _side(value: object) -> Literal["l", "r", ""]:
    text = str(value).strip().casefold()
    return "l" if text in _LEFT else "r" if text in _RIGHT else ""


def _core(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.casefold())
