"""Cells of a column as labels, numbers or booleans; each distinct cell is read once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int
from pandas.api import types

from .problems import listed

BLANKS = frozenset({"", "na", "n/a", "#n/a", "nan", "none", "null", "<na>", "nat"})
"""What stands in a cell without a value, in lower case."""


def factorized(column: pd.Series) -> tuple[Int[np.ndarray, " row"], Sequence[object]]:
    """The distinct cells of a column.

    Returns:
        For each cell its number among the distinct cells, -1 where null; and the distinct cells, in
        the order in which they first appear.
    """
    if isinstance(column.dtype, pd.CategoricalDtype):
        codes, categories = column.cat.codes.to_numpy(), column.cat.categories.astype(object)
        used = pd.unique(codes[codes >= 0])
        place = np.full(len(categories) + 1, -1)  # the last is that of -1, a blank
        place[used] = np.arange(len(used))
        return place[codes], list(categories[used])
    column = _of_single_cells(column)
    try:
        group, distinct = pd.factorize(column)
    except TypeError:  # cells that hold lists or the like
        group, distinct = pd.factorize(column.map(str).astype(object))
    return group.astype(np.int64), list(distinct)


def _of_single_cells(column: pd.Series) -> pd.Series:
    """The values of a column whose cells are lists of one value; any other column as it is."""
    if column.dtype != object or not len(column):
        return column
    first = next((cell for cell in column if cell is not None), None)
    if not isinstance(first, (list, tuple, np.ndarray)):
        return column
    cells = [np.ravel(np.array(c, object)) if c is not None else np.array([None]) for c in column]
    if any(len(cell) != 1 for cell in cells):
        return column
    return pd.Series([cell[0] for cell in cells], column.index, name=column.name).infer_objects()


def labels(column: pd.Series) -> tuple[Int[np.ndarray, " row"], tuple[str, ...]]:
    """Cells as text labels.

    Returns:
        For each cell its number among the labels, -1 where blank; and the labels, in the order in
        which they first appear.
    """
    group, distinct = factorized(column)
    texts = [_label(value) for value in distinct]
    names = tuple(dict.fromkeys(text for text in texts if text.strip()))
    place = {name: i for i, name in enumerate(names)}
    lookup = np.array([place.get(text, -1) for text in texts] + [-1], np.int64)
    return lookup[group], names


def numbers(column: pd.Series) -> tuple[Float[np.ndarray, " row"], Bool[np.ndarray, " row"]]:
    """Cells as numbers.

    Returns:
        The numbers, NaN where blank, 1 and 0 for true and false; and True where a cell is neither
        blank nor a number.
    """
    dtype = column.dtype
    categorical = isinstance(dtype, pd.CategoricalDtype)
    plain = types.is_bool_dtype(dtype) or types.is_numeric_dtype(dtype)
    if plain and not categorical and not types.is_complex_dtype(dtype):
        return column.to_numpy(np.float64, na_value=np.nan), np.zeros(len(column), bool)
    group, distinct = factorized(column)
    values = _truth_values(distinct) or [_number(value) for value in distinct]
    lookup = np.array([np.nan if v is None else v for v in values] + [np.nan], np.float64)
    unread = np.array([v is None for v in values] + [False])
    return lookup[group], unread[group]


def whole_numbers(column: pd.Series) -> tuple[Int[np.ndarray, " row"], Bool[np.ndarray, " row"]]:
    """Cells as whole numbers.

    Returns:
        The numbers, 0 where there is none; and True where a cell is not a whole number.
    """
    if isinstance(column.dtype, np.dtype) and column.dtype.kind == "i":
        return column.to_numpy(np.int64), np.zeros(len(column), bool)
    values, _ = numbers(column)
    whole = np.abs(values) <= 2.0**53
    whole[whole] &= values[whole] == np.round(values[whole])
    return np.where(whole, values, 0).astype(np.int64), ~whole


def booleans(column: pd.Series) -> tuple[Bool[np.ndarray, " row"], Bool[np.ndarray, " row"]]:
    """Cells as booleans.

    Returns:
        True for the cells true and 1; and True where a cell is none of true, false, 1 and 0.
    """
    group, distinct = factorized(column)
    spelled = {"true": True, "false": False, "1": True, "0": False, "1.0": True, "0.0": False}
    values = [spelled.get(str(value).strip().casefold()) for value in distinct] + [None]
    truth = np.array([bool(v) for v in values])
    unread = np.array([v is None for v in values])
    return truth[group], unread[group]


def samples(column: pd.Series, where: Bool[np.ndarray, " row"]) -> str:
    """In words, some of the distinct cells in some rows of a column."""
    distinct = factorized(column.loc[where])[1]
    return listed(distinct[:4], len(distinct)) if distinct else "blank"


def _label(value: object) -> str:
    """A cell of an id column as text; whole numbers without a point, dates without a time."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    if isinstance(value, pd.Timestamp) and value == value.normalize() and value.tz is None:
        return value.date().isoformat()
    return str(value)


def _truth_values(distinct: Sequence[object]) -> list[float] | None:
    """1 and 0 for the cells of a column that holds only true, false and blanks; else None."""
    texts = [str(value).strip().casefold() for value in distinct]
    spelled = {"true": 1.0, "false": 0.0} | dict.fromkeys(BLANKS, np.nan)
    if not {"true", "false"} & set(texts) or not all(text in spelled for text in texts):
        return None
    return [spelled[text] for text in texts]


def _number(value: object) -> float | None:
    """A cell as a number; NaN where it stands for a blank, None where it is not a number."""
    if isinstance(value, str):
        if value.strip().casefold() in BLANKS:
            return np.nan
        if "_" in value:
            return None
        value = plain_minus(value)
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None


def plain_minus(text: str) -> str:
    """The text with the minus of a keyboard for that of typesetting, as programs export it."""
    return text.replace("\N{MINUS SIGN}", "-")


def is_number(text: str) -> bool:
    """Whether Python reads the text as a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True
