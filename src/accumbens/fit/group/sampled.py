"""What an exact hierarchical fit reports: posteriors of the group and of each subject."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from jaxtyping import Float

from ...models.by_subject import BySubject
from ...models.catalogue import Target
from ...summary import Summary, between, counted, number, summarized

if TYPE_CHECKING:
    import pandas as pd


class GroupPosterior(NamedTuple):
    """The posterior of a parameter's distribution over subjects.

    Attributes:
        median: posterior median of the group's median, in the parameter's own unit.
        low, high: its 95 % interval (2.5 and 97.5 % quantiles).
        mean: posterior mean of the group's mean on the unconstrained scale (logit between two
            bounds, log above one, the parameter itself without bounds, as gain and offset in the
            unit of their signal; the log of a residual SD).
        standard_error: its posterior SD.
        spread: posterior median of the SD over subjects on the unconstrained scale.
        spread_low, spread_high: the shortest 95 % interval; from 0 where it reaches so far.
        spread_error: its posterior SD.
        r_hat, ess: of mean and spread, the worse one.
    """

    median: float
    low: float
    high: float
    mean: float
    standard_error: float
    spread: float
    spread_low: float
    spread_high: float
    spread_error: float
    r_hat: float
    ess: float


class SubjectPosterior(NamedTuple):
    """The posterior of a parameter of one subject, in the parameter's own unit.

    Attributes:
        estimate: median.
        low, high: 95 % interval (2.5 and 97.5 % quantiles).
        r_hat, ess: whether chains agree, and what their draws are worth.
    """

    estimate: float
    low: float
    high: float
    r_hat: float
    ess: float


class Chains(NamedTuple):
    """Draws of each chain, on the unconstrained scale.

    Attributes:
        mean, spread: of the group.
        of_subject: parameters of each subject.
        n_divergent: transitions that left the posterior's surface.
    """

    mean: Float[np.ndarray, "chain draw place"]
    spread: Float[np.ndarray, "chain draw place"]
    of_subject: Float[np.ndarray, "chain draw subject place"]
    n_divergent: int


class GroupDraws(NamedTuple):
    """Draws of the posterior on the unconstrained scale, chain after chain; gain and offset in SDs
    of their signal, residual SDs as the logarithm of the same.

    Attributes:
        names: of the places.
        mean, spread: of the group.
        of_subject: parameters of each subject.
    """

    names: tuple[str, ...]
    mean: Float[np.ndarray, "draw place"]
    spread: Float[np.ndarray, "draw place"]
    of_subject: Float[np.ndarray, "draw subject place"]


@summarized
@dataclasses.dataclass(frozen=True)
class HierarchicalPosterior:
    """A model fitted to several subjects with a group above them, by Markov chains.

    Attributes:
        model: with each subject's posterior medians; subjects of other names get the group's.
        target: what was fitted.
        n_observations: number of scored choices, of measured signal values, or their sum.
        n_subjects: how many subjects have a scored trial.
        group: posterior of the group by parameter; then `gain[s]`, `offset[s]` and `residual_sd[s]`
            of each signal s that was fitted.
        subjects: the posterior of each subject by its name and parameter.
        held: values of the parameters that were not fitted, or the parameter that they equal.
        draws: of the posterior.
        n_divergent: transitions that left the posterior's surface; none where all is well.
        warnings: what a reader must know about the posterior.
    """

    model: BySubject
    target: Target
    n_observations: int
    n_subjects: int
    group: dict[str, GroupPosterior]
    subjects: dict[str, dict[str, SubjectPosterior]]
    held: dict[str, float | list[float] | str]
    draws: GroupDraws
    n_divergent: int
    warnings: tuple[str, ...]

    def _summary(self) -> Summary:
        title = (
            f"{self.model.models.name} fitted to {self.target} of "
            f"{counted(self.n_subjects, 'subject')}, hierarchical by NUTS: "
            f"{counted(self.n_observations, 'observation')}"
        )
        facts = [("draws", f"{len(self.draws.mean):,}")]
        if self.held:
            facts.append(("held", ", ".join(f"{name} = {x}" for name, x in self.held.items())))
        heads = ["parameter", "group median (95 % interval)", "spread (SD, unconstrained)", "R-hat",
                 "effective sample size"]  # fmt: skip
        rows = [
            [
                name,
                between(e.median, e.low, e.high),
                between(e.spread, e.spread_low, e.spread_high),
                f"{e.r_hat:.3f}",
                number(round(e.ess)),
            ]
            for name, e in self.group.items()
        ]
        return Summary(title, facts, [heads, *rows], self.warnings)

    def to_frame(self) -> pd.DataFrame:
        """One row for each parameter of the group.

        Returns:
            A table with columns parameter, then the fields of `GroupPosterior`.
        """
        import pandas as pd

        rows = [(name, *one) for name, one in self.group.items()]
        return pd.DataFrame(rows, columns=["parameter", *GroupPosterior._fields])

    def subjects_to_frame(self) -> pd.DataFrame:
        """One row for each subject and parameter.

        Returns:
            A table with columns subject, parameter, then the fields of `SubjectPosterior`.
        """
        import pandas as pd

        rows = [
            (subject, name, *one)
            for subject, each in self.subjects.items()
            for name, one in each.items()
        ]
        return pd.DataFrame(rows, columns=["subject", "parameter", *SubjectPosterior._fields])
