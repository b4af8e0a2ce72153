"""What each unit responds to: effect of one outcome against that of the other, a dot a unit."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from ..errors import ConfigError
from .labels import counted, printed, signal_label
from .rows import column, pick
from .style import BLACK, GREEN, GREY, ORANGE, PURPLE, grid_shape, lay_out, panels, styled

COLUMNS = ("unit", "region", "x", "y", "kind", "apart")
"""Of the table: x, y: effect of the first and of the second outcome; kind: the outcomes that the
unit responds to; apart: it tells the two apart."""

_LOOKS = ((GREY, "o"), (GREEN, "o"), (ORANGE, "s"), (PURPLE, "D"))
"""Of units that respond to neither, the first outcome, the second, both: colours as those of types
of outcome, and a shape each."""


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
    per_row = 3 if len(data.n) <= 9 else 4
    n_rows, n_columns = grid_shape(len(data.n), per_row)
    width = {1: 88.0, 2: 130.0}.get(n_columns, 180.0)
    words = (
        f"{counted(len(data.rows), 'unit')}, a mark each. Coloured: responds to that outcome; black "
        f"rim: tells the two outcomes apart ({int(data.rows['apart'].sum())} units). Dashed: equal "
        "effects. "
    )
    lay_out(fig, width, 26 + n_rows * (width - 12) / n_columns, words + data.caption)
    axes = panels(fig, len(data.n), per_row, sharex=True, sharey=True)
    low, high = _range(data.rows)
    for ax, (region, n) in zip(axes, data.n.items(), strict=True):
        _draw_region(ax, pick(data.rows, region=region), data.kinds, (low, high))
        if len(data.n) > 1 or region:
            ax.set_title(printed(f"{region or 'region unknown'} ({counted(n, 'unit')})"))
    across, up = (f"effect of {signal_label(name)}" for name in data.outcomes)
    for i, ax in enumerate(axes):
        if i + n_columns >= len(axes):
            ax.set_xlabel(f"{across} ({printed(data.unit)})")
            ax.tick_params(labelbottom=True)
        if i % n_columns == 0:
            ax.set_ylabel(f"{up} ({printed(data.unit)})")
    handles = [
        Line2D([], [], linestyle="none", marker=marker, markersize=4,
               markerfacecolor=colour if k else "none", markeredgecolor=colour,
               label=printed(f"{kind} ({int((data.rows['kind'] == kind).sum())})"))
        for k, (kind, (colour, marker)) in enumerate(zip(data.kinds, _LOOKS, strict=True))
    ]  # fmt: skip
    fig.legend(handles=handles, loc="outside upper center", ncols=2 if n_columns == 1 else 4,
               handlelength=1.0, title="responds to", title_fontsize=6.5)  # fmt: skip


def _draw_region(
    ax: Axes, rows: pd.DataFrame, kinds: tuple[str, ...], limits: tuple[float, float]
) -> None:
    ax.plot(limits, limits, color=GREY, linewidth=0.7, linestyle=(0, (4, 1.6)), zorder=0)
    for line in (ax.axhline, ax.axvline):
        line(0, color="#B0B0B0", linewidth=0.6, zorder=0)
    for k, (kind, (colour, marker)) in enumerate(zip(kinds, _LOOKS, strict=True)):
        here = pick(rows, kind=kind)
        ax.scatter(
            column(here, "x"), column(here, "y"), s=13 if marker == "o" else 11, marker=marker,
            facecolors=colour if k else "none",
            edgecolors=[BLACK if apart else colour for apart in column(here, "apart")],
            linewidths=0.7, zorder=2 + k, clip_on=False,
        )  # fmt: skip
    ax.set_xlim(*limits)
    ax.set_ylim(*limits)
    ax.set_aspect("equal")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 5, 10]))


def _range(rows: pd.DataFrame) -> tuple[float, float]:
    """Limits of both axes: all effects, and 0."""
    values = np.append(np.concatenate([column(rows, "x"), column(rows, "y")]), 0.0)
    spare = 0.06 * max(float(np.ptp(values)), 1e-3)
    return float(values.min()) - spare, float(values.max()) + spare
