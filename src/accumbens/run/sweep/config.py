"""What a user may choose about where a sweep runs."""

from __future__ import annotations

import dataclasses

from ...errors import ConfigError

LOCAL, SLURM, DASK = "local", "slurm", "dask://"
MOST_JOBS = 10_000
CELL_DEFAULTS = {"seeds": 1, "figures": False}
"""Options of a fit whose default is another one in a sweep."""


@dataclasses.dataclass(frozen=True)
class SlurmConfig:
    """What each SLURM job asks for."""

    partition: str | None = None
    """Partition; by default the cluster's."""
    account: str | None = None
    """Account that is charged."""
    minutes: int = 60
    """Time limit of a job. At its end a job saves what it has reached and is queued again."""
    memory: int = 4
    """Memory of a job in GB."""
    cpus: int = 1
    """Cores of a job."""
    cells: int = 1
    """Cells that a job fits one after the other; more for short ones, since a job takes some
    seconds to begin."""
    at_once: int = 256
    """Jobs that may run at the same time."""
    warning: int = 90
    """Seconds before its end at which a job is told to save."""
    requeues: int = 100
    """How often a job may reach its time limit."""
    extra: tuple[str, ...] = ()
    """Further options of sbatch, as NAME=VALUE: qos=low constraint=avx2; srun_args="..." goes to
    srun."""

    def __post_init__(self) -> None:
        for name in ("minutes", "memory", "cpus", "cells", "at_once", "warning"):
            if getattr(self, name) < 1:
                raise ConfigError(f"slurm.{name} is {getattr(self, name)}; it must be at least 1.")
        if self.requeues < 0:
            raise ConfigError(f"slurm.requeues is {self.requeues}; it cannot be negative.")
        odd = next((text for text in self.extra if not text.partition("=")[2]), None)
        if odd is not None:
            raise ConfigError(
                f"slurm.extra holds {odd!r}; give each as NAME=VALUE, such as qos=low."
            )


@dataclasses.dataclass(frozen=True)
class EngineConfig:
    """Where the cells run, and how many at a time."""

    on: str = LOCAL
    """Where: local, in processes of this machine; slurm, in jobs of the cluster (needs
    accumbens[slurm]); or dask://HOST:PORT, on a running Dask cluster (needs accumbens[dask])."""
    jobs: int | None = None
    """Processes of this machine at a time; by default one for each core. They share the cores
    out."""
    slurm: SlurmConfig = dataclasses.field(default_factory=SlurmConfig)
    """What each SLURM job asks for."""

    def __post_init__(self) -> None:
        there = self.on in (LOCAL, SLURM) or (self.on.startswith(DASK) and len(self.on) > len(DASK))
        if not there:
            raise ConfigError(
                f"on is {self.on!r}; it must be local, slurm, or dask:// and the address of a "
                "running cluster, such as dask://127.0.0.1:8786."
            )
        if self.jobs is not None and not 1 <= self.jobs <= MOST_JOBS:
            raise ConfigError(f"jobs is {self.jobs}; it must lie between 1 and {MOST_JOBS:,}.")

    @property
    def cells_per_call(self) -> int:
        """How many cells an executor is given at once."""
        return self.slurm.cells if self.on == SLURM else 1
