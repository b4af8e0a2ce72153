"""The options of an analysis of selectivity."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated

from ...errors import ConfigError
from ...io.tables.format import TableFormat
from ...neural.units.config import Test
from ..credit.columns import check_probabilities, columns_among, usual_columns
from ..options import FLAT

CHOICE = "choice"
"""The word for the choice made, among what relations are asked given."""


@dataclasses.dataclass(frozen=True)
class SelectivityConfig:
    """Columns, units and the test."""

    test: Test
    """schedule: rewards are redrawn from known probabilities; linear_shift: one long session, with
    rates or rewards stationary; session_permutation: the same signal in several sessions."""
    table: Annotated[TableFormat, FLAT] = dataclasses.field(default_factory=TableFormat)
    """Columns of the table; with no signal named, all those that accumbens convert made."""
    regions: Path | None = None
    """Table with columns unit (a signal column's name) and region; default: the record beside a
    table that accumbens convert made."""
    probabilities: tuple[str, ...] = ()
    """For the schedule test: probabilities of the first outcome after the first and after the
    second choice, and of each further outcome: three columns or numbers for two outcomes. Default:
    controllable_probability_0, controllable_probability_1 and distractor_probability, or the same
    with the names of the outcomes."""
    given: tuple[str, ...] = ()
    """For linear_shift and session_permutation: columns that each relation is asked given, such as
    a value or a motivation of each trial, and the word choice for the choice made."""
    trust_schedule: bool = False
    """Go on although the rewards did not come with the stated probabilities; otherwise an error."""
    unit: str = "spikes/s"
    """Unit of the signals, for tables and figures."""
    max_shift: int = 100
    """For the linear shift: largest shift in trials; p is at least 1 / (max_shift + 1)."""
    resamples: int = 10_000
    """Redrawn rewards, or permutations, behind each p-value."""
    false_discovery_rate: float = 0.05
    """Units with a q at or below it are selective."""
    min_trials: int = 40
    """Units measured in fewer trials with a choice are left out."""
    seed: int = 0
    """Seed of all randomness."""

    def __post_init__(self) -> None:
        for name in ("max_shift", "resamples", "min_trials"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} is {getattr(self, name)}; it must be at least 1.")
        if not 0 < self.false_discovery_rate < 1:
            raise ConfigError(
                f"false_discovery_rate is {self.false_discovery_rate}; it must lie between 0 and 1."
            )
        if not self.table.outcome:
            raise ConfigError(
                "There are no outcomes. Name those that units may respond to (--outcome)."
            )
        check_probabilities(self.probabilities, len(self.table.outcome), self._n_choices)
        if self.given and self.test == "schedule":
            raise ConfigError(
                "given is not for the schedule test: redrawn rewards hold the choice and all that "
                "came before as it is. Leave it out."
            )
        if self.probabilities and self.test != "schedule":
            raise ConfigError(f"probabilities are for the schedule test, not for {self.test}.")

    @property
    def _n_choices(self) -> int:
        """Tables have two choices unless all their codes are named."""
        return len(self.table.choices) or 2

    def format(self, signals: tuple[str, ...]) -> TableFormat:
        """Which columns of the table to read as what, with these signals."""
        held = tuple(name for name in self.given if name != CHOICE)
        context = (*self.table.context, *columns_among(self.probabilities), *held)
        wanted = not self.probabilities
        usual = usual_columns(self.table.outcome, self._n_choices) if wanted else ()
        return dataclasses.replace(
            self.table,
            signal=signals,
            context=tuple(dict.fromkeys(context)),
            optional_context=(*self.table.optional_context, *usual),
        )
