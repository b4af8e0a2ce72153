"""What a user may choose about a card of many fits."""

from __future__ import annotations

import dataclasses
from typing import Annotated

from ...mechanisms.config import AGENTS, ConsensusConfig
from ..options import FLAT


@dataclasses.dataclass(frozen=True)
class CardConfig:
    """When fits count as the same, and which cognitive models latents are compared with."""

    consensus: Annotated[ConsensusConfig, FLAT] = dataclasses.field(default_factory=ConsensusConfig)
    """When fits count as the same mechanism."""
    agents: tuple[str, ...] = AGENTS
    """Cognitive models with whose variables latents are compared, by the names of guides; those
    that do not suit the trials are left out."""
    seed: int = 0
    """Seed of resamples and starts."""
    figures: bool = True
    """Draw figures."""
