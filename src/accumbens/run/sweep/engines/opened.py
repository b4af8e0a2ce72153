"""From the user's word for where a sweep runs to an executor."""

from __future__ import annotations

from concurrent.futures import Executor
from pathlib import Path

from ....cores import cores
from ..config import DASK, SLURM, EngineConfig
from .processes import Processes


def opened(engine: EngineConfig, sweep: Path, n_calls: int) -> Executor:
    """What calls functions there; whoever opens it shuts it down.

    Args:
        engine: where, and how many at a time.
        sweep: folder of the sweep.
        n_calls: how many calls there will be.

    Raises:
        ConfigError: a package for it is not installed, or nothing answers there.
    """
    if engine.on == SLURM:
        from .slurm import SlurmJobs

        return SlurmJobs(sweep / "slurm", engine.slurm)
    if engine.on.startswith(DASK):
        from .dask import connected

        return connected(engine.on.removeprefix(DASK))
    n = min(engine.jobs or cores(), max(n_calls, 1))
    return Processes(n, threads=max(1, cores() // n))
