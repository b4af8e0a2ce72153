"""The unit of each parameter, for axes."""

from __future__ import annotations

import re

from .labels import shortened

UNITS: dict[str, str] = {
    "inverse_temperature": "log-odds per unit of value",
    "initial_value": "reward",
    "actor_learning_rate": "log-odds per reward",
    "hazard": "probability",
    "time_constant": "choices",
    "structure_weight": "0 naive, 1 savvy",
    "bias": "log-odds",
    "side_bias": "log-odds",
    "perseveration": "log-odds",
}
ENDINGS: dict[str, str] = {
    "_rate": "share per trial",
    "_probability": "probability",
    "_strength": "log-odds",
    "_weight": "log-odds",
    "_utility": "both rewards = 1",
}
"""Of the names that are not in `UNITS`."""


def parameter_label(name: str) -> str:
    """A parameter with its unit below: `learning rate`, `(share per trial)`; without one where a
    user's own model names something else.

    name: as fits report it, such as `bias[0]` or `gain[dopamine]`.
    """
    said, unit = shortened(name.replace("_", " ")), _unit(name)
    return f"{said}\n({unit})" if unit else said


def _unit(name: str) -> str:
    of_signal = re.fullmatch(r"(gain|offset|residual_sd)\[(.*)\]", name)
    if of_signal:
        per = " per reward" if of_signal[1] == "gain" else ""
        return f"unit of {shortened(of_signal[2])}{per}"
    plain = re.sub(r"\[[\d, ]*\]$", "", name)
    ending = next((unit for end, unit in ENDINGS.items() if plain.endswith(end)), "")
    return UNITS.get(plain, ending)
