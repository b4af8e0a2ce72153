"""What a hierarchical fit reports: the group, each subject, and what must be known of them."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, NamedTuple

from ...models.by_subject import BySubject
from ...models.catalogue import Target
from ...summary import Summary, between, counted, number, summarized

if TYPE_CHECKING:
    import pandas as pd


class GroupEstimate(NamedTuple):
    """The distribution of a parameter over subjects; NaN where no subject tells anything.

    Attributes:
        median: of the group, in the parameter's own unit.
        low, high: its 95 % interval.
        mean: of the group on the unconstrained scale (logit between two bounds, log above one, the
            parameter itself without bounds, as gain and offset in the unit of their signal; the log
            of a residual SD); posterior mean.
        standard_error: of the mean; posterior SD.
        spread: SD over subjects on the unconstrained scale; posterior median.
        spread_low, spread_high: its 95 % interval, the shortest; from 0 where subjects may all be
            alike.
    """

    median: float
    low: float
    high: float
    mean: float
    standard_error: float
    spread: float
    spread_low: float
    spread_high: float


class SubjectEstimate(NamedTuple):
    """A parameter of one subject, in its own unit.

    Attributes:
        estimate: the most probable value under the group.
        low, high: its 95 % interval, with the error of the group's mean.
        alone: what the subject's own data say of it, with the group's help for the other
            parameters alone; NaN where they say nothing.
        weight: of the own data, from 0 (the group's mean) to 1 (no shrinkage).
    """

    estimate: float
    low: float
    high: float
    alone: float
    weight: float


@summarized
@dataclasses.dataclass(frozen=True)
class HierarchicalFit:
    """A model fitted to several subjects with a group above them.

    Attributes:
        model: with each subject's estimates; subjects of other names get the group's medians.
        target: what was fitted.
        log_evidence: log p(data | group), parameters of subjects integrated out by a Laplace
            approximation; in nats.
        n_observations: number of scored choices, of measured signal values, or their sum.
        n_subjects: how many subjects were fitted.
        group: estimate of the group by parameter; then `gain[s]`, `offset[s]` and `residual_sd[s]`
            of each signal s.
        subjects: the estimates of each subject by its name and parameter.
        held: values of the parameters that were not fitted, or the parameter that they equal.
        warnings: what a reader must know about the estimates.
    """

    model: BySubject
    target: Target
    log_evidence: float
    n_observations: int
    n_subjects: int
    group: dict[str, GroupEstimate]
    subjects: dict[str, dict[str, SubjectEstimate]]
    held: dict[str, float | list[float] | str]
    warnings: tuple[str, ...]

    def _summary(self) -> Summary:
        title = (
            f"{self.model.models.name} fitted to {self.target} of "
            f"{counted(self.n_subjects, 'subject')}, hierarchical: "
            f"{counted(self.n_observations, 'observation')}"
        )
        facts = [("log evidence", f"{self.log_evidence:,.1f} nats")]
        if self.held:
            facts.append(("held", ", ".join(f"{name} = {x}" for name, x in self.held.items())))
        rows = [
            [
                name,
                between(e.median, e.low, e.high),
                between(e.spread, e.spread_low, e.spread_high),
                self._range(name),
            ]
            for name, e in self.group.items()
        ]
        heads = ["parameter", "group median (95 % interval)", "spread (SD, unconstrained)",
                 "subjects"]  # fmt: skip
        return Summary(title, facts, [heads, *rows], self.warnings)

    def _range(self, name: str) -> str:
        """The smallest and the largest estimate of a subject."""
        values = [each[name].estimate for each in self.subjects.values()]
        return f"{number(min(values))} to {number(max(values))}"

    def to_frame(self) -> pd.DataFrame:
        """One row for each parameter of the group.

        Returns:
            A table with columns parameter, median, low, high, mean, standard_error, spread,
            spread_low, spread_high.
        """
        import pandas as pd

        rows = [(name, *estimate) for name, estimate in self.group.items()]
        return pd.DataFrame(rows, columns=["parameter", *GroupEstimate._fields])

    def subjects_to_frame(self) -> pd.DataFrame:
        """One row for each subject and parameter.

        Returns:
            A table with columns subject, parameter, estimate, low, high, alone, weight.
        """
        import pandas as pd

        rows = [
            (subject, name, *estimate)
            for subject, each in self.subjects.items()
            for name, estimate in each.items()
        ]
        return pd.DataFrame(rows, columns=["subject", "parameter", *SubjectEstimate._fields])
