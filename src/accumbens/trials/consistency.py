"""Whether the arrays and names of `Trials` agree with each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .names import MISSED

if TYPE_CHECKING:
    from .base import Trials


def contradictions(trials: Trials) -> list[str]:
    """All ways in which the parts of the trials are not consistent, in words."""
    names, problems = trials.names, []
    shape = trials.choice.shape
    for field, columns in (("outcome", "outcomes"), ("signal", "signals"), ("context", "contexts")):
        expected = (*shape, len(getattr(names, columns)))
        if getattr(trials, field).shape != expected:
            problems.append(
                f"`{field}` has the shape {getattr(trials, field).shape}, but choices and "
                f"names.{columns} = {getattr(names, columns)} need {expected}"
            )
    for field in ("number", "instructed"):
        if getattr(trials, field).shape != shape:
            problems.append(f"`{field}` has shape {getattr(trials, field).shape}, not {shape}")
    for field in ("length", "subject"):
        if getattr(trials, field).shape != shape[:1]:
            problems.append(f"`{field}` has shape {getattr(trials, field).shape}, not {shape[:1]}")
    if len(names.sessions) != shape[0]:
        problems.append(f"{len(names.sessions)} session names for {shape[0]} sessions")
    if problems:
        return problems
    if ((trials.length < 1) | (trials.length > shape[1])).any():
        problems.append(f"`length` must lie between 1 and {shape[1]}; it holds {trials.length}")
    if ((trials.subject < 0) | (trials.subject >= len(names.subjects))).any():
        problems.append(f"`subject` must lie between 0 and {len(names.subjects) - 1}")
    inside, made = trials.in_session, trials.choice != MISSED
    if ((trials.choice < MISSED) | (trials.choice >= trials.n_choices)).any():
        problems.append(f"`choice` must lie between -1 (missed) and {trials.n_choices - 1}")
    if (made & ~inside).any():
        problems.append("`choice` must be -1 in the padding after each session")
    if (~np.isfinite(trials.outcome) & (made & inside)[..., None]).any():
        problems.append("`outcome` must be finite wherever a choice was made")
    return problems
