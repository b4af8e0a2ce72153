"""From the user's word for where a sweep runs to an executor."""

from __future__ import annotations

from concurrent.futures import Executor

from ....cores import cores
from ..config import EngineConfig
from .processes import Processes


def opened(engine: EngineConfig, n_calls: int) -> Executor:
    """What calls functions there; whoever opens it shuts it down.

    Args:
        engine: where, and how many at a time.
        n_calls: how many calls there will be.
    """
    n = min(engine.jobs or cores(), max(n_calls, 1))
    return Processes(n, threads=max(1, cores() // n))
