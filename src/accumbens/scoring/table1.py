"""The table of a paper: how well each model predicts choices and each signal.

It has the layout of Table 1 of Jain et al., Simultaneous modeling of behavior and dopamine with
disentangled RNNs, with intervals. The best model of each column is bold.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from .comparison import Comparison
from .evaluation import Estimate
from .latex import escaped_latex

if TYPE_CHECKING:
    import rich.table


Label = Callable[[str], str]
"""What a model is called in print, by its name."""


class Column(NamedTuple):
    """One metric of all models.

    Attributes:
        metric: its name.
        signal: name of the signal; "" for choices.
        higher_is_better: whether the largest value is the best.
        values: in the order of the models; None for a model without this metric.
    """

    metric: str
    signal: str
    higher_is_better: bool
    values: list[Estimate | None]

    @property
    def best(self) -> int | None:
        """The row with the best value; None where fewer than two models have one."""
        sign = 1 if self.higher_is_better else -1
        known = {
            row: sign * estimate.value
            for row, estimate in enumerate(self.values)
            if estimate is not None and math.isfinite(estimate.value)
        }
        return max(known, key=known.__getitem__) if len(known) > 1 else None


def table1_columns(comparison: Comparison) -> list[Column]:
    """The columns of the table: normalized likelihood, then mean squared error and R2 by signal."""
    models = comparison.models.values()
    columns = [Column("choice NL", "", True, [m.normalized_likelihood for m in models])]
    for signal in comparison.signals:
        scores = [m.signals.get(signal) for m in models]
        columns.append(Column("MSE", signal, False, [s and s.mse for s in scores]))
        columns.append(Column("R2", signal, True, [s and s.r2 for s in scores]))
    return columns


def table1_caption(comparison: Comparison) -> str:
    """One sentence that says what the numbers and the intervals are."""
    which = "Held-out trials" if comparison.held_out else "Fitted trials, none held out"
    return (
        f"{which}: normalized likelihood (NL) of choices, exp of the mean log probability; "
        f"mean squared error (MSE) and R2 of each signal; {comparison.level:.0%} intervals "
        f"by Student's t, SD from {comparison.n_draws} resamples (unit: {comparison.unit})."
    )


def table1_rich(comparison: Comparison, label: Label = str) -> rich.table.Table:
    """The table for the terminal.

    Args:
        comparison: of the models.
        label: what each model is called in print, by its name.
    """
    from rich.table import Table
    from rich.text import Text

    columns = table1_columns(comparison)
    table = Table(caption=Text(table1_caption(comparison)))
    table.add_column("model")
    for column in columns:
        table.add_column(Text(_heading(column, " ↑", " ↓")), justify="right")
    for row, name in enumerate(comparison.models):
        cells = [
            Text(_cell(c, c.values[row]), style="bold" if c.best == row else "") for c in columns
        ]
        table.add_row(Text(label(name)), *cells)
    return table


def table1_csv(comparison: Comparison, notes: Mapping[str, str] | None = None) -> str:
    """The table as CSV with all digits: `model` (its own name), then value, `_low` and `_high` of
    each column; and, where notes are given by name of the model, a column `note`."""
    columns = table1_columns(comparison)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = ["_".join(filter(None, (c.metric.replace(" ", "_"), c.signal))) for c in columns]
    last = [] if notes is None else ["note"]
    writer.writerow(["model", *(n + end for n in names for end in ("", "_low", "_high")), *last])
    for row, name in enumerate(comparison.models):
        numbers = [c.values[row] or ("", "", "") for c in columns]
        last = [] if notes is None else [notes.get(name, "")]
        writer.writerow([name, *(number for estimate in numbers for number in estimate), *last])
    return text.getvalue()


def table1_markdown(comparison: Comparison, label: Label = str, notes: Sequence[str] = ()) -> str:
    """The table in Markdown, with its caption, and a paragraph for each note. Arguments are those
    of `table1_rich`."""
    columns = table1_columns(comparison)
    heads = ["model", *(_escape_markdown(_heading(c, " ↑", " ↓")) for c in columns)]
    lines = [heads, ["---", *("---:" for _ in columns)]]
    for row, name in enumerate(comparison.models):
        cells = [_cell(c, c.values[row]) for c in columns]
        marked = [f"**{t}**" if c.best == row else t for c, t in zip(columns, cells, strict=True)]
        lines.append([_escape_markdown(label(name)), *marked])
    body = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    below = [_escape_markdown(text) for text in (table1_caption(comparison), *notes)]
    return "\n\n".join([body, *below]) + "\n"


def table1_latex(comparison: Comparison, label: Label = str, notes: Sequence[str] = ()) -> str:
    r"""The table in LaTeX, for the `booktabs` package, with notes below it. Arguments are those of
    `table1_rich`."""
    labels = tuple(label(name) for name in comparison.models)
    whole = TableOne(labels, tuple(table1_columns(comparison)), table1_caption(comparison))
    return latex_of(whole, notes)


class TableOne(NamedTuple):
    """The table as it is printed.

    Attributes:
        labels: of the models, in the order of the rows.
        columns: of metrics.
        caption: what the numbers and the intervals are.
    """

    labels: tuple[str, ...]
    columns: tuple[Column, ...]
    caption: str

    def heads(self, up: str = " ↑", down: str = " ↓") -> list[str]:
        """The heads of the columns, with what says in which direction they are better."""
        return [_heading(column, up, down) for column in self.columns]

    def cells(self) -> list[list[str]]:
        """The rows, a text for each column."""
        return [[_cell(c, c.values[row]) for c in self.columns] for row in range(len(self.labels))]


def latex_of(table: TableOne, notes: Sequence[str] = ()) -> str:
    r"""The table in LaTeX, for the `booktabs` package, with notes below it."""
    heads = [
        escaped_latex(head) + (r" $\uparrow$" if c.higher_is_better else r" $\downarrow$")
        for c, head in zip(table.columns, table.heads("", ""), strict=True)
    ]
    rows = []
    for row, (label, texts) in enumerate(zip(table.labels, table.cells(), strict=True)):
        minus = [re.sub(r"(?<![\de])-(?=\d)", "−", text) for text in texts]
        cells = [escaped_latex(text) for text in minus]
        marked = [rf"\textbf{{{t}}}" if c.best == row else t
                  for c, t in zip(table.columns, cells, strict=True)]  # fmt: skip
        rows.append(" & ".join([escaped_latex(label), *marked]) + r" \\")
    return "\n".join(
        [
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{escaped_latex(table.caption)}}}",
            rf"\begin{{tabular}}{{l{'r' * len(table.columns)}}}",
            r"\toprule",
            " & ".join(["Model", *heads]) + r" \\",
            r"\midrule",
            *rows,
            r"\bottomrule",
            r"\end{tabular}",
            *(rf"\par\smallskip\footnotesize {escaped_latex(note)}" for note in notes),
            r"\end{table}",
            "",
        ]
    )


def _heading(column: Column, up: str, down: str) -> str:
    arrow = up if column.higher_is_better else down
    return " ".join(filter(None, (column.signal, column.metric))) + arrow


def spec_of_error(value: float) -> str:
    """How mean squared errors are printed, the largest of which is `value`: with four decimal
    places, more for signals of small numbers, fewer for those of large ones, and as a power of ten
    below a millionth."""
    if value == 0 or not math.isfinite(value):
        return ".4f"
    size = math.floor(math.log10(abs(value)))
    if size < -6:
        return ".3e"
    return f".{3 - size if size < -1 else max(0, min(4, 5 - size))}f"


def _cell(column: Column, estimate: Estimate | None) -> str:
    if estimate is None or not math.isfinite(estimate.value):
        return "–"
    spec = ".4f"
    if column.metric == "MSE":
        spec = spec_of_error(max((e.value for e in column.values if e is not None
                                  and math.isfinite(e.value)), default=0.0))  # fmt: skip
    if not math.isfinite(estimate.low):
        return f"{estimate.value:{spec}}"
    return f"{estimate.value:{spec}} [{estimate.low:{spec}}, {estimate.high:{spec}}]"


def _escape_markdown(text: str) -> str:
    return re.sub(r"([\\`*_{}\[\]<>#|~])", r"\\\1", text)
