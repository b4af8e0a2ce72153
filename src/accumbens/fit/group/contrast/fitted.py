"""What a contrast reports: which parameter differs, by how much, and in how many animals."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, NamedTuple

from ....models.catalogue import Target
from ....summary import Summary, between, number, summarized
from .exchange import ExactTest

if TYPE_CHECKING:
    import pandas as pd

LEVEL = 0.05
"""Of the exact test in what is said of it."""


class ContrastEstimate(NamedTuple):
    """How a parameter differs between two levels; NaN where the animals say nothing of it.

    Attributes:
        reference, other: the group's median at either level, in the parameter's own unit.
        difference: the other less the reference, in the parameter's own unit.
        low, high: its 95 % interval over animals, the middle of both medians held.
        shift: the group's mean difference on the unconstrained scale (logit between two bounds, log
            above one, the parameter itself without bounds).
        shift_low, shift_high: its 95 % interval over animals, by Student's t.
        standard_error: of the shift, over animals.
        freedom: degrees of freedom of the interval.
        spread: SD over animals of their differences, on the unconstrained scale; 0 where these
            differ by no more than their errors; NaN between animals.
    """

    reference: float
    other: float
    difference: float
    low: float
    high: float
    shift: float
    shift_low: float
    shift_high: float
    standard_error: float
    freedom: float
    spread: float


class SubjectContrast(NamedTuple):
    """A parameter of one animal at either level: NaN at a level without sessions, and where the
    animal's own data say nothing of it.

    Attributes:
        reference, other: what the animal's own data say, with the group's help for the other
            parameters alone; in the parameter's own unit.
        difference: of both.
        shift: the same difference on the unconstrained scale.
        standard_error: of the shift.
        drawn_reference, drawn_other: the estimates as the group draws them, in the parameter's own
            unit. Where differences have a spread of 0 all animals are given the group's.
    """

    reference: float
    other: float
    difference: float
    shift: float
    standard_error: float
    drawn_reference: float
    drawn_other: float


@summarized
@dataclasses.dataclass(frozen=True)
class ContrastFit:
    """A column of a table as a covariate of the parameters of a cognitive model.

    Attributes:
        model: what the model is called.
        target: what it was fitted to.
        column: of the levels.
        levels: the reference, and what is compared with it.
        within: whether each animal has both levels, or one of them.
        sentence: who is compared with whom.
        counts: of each level, how many animals, sessions and scored choices.
        parameters: the difference in each parameter.
        subjects: the estimates of each animal by its name and parameter.
        animals: the exact test over animals.
        sessions: within animals, the exact test of these animals alone, over their sessions.
        notes: what was left out, and what a reader must know.
    """

    model: str
    target: Target
    column: str
    levels: tuple[str, str]
    within: bool
    sentence: str
    counts: dict[str, dict[str, int]]
    parameters: dict[str, ContrastEstimate]
    subjects: dict[str, dict[str, SubjectContrast]]
    animals: ExactTest
    sessions: ExactTest | None
    notes: tuple[str, ...]

    @property
    def verdict(self) -> str:
        """Which parameters differ over animals, in words, by the exact test at 5 %."""
        n = self.n_animals
        if self.animals.smallest_p > LEVEL:
            return (
                f"{n} animals are too few for the exact test over animals: its smallest p is "
                f"{self.animals.smallest_p:.3g}. Read the intervals."
            )
        told = [name for name, p in self.animals.p_family.items() if p <= LEVEL]  # not NaN
        if not told:
            return f"No parameter is told apart over these {n} animals."
        reference, other = self.levels
        said = []
        for name in told:
            e = self.parameters[name]
            more = "higher" if e.shift > 0 else "lower"
            by = between(abs(e.difference), *sorted((abs(e.low), abs(e.high)))) if (
                e.low * e.high > 0
            ) else between(e.difference, e.low, e.high)  # fmt: skip
            said.append(
                f"{name.replace('_', ' ')} is {more} at {other} than at {reference} by {by}, "
                f"p = {self.animals.p_family[name]:.3g}"
            )
        return "; ".join(said) + f" (over {n} animals)."

    @property
    def n_animals(self) -> int:
        """Number of animals."""
        return len(self.subjects)

    def _summary(self) -> Summary:
        title = f"Contrast of {self.model} ({self.target}). {self.sentence}"
        tests = [self.animals, *([self.sessions] if self.sessions else [])]
        facts = [(f"p over {test.unit}", test.null) for test in tests]
        heads = ["parameter", *self.levels, "difference (95 % interval)", "unconstrained",
                 *(f"p {test.unit}" for test in tests)]  # fmt: skip
        rows = [
            [
                name, number(e.reference), number(e.other), between(e.difference, e.low, e.high),
                between(e.shift, e.shift_low, e.shift_high),
                *(number(test.p_family[name]) for test in tests),
            ]
            for name, e in self.parameters.items()
        ]  # fmt: skip
        return Summary(title, facts, [heads, *rows], self.notes)

    def to_frame(self) -> pd.DataFrame:
        """One row for each parameter.

        Returns:
            A table with columns parameter, reference, other, difference, low, high, shift,
            shift_low, shift_high, standard_error, freedom, spread, p_animals, p_animals_family and
            (within animals) p_sessions, p_sessions_family.
        """
        import pandas as pd

        rows = []
        for name, estimate in self.parameters.items():
            row: dict[str, Any] = {"parameter": name, **estimate._asdict()}
            for test in (self.animals, self.sessions):
                if test is not None:
                    row[f"p_{test.unit}"] = test.p[name]
                    row[f"p_{test.unit}_family"] = test.p_family[name]
            rows.append(row)
        return pd.DataFrame(rows)

    def subjects_to_frame(self) -> pd.DataFrame:
        """One row for each animal and parameter.

        Returns:
            A table with columns subject, parameter, reference, other, difference, shift,
            standard_error, drawn_reference, drawn_other.
        """
        import pandas as pd

        rows = [
            (subject, name, *estimate)
            for subject, each in self.subjects.items()
            for name, estimate in each.items()
        ]
        return pd.DataFrame(rows, columns=["subject", "parameter", *SubjectContrast._fields])

    def as_dict(self) -> dict[str, Any]:
        """Everything as plain numbers and text, as metrics.json holds it."""
        return {
            "column": self.column,
            "levels": list(self.levels),
            "design": "within animals" if self.within else "between animals",
            "sentence": self.sentence,
            "verdict": self.verdict,
            "counts": self.counts,
            "target": self.target,
            "parameters": {name: e._asdict() for name, e in self.parameters.items()},
            "subjects": {
                subject: {name: e._asdict() for name, e in each.items()}
                for subject, each in self.subjects.items()
            },
            "animals": self.animals._asdict(),
            "sessions": None if self.sessions is None else self.sessions._asdict(),
            "notes": list(self.notes),
        }
