"""The options of an analysis of credit assignment."""

from __future__ import annotations

import dataclasses
from typing import Literal

from ...credit.reversals.rules import CountedReversals, reversals_from_text
from ...errors import ConfigError
from ...io.tables.format import ChoiceText, TableFormat
from .columns import check_probabilities, columns_among, usual_columns


@dataclasses.dataclass(frozen=True)
class CreditConfig:
    """Columns of the table, regression and tests."""

    controllable: str
    """Column of the reward that the choice controls; or of the only reward."""
    distractor: str | None = None
    """Column of the reward that does not depend on the choice. It is never guessed, because swapped
    columns are a common mistake."""
    more_distractors: tuple[str, ...] = ()
    """Columns of further such rewards; each has an index and tests of its own."""
    probabilities: tuple[str, ...] = ()
    """Probabilities of the controllable reward after the first and after the second choice, and of
    each distractor: three columns or numbers for one distractor. Default:
    controllable_probability_0, controllable_probability_1 and distractor_probability, or the same
    with the names of the outcomes, where the table has them."""
    flavour: str | None = None
    """Column with the flavour of each animal's controllable reward (cherry, grape): the structure
    test across animals with both flavours counted the same, apart from a liking of one."""
    reversals: str | None = None
    """The rule by which the better side reversed, where it followed choices or rewards, such as
    "after 10 controllable of the last 15"; also "distractor", "rewards" (of any kind) or "correct"
    (choices of the better side), ", at least 20 trials" and ", with probability 0.1". Reversals are
    then redrawn with the rewards that cause them, and both tests are exact."""
    baited: bool = False
    """The probabilities of the controllable reward are base ones: a reward that was drawn waits
    until its side is chosen."""
    trust_schedule: bool = False
    """Go on although the rewards did not come with the stated probabilities; otherwise an error."""
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
    labels_differ: bool = False
    """Labels of subjects, or of sessions of a subject, that differ only in blanks, case, leading
    zeros or ".0" are different ones; otherwise they are an error."""
    lags: int = 10
    """Past choices that the regression looks back."""
    ridge: float | Literal["cv"] = 0.0
    """Ridge penalty on all weights but the bias; cv: chosen by cross-validation over sessions."""
    animals: Literal["separate", "pooled", "hierarchical"] = "separate"
    """The regression that is kept as a model (models/history): separate, of each animal by itself;
    pooled, one for all; hierarchical, of each animal under the group that all come from, which also
    goes to weights_hierarchical.parquet. Indices and tests are of each animal by itself always."""
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
        if self.more_distractors and self.distractor is None:
            raise ConfigError("more_distractors needs distractor. Name the first distractor there.")
        if len(set(self.outcomes)) < len(self.outcomes):
            raise ConfigError(
                "controllable, distractor and more_distractors name a column twice: "
                f"{', '.join(self.outcomes)}. They are different columns."
            )
        if self.probabilities and self.distractor is None:
            raise ConfigError(
                "probabilities are for the tests, which also need a distractor column."
            )
        if (self.reversals is not None or self.baited) and self.distractor is None:
            raise ConfigError("reversals and baited are for the tests, which need a distractor.")
        _ = self.rule
        check_probabilities(self.probabilities, len(self.outcomes), len(self.choices) or 2)

    @property
    def outcomes(self) -> tuple[str, ...]:
        """The columns of all outcomes, the controllable reward first."""
        first = () if self.distractor is None else (self.distractor,)
        return (self.controllable, *first, *self.more_distractors)

    @property
    def rule(self) -> CountedReversals | None:
        """The rule of reversals; None where none is stated."""
        if self.reversals is None:
            return None
        return reversals_from_text(self.reversals, self.outcomes)

    @property
    def format(self) -> TableFormat:
        """Which columns of the table to read as what."""
        usual = usual_columns(self.outcomes, len(self.choices) or 2)
        return TableFormat(
            choice=self.choice, outcome=self.outcomes, subject=self.subject, session=self.session,
            trial=self.trial, instructed=self.instructed, missed=self.missed, choices=self.choices,
            context=columns_among(self.probabilities), labels_differ=self.labels_differ,
            optional_context=() if self.probabilities or self.distractor is None else usual,
        )  # fmt: skip


@dataclasses.dataclass(frozen=True)
class PilotFormat:
    """Columns of the pilot table."""

    controllable: str = "controllable"
    """Column of the reward that the choice controls."""
    distractor: str = "distractor"
    """Column of the reward that does not depend on the choice."""
    choice: str = "choice"
    """Column of the choices."""
    subject: str | None = "subject"
    """Column that names the animal; None: all rows are of one."""
    session: str | None = "session"
    """Column that names the session; None: one session per animal."""
    trial: str | None = "trial"
    """Column of trial numbers; None: the order of the rows."""
    missed: tuple[ChoiceText, ...] = ()
    """Codes in the choice column that mean a missed trial; so do blanks."""
    choices: tuple[ChoiceText, ...] = ()
    """All codes of the choice column in order, where they are not one of the usual pairs."""
