"""A fitted contrast in natural units, with what a reader must know of it."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from ....scoring.intervals import student_quantile
from ....scoring.weighted import about_weighted_mean
from ..description import in_natural_units
from ..empirical_bayes import GroupFit
from ..intervals import HALF, SEVERAL
from .exchange import ExactTest
from .fitted import ContrastEstimate, ContrastFit, SubjectContrast
from .problem import Problem, own_differences


def described(problem: Problem, fit: GroupFit, tests: list[ExactTest]) -> ContrastFit:
    design, names, p = problem.design, problem.names, len(problem.names)
    natural = in_natural_units(problem.space, problem.scales)
    middle, shift = np.split(np.asarray(fit.group.mean), 2)
    counts = np.asarray(fit.alone.counts.sum(0))
    n = counts[p:] if design.within else counts[:p]
    freedom = n - (1 if design.within else 2)
    enough = (n >= SEVERAL) & (freedom > 0)
    at = slice(p, None) if design.within else slice(p)
    fitness = _fitness(fit, at, freedom)
    error = np.where(enough, np.sqrt(np.diag(fit.mean_covariance)[p:] * fitness), np.nan)
    half = np.where(enough, student_quantile(np.maximum(freedom, 0.5)), np.nan) * error
    spread = np.sqrt(np.asarray(fit.group.variance)[p:])
    least = 1.0001 * 0.01 * np.asarray(problem.scale)
    spread = np.where(spread <= least, 0.0, spread) if design.within else np.full(p, np.nan)

    def ends(by):
        """The medians at both levels, where they differ by so much."""
        return natural(middle - by / 2), natural(middle + by / 2)

    (reference, other), *around = (ends(shift + side * half) for side in (0, -1, 1))
    low, high = np.sort([b - a for a, b in around], axis=0)
    columns = (
        reference, other, other - reference, low, high, shift, shift - half, shift + half, error,
        freedom, spread,
    )  # fmt: skip
    parameters = {
        name: ContrastEstimate(*(float(c[i]) for c in columns)) for i, name in enumerate(names)
    }
    return ContrastFit(
        model=problem.space.template.name,
        target=problem.target,
        column=design.column,
        levels=design.levels,
        within=design.within,
        sentence=design.sentence(),
        counts=design.counts(),
        parameters=parameters,
        subjects=_subjects(problem, fit, natural),
        animals=tests[0],
        sessions=tests[1] if len(tests) > 1 else None,
        notes=(*design.notes, *_warnings(problem, fit, tests, enough)),
    )


def _fitness(fit: GroupFit, at: slice, freedom) -> Float[np.ndarray, " place"]:
    """By how much animals lie closer together than their errors say, at most 1: the factor of
    Hartung and Knapp, without which intervals are too wide where the spread is 0."""
    value, error, counts = (np.asarray(x)[:, at] for x in fit.alone)
    weight = counts / (np.asarray(fit.group.variance)[at] + error)
    _, squares = about_weighted_mean(value, weight)
    return np.minimum(squares / np.maximum(freedom, 1e-6), 1.0)


def _subjects(problem: Problem, fit: GroupFit, natural) -> dict[str, dict[str, SubjectContrast]]:
    design, p = problem.design, len(problem.names)
    drawn_middle, drawn = np.split(np.asarray(fit.of_subject), 2, axis=1)
    middle, told = (np.asarray(x)[:, :p] for x in (fit.alone.value, fit.alone.counts))
    middle = np.where(told > HALF, middle, drawn_middle if design.within else np.nan)
    found = own_differences(fit, p)
    own = np.where(found.counts > HALF, found.value, np.nan) if design.within else drawn
    error = np.sqrt(found.error)
    at = [natural(m + side * d) for m, d in ((middle, own), (drawn_middle, drawn))
          for side in (-0.5, 0.5)]  # fmt: skip
    if not design.within:
        level = design.of_subject()[:, None]
        at = [np.where(level == i % 2, values, np.nan) for i, values in enumerate(at)]
        own, error = np.full_like(error, np.nan), np.full_like(error, np.nan)
    columns = (*at[:2], at[1] - at[0], own, np.where(np.isnan(own), np.nan, error), *at[2:])
    return {
        subject: {
            name: SubjectContrast(*(float(c[s, i]) for c in columns))
            for i, name in enumerate(problem.names)
        }
        for s, subject in enumerate(design.trials.names.subjects)
    }


def _warnings(problem: Problem, fit: GroupFit, tests: list[ExactTest], enough) -> list[str]:
    found = []
    n = problem.design.n_subjects
    if tests[0].smallest_p > 0.05:
        found.append(
            f"With {n} animals no effect, however large, has a p below {tests[0].smallest_p:.3g} "
            "over animals: read the intervals, or add animals."
        )
    if n == 2 and problem.design.within:
        found.append("Two animals say very little of a group: the intervals are very wide.")
    if not bool(fit.converged):
        found.append(
            f"The fit had not settled after {int(fit.passes)} passes over the trials. Fix a "
            "parameter, or leave a part out."
        )
    if silent := [name for name, told in zip(problem.names, enough, strict=True) if not told]:
        found.append(f"The {problem.target} says next to nothing of {', '.join(silent)}.")
    return found
