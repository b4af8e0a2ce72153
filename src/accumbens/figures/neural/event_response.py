"""A trace around events: every event as a row of colours, below it the means with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, LinearSegmentedColormap
from matplotlib.figure import Figure

from ...errors import ConfigError
from ...neural.events.aligned import AlignedTraces, mean_curve
from ..labels import counted, printed
from ..rows import column, combinations, joined, pick
from ..style import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILLION, lay_out, styled

COLUMNS = ("condition", "time", "mean", "low", "high", "n")
"""Columns of the table: time in s from the event; low and high are the ends of a 95 % interval."""

CONDITION_COLOURS = (VERMILLION, BLUE, GREEN, ORANGE, PURPLE, SKY, BLACK)
"""Colours of the first condition (rewarded), the second (unrewarded), and further ones."""

RESPONSES: Colormap = LinearSegmentedColormap.from_list(
    "responses", ["#053061", "#4393C3", "#FFFFFF", "#D6604D", "#67001F"]
)
"""Colours of responses, from below the baseline (blue) to above it (red)."""

FULL_COLOUR = 98
"""Percentile of the sizes at which colours are full; the bar's ends point to what is beyond."""


class EventResponseData(NamedTuple):
    """`rows`: mean and interval of each condition, columns `COLUMNS`; `matrix`: every event."""

    rows: pd.DataFrame
    matrix: Float[np.ndarray, "event time"]
    time: Float[np.ndarray, " time"]
    conditions: tuple[str, ...]
    each: tuple[int, ...]
    unit: str
    event: str
    caption: str

    def table(self) -> pd.DataFrame:
        return self.rows


def event_response_data(
    aligned: AlignedTraces,
    event: str,
    conditions: Sequence[str] | None = None,
    caption: str = "",
) -> EventResponseData:
    """Means of the aligned traces by condition, with 95 % intervals, and the traces themselves.

    event: what happens at 0, for the axis. conditions: one label an event ("rewarded"), "" to leave
    it out; None: all events are alike. Conditions keep the order in which they first appear.
    Raises ConfigError when there is not one label an event, or nothing is left.
    """
    labels = ["all events"] * len(aligned.values) if conditions is None else list(conditions)
    if len(labels) != len(aligned.values):
        raise ConfigError(
            f"There are {len(aligned.values)} events, but {len(labels)} conditions for them. Give "
            "one for each event."
        )
    measured: np.ndarray = np.isfinite(aligned.values).max(axis=1)
    names = tuple(dict.fromkeys(x for i, x in enumerate(labels) if x and measured[i]))
    if not names:
        raise ConfigError(
            "No event has both a condition and a measured trace, so there is nothing to draw. Name "
            "other conditions, or other events."
        )
    parts, blocks, counts = [], [], []
    for name in names:
        chosen = measured & np.array([label == name for label in labels])
        curve = mean_curve(aligned.values[chosen])
        blocks.append(aligned.values[chosen])
        counts.append(int(chosen.sum()))
        parts.append(
            pd.DataFrame(
                {"condition": name, "time": aligned.time, "mean": curve.mean, "low": curve.low,
                 "high": curve.high, "n": curve.n}
            )
        )  # fmt: skip
    return EventResponseData(
        joined(parts, COLUMNS), np.concatenate(blocks), aligned.time, names, tuple(counts),
        aligned.unit, event, caption,
    )  # fmt: skip


@styled
def draw_event_response(data: EventResponseData, fig: Figure) -> None:
    """Above: events in order of time within each condition. Below: means and their intervals."""
    n = counted(sum(data.each), "event")
    curve = "Curve: mean" if len(data.each) == 1 else "Curves: means"
    lay_out(
        fig, 88, 96,
        f"{data.caption} {n}, a row each, the first on top. {curve} over events with 95 % t "
        "intervals.",
    )  # fmt: skip
    top, bottom = fig.subplots(2, 1, sharex=True, height_ratios=(1.25, 1))
    size = np.abs(data.matrix)
    limit = float(np.nanpercentile(size, FULL_COLOUR)) or 1.0
    edges = (
        np.append(data.time, 2 * data.time[-1] - data.time[-2]) if len(data.time) > 1 else [0, 1]
    )
    mesh = top.pcolormesh(
        edges, np.arange(len(data.matrix) + 1), data.matrix, cmap=RESPONSES, vmin=-limit,
        vmax=limit, rasterized=True,
    )  # fmt: skip
    beyond = bool(np.nanmax(size) > limit)
    bar = fig.colorbar(
        mesh, ax=top, aspect=16, pad=0.02, extend="both" if beyond else "neither", extendfrac=0.04
    )
    bar.set_label(printed(data.unit))
    bar.outline.set(linewidth=0.4)  # pyright: ignore[reportCallIssue]
    top.invert_yaxis()
    draw_condition_bars(top, data.each)
    top.set_ylabel("event")
    top.tick_params(axis="x", length=0)
    for i, (name,) in enumerate(combinations(data.rows, "condition")):
        here = pick(data.rows, condition=name)
        colour = condition_colour(i, len(data.conditions))
        time = column(here, "time")
        bottom.fill_between(
            time, column(here, "low"), column(here, "high"), color=colour, alpha=0.22, linewidth=0
        )
        label = f"{printed(name)} ({data.each[i]})"
        bottom.plot(time, column(here, "mean"), color=colour, label=label)
    bottom.axhline(0, color=GREY, linewidth=0.5, zorder=0)
    for ax in (top, bottom):
        ax.axvline(0, color=BLACK, linewidth=0.7, linestyle=(0, (3, 2)))
    bottom.set_ylabel(printed(data.unit))
    bottom.set_xlabel(f"time from {printed(data.event)} (s)")
    bottom.margins(x=0)
    if len(data.conditions) > 1:
        bottom.legend(loc="best")


def condition_colour(i: int, n: int) -> str:
    """The colour of condition i of n; one alone is black."""
    return BLACK if n == 1 else CONDITION_COLOURS[i % len(CONDITION_COLOURS)]


def draw_condition_bars(ax: Axes, each: Sequence[int]) -> None:
    """A strip of the condition's colour left of its rows, and a line below them."""
    if len(each) == 1:
        return
    at = 0
    for i, n in enumerate(each):
        ax.add_patch(_strip(ax, at, n, condition_colour(i, len(each))))
        at += n
        if i < len(each) - 1:
            ax.axhline(at, color=BLACK, linewidth=0.5)


def _strip(ax: Axes, at: int, n: int, colour: str):
    from matplotlib.patches import Rectangle

    return Rectangle(
        (-0.022, at), 0.016, n, transform=ax.get_yaxis_transform(), color=colour, linewidth=0,
        clip_on=False,
    )  # fmt: skip
