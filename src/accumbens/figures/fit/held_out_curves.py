"""Does what is learned hold elsewhere? Fitted and held-out likelihood along each path."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..rows import column, combinations, pick
from ..style import BLACK, BLUE, COLUMN_MM, GREY, PAGE_MM, VERMILLION, lay_out, styled
from .selection import INNER, ROUTE, path_in_words, selection_data

FITTED = "fitted_normalized_likelihood"
SETTLED = 0.4
"""Checkpoints before this share of the steps set no limit of the axis: all still rises there."""


class HeldOutCurvesData(NamedTuple):
    """One row a checkpoint: share, embedding, start, latents (these four name the path), step (of
    the gradient, from the start of the path), factor (of the penalties there),
    fitted_normalized_likelihood (of the trials that the fits without each fold were fitted to),
    inner_normalized_likelihood (of those that the folds held out), chosen (of the whole
    selection); and the cognitive models' inner normalized likelihood."""

    curves: pd.DataFrame
    cognitive_models: dict[str, float]
    caption: str

    def table(self) -> pd.DataFrame:
        return self.curves


def held_out_curves_data(record: Mapping[str, Any], caption: str = "") -> HeldOutCurvesData:
    """The checkpoints of every path of a selection.

    record: what `metrics.json` holds under `models.disrnn.fit.selection`.
    Raises ConfigError for a record without candidates.
    """
    found = selection_data(record, caption)
    columns = [*ROUTE, "step", "factor", FITTED, INNER, "chosen"]
    return HeldOutCurvesData(
        found.candidates.reindex(columns=columns), found.cognitive_models, caption
    )


@styled
def draw_held_out_curves(data: HeldOutCurvesData, fig: Figure) -> None:
    """A panel for each path: what was fitted above what was held out, by gradient step."""
    table = data.curves
    routes = combinations(table, *ROUTE)
    columns = min(len(routes), 3)
    rows = -(-len(routes) // columns)
    name = max(data.cognitive_models, key=lambda name: data.cognitive_models[name])
    words = (
        "Means over the fits without each fold. Share: how much of what it was fitted to is the "
        "best cognitive model's prediction. Where the two lines part, the network learns what "
        "does not hold in other sessions; the ring is the checkpoint that was taken, before its "
        "penalties were let fall again. A path goes to its end or until it is past its best and "
        "would not be chosen."
    )
    width = COLUMN_MM if columns == 1 else PAGE_MM * (0.75 if columns == 2 else 1.0)
    lay_out(fig, width, 18 + 42 * rows, f"{words} {data.caption}".strip())
    grid = fig.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    most = int(max(column(table, "latents")))
    panels: list[Axes] = list(grid.flat)
    for ax, route in zip(panels, routes, strict=False):
        path = pick(table, **dict(zip(ROUTE, route, strict=True)))
        ax.plot(path["step"], path[FITTED], color=BLACK, linestyle=(0, (4, 1.6)),
                label="sessions that were fitted")  # fmt: skip
        ax.plot(path["step"], path[INNER], color=BLUE, label="sessions that were held out")
        ax.axhline(data.cognitive_models[name], color=GREY, linewidth=0.8, linestyle=":",
                   label=f"{name}, the best cognitive model, held out")  # fmt: skip
        taken = path[column(path, "chosen")]
        ax.plot(taken["step"], taken[INNER], "o", color=VERMILLION, markersize=7, zorder=3,
                markerfacecolor="none", markeredgewidth=1.3)  # fmt: skip
        ax.set_title(path_in_words(*route, most=most))
    for ax in panels[len(routes) :]:
        ax.set_visible(False)
    for ax in grid[:, 0]:
        ax.set_ylabel("normalized likelihood")
    for i in range(columns):
        panels[len(routes) - 1 - i].set_xlabel("gradient step")
        panels[len(routes) - 1 - i].xaxis.set_tick_params(labelbottom=True)
    panels[0].set_ylim(*_limits(table, data.cognitive_models[name]))
    fig.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=3)


def _limits(table: pd.DataFrame, reference: float) -> tuple[float, float]:
    """Of the likelihoods, once they no longer rise from chance."""
    step = column(table, "step")
    late = step >= SETTLED * step.max()
    values = np.concatenate([column(table, name)[late] for name in (FITTED, INNER)]).astype(float)
    values = np.append(values[np.isfinite(values)], reference)
    room = max(0.08 * float(np.ptp(values)), 0.001)
    return float(values.min()) - room, float(values.max()) + room
