"""Models side by side: each metric with its interval, and each subject's value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ...errors import ConfigError
from ...scoring.comparison import Comparison
from ..labels import model_label, shortened, signal_label
from ..rows import column, combinations, joined, pick
from ..style import GREY, PAGE_MM, ModelLook, grid_shape, lay_out, model_looks, panels, styled

COLUMNS = ("model", "signal", "metric", "value", "low", "high", "subject")
"""Columns of the table: signal is empty for metrics of choice, subject for the pooled value; low
and high are the ends of the interval (NaN without an interval)."""

MOST_NAMED, MOST_OF_NAME = 10, 12
"""So many subjects are named in a panel, by so many letters of their names."""

_METRICS = {
    "normalized_likelihood": ("choice: normalized likelihood", "better →"),
    "mse": ("mean squared error", "← better"),
    "r2": ("R²", "better →"),
}


class ComparisonData(NamedTuple):
    """One row a model, metric and (if given) subject, with the columns `COLUMNS`."""

    rows: pd.DataFrame
    caption: str

    def table(self) -> pd.DataFrame:
        return self.rows


def comparison_table(
    comparison: Comparison, metrics: Sequence[str] = ("normalized_likelihood", "mse")
) -> pd.DataFrame:
    """The numbers of a `Comparison` as `comparison_data` takes them, each subject's among them."""
    pooled = comparison.to_frame().assign(subject="")
    rows = []
    for model, evaluation in comparison.models.items():
        for subject, score in evaluation.subjects.items():
            one = (model, "", "normalized_likelihood", score.normalized_likelihood)
            rows.append((*one, np.nan, np.nan, str(subject)))
            for metric in ("mse", "r2"):
                for signal, value in getattr(score, metric).items():
                    rows.append((model, signal, metric, value, np.nan, np.nan, str(subject)))
    each = pd.DataFrame(rows, columns=pd.Index(COLUMNS))
    both = joined([pooled, each] if rows else [pooled], COLUMNS)
    return joined([part for metric in metrics if len(part := pick(both, metric=metric))], COLUMNS)


def comparison_data(table: pd.DataFrame, caption: str = "") -> ComparisonData:
    """Checks and completes a table with the columns model, metric, value, low, high, and if wanted
    signal and subject. Models keep the order in which they appear.

    Raises ConfigError when columns are missing or there is no pooled value.
    """
    missing = [c for c in ("model", "metric", "value", "low", "high") if c not in table.columns]
    if missing:
        raise ConfigError(f"The comparison lacks the columns {missing}; it has {list(table)}.")
    rows = table.reindex(columns=pd.Index(COLUMNS)).reset_index(drop=True)
    for name in ("signal", "subject"):
        words = rows[name].astype(object)
        rows[name] = words.where(words.notna(), "").astype(str)
    if not len(pick(rows, subject="")):
        raise ConfigError("The comparison has subjects' rows only; add each model's pooled value.")
    return ComparisonData(rows, caption)


@styled
def draw_comparison(data: ComparisonData, fig: Figure) -> None:
    """A panel for each metric, a row for each model: value, interval, faint points by subject."""
    models = [model for (model,) in combinations(data.rows, "model")]
    wanted = combinations(data.rows, "metric", "signal")
    looks = model_looks(models)
    n_rows, columns = grid_shape(len(wanted), 3)
    subjects = [s for (s,) in combinations(data.rows, "subject") if s]
    several, named = len(subjects) > 1, 1 < len(subjects) <= MOST_NAMED
    tall = 14 + n_rows * (12 + 5.5 * (len(models) + named))
    lay_out(
        fig, {1: 95.0, 2: 150.0}.get(columns, PAGE_MM), tall,
        "Lines: 95 % intervals. "
        f"{'Faint points: subjects, each joined. ' if several else ''}{data.caption}",
    )  # fmt: skip
    axes = panels(fig, len(wanted), 3)
    for i, (ax, (metric, signal)) in enumerate(zip(axes, wanted, strict=True)):
        here = pick(data.rows, metric=metric, signal=signal)
        for row, model in enumerate(models):
            _draw_model(ax, pick(here, model=model), row, looks[model], several)
        if several:
            _join_subjects(ax, here, models, subjects if named else [])
        words, better = _METRICS.get(metric, (str(metric).replace("_", " "), ""))
        ax.set_xlabel(f"{signal_label(signal)}: {words}" if signal else words)
        side = "right" if better.startswith("better") else "left"
        ax.set_title(better, fontsize=6.5, color="#444444", loc=side)
        labels = [model_label(model) for model in models]
        ax.set_yticks(range(len(models)), labels if i % columns == 0 else [""] * len(models))
        ax.set_ylim(len(models) - 0.5, -1.5 if named else -0.5)
        ax.tick_params(axis="y", length=0)
        ax.grid(axis="y", color="#EEEEEE", linewidth=0.6)
        ax.set_axisbelow(True)
        ax.margins(x=0.06)


def _join_subjects(ax: Axes, here: pd.DataFrame, models: list[str], named: list[str]) -> None:
    """A pale line through each subject's points; names above, where they are to stand."""
    first = {}
    for (subject,) in combinations(here, "subject"):
        own = pick(here, subject=subject)
        if subject:
            rows = [models.index(model) + 0.24 for model in column(own, "model").tolist()]
            ax.plot(column(own, "value"), rows, color=GREY, alpha=0.4, linewidth=0.4, zorder=0)
            first[subject] = column(own, "value")[0]
    low, high = ax.get_xlim()
    order = sorted((subject for subject in named if subject in first), key=lambda s: first[s])
    for i, subject in enumerate(order):
        at = low + (high - low) * (i + 0.5) / len(order)
        ax.plot([at, first[subject]], [-0.6, 0.24], color=GREY, alpha=0.4, linewidth=0.4, zorder=0)
        ax.text(at, -0.65, shortened(subject, MOST_OF_NAME), fontsize=4.5, rotation=30,
                ha="left", va="bottom", color="#444444")  # fmt: skip


def _draw_model(ax: Axes, here: pd.DataFrame, row: int, look: ModelLook, subjects: bool) -> None:
    pooled = column(here, "subject") == ""
    value, low, high = (column(here, name) for name in ("value", "low", "high"))
    if subjects:
        each = value[~pooled]
        ax.plot(each, np.full(len(each), row + 0.24), "o", color=look.colour, alpha=0.35,
                markersize=2.6, markeredgewidth=0)  # fmt: skip
    at = np.full(pooled.sum(), row)
    ax.hlines(at, low[pooled], high[pooled], color=look.colour, linewidth=1.4)
    ax.plot(value[pooled], at, look.marker, color=look.colour, markersize=4.5,
            markerfacecolor=look.colour if look.filled else "white")  # fmt: skip
