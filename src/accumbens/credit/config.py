"""What a user chooses about power: the animals assumed, and the experiments compared."""

from __future__ import annotations

import dataclasses
import math

from ..errors import ConfigError


@dataclasses.dataclass(frozen=True)
class PowerConfig:
    """The animals assumed, and the experiments compared."""

    weight: tuple[float, ...] = (0.3,)
    """Assumed mixture weights: 0 credits any reward, 1 only the controllable one."""
    mice: tuple[int, ...] = (4, 8, 12)
    """Numbers of mice to compare."""
    sessions: tuple[int, ...] = (1, 2, 4, 8)
    """Numbers of sessions of each mouse to compare."""
    trials: int = 500
    """Trials in each session."""
    learning_rate: float = 0.3
    """Median learning rate of the mice."""
    inverse_temperature: float = 3.0
    """Median inverse temperature of the mice, log-odds per reward."""
    spread: float = 0.3
    """SD between mice of each parameter on its unconstrained scale (logit or log)."""
    habit: float = 0.0
    """Median pull towards the last choice whatever it brought, log-odds."""
    session_bias: float = 0.0
    """SD between sessions of a mouse's side bias, log-odds."""
    misses: float = 0.0
    """Share of trials without a choice, which tell nothing."""
    lags: int = 10
    """Lags of the regression."""
    alpha: float = 0.05
    """Significance level, one-sided."""
    experiments: int = 100
    """Simulated experiments behind each power."""
    resamples: int = 199
    """Redrawn experiments behind each p-value."""
    seed: int = 0
    """Seed of all randomness."""

    def __post_init__(self) -> None:
        for name in ("trials", "lags", "experiments", "resamples"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} is {getattr(self, name)}; it must be at least 1.")
        for name in ("mice", "sessions"):
            if not getattr(self, name) or min(getattr(self, name)) < 1:
                raise ConfigError(
                    f"{name} is {getattr(self, name)}; give one or more numbers from 1 up."
                )
        if not self.weight or min(self.weight) < 0 or max(self.weight) > 1:
            raise ConfigError(f"weight is {self.weight}; give one or more weights between 0 and 1.")
        if not 0 <= self.misses < 1 or self.choices_a_session < 1:
            raise ConfigError(
                f"misses is {self.misses}; it is a share of trials from 0 up to below 1 that "
                "leaves at least one choice."
            )
        if not self.session_bias >= 0 or not math.isfinite(self.session_bias + self.habit):
            raise ConfigError(
                f"session_bias is {self.session_bias} and habit is {self.habit}; the first is an "
                "SD and must be at least 0, and both must be finite."
            )
        if not 0 < self.alpha < 1:
            raise ConfigError(f"alpha is {self.alpha}; it must lie between 0 and 1.")
        if 1 / (1 + self.resamples) > self.alpha:
            raise ConfigError(
                f"resamples is {self.resamples}, with which no p-value can reach alpha = "
                f"{self.alpha}. Use at least {math.ceil(1 / self.alpha) - 1}."
            )

    @property
    def choices_a_session(self) -> int:
        """Trials of a session that are not missed."""
        return round(self.trials * (1 - self.misses))
