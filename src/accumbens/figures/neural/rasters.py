"""Spikes of single units around an event: a raster by condition, below it rates with intervals."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.figure import Figure

from ...errors import ConfigError
from ...neural.units.responses import ResponseConfig, UnitResponses, unit_responses
from ...recordings import Units
from ..labels import counted, printed
from ..rows import column, joined, pick
from ..style import BLACK, grid_shape, lay_out, styled
from .event_response import condition_colour, draw_condition_bars

COLUMNS = ("unit", "region", "condition", "time", "rate", "low", "high", "n")
"""Columns of the table: rate in spikes/s with the ends of its 95 % interval, time in s from the
event."""

UNITS_PER_FIGURE = 8
"""Largest number of units that are drawn; further ones are left out."""

PER_ROW = {1: 1, 2: 2, 3: 3, 4: 2, 5: 3, 6: 3, 7: 4, 8: 4}
"""Panels side by side, by the number of units."""

MAX_ROWS = 100
"""Rasters of more events show every second, third, ... one: rows that the eye can still part."""

PANEL_MM = {1: 76.0, 2: 76.0, 3: 50.0, 4: 37.0}
"""Width of a panel, by the number of panels side by side."""

RASTER_MM, RATES_MM = 38.0, 24.0
MIN_MARK, MAX_MARK = 0.25, 0.8
"""Thickness of the marks of spikes, in points; between both, half of each row is white."""


class RasterData(NamedTuple):
    """`rows`: rates with the columns `COLUMNS`. spikes[u]: times from the event and rows of the
    raster of unit u, events in order within each condition; each: events of each condition drawn.
    """

    rows: pd.DataFrame
    spikes: tuple[tuple[Float[np.ndarray, " spike"], Float[np.ndarray, " spike"]], ...]
    ids: tuple[str, ...]
    conditions: tuple[str, ...]
    each: tuple[int, ...]
    window: tuple[float, float]
    event: str
    caption: str

    def table(self) -> pd.DataFrame:
        return self.rows


def raster_data(
    units: Units,
    events: Float[np.ndarray, " event"],
    event: str,
    conditions: Sequence[str] | None = None,
    *,
    chosen: Sequence[str] | None = None,
    config: ResponseConfig | None = None,
    caption: str = "",
) -> RasterData:
    """Spikes and rates of some units around events.

    chosen: ids of the units, by default the first eight that fire enough.
    Raises as `unit_responses` does, and ConfigError for unknown units.
    """
    config = config or ResponseConfig()
    if chosen is not None:
        unknown = [name for name in chosen if name not in units.ids]
        if unknown:
            raise ConfigError(
                f"There is no unit {unknown[0]} among the {len(units)} units ({units.ids[0]}, "
                "...). Name others."
            )
        units = units.select([units.ids.index(name) for name in chosen])
    responses = unit_responses(units, events, conditions, config)
    drawn = responses.ids[:UNITS_PER_FIGURE]
    labels = ["all events"] * len(events) if conditions is None else list(conditions)
    start, stop = units.span
    inside = (events + config.window[0] >= start) & (events + config.window[1] <= stop)
    order, each = [], []
    stride = -(-sum(responses.n) // MAX_ROWS)
    for name in responses.conditions:
        rows = np.flatnonzero(inside & np.array([label == name for label in labels]))[::stride]
        order.append(rows)
        each.append(len(rows))
    at = events[np.concatenate(order)]
    spikes = tuple(
        _raster(units.spikes(units.ids.index(name)), at, config.window) for name in drawn
    )
    facts = _facts(len(drawn), len(responses.ids), sum(responses.n), stride, config)
    return RasterData(
        joined(_rows(responses, drawn), COLUMNS), spikes, drawn, responses.conditions, tuple(each),
        config.window, event, f"{caption} {facts}".strip(),
    )  # fmt: skip


@styled
def draw_raster(data: RasterData, fig: Figure) -> None:
    """Above: a mark a spike, a row an event. Below: mean rates and their intervals."""
    n_rows, columns = grid_shape(len(data.ids), PER_ROW[len(data.ids)])
    panel = PANEL_MM[columns]
    lay_out(fig, (panel + 6) * columns + 4, 18 + (RASTER_MM + RATES_MM + 8) * n_rows, data.caption)
    grid = fig.subplots(
        2 * n_rows, columns, squeeze=False, sharex=True,
        height_ratios=(RASTER_MM, RATES_MM) * n_rows,
    )  # fmt: skip
    when = textwrap.fill(f"time from {printed(data.event)} (s)", int(panel / 1.35))
    for i, name in enumerate(data.ids):
        row, place = divmod(i, columns)
        top, bottom = grid[2 * row, place], grid[2 * row + 1, place]
        time, at = data.spikes[i]
        bounds = np.cumsum([0, *data.each])
        for c in range(len(data.conditions)):
            here = (at >= bounds[c]) & (at < bounds[c + 1])
            colour = condition_colour(c, len(data.conditions))
            top.vlines(
                time[here], at[here] + 0.06, at[here] + 0.94, color=colour, rasterized=True,
                linewidth=_thickness(len(time) / max(bounds[-1], 1), panel),
            )  # fmt: skip
        top.set_ylim(bounds[-1], 0)
        top.tick_params(axis="x", length=0)
        top.set_yticks([])
        draw_condition_bars(top, data.each)
        unit = pick(data.rows, unit=name)
        region = str(column(unit, "region")[0])
        top.set_title(printed(f"unit {name}" + (f", {region}" if region else "")))
        for c, condition in enumerate(data.conditions):
            here = pick(unit, condition=condition)
            colour = condition_colour(c, len(data.conditions))
            x = column(here, "time")
            bottom.fill_between(
                x, column(here, "low"), column(here, "high"), color=colour, alpha=0.22, linewidth=0
            )
            label = f"{printed(condition)} ({counted(int(column(here, 'n')[0]), 'event')})"
            bottom.plot(x, column(here, "rate"), color=colour, label=label, linewidth=1.0)
        bottom.set_ylim(bottom=0)
        for ax in (top, bottom):
            ax.axvline(0, color=BLACK, linewidth=0.7, linestyle=(0, (3, 2)))
            ax.set_xlim(*data.window)
        if place == 0:
            top.set_ylabel("events", labelpad=8)
            bottom.set_ylabel("rate (spikes/s)")
        if i + columns >= len(data.ids):
            bottom.set_xlabel(when)
            bottom.tick_params(labelbottom=True)
    for i in range(len(data.ids), n_rows * columns):
        row, place = divmod(i, columns)
        grid[2 * row, place].remove()
        grid[2 * row + 1, place].remove()
    if len(data.conditions) > 1:
        handles, labels = grid[1, 0].get_legend_handles_labels()
        fig.legend(handles, labels, loc="outside upper center", ncols=len(labels))


def _facts(n_drawn: int, n_units: int, n_events: int, stride: int, config: ResponseConfig) -> str:
    """How many units and events, and how the curves were made: the end of the caption."""
    units = counted(n_units, "unit") if n_drawn == n_units else f"{n_drawn} of {n_units} units"
    which = {1: "", 2: "; every second is drawn", 3: "; every third is drawn"}.get(
        stride, f"; every {stride}th is drawn"
    )
    smooth = f", smoothed by a Gaussian of SD {config.smooth:g} s" if config.smooth else ""
    return (
        f"{units}, {counted(n_events, 'event')}. Marks: spikes, a row an event, the first on top"
        f"{which}. Curves: mean rate in bins of {config.bin:g} s{smooth}; bands: 95 % t intervals "
        "of the mean over events."
    )


def _thickness(per_row: float, panel_mm: float) -> float:
    """Thickness of the marks, in points, for this number of spikes in a row."""
    gap_points = panel_mm / max(per_row, 1.0) / 25.4 * 72
    return float(np.clip(0.5 * gap_points, MIN_MARK, MAX_MARK))


def _raster(
    spikes: Float[np.ndarray, " spike"], events: Float[np.ndarray, " event"], window: tuple
) -> tuple[Float[np.ndarray, " near"], Float[np.ndarray, " near"]]:
    """Times from the event and numbers of the event, of all spikes in the window of any event."""
    low = np.searchsorted(spikes, events + window[0])
    high = np.searchsorted(spikes, events + window[1])
    row = np.repeat(np.arange(len(events)), high - low)
    near = np.concatenate([spikes[a:b] for a, b in zip(low, high, strict=True)])
    return near - events[row], row.astype(np.float64)


def _rows(responses: UnitResponses, drawn: Sequence[str]) -> list[pd.DataFrame]:
    parts = []
    for name in drawn:
        u = responses.ids.index(name)
        for c, condition in enumerate(responses.conditions):
            parts.append(
                pd.DataFrame(
                    {"unit": name, "region": responses.regions[u], "condition": condition,
                     "time": responses.time, "rate": responses.rate[c, u],
                     "low": responses.low[c, u], "high": responses.high[c, u],
                     "n": responses.n[c]}
                )
            )  # fmt: skip
    return parts
