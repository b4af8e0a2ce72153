"""What choices, outcomes and terms are called in equations."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...outcomes import MAX_OUTCOMES, type_names
from ...trials import TrialNames
from .library import Library


def outcome_words(names: TrialNames, outcome: Sequence[float]) -> str:
    """One trial's outcomes: "reward", "no reward", "both"; numbers where they are not 0 and 1."""
    columns = names.outcomes
    if not columns:
        return ""
    if any(value not in (0, 1) for value in outcome) or len(columns) > MAX_OUTCOMES:
        return ", ".join(f"{n} {v:.3g}" for n, v in zip(columns, outcome, strict=True))
    number = sum(1 << m for m, value in enumerate(outcome) if value)
    if len(columns) == 1 and not number:
        return f"no {columns[0]}"
    return type_names(columns)[number]


def choice_words(names: TrialNames, choices: Sequence[int]) -> str:
    """The choices after which something holds: "left"; "any choice" for all."""
    if len(choices) == len(names.choices):
        return "any choice"
    return " or ".join(str(names.choices[c]) for c in choices)


def term_words(library: Library, names: TrialNames, latents: Sequence[str]) -> list[str]:
    """Each term as a product: "[right] z_1", "c reward" (c = +1 after choice 1, -1 after 0)."""
    found = []
    for powers, factor, of_outcomes in zip(*library, strict=True):
        parts = []
        if np.array_equal(factor, [-1, 1]):
            parts.append("c")
        elif not (factor == 1).all():
            parts.append(f"[{choice_words(names, np.flatnonzero(factor).tolist())}]")
        parts += [
            _power(n, p) for n, p in zip(names.outcomes, of_outcomes.tolist(), strict=True) if p
        ]
        parts += [_power(n, p) for n, p in zip(latents, powers.tolist(), strict=True) if p]
        found.append(" ".join(parts) or "1")
    return found


def _power(name: str, power: int) -> str:
    return name if power == 1 else f"{name}^{power}"
