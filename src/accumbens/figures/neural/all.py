"""Every figure of what units respond to that there are numbers for, into one folder."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from ...neural.units.selectivity import Test, most_selective
from ...trials import Trials
from ..labels import counted, data_counts
from ..save import save_figure
from .selective_fraction import draw_selective_fraction, selective_fraction_data
from .unit_effects import draw_unit_effects, unit_effects_data
from .unit_responses import draw_unit_responses, unit_responses_data

TEST_WORDS = {
    "schedule": "rewards redrawn from their probabilities",
    "linear_shift": "linear shift",
    "session_permutation": "permuted sessions",
}


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
    drawn: dict[str, Path] = {}

    def draw(stem: str, data: Any, ink: Callable[[Any, Figure], None]) -> None:
        fig = Figure()
        ink(data, fig)
        drawn[stem] = save_figure(fig, Path(folder) / stem, data)

    caption = (
        f"Tests: {TEST_WORDS[test]}, two-sided; selective: q at or below {false_discovery_rate:g} "
        f"(Benjamini-Hochberg, {counted(len(set(selectivity['unit'])), 'unit')} of each contrast). "
        f"Data: {data_counts(trials)}."
    )
    if len(trials.names.outcomes) == 2:
        first, second = trials.names.outcomes
        data = unit_effects_data(selectivity, (first, second), unit=unit, caption=caption)
        draw("unit_effects", data, draw_unit_effects)
    examples = unit_responses_data(
        responses, most_selective(selectivity), unit=unit,
        caption="The units with the smallest q of any contrast. " + caption,
    )  # fmt: skip
    draw("unit_responses", examples, draw_unit_responses)
    draw("selective_fraction", selective_fraction_data(regions, caption), draw_selective_fraction)
    return drawn
