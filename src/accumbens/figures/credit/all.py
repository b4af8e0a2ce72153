"""Every figure of credit assignment that there are numbers for, into one folder."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from ...credit.history.fitting import HistoryFit
from ...credit.history.indices import Index
from ...credit.randomization import Alternative, RandomizationTest
from ...credit.schedule import Schedule
from ...trials import Trials
from ..labels import data_counts
from ..save import save_figure
from .history_weights import draw_history_weights, history_weights_data
from .indices import credit_indices_data, draw_credit_indices
from .null_distributions import draw_null_distributions, null_distributions_data
from .power_curves import draw_power_curves, power_curves_data
from .session import credit_session_data, draw_credit_session


def draw_credit_figures(
    trials: Trials,
    fits: Sequence[HistoryFit],
    indices: Sequence[Index],
    tests: Sequence[RandomizationTest],
    folder: str | os.PathLike[str],
    schedule: Schedule | None = None,
    *,
    name: str = "all subjects",
    beside: Mapping[str, Sequence[HistoryFit]] | None = None,
    power: pd.DataFrame | None = None,
    wanted_power: float = 0.8,
    alternative: Alternative = "greater",
) -> dict[str, Path]:
    """Draws into `folder`; returns the PNG of each figure by name (beside it: PDF and CSV).

    fits: one of each subject. indices: of each subject and of the group; with fewer than two names
    (a single reward) there is no figure of them. tests: may be empty. name: heading of the panel of
    these fits; beside: fits of other groups (agents, say), drawn before it. power: table for
    `power_curves_data`.
    """
    drawn: dict[str, Path] = {}

    def draw(stem: str, data: Any, ink: Callable[[Any, Figure], None]) -> None:
        fig = Figure()
        ink(data, fig)
        drawn[stem] = save_figure(fig, Path(folder) / stem, data)

    counts = f"Data: {data_counts(trials)}."
    draw("credit_session", credit_session_data(trials, schedule=schedule), draw_credit_session)
    groups = {**(beside or {}), name: tuple(fits)}
    draw("history_weights", history_weights_data(groups), draw_history_weights)
    if len({index.name for index in indices}) > 1:
        data = credit_indices_data(indices, tests, counts, alternative=alternative)
        draw("credit_indices", data, draw_credit_indices)
    if tests:
        data = null_distributions_data(tests, counts, alternative=alternative)
        draw("null_distributions", data, draw_null_distributions)
    if power is not None:
        draw("power_curves", power_curves_data(power, wanted_power), draw_power_curves)
    return drawn
