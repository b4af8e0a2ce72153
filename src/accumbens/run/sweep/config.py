"""What a user may choose about where a sweep runs."""

from __future__ import annotations

import dataclasses

from ...errors import ConfigError

LOCAL = "local"
MOST_JOBS = 10_000
CELL_DEFAULTS = {"seeds": 1, "figures": False}
"""Options of a fit whose default is another one in a sweep."""


@dataclasses.dataclass(frozen=True)
class EngineConfig:
    """Where the cells run, and how many at a time."""

    on: str = LOCAL
    """Where: local, in processes of this machine."""
    jobs: int | None = None
    """Processes at a time; by default one for each core. They share the cores out."""

    def __post_init__(self) -> None:
        if self.on != LOCAL:
            raise ConfigError(f"on is {self.on!r}; it must be local.")
        if self.jobs is not None and not 1 <= self.jobs <= MOST_JOBS:
            raise ConfigError(f"jobs is {self.jobs}; it must lie between 1 and {MOST_JOBS:,}.")
