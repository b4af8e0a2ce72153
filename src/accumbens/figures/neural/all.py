"""The figures of what units respond to: all that there are numbers for, into one folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from ...neural.units.config import Test, kind_of_test
from ...neural.units.selectivity import most_selective
from ...trials import Trials
from ..labels import counted, data_counts
from ..listed import ListedFigure, draw_listed
from .outcome_responses import draw_outcome_responses, outcome_responses_data
from .selective_fraction import draw_selective_fraction, selective_fraction_data
from .unit_effects import draw_unit_effects, unit_effects_data

TEST_WORDS = {
    "schedule": "rewards redrawn from their probabilities",
    "linear_shift": "linear shift",
    "session_permutation": "permuted sessions",
}


class SelectivityResults(NamedTuple):
    """What figures of units are drawn from; tables as of `draw_selectivity_figures`."""

    trials: Trials
    selectivity: pd.DataFrame
    responses: pd.DataFrame
    regions: pd.DataFrame
    unit: str
    caption: str


def _unit_effects(r: SelectivityResults) -> list[Any]:
    if len(r.trials.names.outcomes) != 2:
        return []
    first, second = r.trials.names.outcomes
    return [unit_effects_data(r.selectivity, (first, second), unit=r.unit, caption=r.caption)]


def _outcome_responses(r: SelectivityResults) -> list[Any]:
    caption = f"The units with the smallest q of any contrast. {r.caption}"
    examples = most_selective(r.selectivity)
    return [outcome_responses_data(r.responses, examples, unit=r.unit, caption=caption)]


FIGURES: tuple[ListedFigure, ...] = (
    ListedFigure("unit_effects", _unit_effects, draw_unit_effects),
    ListedFigure("outcome_responses", _outcome_responses, draw_outcome_responses),
    ListedFigure(
        "selective_fraction",
        lambda r: [selective_fraction_data(r.regions, r.caption)],
        draw_selective_fraction,
    ),
)
"""All figures of units' selectivity, in the order in which they are drawn."""


def draw_selectivity_figures(
    trials: Trials,
    selectivity: pd.DataFrame,
    responses: pd.DataFrame,
    regions: pd.DataFrame,
    folder: str | os.PathLike[str],
    *,
    test: Test,
    unit: str = "spikes/s",
    false_discovery_rate: float = 0.05,
) -> dict[str, Path]:
    """Draws into `folder`; returns the PNG of each figure by name (beside it: PDF and CSV).

    selectivity: of `unit_selectivity`; responses: of `outcome_responses`; regions: of
    `selectivity_by_region`. With one outcome there are no effects to set against each other, and no
    figure of them.
    """
    caption = (
        f"Tests: {TEST_WORDS[test]}, two-sided; selective: q at or below {false_discovery_rate:g} "
        f"(Benjamini-Hochberg, {counted(len(selectivity), 'test')} of all units and contrasts). "
        f"{'Responses' if kind_of_test(test) == 'response' else 'Associations, not responses'}. "
        f"Data: {data_counts(trials)}."
    )
    results = SelectivityResults(trials, selectivity, responses, regions, unit, caption)
    return draw_listed(FIGURES, results, folder)
