"""Every choice that a user makes about an analysis of credit assignment."""

from __future__ import annotations

import dataclasses
from typing import Literal

from ...errors import ConfigError
from ...io.tables.format import ChoiceText, TableFormat
from .schedules import check_probabilities, columns_among, schedule_entries


@dataclasses.dataclass(frozen=True)
class CreditConfig:
    """Columns, regression and tests."""

    controllable: str
    """Column of the reward that the choice controls. With no distractor: the only reward."""
    distractor: str | None = None
    """Column of the reward that comes whatever the choice. Never guessed: swapped columns are the
    classic mistake."""
    probabilities: tuple[str, ...] = ()
    """Probabilities of the controllable reward after the first and after the second choice, and of
    the distractor: three columns or numbers. Default: controllable_probability_0,
    controllable_probability_1 and distractor_probability, where the table has them."""
    choice: str = "choice"
    """Column of the choices: 0/1, -1/1, left/right, L/R, true/false, or the codes in `choices`."""
    subject: str | None = "subject"
    """Column that names the animal or person; None: all rows are of one subject."""
    session: str | None = "session"
    """Column that names the session; None: one session per subject."""
    trial: str | None = "trial"
    """Column of trial numbers, ascending within a session; None: the order of the rows."""
    instructed: str | None = None
    """Column that is true where the choice was forced: part of the history, never scored."""
    missed: tuple[ChoiceText, ...] = ()
    """Codes in the choice column that mean a missed trial, such as 2 or ignored; so do blanks."""
    choices: tuple[ChoiceText, ...] = ()
    """All codes of the choice column in order, where they are not one of the usual pairs."""
    lags: int = 10
    """How many past choices the regression looks back."""
    ridge: float | Literal["cv"] = 0.0
    """Ridge penalty on all weights but the bias; cv: chosen by cross-validation over sessions."""
    resamples: int = 10_000
    """Redrawn experiments behind each p-value."""
    bootstrap: int = 1000
    """Resamples of sessions behind each index's 95 % interval."""
    seed: int = 0
    """Seed of all randomness."""

    def __post_init__(self) -> None:
        for name in ("lags", "resamples", "bootstrap"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} is {getattr(self, name)}; it must be at least 1.")
        check_probabilities(self.probabilities)
        if self.distractor == self.controllable:
            raise ConfigError(
                f"controllable and distractor are both {self.controllable!r}; they are different "
                "columns."
            )
        if self.probabilities and self.distractor is None:
            raise ConfigError("probabilities serve the tests, which need a distractor column too.")

    def format(self, columns: tuple[str, ...]) -> TableFormat:
        """How to read a table that has these columns."""
        outcomes = (self.controllable,) + ((self.distractor,) if self.distractor else ())
        wanted = schedule_entries(self.probabilities, columns if self.distractor else ())
        return TableFormat(
            choice=self.choice, outcome=outcomes, subject=self.subject, session=self.session,
            trial=self.trial if self.trial != "trial" or "trial" in columns else None,
            instructed=self.instructed, missed=self.missed, choices=self.choices,
            context=columns_among(wanted),
        )  # fmt: skip
