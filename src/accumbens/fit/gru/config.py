"""What a user chooses about a GRU and its training."""

from __future__ import annotations

import dataclasses
import math

from ...errors import ConfigError, expect
from ..gradient.config import StageConfig

STAGE = StageConfig(steps=2000, learning_rate=1e-2, decay=0.0)
"""The training that may stop earlier."""


@dataclasses.dataclass(frozen=True)
class GRUConfig:
    """How a GRU is built and fitted.

    What is not given is chosen inside the training sessions, by what folds of them hold out.
    """

    hidden: int = 16
    """Number of hidden units."""
    subject_embedding: int | None = None
    """Numbers that describe each subject to the network, 0 for none. Not given: none or
    `tried_embedding` of them, as folds say."""
    l2: float | None = None
    """Weight of the L2 penalty, the sum of squared weights. Not given: one of `strengths`, as folds
    say."""
    stage: StageConfig = STAGE
    """The GRU's training. As it stands, folds say after how many steps it stops; with a number of
    your own it has all its steps, and keeps what else it is."""
    strengths: tuple[float, ...] = (3.0, 10.0, 1.0)
    """L2 penalties to choose from: `l2` times the number of scored training trials."""
    tried_embedding: int = 2
    """Size of a subject embedding that is tried beside none; 0: not tried."""
    folds: int = 4
    """Parts of the training sessions, each held out once."""

    def __post_init__(self) -> None:
        expect(self.stage, StageConfig, "gru.stage", "Give a stage: accumbens.fit.StageConfig("
               "steps=...).")  # fmt: skip
        object.__setattr__(self, "stage", self.stage.completed(STAGE, "gru.stage"))
        low = {"hidden": 1, "subject_embedding": 0, "l2": 0, "tried_embedding": 0, "folds": 2}
        for name, least in low.items():
            value = getattr(self, name)
            if value is not None and not (value >= least and math.isfinite(value)):
                raise ConfigError(f"gru.{name} is {value}; it must be at least {least}.")
        if not self.strengths or not all(0 <= x < math.inf for x in self.strengths):
            raise ConfigError(
                f"gru.strengths is {self.strengths}; give one or more numbers from 0 up."
            )
        if len(set(self.strengths)) < len(self.strengths):
            raise ConfigError(f"gru.strengths is {self.strengths}; give each number once.")

    @property
    def chooses_steps(self) -> bool:
        """Whether folds say after how many steps training stops."""
        return self.stage == STAGE
