"""Controllable against distractor index, subject by subject: Figure 2d of Miller et al."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import FigureBase
from matplotlib.ticker import MaxNLocator

from ...credit.history.indices import Index
from ...credit.randomization import Alternative, RandomizationTest
from ...errors import ConfigError
from ..labels import counted, printed, signal_label
from ..rows import column, pick
from ..style import BLACK, GREY, PAGE_MM, lay_out, styled
from .null_distributions import both_p_words, p_like_these, redrawn_words

GROUP = "group"
"""Name of the subject of a mean over subjects."""


class CreditIndicesData(NamedTuple):
    """A row for each subject, then one for the group ("group") if its indices are given.

    points: subject, x, x_low, x_high, y, y_low, y_high (log-odds; 95 % intervals). names: of the
    indices along x and y. tests: what was tested, its p-value in these animals, and that in animals
    like these (None where there is none).
    """

    points: pd.DataFrame
    names: tuple[str, str]
    tests: tuple[tuple[str, float, float | None], ...]
    caption: str

    def table(self) -> pd.DataFrame:
        return self.points.assign(x_index=self.names[0], y_index=self.names[1])


def credit_indices_data(
    indices: Sequence[Index],
    tests: Sequence[RandomizationTest] = (),
    caption: str = "",
    *,
    x: str | None = None,
    y: str | None = None,
    alternative: Alternative = "greater",
    p_values: Sequence[tuple[str, float, float | None]] | None = None,
) -> CreditIndicesData:
    """Both indices of every subject, and of the group.

    indices: of all subjects and, with the subject "group", their mean. x, y: names of the indices;
    by default the second (distractor) against the first (controllable). tests: whose p-values
    for the group are printed. p_values: these, where the tests themselves are not at hand: what was
    tested, p in these animals, p in animals like these.
    Raises ConfigError when there are not two indices, or a subject lacks one.
    """
    names = list(dict.fromkeys(index.name for index in indices))
    if len(names) < 2:
        raise ConfigError(
            f"The figure needs two indices, but there are {len(names)}: {names}. Give both."
        )
    across, up = x or names[1], y or names[0]
    unknown = [name for name in (across, up) if name not in names]
    if unknown:
        raise ConfigError(
            f"There is no index {', '.join(unknown)}; the indices are {', '.join(names)}."
        )
    found = {(index.subject, index.name): index for index in indices}
    subjects = list(dict.fromkeys(index.subject for index in indices if index.subject != GROUP))
    subjects += [GROUP] if any(index.subject == GROUP for index in indices) else []
    lacking = [f"{s}: {n}" for s in subjects for n in (across, up) if (s, n) not in found]
    if lacking:
        raise ConfigError(
            f"These indices are missing (subject: index): {', '.join(lacking)}. Give both indices "
            "of each subject."
        )
    finite = {s for s in subjects if all(np.isfinite(found[s, n].value) for n in (across, up))}
    if absent := len(subjects) - len(finite):
        caption = (
            f"{caption} {counted(absent, 'subject')} without finite indices not shown.".strip()
        )
    rows = []
    for subject in (s for s in subjects if s in finite):
        one, other = found[subject, across], found[subject, up]
        rows.append((subject, *one[2:3], *one[4:6], *other[2:3], *other[4:6]))
    columns = ("subject", "x", "x_low", "x_high", "y", "y_low", "y_high")
    points = pd.DataFrame(rows, columns=pd.Index(columns))
    counts = tuple(p_values or ()) + tuple(
        (test.name, test.group_p_value(alternative), p_like_these(test, alternative))
        for test in tests
    )
    caption = " ".join(filter(None, [redrawn_words(tests), caption]))
    return CreditIndicesData(points, (across, up), counts, caption)


@styled
def draw_credit_indices(data: CreditIndicesData, fig: FigureBase, *, beside: bool = False) -> None:
    """One point a subject on equal axes, with the diagonal on which both indices are the same.

    beside: whether what the tests say stands to the right, and not above.
    Subjects on its sides are not counted: the diagonal is not the null hypothesis.
    """
    each = data.points.query("subject != @GROUP")
    group = pick(data.points, subject=GROUP)
    words = "Bars: 95 % intervals (subjects: over sessions; mean: over subjects, Student's t). "
    if data.tests:
        words += "p in these animals: rewards redrawn; in animals like these: t over animals. "
    words += (
        f"{counted(len(each), 'subject')}. The dashed line marks equal indices; it is not where an "
        "animal lies that does not tell the rewards apart (see the null distributions). "
    )
    tall = 84.0 if beside else 105 + 6.4 * len(data.tests)
    lay_out(fig, PAGE_MM if beside else 88, tall, words + data.caption)
    ax = fig.subplots()
    low, high = _range(data.points)
    ax.plot([low, high], [low, high], color=GREY, linewidth=0.7, linestyle=(0, (4, 1.6)), zorder=0)
    for line in (ax.axhline, ax.axvline):
        line(0, color="#B0B0B0", linewidth=0.6, zorder=0)
    _draw_points(ax, each, color=GREY, marker="o", markersize=3.8, elinewidth=0.7, zorder=2,
                 label="subject")  # fmt: skip
    if len(group):
        _draw_points(ax, group, color=BLACK, marker="D", markersize=5.0, elinewidth=1.5, zorder=3,
                     label="mean over subjects")  # fmt: skip
    ax.set_xlim(low, high)
    ax.set_ylim(low, high)
    ax.set_aspect("equal")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(nbins=7, steps=[1, 2, 5, 10]))
    ax.set_xlabel(f"{signal_label(data.names[0])} index (log-odds)")
    ax.set_ylabel(f"{signal_label(data.names[1])} index (log-odds)")
    lines = [f"{name}\n   {both_p_words(p, like)}" for name, p, like in data.tests]
    if beside:
        ax.set_anchor("W")
        ax.legend(loc="upper left", bbox_to_anchor=(1.03, 1.0), handlelength=1.2)
        said = "\n\n".join(line.replace("; ", "\n   ") for line in lines)
        ax.text(1.06, 0.78, printed(said), transform=ax.transAxes, va="top", linespacing=1.5)
        return
    if lines:
        ax.set_title(printed("\n".join(lines)), fontsize=6.5, loc="left", color="#444444")
    fig.legend(loc="outside upper center", ncols=2, handlelength=1.2)


def _draw_points(ax: Axes, points: pd.DataFrame, label: str, **look) -> None:
    x, y = column(points, "x"), column(points, "y")
    errors = [
        np.stack([value - column(points, f"{name}_low"), column(points, f"{name}_high") - value])
        for name, value in (("x", x), ("y", y))
    ]
    ax.errorbar(x, y, xerr=errors[0], yerr=errors[1], linestyle="none", markeredgewidth=0.5,
                markeredgecolor="white", label=label, **look)  # fmt: skip


def _range(points: pd.DataFrame) -> tuple[float, float]:
    """Limits of both axes: all intervals, and 0."""
    ends = points.drop(columns="subject").to_numpy(float).ravel()
    ends = np.append(ends[np.isfinite(ends)], 0.0)
    spare = 0.06 * max(float(np.ptp(ends)), 1e-3)
    return float(ends.min()) - spare, float(ends.max()) + spare
