"""One stage of a disRNN's training: bottlenecks may learn faster than weights."""

from __future__ import annotations

import dataclasses

from ..gradient.stage import StageConfig


@dataclasses.dataclass(frozen=True)
class DisRNNStageConfig(StageConfig):
    """How long and how fast one stage of a disRNN's training goes."""

    bottleneck_rate: float = 2.0
    """The bottlenecks' learning rate, as a multiple of the weights'."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("bottleneck_rate", 0.0, 1000.0)
