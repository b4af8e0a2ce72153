"""Table 1 as a figure: how well each model predicts choices and each signal."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import FigureBase

from ...scoring.table1 import TableOne
from ..labels import printed, shortened
from ..style import BLACK, PAGE_MM, lay_out, styled

_ROW_MM, _LETTER_MM, _GAP_MM = 5.4, 1.36, 7.0


class Table1Data(NamedTuple):
    """A table as it is printed, and what stands below."""

    whole: TableOne
    caption: str

    def table(self) -> pd.DataFrame:
        """A row a model; value, low and high of each column."""
        found: dict[str, list] = {"model": list(self.whole.labels)}
        for column in self.whole.columns:
            name = " ".join(filter(None, (column.signal, column.metric)))
            for end, i in (("", 0), (" low", 1), (" high", 2)):
                found[name + end] = [None if e is None else e[i] for e in column.values]
        return pd.DataFrame(found)


@styled
def draw_table1(data: Table1Data, fig: FigureBase) -> None:
    """Rules above, below the head and below; the best of each column is bold."""
    heads = [head.replace(" R2 ", " R² ") for head in data.whole.heads()]
    cells = data.whole.cells()
    labels = [shortened(label) for label in data.whole.labels]
    columns = [
        [shortened(head), *(printed(row[i]).replace("[-", "[−") for row in cells)]
        for i, head in enumerate(heads)
    ]
    widths = [
        _GAP_MM + _LETTER_MM * max(map(len, texts)) for texts in (["Model", *labels], *columns)
    ]
    total = min(sum(widths), PAGE_MM)
    lay_out(fig, total, 6 + _ROW_MM * (len(labels) + 1.6), data.caption)
    ax = fig.subplots()
    ax.axis("off")
    n = len(labels)
    ax.set(xlim=(0, sum(widths)), ylim=(n + 0.6, -1.0))
    _rule(ax, -0.9, 0.9)
    _rule(ax, 0.0, 0.5)
    _rule(ax, n + 0.1, 0.9)
    best = [column.best for column in data.whole.columns]
    right = widths[0]
    ax.text(1, -0.45, "Model", va="center", fontsize=_size(total, widths))
    for row, label in enumerate(labels):
        ax.text(1, row + 0.5, label, va="center", fontsize=_size(total, widths))
    for i, texts in enumerate(columns):
        right += widths[i + 1]
        for row, text in enumerate(texts):
            weight = "bold" if row and best[i] == row - 1 else "normal"
            ax.text(right - 1, row - 0.45 if row == 0 else row - 0.5, text, ha="right", va="center",
                    fontweight=weight, fontsize=_size(total, widths))  # fmt: skip


def _size(total: float, widths: list[float]) -> float:
    """Of the letters: smaller where the table would be wider than a page."""
    return max(4.0, 7.0 * min(1.0, total / sum(widths)))


def _rule(ax: Axes, y: float, width: float) -> None:
    ax.axhline(y, color=BLACK, linewidth=width)
