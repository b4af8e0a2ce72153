"""How many mice and sessions are enough: power against sessions, as `accumbens power` finds it."""

from __future__ import annotations

from typing import NamedTuple

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ...errors import ConfigError
from ..labels import printed
from ..rows import column, combinations, joined, pick
from ..style import GREY, PAGE_MM, lay_out, styled

COLUMNS = ("weight", "mice", "sessions", "test", "power", "low", "high")
"""Columns of the table: assumed structure weight of the agent, mice, sessions of each mouse, the
test, its power with the ends of a 95 % interval."""
LIKE_THESE = ("power_like_these", "low_like_these", "high_like_these")
"""The same in animals like these, of tables that have it; kept, not drawn."""

_MARKS = "os^Dv<>P"


class PowerCurvesData(NamedTuple):
    """One row a design and test, with the columns `COLUMNS`; wanted: the power to be reached."""

    rows: pd.DataFrame
    wanted: float
    caption: str

    def table(self) -> pd.DataFrame:
        return self.rows.assign(wanted=self.wanted)

    def enough(self) -> pd.DataFrame:
        """The fewest sessions a mouse (of those tried) from which on the wanted power is reached,
        for each weight, test and number of mice; NaN where none of them is enough."""
        found = []
        for weight, test, mice in combinations(self.rows, "weight", "test", "mice"):
            line = pick(self.rows, weight=weight, test=test, mice=mice).sort_values("sessions")
            short = np.flatnonzero(~(column(line, "power") >= self.wanted))
            after = short[-1] + 1 if short.size else 0
            sessions = column(line, "sessions")
            found.append((weight, test, mice, sessions[after] if after < len(line) else np.nan))
        return pd.DataFrame(found, columns=pd.Index(["weight", "test", "mice", "sessions"]))


def power_curves_data(
    table: pd.DataFrame, wanted: float = 0.8, caption: str = ""
) -> PowerCurvesData:
    """Checks and sorts a table with the columns `COLUMNS` and `LIKE_THESE`; others are dropped.

    Raises ConfigError when columns are missing, there is no row, or a power is no probability.
    """
    missing = [name for name in COLUMNS if name not in table.columns]
    if missing:
        raise ConfigError(f"The table of powers lacks the columns {missing}; it has {list(table)}.")
    if not len(table):
        raise ConfigError("The table of powers has no rows.")
    if not 0 < wanted < 1:
        raise ConfigError(f"wanted is {wanted:g}; it must lie between 0 and 1.")
    power = column(table, "power")
    if not ((power >= 0) & (power <= 1)).all():
        raise ConfigError("The table has powers outside 0 to 1. Correct them.")
    kept = (*COLUMNS, *(name for name in LIKE_THESE if name in table.columns))
    rows = joined([table], kept).sort_values(
        by=["weight", "mice", "sessions"], kind="stable", ignore_index=True
    )
    return PowerCurvesData(rows, float(wanted), caption)


@styled
def draw_power_curves(data: PowerCurvesData, fig: Figure) -> None:
    """A panel for each test (and a row for each assumed weight), a line for each number of mice."""
    tests = [test for (test,) in combinations(data.rows, "test")]
    weights = [weight for (weight,) in combinations(data.rows, "weight")]
    mice = sorted(set(column(data.rows, "mice").tolist()))
    words = f"Dashed: wanted power {data.wanted:g}. Bars: 95 % intervals. "
    if len(weights) == 1:
        words += f"Assumed structure weight {weights[0]:g}. "
    width = {1: 92.0, 2: 140.0}.get(len(tests), PAGE_MM)
    lay_out(fig, width, 24 + 48 * len(weights), words + data.caption)
    axes = fig.subplots(len(weights), len(tests), squeeze=False, sharex=True, sharey=True)
    for row, weight in enumerate(weights):
        for ax, test in zip(axes[row], tests, strict=True):
            _draw_lines(ax, pick(data.rows, weight=weight, test=test), mice)
            ax.axhline(data.wanted, color=GREY, linewidth=0.8, linestyle=(0, (4, 1.6)), zorder=0)
            name = test if len(weights) == 1 else f"{test}\nstructure weight {weight:g}"
            ax.set_title(printed(name))
        axes[row, 0].set_ylabel("power (in these animals)")
    for ax in axes[-1]:
        ax.set_xlabel("sessions per mouse")
    _session_axis(axes[0, 0], sorted(set(column(data.rows, "sessions").tolist())))
    fig.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", title="mice",
               ncols=min(len(mice), 8), title_fontsize=6.5)  # fmt: skip


def _draw_lines(ax: Axes, here: pd.DataFrame, mice: list) -> None:
    """Lines stand a little beside each other, so that equal powers do not hide one another."""
    sessions = column(here, "sessions")
    step = 0.03 * max(float(np.ptp(sessions)), 1.0)
    shades = matplotlib.colormaps["viridis_r"](np.linspace(0.15, 1.0, max(len(mice), 2)))
    for i, number in enumerate(mice):
        line = pick(here, mice=number)
        power = column(line, "power")
        errors = np.stack([power - column(line, "low"), column(line, "high") - power])
        at = column(line, "sessions") + step * (i - (len(mice) - 1) / 2)
        ax.errorbar(at, power, np.maximum(errors, 0.0), color=shades[i],
                    marker=_MARKS[i % len(_MARKS)], elinewidth=0.7, label=f"{number:g}",
                    clip_on=False)  # fmt: skip
    ax.set_ylim(0, 1.02)
    ax.set_yticks([0, 0.2, 0.4, 0.6, 0.8, 1])


def _session_axis(ax: Axes, sessions: list) -> None:
    """Ticks at the numbers tried, if these stand far enough apart."""
    span = max(sessions) - min(sessions)
    if not span or min(np.diff(sessions)) >= 0.06 * span:
        ax.set_xticks(sessions, [f"{n:g}" for n in sessions])
    else:
        ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    spare = max(0.05 * span, 0.5, 0.0 if span else 0.5 * min(sessions))
    ax.set_xlim(min(sessions) - spare, max(sessions) + spare)
