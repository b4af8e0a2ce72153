"""Equations as text: by choice and outcome in the field's form where they are lines."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...trials import TrialNames
from .equation import Equation
from .parameters import SAME, Condition, Reading, readings
from .scales import Scale
from .words import choice_words, outcome_words, term_words


def written_update(
    equation: Equation, k: int, scale: Scale, conditions: Sequence[Condition], names: TrialNames,
    latents: Sequence[str],
) -> list[str]:  # fmt: skip
    """The update of latent k: a line for each choice and outcome that differs from the others.

    z <- (1 - rate) z + rate target where it is a line in z; else the sum of its terms.
    """
    lines = readings(equation, k, conditions)
    if not all(line.affine for line in lines):
        return [_change(equation, names, latents)]
    groups: list[list[Reading]] = []
    for line in lines:  # one line of text for all that have the same rate
        same = [g for g in groups if _alike(g[0], line, scale)]
        same[0].append(line) if same else groups.append([line])
    every = list(dict.fromkeys(line.condition.outcome for line in lines))
    made = sorted({line.condition.choice for line in lines})
    return [
        f"after {_where(g, made, every, names)}: {_line(g, equation.of, names)}" for g in groups
    ]


def _alike(one: Reading, other: Reading, scale: Scale) -> bool:
    """Whether two conditions are written as one: the same rate and, of a value, the same side."""
    side = scale.role == "value" and one.condition.choice != other.condition.choice
    still = [abs(r.rate[0]) <= SAME and abs(r.constant[0]) <= SAME for r in (one, other)]
    near = abs(one.rate[0] - other.rate[0]) <= SAME
    return bool(still[0] == still[1] and (all(still) or not side) and near)


def written_rule(equation: Equation, names: TrialNames, latents: Sequence[str], left: str) -> str:
    """A choice or signal rule: the sum of its terms. left: what is on the left of the sign."""
    return f"{left} = {_sum(equation, names, latents)}"


def number(value: float) -> str:
    """A number with as many digits as a reader needs."""
    return f"{value:.3f}".replace("-0.000", "0.000") if abs(value) < 10 else f"{value:.3g}"


def _line(group: list[Reading], name: str, names: TrialNames) -> str:
    """One rate, and where each outcome draws the latent: z <- (1 - rate) z + rate u."""
    rate = float(group[0].rate[0])
    moved = abs(rate) > SAME
    size = {r.condition: float(r.constant[0]) / (rate if moved else 1.0) for r in group}
    if not moved and not any(abs(value) > SAME for value in size.values()):
        return f"{name} <- {name}"
    kept = f"{name} <- {name}"
    if moved:
        kept = f"{name} <- (1 {'-' if rate > 0 else '+'} {number(abs(rate))}) {name}"
    if not any(abs(value) > SAME for value in size.values()):
        return kept
    return f"{kept} {_pulled(size, rate if moved else 1.0, moved, names)}"


def _pulled(size: dict[Condition, float], rate: float, moved: bool, names: TrialNames) -> str:
    """What is added, by outcome and, of a variable with opposite signs after two choices, by c."""
    signed = _signed(size)
    by_outcome = signed if signed is not None else _unsigned(size)
    factor = "" if not moved else f"{number(abs(rate))} x "
    plus = "+" if rate > 0 else "-"
    if by_outcome is None:  # neither the same nor the opposite after each choice
        each = ", ".join(
            f"{number(value)} after {choice_words(names, [c.choice])} with "
            f"{outcome_words(names, c.outcome)}"
            for c, value in size.items()
        )
        return f"{plus} {factor.removesuffix('x ')}u; u = {each}"
    c = " c" if signed is not None else ""
    values = list(by_outcome.values())
    if np.ptp(values) <= 1e-9 * (1 + abs(values[0])):
        one = np.isclose(values[0], 1, atol=5e-4)
        if values[0] < 0:
            plus = "-" if plus == "+" else "+"
        if one and moved:
            return f"{plus} {number(abs(rate))}{c}"
        return f"{plus} {factor}{number(abs(values[0]))}{c}"
    each = ", ".join(f"{number(v)} after {outcome_words(names, o)}" for o, v in by_outcome.items())
    return f"{plus} {factor.removesuffix('x ')}{c.strip()}{' ' if c else ''}u; u = {each}"


def _unsigned(size: dict[Condition, float]) -> dict[tuple, float] | None:
    found: dict[tuple, float] = {}
    for condition, value in size.items():
        known = found.setdefault(condition.outcome, value)
        if abs(known - value) > 1e-9 * (1 + abs(value)):
            return None
    return found


def _signed(size: dict[Condition, float]) -> dict[tuple, float] | None:
    """Values after choice 1, where those after choice 0 are the opposite for every outcome."""
    if {condition.choice for condition in size} != {0, 1}:
        return None
    turned = {c: value * (1 if c.choice else -1) for c, value in size.items()}
    return None if all(abs(v) <= SAME for v in size.values()) else _unsigned(turned)


def _where(group: list[Reading], made, every, names: TrialNames) -> str:
    """After which choices and outcomes, in words."""
    by_choice: dict[int, list] = {}
    for reading in group:
        by_choice.setdefault(reading.condition.choice, []).append(reading.condition.outcome)
    parts: dict[tuple, list[int]] = {}
    for choice, outcomes in by_choice.items():
        parts.setdefault(tuple(outcomes), []).append(choice)
    words = []
    for outcomes, choices in parts.items():
        text = "any choice" if choices == made else choice_words(names, choices)
        if len(outcomes) < len(every):
            text += f" with {' or '.join(outcome_words(names, o) for o in outcomes)}"
        words.append(text)
    return "; ".join(words)


def _change(equation: Equation, names: TrialNames, latents: Sequence[str]) -> str:
    text = _sum(equation, names, latents)
    sign = "" if text.startswith("-") else "+ "
    return (
        f"{equation.of} <- {equation.of} {sign}{text.replace('-', '- ', 1) if not sign else text}"
    )


def _sum(equation: Equation, names: TrialNames, latents: Sequence[str]) -> str:
    words = term_words(equation.terms, names, latents)
    parts = []
    for weight, word in zip(equation.weight.tolist(), words, strict=True):
        sign = "-" if weight < 0 else "+"
        size = number(abs(weight)) + ("" if word == "1" else f" {word}")
        parts.append(f"{sign} {size}")
    text = " ".join(parts) or "0"
    return text.removeprefix("+ ") if text.startswith("+") else text.replace("- ", "-", 1)
