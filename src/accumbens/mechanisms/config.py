"""What a user may choose about a consensus: when fits count as the same."""

from __future__ import annotations

import dataclasses

from ..errors import ConfigError

AGENTS: tuple[str, ...] = (
    "q_learning_habits", "dfq_habits", "actor_critic", "belief_habits",
    "structure_mixture_habits", "two_process",
)  # fmt: skip
"""Cognitive models whose variables latents are compared with, where the trials suit them; habits:
with a side bias and a choice kernel."""


@dataclasses.dataclass(frozen=True)
class ConsensusConfig:
    """When fits count as the same mechanism."""

    alike: float = 0.8
    """R2 that two fits of one mechanism have at least: of each latent's trajectory, of its updates,
    and of the log-odds of choices."""
    used: float = 0.05
    """An input moves a latent where more than this share of the variance of the latent's changes
    depends on it."""
    unused: float = 0.02
    """An input does not move a latent where less than this share does. Two fits have different
    inputs where one is above the first and the other below the second."""
    resamples: int = 2000
    """Bootstrap resamples behind intervals."""

    def __post_init__(self) -> None:
        if not 0 < self.alike < 1:
            raise ConfigError(f"alike is {self.alike:g}; it must lie between 0 and 1.")
        if not 0 < self.unused <= self.used < 1:
            raise ConfigError(
                f"unused is {self.unused:g} and used {self.used:g}; both must lie between 0 and 1, "
                "and unused must not be larger than used."
            )
        if self.resamples < 1:
            raise ConfigError(f"resamples is {self.resamples}; it must be at least 1.")
