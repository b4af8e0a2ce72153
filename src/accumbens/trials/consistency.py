"""Whether the arrays and names of `Trials` agree with each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .names import MISSED, TrialNames


def contradictions(arrays: Mapping[str, Any], names: TrialNames) -> list[str]:
    """All ways in which the parts of trials are not consistent, in words.

    arrays: of `Trials`, by the names of its fields.
    """
    problems, choice, length = [], arrays["choice"], arrays["length"]
    shape, n_choices = choice.shape, len(names.choices)
    for field, columns in (("outcome", "outcomes"), ("signal", "signals"), ("context", "contexts")):
        expected = (*shape, len(getattr(names, columns)))
        if arrays[field].shape != expected:
            problems.append(
                f"`{field}` has the shape {arrays[field].shape}, but choices and "
                f"names.{columns} = {getattr(names, columns)} need {expected}"
            )
    for field in ("number", "instructed"):
        if arrays[field].shape != shape:
            problems.append(f"`{field}` has shape {arrays[field].shape}, not {shape}")
    for field in ("length", "subject"):
        if arrays[field].shape != shape[:1]:
            problems.append(f"`{field}` has shape {arrays[field].shape}, not {shape[:1]}")
    if len(names.sessions) != shape[0]:
        problems.append(f"{len(names.sessions)} session names for {shape[0]} sessions")
    if problems:
        return problems
    if ((length < 1) | (length > shape[1])).any():
        problems.append(f"`length` must lie between 1 and {shape[1]}; it holds {length}")
    if ((arrays["subject"] < 0) | (arrays["subject"] >= len(names.subjects))).any():
        problems.append(f"`subject` must lie between 0 and {len(names.subjects) - 1}")
    inside, made = np.arange(shape[1])[None, :] < length[:, None], choice != MISSED
    if ((choice < MISSED) | (choice >= n_choices)).any():
        problems.append(f"`choice` must lie between -1 (missed) and {n_choices - 1}")
    if (made & ~inside).any():
        problems.append("`choice` must be -1 in the padding after each session")
    if (~np.isfinite(arrays["outcome"]) & (made & inside)[..., None]).any():
        problems.append("`outcome` must be finite wherever a choice was made")
    return problems
