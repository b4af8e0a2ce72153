"""The figures of credit assignment: all that there are numbers for, into one folder."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ...credit.history.fitted import HistoryFit
from ...credit.history.indices import Index
from ...credit.randomization import Alternative, RandomizationTest
from ...credit.schedule import Schedule
from ...trials import Trials
from ..labels import data_counts
from ..listed import ListedFigure, draw_listed
from .history_weights import draw_history_weights, history_weights_data
from .indices import credit_indices_data, draw_credit_indices
from .null_distributions import draw_null_distributions, null_distributions_data
from .power_curves import draw_power_curves, power_curves_data
from .session import credit_session_data, draw_credit_session


class CreditResults(NamedTuple):
    """What figures of credit assignment are drawn from. groups: fits by heading of their panel."""

    trials: Trials
    schedule: Schedule | None
    groups: Mapping[str, Sequence[HistoryFit]]
    indices: Sequence[Index]
    tests: Sequence[RandomizationTest]
    counts: str
    alternative: Alternative
    power: pd.DataFrame | None
    wanted_power: float


def _indices(r: CreditResults) -> list[Any]:
    known = [index for index in r.indices if np.isfinite(index.value)]
    if len({index.name for index in known}) < 2:
        return []
    return [credit_indices_data(r.indices, r.tests, r.counts, alternative=r.alternative)]


def _null_distributions(r: CreditResults) -> list[Any]:
    if not r.tests:
        return []
    return [null_distributions_data(r.tests, r.counts, alternative=r.alternative)]


FIGURES: tuple[ListedFigure, ...] = (
    ListedFigure(
        "credit_session",
        lambda r: [credit_session_data(r.trials, schedule=r.schedule)],
        draw_credit_session,
    ),
    ListedFigure(
        "history_weights", lambda r: [history_weights_data(r.groups)], draw_history_weights
    ),
    ListedFigure("credit_indices", _indices, draw_credit_indices),
    ListedFigure("null_distributions", _null_distributions, draw_null_distributions),
    ListedFigure(
        "power_curves",
        lambda r: [] if r.power is None else [power_curves_data(r.power, r.wanted_power)],
        draw_power_curves,
    ),
)
"""All figures of credit assignment, in the order in which they are drawn."""


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
    groups = {**(beside or {}), name: tuple(fits)}
    results = CreditResults(
        trials, schedule, groups, indices, tests, f"Data: {data_counts(trials)}.", alternative,
        power, wanted_power,
    )  # fmt: skip
    return draw_listed(FIGURES, results, folder)
