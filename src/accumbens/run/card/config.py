"""What a user may choose about a card of many fits."""

from __future__ import annotations

import dataclasses
from typing import Annotated

from ...errors import ConfigError
from ...mechanisms.config import AGENTS, ConsensusConfig
from ..options import FLAT


@dataclasses.dataclass(frozen=True)
class CardConfig:
    """When fits count as the same, which cognitive models latents are compared with, and how the
    equations are checked."""

    consensus: Annotated[ConsensusConfig, FLAT] = dataclasses.field(default_factory=ConsensusConfig)
    """When fits count as the same mechanism."""
    agents: tuple[str, ...] = AGENTS
    """Cognitive models with whose variables latents are compared, by the names of guides; those
    that do not suit the trials are left out."""
    equations: bool = True
    """Write the representative as equations, and check them."""
    repeats: int = 20
    """Simulated cohorts behind each curve of the check by simulation."""
    recoveries: int = 4
    """Simulations of the equations from which their parameters are found again; 0: none."""
    seed: int = 0
    """Seed of resamples, starts and simulations."""
    figures: bool = True
    """Draw figures."""

    def __post_init__(self) -> None:
        if self.repeats < 1:
            raise ConfigError(f"repeats is {self.repeats}; it must be at least 1.")
        if self.recoveries < 0:
            raise ConfigError(f"recoveries is {self.recoveries}; it cannot be negative.")
