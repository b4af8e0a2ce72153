"""What each unit responds to: effect of one outcome against that of the other, a dot a unit."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

from ...errors import ConfigError
from ..credit.history_weights import OUTCOME_MARKS, outcome_colour
from ..labels import counted, printed, signal_label
from ..rows import column, pick
from ..style import BLACK, GREY, lay_out, panels, styled

COLUMNS = ("unit", "region", "x", "y", "kind", "apart")
"""Columns of the table: x, y: effect of the first and of the second outcome; kind: the outcomes
that the unit responds to; apart: whether its responses to the two differ."""

_LOOKS = ((GREY, "o"), *((outcome_colour(k), OUTCOME_MARKS[k]) for k in (1, 2, 3)))
"""Colour and marker of units that respond to neither outcome, the first, the second, both; the
colours are those of outcome types."""

CROWDED = 10.0
"""Axes are logarithmic where the largest effect is more than this many times the third quartile."""


class UnitEffectsData(NamedTuple):
    """`rows`: a row a unit with the columns `COLUMNS`. kinds: the four, in order. outcomes: along x
    and y. n: units in each region, "" where it is not known."""

    rows: pd.DataFrame
    outcomes: tuple[str, str]
    kinds: tuple[str, ...]
    n: dict[str, int]
    unit: str
    caption: str

    def table(self) -> pd.DataFrame:
        return self.rows.assign(x_outcome=self.outcomes[0], y_outcome=self.outcomes[1])


def unit_effects_data(
    table: pd.DataFrame,
    outcomes: tuple[str, str],
    *,
    unit: str = "spikes/s",
    caption: str = "",
) -> UnitEffectsData:
    """Both effects of every unit, and what it is selective for.

    table: of `unit_selectivity`, with a column `region` if there are several. outcomes: along x and
    y. unit: of the effects.
    Raises ConfigError where a contrast is missing.
    """
    contrasts = (*outcomes, " - ".join(outcomes))
    lacking = [name for name in contrasts if name not in set(table["contrast"])]
    if lacking:
        raise ConfigError(
            f"This figure sets the effects of two outcomes against each other, but the table has "
            f"no contrast {lacking[0]!r}; it has {list(dict.fromkeys(table['contrast']))}."
        )
    first, second, apart = (pick(table, contrast=name).set_index("unit") for name in contrasts)
    kinds = ("neither", f"{outcomes[0]} only", f"{outcomes[1]} only", "both")
    units = list(first.index)
    number = np.asarray(first["selective"], int) + 2 * np.asarray(
        second.loc[units, "selective"], int
    )
    rows = pd.DataFrame(
        {"unit": units,
         "region": first["region"].to_numpy() if "region" in first else [""] * len(units),
         "x": first["effect"].to_numpy(float), "y": second.loc[units, "effect"].to_numpy(float),
         "kind": [kinds[k] for k in number],
         "apart": apart.loc[units, "selective"].to_numpy(bool)},
        columns=pd.Index(COLUMNS),
    )  # fmt: skip
    names = sorted(set(rows["region"]), key=lambda name: (not name, name))
    n = {name: int((rows["region"] == name).sum()) for name in names}
    return UnitEffectsData(rows, outcomes, kinds, n, unit, caption)


@styled
def draw_unit_effects(data: UnitEffectsData, fig: Figure) -> None:
    """A panel a region on the same equal axes; filled: selective; black rim: tells them apart."""
    n_columns = {1: 1, 2: 2, 4: 2}.get(len(data.n), 3 if len(data.n) <= 9 else 4)
    n_rows = -(-len(data.n) // n_columns)
    width = {1: 88.0, 2: 130.0}.get(n_columns, 180.0)
    linear = _linear_to(data.rows)
    words = f"{counted(len(data.rows), 'unit')}, a mark each; dashed: equal effects. "
    if linear is not None:
        words += f"Axes are linear to {linear:g}, logarithmic beyond. "
    lay_out(fig, width, 30 + n_rows * (width - 12) / n_columns, words + data.caption)
    axes = panels(fig, len(data.n), n_columns, sharex=True, sharey=True)
    limits = _range(data.rows, linear)
    for ax, (region, n) in zip(axes, data.n.items(), strict=True):
        _draw_region(
            ax, pick(data.rows, region=region), data.kinds, limits, linear, width / n_columns - 10
        )
        if len(data.n) > 1 or region:
            ax.set_title(printed(f"{region or 'region unknown'} ({counted(n, 'unit')})"))
    across, up = (f"effect of {signal_label(name)}" for name in data.outcomes)
    for i, ax in enumerate(axes):
        if i + n_columns >= len(axes):
            ax.set_xlabel(f"{across} ({printed(data.unit)})")
            ax.tick_params(labelbottom=True)
        if i % n_columns == 0:
            ax.set_ylabel(f"{up} ({printed(data.unit)})")
    handles = _legend(data)
    fig.legend(handles=handles, loc="outside upper center", ncols={1: 2, 2: 3}.get(n_columns, 5),
               handlelength=1.0, title="responds to", title_fontsize=6.5)  # fmt: skip


def _draw_region(
    ax: Axes,
    rows: pd.DataFrame,
    kinds: tuple[str, ...],
    limits: tuple[float, float],
    linear: float | None,
    panel_mm: float,
) -> None:
    ax.plot(limits, limits, color=GREY, linewidth=0.7, linestyle=(0, (4, 1.6)), zorder=0)
    for line in (ax.axhline, ax.axvline):
        line(0, color="#B0B0B0", linewidth=0.6, zorder=0)
    for k, (kind, (colour, marker)) in enumerate(zip(kinds, _LOOKS, strict=True)):
        here = pick(rows, kind=kind)
        ax.scatter(
            column(here, "x"), column(here, "y"), s=11 if marker == "s" else 13, marker=marker,
            facecolors=colour if k else "none",
            edgecolors=[BLACK if apart else colour for apart in column(here, "apart")],
            linewidths=0.7, zorder=2 + k, clip_on=False,
        )  # fmt: skip
    if linear is not None:
        ax.set_xscale("symlog", linthresh=linear)
        ax.set_yscale("symlog", linthresh=linear)
    ax.set_xlim(*limits)
    ax.set_ylim(*limits)
    ax.set_aspect("equal")
    ticks = [] if linear is None else _ticks(limits, linear, panel_mm)
    for axis in (ax.xaxis, ax.yaxis):
        if linear is None:
            axis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 5, 10]))
        else:
            axis.set_major_locator(FixedLocator(ticks))
            axis.set_major_formatter(FuncFormatter(lambda value, _: printed(f" {value:g}").strip()))
            axis.set_minor_locator(FixedLocator(_small_ticks(limits, linear)))


def _legend(data: UnitEffectsData) -> list[Line2D]:
    """An entry a kind, with its number of units, and one for the rim."""
    kinds = column(data.rows, "kind")
    looks = [
        (colour if k else "none", colour, marker, kind, np.count_nonzero(kinds == kind))
        for k, (kind, (colour, marker)) in enumerate(zip(data.kinds, _LOOKS, strict=True))
    ]
    apart = np.count_nonzero(column(data.rows, "apart"))
    looks.append(("none", BLACK, "o", "black rim: tells them apart", apart))
    return [
        Line2D([], [], linestyle="none", marker=marker, markersize=4, markerfacecolor=face,
               markeredgecolor=edge, label=printed(f"{words} ({n})"))
        for face, edge, marker, words, n in looks
    ]  # fmt: skip


def _linear_to(rows: pd.DataFrame) -> float | None:
    """Where axes become logarithmic, if a few large effects would squeeze the others together."""
    size = np.abs(np.concatenate([column(rows, "x"), column(rows, "y")]))
    usual = float(np.percentile(size, 75))
    if usual <= 0 or size.max() < CROWDED * usual:
        return None
    power = 10.0 ** np.floor(np.log10(usual))
    return float(max(step for step in (1, 2, 5) if step * power <= usual) * power)


def _range(rows: pd.DataFrame, linear: float | None) -> tuple[float, float]:
    """Limits of both axes: all effects, and 0."""
    values = np.append(np.concatenate([column(rows, "x"), column(rows, "y")]), 0.0)
    low, high = float(values.min()), float(values.max())
    if linear is not None:
        return min(1.3 * low, -linear), max(1.3 * high, linear)
    spare = 0.06 * max(high - low, 1e-3)
    return low - spare, high + spare


def _ticks(limits: tuple[float, float], linear: float, panel_mm: float) -> list[float]:
    """0 and, as far as their labels have room, powers of 10 and where axes become logarithmic."""
    powers = [p for p in 10.0 ** np.arange(12, -13, -1) if p > 2 * linear]
    sizes = [size for size in (*powers, linear) if size <= max(-limits[0], limits[1])]

    def place(value: float) -> float:
        size = abs(value)
        far = 1 + np.log10(size / linear) if size > linear else size / linear
        return float(np.copysign(far, value))

    span = place(limits[1]) - place(limits[0])
    kept = [0.0]
    for value in (v for size in sizes for v in (-size, size) if limits[0] <= v <= limits[1]):
        room = 1.6 * (2 + len(f"{value:g}")) / panel_mm * span
        if all(abs(place(value) - place(other)) >= room for other in kept):
            kept.append(value)
    return sorted(kept)


def _small_ticks(limits: tuple[float, float], linear: float) -> list[float]:
    """Without labels: where axes become logarithmic, and 1 to 9 times each power of 10 beyond."""
    steps = np.outer(10.0 ** np.arange(-12, 13), np.arange(1, 10)).ravel()
    return [v for step in steps if step >= linear * (1 - 1e-9) for v in (-step, step)
            if limits[0] <= v <= limits[1]]  # fmt: skip
