"""What a user chooses about a GRU and its training."""

from __future__ import annotations

import dataclasses

from ...errors import ConfigError
from ..gradient.config import StageConfig


@dataclasses.dataclass(frozen=True)
class GRUConfig:
    """How a GRU is built and fitted."""

    hidden: int = 16
    """Number of hidden units."""
    subject_embedding: int = 0
    """Numbers that describe each subject to the network; 0 for none."""
    l2: float = 1e-4
    """Weight of the L2 penalty, the sum of squared weights."""
    stage: StageConfig = dataclasses.field(
        default_factory=lambda: StageConfig(steps=2000, learning_rate=1e-2, decay=0.0)
    )
    """The GRU's training, which may stop earlier."""
    validate_every: int = 4
    """Every n-th training session is set aside to decide when to stop."""
    patience: int = 400
    """Steps without improvement on those sessions after which training stops."""

    def __post_init__(self) -> None:
        for name, low in (("hidden", 1), ("subject_embedding", 0), ("validate_every", 2)):
            value = getattr(self, name)
            if value < low:
                raise ConfigError(f"gru.{name} is {value}; it must be at least {low}.")
