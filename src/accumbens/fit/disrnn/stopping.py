"""When a path of a selection ends before its time: nothing that it could still become would be
taken.

A path is judged by its checkpoints from `FIRST_CANDIDATE` on, without each fold.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from .config import FIRST_CANDIDATE
from .paths import STEPS_PER_CHECKPOINT

GIVE_UP = 0.01
"""A path ends when its held-out likelihood is so many nats per trial below its own best."""
BEHIND = 0.003
"""After `JUDGED_FROM` steps, it also ends when its best is so many below another route's."""
JUDGED_FROM = 900
FALLS = 3
"""After as many steps, it also ends when its likelihood has fallen so many times in a row, and its
best would not be taken."""
FIRST = FIRST_CANDIDATE // STEPS_PER_CHECKPOINT - 1
"""Number of the first checkpoint that may be taken."""


def is_hopeless(held_out: Sequence[float], best_of_others: float) -> bool:
    """Whether a path has fallen far below its own best, or stayed far behind other routes.

    held_out: log likelihood per held-out trial (nats) at each checkpoint so far. best_of_others:
    the highest one that was expected of another route; minus infinity where there is none.
    """
    allowed = held_out[FIRST:]
    if not allowed:
        return False
    if allowed[-1] < max(allowed) - GIVE_UP:
        return True
    return _late(held_out) and max(allowed) < best_of_others - BEHIND


def is_past_its_best(expected: Sequence[float]) -> bool:
    """Whether a path has passed its best: what is expected of it has fallen `FALLS` times in a row.

    expected: log likelihood per trial (nats), see `expected_after_all`, at each checkpoint so far.
    """
    last = expected[-FALLS - 1 :]
    falls = len(last) > FALLS and all(b < a for a, b in itertools.pairwise(last))
    return _late(expected) and falls


def _late(checkpoints: Sequence[float]) -> bool:
    return len(checkpoints) * STEPS_PER_CHECKPOINT >= JUDGED_FROM
