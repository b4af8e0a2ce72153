"""Each subject's parameters as its own data say and as the group draws them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ...errors import ConfigError
from ..rows import column, pick
from ..style import BLACK, GREY, ORANGE, PAGE_MM, lay_out, styled
from ..units import parameter_label

COLUMNS_OF_PANELS = 4
ROOM = 0.6
"""Beyond estimates and the group's interval, in their range; what the own data say may lie farther
out, and is then drawn to the edge."""


class ShrinkageData(NamedTuple):
    """One row a subject and parameter: subject, parameter, alone (NaN where the own data say
    nothing), estimate, low, high; then of the group: median, median_low, median_high."""

    estimates: pd.DataFrame
    model: str
    caption: str

    def table(self) -> pd.DataFrame:
        return self.estimates


def shrinkage_data(notes: Mapping[str, Any], model: str, caption: str = "") -> ShrinkageData:
    """The estimates of a hierarchical fit.

    notes: what `metrics.json` holds under `models.<model>.fit`. model: what the fit is called.
    Raises ConfigError for a fit without a group.
    """
    if "group" not in notes:
        raise ConfigError(
            f"The fit of {model} has no group above its subjects; fit hierarchically."
        )
    rows = [
        {
            "subject": subject, "parameter": name,
            **{key: own[key] for key in ("alone", "estimate", "low", "high")},
            "median": group["median"], "median_low": group["low"], "median_high": group["high"],
        }
        for subject, each in notes["subjects"].items()
        for name, own in each.items()
        for group in [notes["group"][name]]
    ]  # fmt: skip
    table = pd.DataFrame(rows)
    numbers = [name for name in table if name not in ("subject", "parameter")]
    return ShrinkageData(table.astype(dict.fromkeys(numbers, float)), model, caption)


@styled
def draw_shrinkage(data: ShrinkageData, fig: Figure) -> None:
    """A panel for each parameter: a line for each subject, the group's median and its interval."""
    names = list(dict.fromkeys(data.estimates["parameter"]))
    n_rows = -(-len(names) // COLUMNS_OF_PANELS)
    words = (
        f"{data.model}. Each line: one animal, from what its own data say of the parameter (the "
        "other parameters under the group) to its estimate under the group. Orange: the group's "
        "median, band: 95 % interval. No dot: the own data say nothing; lines may leave the panel."
    )
    lay_out(fig, PAGE_MM, 22 + 48 * n_rows, f"{words} {data.caption}".strip())
    panels = np.ravel(fig.subplots(n_rows, min(len(names), COLUMNS_OF_PANELS), squeeze=False))
    for panel, name in zip(panels, names, strict=False):
        _draw_parameter(panel, pick(data.estimates, parameter=name), name)
    for panel in panels[len(names) :]:
        panel.remove()


def _draw_parameter(panel: Any, rows: pd.DataFrame, name: str) -> None:
    alone, estimate = column(rows, "alone"), column(rows, "estimate")
    group = rows.iloc[0]
    inside = [*estimate, group["median"], group["median_low"], group["median_high"]]
    low, high = np.nanmin(inside), np.nanmax(inside)
    room = ROOM * max(high - low, 0.05 * max(abs(low), abs(high)), 1e-9)
    if np.isfinite(group["median_low"]):
        panel.axhspan(group["median_low"], group["median_high"], color=ORANGE, alpha=0.2,
                      linewidth=0)  # fmt: skip
    panel.axhline(group["median"], color=ORANGE, linewidth=1.2)
    for own, drawn in zip(alone, estimate, strict=True):
        panel.plot([0, 1], [own, drawn], color=GREY, linewidth=0.7)
        panel.plot(0, own, "o", color=GREY, markersize=3)
        panel.plot(1, drawn, "o", color=BLACK, markersize=3.5)
    known = alone[np.isfinite(alone)]
    bottom, top = min([low, *known]), max([high, *known])
    panel.set_ylim(max(bottom, low - 2 * room) - 0.1 * room, min(top, high + 2 * room) + 0.1 * room)
    panel.set_xlim(-0.3, 1.3)
    panel.set_xticks([0, 1], ["own data", "under\nthe group"])
    panel.set_ylabel(parameter_label(name))
