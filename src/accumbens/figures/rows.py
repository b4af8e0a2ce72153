"""Rows and columns of the tables behind the figures, as plain types."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pandas as pd
from jaxtyping import Shaped


def pick(table: pd.DataFrame, **equal: Any) -> pd.DataFrame:
    """The rows whose columns have the named values."""
    rows = np.ones(len(table), bool)
    for column, value in equal.items():
        rows &= (table[column] == value).to_numpy()
    return cast(pd.DataFrame, table[rows])


def column(table: pd.DataFrame, name: str) -> Shaped[np.ndarray, " row"]:
    """One column as an array."""
    return np.asarray(table[name])


def combinations(table: pd.DataFrame, *columns: str) -> list[tuple[Any, ...]]:
    """The combinations of values that occur in some columns, in order of appearance."""
    return list(dict.fromkeys(zip(*(table[name].tolist() for name in columns), strict=True)))


def joined(parts: list[pd.DataFrame], columns: tuple[str, ...]) -> pd.DataFrame:
    """All rows, with these columns in this order; an empty table if there are none."""
    if not parts:
        return pd.DataFrame({name: [] for name in columns})
    return cast(pd.DataFrame, pd.concat(parts, ignore_index=True)[list(columns)])
