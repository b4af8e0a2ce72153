"""What a user chooses about preprocessing photometry."""

from __future__ import annotations

import dataclasses
from typing import Literal

from ...errors import ConfigError


@dataclasses.dataclass(frozen=True)
class PreprocessConfig:
    """How a raw channel becomes a signal."""

    low_pass: float | None = None
    """Low-pass both channels at this frequency (Hz) first; where it is done, 10 Hz is usual."""
    bleaching: Literal["double_exponential", "high_pass", "none"] = "double_exponential"
    """Subtract from each channel a fitted double exponential, or what is slower than high_pass."""
    high_pass: float = 0.001
    """With bleaching high_pass: what is slower than this frequency (Hz) is subtracted."""
    regression: Literal["robust", "least_squares", "none"] = "robust"
    """How the control channel (isosbestic or red) is fitted to the signal and subtracted."""
    scale: Literal["z_score", "dff", "raw"] = "z_score"
    """Unit of the result: standard deviations within the session, dF/F in %, or the file's own."""

    def __post_init__(self) -> None:
        for name in ("low_pass", "high_pass"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ConfigError(f"{name} is {value}; it must be a positive number of Hz.")
