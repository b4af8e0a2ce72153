"""What a user may choose about predicting new sessions with the models of a run."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Literal

from ...errors import ConfigError
from ...io.tables.format import TableFormat
from ..fit.config import FitConfig
from ..options import FLAT


@dataclasses.dataclass(frozen=True)
class PredictConfig:
    """Columns of the new table, models, and what describes subjects that the run has not seen."""

    table: Annotated[TableFormat, FLAT] = dataclasses.field(default_factory=TableFormat)
    """Columns of the table; those of the run by default. Outcomes and signals stand in the order
    of the run's, whatever they are called here."""
    models: tuple[str, ...] = ()
    """Models of the run to predict with, by name or as figures print them; all by default."""
    fit_sessions: int | None = None
    """How many first sessions of each subject that the run has not seen describe it to models with
    numbers for each subject; they are not scored. Half of them by default; 0 for none, where the
    mean of the run's subjects describes it."""
    describe: tuple[str, ...] = ()
    """Subjects of the run's table, none of whose sessions were fitted, to describe in the same way
    instead of by the mean."""
    seed: int = 0
    """Seed of the resamples; that of the run by default."""
    resamples: int = 2000
    """Resamples behind the standard deviation in each 95 % interval; those of the run by
    default."""
    unit: Literal["auto", "animal", "session"] = "auto"
    """What 95 % intervals take as independent: animals, or sessions of these animals; as in the run
    by default. auto: animals from three on, sessions before."""

    def __post_init__(self) -> None:
        if self.fit_sessions is not None and self.fit_sessions < 0:
            raise ConfigError(f"fit_sessions is {self.fit_sessions}; it must be at least 0.")
        if self.resamples < 1:
            raise ConfigError(f"resamples is {self.resamples}; it must be at least 1.")

    @classmethod
    def of_run(cls, config: FitConfig) -> PredictConfig:
        """The options that a run's own give. Context that it carried along may be missing."""
        own = config.table
        table = dataclasses.replace(
            own, context=(), optional_context=(*own.context, *own.optional_context), subjects=()
        )
        return cls(table=table, seed=config.seed, resamples=config.resamples, unit=config.unit)
