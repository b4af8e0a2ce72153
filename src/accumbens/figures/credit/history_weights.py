"""What each outcome does to the next choices: Figures 2a to 2c of Miller et al."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import FigureBase
from matplotlib.ticker import MaxNLocator

from ...credit.history.fitted import HistoryFit
from ...errors import ConfigError
from ...scoring.intervals import mean_interval
from ..labels import counted, printed, signal_label
from ..rows import column, combinations, joined, pick
from ..style import (
    BLACK,
    GREEN,
    ORANGE,
    OUTCOME_LINES,
    PURPLE,
    SKY,
    grid_shape,
    lay_out,
    panel_letter,
    styled,
)
from ..style import panels as panels_of

OUTCOME_COLOURS = (BLACK, GREEN, ORANGE, PURPLE, SKY)
"""Colours of outcome types: none, the first alone (controllable), the second alone (distractor),
both, a third."""

OUTCOME_MARKS = "oos^Dv"
"""Markers of the same outcome types; the marker of no outcome is hollow."""

PER_ROW = 3
"""Number of groups side by side; further groups are in the next rows."""

OVER = {
    "trial": "over trials, taken as independent: there is one session",
    "session": "over sessions (CR2, Student's t)",
    "subject": "over subjects (CR2, Student's t)",
    "group": "of the posterior under the group",
}
"""What a caption says of intervals, by their unit."""

COLUMNS = ("group", "subject", "outcome", "lag", "weight", "low", "high", "n_subjects")


class HistoryWeightsData(NamedTuple):
    """Weights (log-odds) by group, subject, outcome type and lag.

    rows: the columns `COLUMNS`; subject is empty for the mean over subjects, whose low and high are
    the ends of its 95 % interval (NaN for subjects, and where there is no interval). outcomes: the
    outcome types of the past trial, in the order of their numbers.
    """

    rows: pd.DataFrame
    groups: tuple[str, ...]
    outcomes: tuple[str, ...]
    caption: str

    def table(self) -> pd.DataFrame:
        return self.rows


def outcome_colour(number: int) -> str:
    """The colour of an outcome type by its number (see `outcomes`), as in all figures of credit."""
    return OUTCOME_COLOURS[number % len(OUTCOME_COLOURS)]


def outcome_words(names: Sequence[str]) -> tuple[str, ...]:
    """Outcome types as they are printed: "none" of a single outcome is "no reward"."""
    if len(names) == 2:
        return f"no {signal_label(names[1])}", signal_label(names[1])
    return tuple(signal_label(name) for name in names)


class WeightsOf(NamedTuple):
    """What is drawn of one regression.

    table: columns outcome, lag, weight, low, high, in log-odds. outcomes: types of the past trial.
    unit: what its intervals take as independent.
    """

    table: pd.DataFrame
    outcomes: tuple[str, ...]
    unit: str
    n_sessions: int
    n_scored: int

    @classmethod
    def of(cls, fit: HistoryFit) -> WeightsOf:
        return cls(fit.to_frame(), fit.data.type_names, fit.unit, fit.n_sessions, fit.n_scored)


def history_weights_data(
    groups: Mapping[str, Sequence[HistoryFit | WeightsOf]], caption: str = ""
) -> HistoryWeightsData:
    """Each subject's weights, and their mean over subjects with Student's t interval (95 %).

    groups: by name ("naive agent", "mice"), the fits of its subjects; all of the same outcomes.
    A group of one has the fit's own interval, over its sessions. Weights left out of a fit are
    left out of the mean.
    Raises ConfigError for no group, an empty one, or groups of different outcome types.
    """
    if not groups or not all(len(fits) for fits in groups.values()):
        raise ConfigError("Give at least one group of fits, each of at least one subject.")
    of_group = {
        name: [fit if isinstance(fit, WeightsOf) else WeightsOf.of(fit) for fit in fits]
        for name, fits in groups.items()
    }
    kinds = {fit.outcomes for fits in of_group.values() for fit in fits}
    if len(kinds) > 1:
        raise ConfigError(
            f"The fits are of different outcomes: {sorted(kinds)}. Draw them in separate figures."
        )
    parts = []
    for group, fits in of_group.items():
        each = [fit.table.query("lag > 0").reset_index(drop=True) for fit in fits]
        parts += [table.assign(group=group, low=np.nan, high=np.nan, n_subjects=1)
                  for table in each]  # fmt: skip
        parts.append(_mean(each).assign(group=group, subject=""))
    sizes = {len(fits) for fits in of_group.values()}
    if sizes == {1}:
        units = {fit.unit for fits in of_group.values() for fit in fits}
        how = f"Bars: 95 % interval {' or '.join(OVER[unit] for unit in OVER if unit in units)}."
    else:
        how = "Thin lines: subjects. Thick: mean over subjects with 95 % interval (Student's t)"
        how += "; of a single subject, the fit's own." if 1 in sizes else "."
    several = len(groups) > 1
    counts = "; ".join(f"{group}: " * several + _counts(fits) for group, fits in of_group.items())
    rows = joined(parts, COLUMNS)
    words = f"{how} {counts}. {caption}".strip()
    return HistoryWeightsData(rows, tuple(groups), tuple(next(iter(kinds))), words)


def _mean(each: list[pd.DataFrame]) -> pd.DataFrame:
    """The first table, with means over all tables and their intervals."""
    if len(each) == 1:
        return each[0].assign(n_subjects=1)
    longest = max(each, key=len)
    keys = list(zip(longest["outcome"], longest["lag"], strict=True))
    weight = np.stack(
        [table.set_index(["outcome", "lag"])["weight"].reindex(keys).to_numpy() for table in each]
    )
    found = mean_interval(weight)
    return longest.assign(
        weight=found.mean, low=found.low, high=found.high, n_subjects=found.n.astype(int)
    )


def _counts(fits: Sequence[WeightsOf]) -> str:
    return ", ".join(
        (
            counted(len(fits), "subject"),
            counted(sum(fit.n_sessions for fit in fits), "session"),
            counted(sum(fit.n_scored for fit in fits), "free choice"),
        )
    )


@styled
def draw_history_weights(data: HistoryWeightsData, fig: FigureBase) -> None:
    """A panel for each group, all with the same weight axis; a colour for each outcome type."""
    n_rows, columns = grid_shape(len(data.groups), PER_ROW)
    low, high, n_beyond = _range(data.rows)
    beyond = f" {counted(n_beyond, 'weight')} of subjects beyond the axis." if n_beyond else ""
    width = {1: 92.0, 2: 140.0}.get(columns, 180.0)
    words = outcome_words(data.outcomes)
    per_line = len(words)
    if sum(12 + 1.15 * len(word) for word in words) > width:
        per_line = max(1, int(width // (12 + 1.35 * max(len(word) for word in words))))
    lines = -(-len(words) // per_line)
    lay_out(fig, width, 20 + 3.4 * lines + 52 * n_rows, data.caption + beyond)
    axes = panels_of(fig, len(data.groups), PER_ROW, sharey=True)
    for i, (ax, group) in enumerate(zip(axes, data.groups, strict=True)):
        _draw_group(ax, pick(data.rows, group=group), data.outcomes)
        ax.set_title(printed(group))
        if len(data.groups) > 1:
            ax.set_title(panel_letter(i), loc="left", fontweight="bold", fontsize=9)
        ax.set_xlabel("lag (trials with a choice)")
        ax.set_ylim(low, high)
        if i % columns == 0:
            ax.set_ylabel("weight (log-odds)\n← switch        repeat →")
    handles, _ = axes[0].get_legend_handles_labels()
    fig.legend(handles, words, loc="outside upper center", ncols=per_line,
               title="outcome of the past trial", title_fontsize=6.5)  # fmt: skip


def _draw_group(ax: Axes, here: pd.DataFrame, outcomes: tuple[str, ...]) -> None:
    subjects = [name for (name,) in combinations(here, "subject") if name]
    for number, outcome in enumerate(outcomes):
        look = _look(number)
        for subject in subjects if len(subjects) > 1 else ():
            line = pick(here, subject=subject, outcome=outcome)
            ax.plot(column(line, "lag"), column(line, "weight"), color=look["color"], linewidth=0.5,
                    alpha=0.35, linestyle=look["linestyle"], zorder=1)  # fmt: skip
        mean = pick(here, subject="", outcome=outcome)
        shift = 0.14 * (number - (len(outcomes) - 1) / 2) / max(1, len(outcomes) / 4)
        weight = column(mean, "weight")
        errors = np.stack([weight - column(mean, "low"), column(mean, "high") - weight])
        ax.errorbar(column(mean, "lag") + shift, weight, errors, elinewidth=0.9, zorder=3 + number,
                    label=outcome, **look)  # fmt: skip
    ax.axhline(0, color="#B0B0B0", linewidth=0.6, zorder=0)
    last = int(column(here, "lag").max())
    ax.set_xlim(0.4, last + 0.6)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=10, steps=[1, 2, 5, 10]))
    ax.set_xticks(range(1, last + 1), minor=True)


def _look(number: int) -> dict[str, Any]:
    colour = outcome_colour(number)
    return {
        "color": colour, "marker": OUTCOME_MARKS[number % len(OUTCOME_MARKS)], "markersize": 3.4,
        "markerfacecolor": "white" if number == 0 else colour, "markeredgewidth": 0.8,
        "linestyle": OUTCOME_LINES[number // len(OUTCOME_COLOURS) % len(OUTCOME_LINES)],
    }  # fmt: skip


def _range(rows: pd.DataFrame) -> tuple[float, float, int]:
    """Limits of the axis, and how many subjects' weights lie beyond: one subject whose choices
    separate must not flatten all others."""
    subject = column(rows, "subject") != ""
    each = column(rows, "weight")[subject]
    each = each[np.isfinite(each)]
    ends = rows.loc[~subject, ["weight", "low", "high"]].to_numpy(float).ravel()
    ends = np.append(ends[np.isfinite(ends)], 0.0)
    lower, middle, upper = np.percentile(each, [25, 50, 75]) if each.size else (0.0, 0.0, 0.0)
    reach = 12 * max(upper - lower, 1e-3)
    inside = each[np.abs(each - middle) <= reach]
    if len(inside) < len(each):
        ends = np.clip(ends, middle - reach, middle + reach)
    low, high = min(ends.min(), *inside), max(ends.max(), *inside)
    spare = 0.05 * max(high - low, 1e-3)
    return low - spare, high + spare, len(each) - len(inside)
