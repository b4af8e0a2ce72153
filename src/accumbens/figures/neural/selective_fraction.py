"""How many units of each region respond to what: fractions with 95 % intervals."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from ...errors import ConfigError
from ...neural.units.regions import COLUMNS
from ..credit.history_weights import outcome_colour
from ..labels import printed
from ..rows import column, combinations, joined, pick
from ..style import BLACK, lay_out, styled

CONTRAST_COLOURS = (outcome_colour(1), outcome_colour(2), BLACK)
"""Colours of the contrasts: first outcome, second outcome (as outcome types have), difference."""


class SelectiveFractionData(NamedTuple):
    """`rows`: a row a contrast and region, with the columns of `selectivity_by_region`."""

    rows: pd.DataFrame
    caption: str

    def table(self) -> pd.DataFrame:
        return self.rows


def selective_fraction_data(table: pd.DataFrame, caption: str = "") -> SelectiveFractionData:
    """Checks a table of `selectivity_by_region`; other columns are dropped.

    Raises ConfigError where columns are missing or there is no row.
    """
    missing = [name for name in COLUMNS if name not in table.columns]
    if missing or not len(table):
        raise ConfigError(
            f"The summary by region lacks {missing or 'rows'}: make it with selectivity_by_region."
        )
    return SelectiveFractionData(joined([table], COLUMNS), caption)


@styled
def draw_selective_fraction(data: SelectiveFractionData, fig: Figure) -> None:
    """A panel a contrast, a line a region; the numbers of units stand at the right."""
    contrasts = [contrast for (contrast,) in combinations(data.rows, "contrast")]
    regions = [region for (region,) in combinations(data.rows, "region")]
    width = {1: 88.0, 2: 130.0}.get(len(contrasts), 180.0)
    words = "Bars: 95 % Wilson intervals, units taken as independent. "
    lay_out(fig, width, 26 + 5.5 * len(regions), words + data.caption)
    axes = list(fig.subplots(1, len(contrasts), squeeze=False, sharex=True, sharey=True).flat)
    for i, (ax, contrast) in enumerate(zip(axes, contrasts, strict=True)):
        _draw_contrast(ax, pick(data.rows, contrast=contrast), regions, i)
        ax.set_title(printed(contrast.replace("_", " ")))
        ax.set_xlabel("selective units")
    unknown = "region unknown" if any(regions) else "all units"
    axes[0].set_yticks(range(len(regions)), [printed(r or unknown) for r in regions])
    axes[0].set_ylim(len(regions) - 0.4, -0.6)
    top = max(0.1, float(np.nanmax(column(data.rows, "high"), initial=0.0)))
    axes[0].set_xlim(0, min(1.0, 1.05 * top))
    axes[0].xaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 2.5, 5, 10]))
    axes[0].xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0, symbol=" %"))


def _draw_contrast(ax: Axes, here: pd.DataFrame, regions: list[str], number: int) -> None:
    at = np.array([regions.index(region) for region in here["region"]])
    fraction = column(here, "fraction")
    errors = np.stack([fraction - column(here, "low"), column(here, "high") - fraction])
    colour, told = CONTRAST_COLOURS[number % len(CONTRAST_COLOURS)], column(here, "units") > 0
    ax.errorbar(
        fraction[told], at[told], xerr=np.maximum(errors[:, told], 0.0), linestyle="none",
        marker="o", markersize=4.0, color=colour, elinewidth=1.0, clip_on=False,
    )  # fmt: skip
    for y, k, n in zip(at, here["selective"], here["units"], strict=True):
        ax.text(1.02, y, f"{k}/{n}", transform=ax.get_yaxis_transform(), va="center", fontsize=6,
                color="#444444")  # fmt: skip
    ax.tick_params(axis="y", length=0)
