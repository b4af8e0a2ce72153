"""Animals as a pilot found them, for a power analysis."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ..summary import counted


class Pilot(NamedTuple):
    """The distribution from which animals of a power analysis are drawn.

    Attributes:
        medians: of each parameter: learning_rate, inverse_temperature, structure_weight, side_bias
            and perseveration (log-odds).
        spreads: SD between animals of each, on its unconstrained scale (logit, log, or as it is);
            None: not known, as there is one animal.
        session_bias: SD between sessions of an animal's side bias, log-odds.
        misses: share of trials without a choice.
        animals, sessions: of the pilot.
        notes: what a reader must know, such as animals that were left out.
    """

    medians: Mapping[str, float]
    spreads: Mapping[str, float] | None
    session_bias: float
    misses: float
    animals: int
    sessions: int
    notes: tuple[str, ...] = ()

    @property
    def in_words(self) -> str:
        """What was found, in a sentence."""
        found = ", ".join(
            f"{name.replace('_', ' ')} {value:.2f}"
            + ("" if self.spreads is None else f" (spread {self.spreads[name]:.2f})")
            for name, value in self.medians.items()
        )
        return (
            f"Pilot of {counted(self.animals, 'animal')} and {counted(self.sessions, 'session')}: "
            f"{found}; bias between sessions SD {self.session_bias:.2f}; {self.misses:.0%} misses."
        )
