"""Examples of units: the mean response of each to every type of outcome, with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import FigureBase
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from ...errors import ConfigError
from ..credit.history_weights import OUTCOME_MARKS, outcome_colour
from ..labels import printed, signal_label
from ..rows import column, combinations, joined, pick
from ..style import GREY, lay_out, panels, styled

COLUMNS = ("unit", "region", "outcome", "trials", "mean", "low", "high")
"""Columns of the table: outcome is the type; low and high are the ends of the 95 % interval of the
mean."""

MAX_UNITS, PER_ROW = 8, 4


class OutcomeResponsesData(NamedTuple):
    """`rows`: a row a unit and type of outcome, columns `COLUMNS`, units in the order drawn."""

    rows: pd.DataFrame
    outcomes: tuple[str, ...]
    unit: str
    caption: str

    def table(self) -> pd.DataFrame:
        return self.rows


def outcome_responses_data(
    table: pd.DataFrame,
    units: Sequence[str] | None = None,
    *,
    unit: str = "spikes/s",
    caption: str = "",
) -> OutcomeResponsesData:
    """Responses of some units: the first `MAX_UNITS` of `units`, or of the table.

    table: of `outcome_responses`. unit: of the responses.
    Raises ConfigError where there is no unit, or none such.
    """
    whole = table if "region" in table else table.assign(region="")
    known = [name for (name,) in combinations(whole, "unit")]
    chosen = list(known if units is None else units)[:MAX_UNITS]
    unknown = [name for name in chosen if name not in known]
    if unknown or not chosen:
        raise ConfigError(
            f"The table has no responses of {', '.join(map(str, unknown)) or 'any unit'}; its "
            f"units are {', '.join(map(str, known[:10]))}{', ...' * (len(known) > 10)}."
        )
    rows = joined([pick(whole, unit=name) for name in chosen], COLUMNS)
    outcomes = tuple(name for (name,) in combinations(rows, "outcome"))
    return OutcomeResponsesData(rows, outcomes, unit, caption)


@styled
def draw_outcome_responses(data: OutcomeResponsesData, fig: FigureBase) -> None:
    """A panel a unit, a mark a type of outcome; dashed: the mean without any outcome."""
    units = combinations(data.rows, "unit", "region")
    n_columns = min(len(units), PER_ROW)
    n_rows = -(-len(units) // n_columns)
    width = max(70.0, 45.0 * n_columns)
    words = "Bars: 95 % t intervals of the mean over trials. Dashed: mean where no outcome came. "
    lay_out(fig, width, 26 + 34 * n_rows, words + data.caption)
    axes = panels(fig, len(units), n_columns)
    for i, (ax, (unit, region)) in enumerate(zip(axes, units, strict=True)):
        _draw_unit(ax, pick(data.rows, unit=unit), data.outcomes)
        ax.set_title(signal_label(unit) + (f" ({printed(region)})" if region else ""))
        if i % n_columns == 0:
            ax.set_ylabel(f"response ({printed(data.unit)})")
    handles = [
        Line2D([], [], label=signal_label(outcome), **_look(k))
        for k, outcome in enumerate(data.outcomes)
    ]
    fig.legend(handles=handles, loc="outside upper center", handlelength=1.0,
               ncols=2 if n_columns < 3 else 4, title="outcome", title_fontsize=6.5)  # fmt: skip


def _draw_unit(ax: Axes, rows: pd.DataFrame, outcomes: tuple[str, ...]) -> None:
    for k, outcome in enumerate(outcomes):
        here = pick(rows, outcome=outcome)
        mean, low, high = (column(here, name) for name in ("mean", "low", "high"))
        if k == 0:
            ax.axhline(mean[0], color=GREY, linewidth=0.7, linestyle=(0, (4, 1.6)), zorder=0)
        ax.errorbar([k], mean, np.stack([mean - low, high - mean]), elinewidth=1.0, **_look(k))
    ax.set_xlim(-0.6, len(outcomes) - 0.4)
    ax.set_xticks([])
    ax.yaxis.set_major_locator(MaxNLocator(nbins=4, steps=[1, 2, 5, 10]))


def _look(number: int) -> dict:
    """That of the same outcome type in the figures of credit: hollow where nothing came."""
    colour = outcome_colour(number)
    mark = OUTCOME_MARKS[number % len(OUTCOME_MARKS)]
    return {"color": colour, "marker": mark, "linestyle": "none", "markersize": 4.2,
            "markerfacecolor": "white" if number == 0 else colour}  # fmt: skip
