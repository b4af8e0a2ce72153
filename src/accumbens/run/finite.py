"""Numbers that JSON can hold."""

from __future__ import annotations

import math
from typing import Any


def without_nan(value: Any) -> Any:
    """The same with None in place of every number that is not finite, at any depth.

    Args:
        value: a number, text, or dictionaries, lists and tuples of these. Tuples become lists.
    """
    if isinstance(value, dict):
        return {k: without_nan(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
