"""How the disRNN was chosen inside the training sessions: candidates along each path."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

from ...errors import ConfigError
from ...scoring.intervals import normal_quantile
from ...summary import counted
from ..rows import column, combinations, pick
from ..style import BLUE, COLUMN_MM, GREEN, GREY, ORANGE, PURPLE, VERMILLION, lay_out, styled

COLOURS = (BLUE, ORANGE, PURPLE, GREEN)
"""Colours of the shares, in rising order; the fifth share has the first colour again."""
DASHES = (("-", (0, (6, 1.5))), ((0, (3, 2)), (0, (1, 1.2))))
"""Of the first start and of others, each without and with numbers that describe a subject."""
ROUTE = ("share", "embedding", "start", "latents")
INNER, ERROR = "inner_normalized_likelihood", "standard_error_of_difference"


class SelectionData(NamedTuple):
    """One row a candidate: share, embedding, start, latents (that it may use), step, factor,
    inner_normalized_likelihood, fitted_normalized_likelihood, open_latents (of the fit to all
    trials; on paths without one the median of the fits without each fold), chosen; and the
    cognitive models' inner normalized likelihood."""

    candidates: pd.DataFrame
    cognitive_models: dict[str, float]
    caption: str

    def table(self) -> pd.DataFrame:
        return self.candidates


def selection_data(record: Mapping[str, Any], caption: str = "") -> SelectionData:
    """The candidates of a selection.

    record: what `metrics.json` holds under `models.disrnn.fit.selection`.
    Raises ConfigError for a record without candidates.
    """
    if not record.get("candidates"):
        raise ConfigError("This selection holds no candidates, so there is nothing to draw.")
    table = pd.DataFrame(record["candidates"])
    if "latents" not in table:  # runs before fewer latents were tried
        table["latents"], record = 0, {**record, "latents": 0}
    chosen = [record[name] for name in (*ROUTE, "step")]
    table["chosen"] = (table[[*ROUTE, "step"]] == chosen).all(axis=1)
    of_folds = table.pop("open_latents_of_folds").map(np.median)
    table["open_latents"] = table["open_latents"].astype(float).fillna(of_folds)
    return SelectionData(table, dict(record["cognitive_models"]), caption)


def path_in_words(share: float, embedding: int, start: int, latents: int, *, most: int) -> str:
    """What tells a path apart. most: latents that any path may use."""
    said = f"share {share:g}"
    said += ", subjects apart" if embedding else ""
    said += f", start {start}" if start else ""
    return said + (f", at most {counted(latents, 'latent')}" if latents < most else "")


@styled
def draw_selection(data: SelectionData, fig: Figure) -> None:
    """Above the likelihood of what folds held out, below the open latents, along each path."""
    words = (
        "Each line: one path under rising penalties, to its end or until it is past its best and "
        "would not be chosen. Share: how much of what it was fitted to is "
        "the best cognitive model's prediction. Subjects apart: numbers describe each subject. "
        "Bands: 95 % intervals of the difference from the one chosen, over sessions."
    )
    lay_out(fig, COLUMN_MM, 100, f"{words} {data.caption}".strip())
    above, below = fig.subplots(2, 1, sharex=True, height_ratios=[1.6, 1])
    table = data.candidates
    shares = sorted(set(column(table, "share")))
    routes = combinations(table, *ROUTE)
    most = int(max(column(table, "latents")))
    for share, embedding, start, latents in routes:
        path = pick(table, share=share, embedding=embedding, start=start, latents=latents)
        colour = COLOURS[shares.index(share) % len(COLOURS)]
        dash = DASHES[min(start, 1)][min(embedding, 1)]
        label = path_in_words(share, embedding, start, latents, most=most)
        line = {"linestyle": dash, "color": colour, "linewidth": 0.7 if latents < most else 1.2}
        above.plot(path["factor"], path[INNER], label=label, **line)
        below.plot(path["factor"], path["open_latents"], **line)
        if ERROR in path:
            width = normal_quantile() * column(path, ERROR)
            low, high = (np.exp(np.log(column(path, INNER)) + side * width) for side in (-1, 1))
            above.fill_between(path["factor"], low, high, color=colour, alpha=0.15, linewidth=0)
    name = max(data.cognitive_models, key=lambda name: data.cognitive_models[name])
    above.axhline(data.cognitive_models[name], color=GREY, linewidth=0.8, linestyle=":",
                  label=f"{name}, the best cognitive model")  # fmt: skip
    taken = table[table["chosen"]].iloc[0]
    for ax, height in ((above, INNER), (below, "open_latents")):
        ax.plot(taken["factor"], taken[height], "o", color=VERMILLION, markersize=7,
                markerfacecolor="none", markeredgewidth=1.3, zorder=3,
                label="chosen" if ax is above else None)  # fmt: skip
    heights = [
        max(column(pick(table, **dict(zip(ROUTE, route, strict=True))), INNER)) for route in routes
    ]
    best, lowest = max(heights), min(*heights, data.cognitive_models[name])
    span = max(best - lowest, 0.004)
    above.set_ylim(lowest - 2.5 * span, best + 0.4 * span)
    above.set_ylabel("normalized likelihood\nof held-out folds")
    fig.legend(*above.get_legend_handles_labels(), loc="outside upper center", ncols=2)
    below.set_ylabel("open latents")
    below.set_ylim(-0.3, max(column(table, "open_latents")) + 0.5)
    below.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    below.set_xscale("log")
    below.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    below.xaxis.set_major_formatter("{x:g}")
    below.xaxis.set_minor_locator(NullLocator())
    below.set_xlabel("penalties, as a multiple of the default")
