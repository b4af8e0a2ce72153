"""An equation's weights read as the field's parameters: learning rate, forgetting rate, utility."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from ...trials import TrialNames
from .equation import Equation
from .scales import Scale
from .words import choice_words, outcome_words, term_words

SAME = 1e-9
"""Numbers that follow from the same terms differ by rounding alone."""


class EquationParameter(NamedTuple):
    """One number that the field has a name for.

    Attributes:
        of: the latent, or "choice".
        name: "learning rate", "forgetting rate", "utility", "inverse temperature", ...
        after: after which choices and outcomes it holds; empty: always.
        value: in the unit of `Scale`.
        draws: in resamples.
    """

    of: str
    name: str
    after: str
    value: float
    draws: Float[np.ndarray, " draw"]


class Condition(NamedTuple):
    """A choice with its outcomes."""

    choice: int
    outcome: tuple[float, ...]


class Reading(NamedTuple):
    """One latent's update after one choice and outcome: z <- (1 - rate) z + constant + the rest.

    Attributes:
        rate, constant: at the equation's weights first, then in each resample.
        affine: there is no rest.
    """

    condition: Condition
    rate: Float[np.ndarray, " one_and_draws"]
    constant: Float[np.ndarray, " one_and_draws"]
    affine: bool


def readings(equation: Equation, k: int, conditions: Sequence[Condition]) -> list[Reading]:
    """The update of latent k after each choice and outcome."""
    weights = np.vstack([equation.weight, equation.draws])
    found = []
    for condition in conditions:
        outcome = np.asarray(condition.outcome, float)
        slope, constant, only = equation.affine(k, condition.choice, outcome, weights)
        found.append(Reading(condition, -slope, constant, only))
    return found


def update_parameters(
    equation: Equation, k: int, scale: Scale, conditions: Sequence[Condition], names: TrialNames
) -> list[EquationParameter]:
    """Rates and targets of one latent's update, where it is a line in each condition.

    Conditions in which it has the same rate share a parameter; a target is where the latent would
    end, constant / rate. Conditions in which it stays as it is, or is not a line, have none.
    """
    lines = [r for r in readings(equation, k, conditions) if r.affine]
    found = []
    for name, group in _groups(lines, lambda r: r.rate, scale):
        if np.abs(group[0].rate).max() > SAME:
            after = _after(group, lines, names)
            found.append(_parameter(equation.of, name, after, group[0].rate))
    moving = [r for r in lines if np.abs(r.rate).max() > SAME]
    for rate_name, group in _groups(moving, lambda r: _target(r, scale), scale):
        target = _target(group[0], scale)
        name = {
            "learning rate": "utility",
            "habit rate": "habit target",
            "forgetting rate": "forgotten to",
        }.get(rate_name, "target")
        found.append(_parameter(equation.of, name, _after(group, moving, names), target))
    pushed = [r for r in lines if np.abs(r.rate).max() <= SAME < np.abs(r.constant).max()]
    for _, group in _groups(pushed, lambda r: r.constant, scale):
        after = _after(group, lines, names)
        found.append(_parameter(equation.of, "step", after, group[0].constant))
    return found


def rule_parameters(
    equation: Equation, scales: dict[str, Scale], names: TrialNames, against: str
) -> list[EquationParameter]:
    """Weights of the choice rule: bias, and each latent's inverse temperature or perseveration."""
    draws = np.vstack([equation.weight, equation.draws])
    words = term_words(equation.terms, names, tuple(scales))
    found = []
    for t, powers in enumerate(equation.terms.latent_power):
        if powers.sum() == 0:
            name = "bias"
        elif powers.sum() == 1:
            latent = tuple(scales)[int(powers.argmax())]
            habit = scales[latent].role == "habit"
            name = f"{'perseveration' if habit else 'inverse temperature'} of {latent}"
        else:
            name = f"log-odds per {words[t]}"
        found.append(_parameter("choice", name, against, draws[:, t]))
    return found


def _parameter(of: str, name: str, after: str, values) -> EquationParameter:
    return EquationParameter(of, name, after, float(values[0]), np.asarray(values[1:], float))


def _target(reading: Reading, scale: Scale):
    """Where the latent would end; of one that choices move in opposite directions, towards the
    choice made."""
    with np.errstate(divide="ignore", invalid="ignore"):
        target = reading.constant / reading.rate
    return target * _sign(reading, scale)


def _sign(reading: Reading, scale: Scale) -> float:
    signed = scale.role in ("difference", "habit") and scale.own == 1
    return -1.0 if signed and reading.condition.choice == 0 else 1.0


def _rate_name(reading: Reading, scale: Scale) -> str:
    if scale.role == "habit":
        return "habit rate"
    if scale.role == "value" and reading.condition.choice != scale.own:
        return "forgetting rate"
    return "learning rate" if scale.role != "other" else "rate"


def _groups(lines: list[Reading], value, scale: Scale) -> list[tuple[str, list[Reading]]]:
    """Readings of the same name with the same numbers, together."""
    groups: list[tuple[str, list[Reading]]] = []
    for reading in lines:
        name = _rate_name(reading, scale)
        for other, group in groups:
            mine, theirs = value(reading), value(group[0])
            close = np.abs(mine - theirs) <= SAME * (1 + np.abs(theirs))
            if other == name and (close | (np.isnan(mine) & np.isnan(theirs))).all():
                group.append(reading)
                break
        else:
            groups.append((name, [reading]))
    return groups


def _after(group: list[Reading], lines: list[Reading], names: TrialNames) -> str:
    """In words, after which choices and outcomes a group of readings holds."""
    choices = sorted({r.condition.choice for r in group})
    outcomes = list(dict.fromkeys(r.condition.outcome for r in group))
    every = {r.condition.outcome for r in lines if r.condition.choice in choices}
    if len(group) < len(choices) * len(outcomes):  # not a product of choices and outcomes
        each = [
            f"{choice_words(names, [r.condition.choice])}, "
            f"{outcome_words(names, r.condition.outcome)}"
            for r in group
        ]
        return "; ".join(each)
    words = choice_words(names, choices)
    if set(outcomes) == every and len(every) > 1:
        return words
    return f"{words}, {' or '.join(outcome_words(names, o) for o in outcomes)}"
