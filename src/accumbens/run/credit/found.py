"""What an analysis of credit found, as one object."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd

from ...credit.answers import TwoAnswers, in_words, two_answers
from ...credit.calibration.check import Calibration
from ...credit.flavour import BalancedFlavours
from ...credit.history.fitted import HistoryFit
from ...credit.history.hierarchical import HierarchicalHistory
from ...credit.history.indices import Index
from ...credit.randomization import (
    RandomizationTest,
)
from ...credit.schedule import Schedule
from ...summary import Summary, between, counted, number, summarized
from ...trials import Trials


@summarized
class Credit(NamedTuple):
    """What an analysis of credit found.

    Attributes:
        trials: that were analysed.
        schedule: the probabilities of the outcomes; None where they are not known.
        fits: the regression of each subject.
        pooled: the regression of all subjects together.
        indices: of each subject, then of the group.
        tests: the randomization tests; none without a schedule.
        warnings: what a reader must know.
        animals: the level of the regression that is kept as a model.
        hierarchical: the regression of each subject under the group; None unless asked for.
        calibration: the outcomes beside their stated probabilities; None without a schedule.
        balanced: tests of one index above another, with flavours balanced over animals.
    """

    trials: Trials
    schedule: Schedule | None
    fits: tuple[HistoryFit, ...]
    pooled: HistoryFit
    indices: tuple[Index, ...]
    tests: tuple[RandomizationTest, ...]
    warnings: tuple[str, ...]
    animals: Literal["separate", "pooled", "hierarchical"] = "separate"
    hierarchical: HierarchicalHistory | None = None
    calibration: Calibration | None = None
    balanced: tuple[BalancedFlavours, ...] = ()

    def _summary(self) -> Summary:
        title = (
            f"Credit assignment: {counted(len(self.fits), 'subject')}, "
            f"{counted(self.trials.n_sessions, 'session')}, {counted(len(self.tests), 'test')}"
        )
        in_order = sorted(self.indices, key=lambda index: index.subject != "group")
        rows = [
            [i.subject, i.name, between(i.value, i.low, i.high),
             *(number(self.p_value(test, i.subject)) for test in self.tests)]
            for i in in_order
        ]  # fmt: skip
        heads = ["subject", "index", "value (95 %)", *(f"p({test.name})" for test in self.tests)]
        said = (f"{a.test}. {' '.join(in_words(a))}" for a in self.answers)
        flavours = (f"{b.test}. {b.in_words}" for b in self.balanced)
        return Summary(title, table=[heads, *rows], notes=(*self.warnings, *said, *flavours))

    @property
    def answers(self) -> tuple[TwoAnswers, ...]:
        """Of each test: what holds in these animals, and in animals like these."""
        return tuple(two_answers(test) for test in self.tests)

    def to_frame(self) -> pd.DataFrame:
        """One row for each subject and index, then the group.

        Returns:
            A table with the fields of `Index`, the one-sided p-value of each test (of the group: in
            these animals), and for the group the one-sided p-value in animals like these.
        """
        rows, answers = [], self.answers
        for index in self.indices:
            row: dict[str, Any] = index._asdict()
            for test in self.tests:
                row[f"p({test.name})"] = self.p_value(test, index.subject)
            for answer in answers:
                like = answer.like_these if index.subject == "group" else None
                row[f"p_like_these({answer.test})"] = np.nan if like is None else like.p_greater
            rows.append(row)
        return pd.DataFrame(rows)

    def p_value(self, test: RandomizationTest, subject: str) -> float:
        """The one-sided p-value of a subject, or of the "group" (in these animals)."""
        if subject == "group":
            return test.group_p_value()
        return float(test.p_values()[test.subjects.index(subject)])
