"""Models side by side: each metric with its interval, and each subject's value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..errors import ConfigError
from ..stats.comparison import Comparison
from .labels import signal_label
from .style import (
    BLUE,
    MODEL_COLOURS,
    ORANGE,
    PAGE_MM,
    SKY,
    VERMILLION,
    grid_shape,
    lay_out,
    panels,
    styled,
)

COLUMNS = ("model", "signal", "metric", "value", "low", "high", "subject")
"""Of the table: signal is empty for metrics of choice, subject for the pooled value; low and high
are the interval's ends (NaN for none)."""

MODEL_LABELS = {
    "disrnn": "disRNN", "disrnn_joint": "disRNN, joint", "gru": "GRU", "naive": "naive",
    "dfq_choice": "DFQ, choices", "dfq_signal": "DFQ, signal",
}  # fmt: skip

_METRICS = {
    "normalized_likelihood": ("choice: normalized likelihood", True),
    "mse": ("mean squared error", False),
    "r2": ("R²", True),
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
    both = pd.concat([pooled, each], ignore_index=True) if rows else pooled
    return both[both["metric"].isin(metrics)].reset_index(drop=True)


def comparison_data(table: pd.DataFrame, caption: str = "") -> ComparisonData:
    """Checks and completes a table with the columns model, metric, value, low, high, and if wanted
    signal and subject. Models keep the order in which they appear.

    Raises ConfigError when columns are missing or there is no pooled value.
    """
    missing = [c for c in ("model", "metric", "value", "low", "high") if c not in table.columns]
    if missing:
        raise ConfigError(f"The comparison lacks the columns {missing}; it has {list(table)}.")
    rows = table.reindex(columns=pd.Index(COLUMNS))
    rows = rows.fillna({"signal": "", "subject": ""}).reset_index(drop=True)
    if not (rows["subject"] == "").any():
        raise ConfigError("The comparison has subjects' rows only; add each model's pooled value.")
    return ComparisonData(rows, caption)


@styled
def draw_comparison(data: ComparisonData, fig: Figure) -> None:
    """A panel for each metric, a row for each model: value and interval, faint points by subject."""
    rows = data.rows
    models = list(dict.fromkeys(rows["model"]))
    wanted = list(rows[["metric", "signal"]].drop_duplicates().itertuples(index=False))
    spare = iter((VERMILLION, BLUE, ORANGE, SKY) * len(models))
    colours = {model: MODEL_COLOURS.get(model) or next(spare) for model in models}
    n_rows, columns = grid_shape(len(wanted), 3)
    caption = "Lines: 95 % intervals."
    n_subjects = rows.loc[rows["subject"] != "", "subject"].nunique()
    caption += " Faint points: subjects." if n_subjects > 1 else ""
    width = {1: 95.0, 2: 150.0}.get(columns, PAGE_MM)
    lay_out(fig, width, 14 + n_rows * (12 + 6.5 * len(models)), f"{caption} {data.caption}".strip())
    for i, (ax, (metric, signal)) in enumerate(
        zip(panels(fig, len(wanted), 3), wanted, strict=True)
    ):
        here = rows[(rows["metric"] == metric) & (rows["signal"] == signal)]
        for row, model in enumerate(models):
            _draw_model(ax, here[here["model"] == model], row, colours[model], n_subjects > 1)
        words, higher_is_better = _METRICS.get(metric, (metric.replace("_", " "), None))
        ax.set_xlabel(f"{signal_label(signal)}: {words}" if signal else words)
        if higher_is_better is not None:
            ax.set_title("better →" if higher_is_better else "← better", fontsize=6.5,
                         color="#444444", loc="right" if higher_is_better else "left")  # fmt: skip
        ax.set_yticks(range(len(models)))
        ax.set_ylim(len(models) - 0.5, -0.5)
        ax.tick_params(axis="y", length=0)
        first = i % columns == 0
        ax.set_yticklabels([MODEL_LABELS.get(model, model) for model in models] if first else [])
        ax.grid(axis="y", color="#EEEEEE", linewidth=0.6)
        ax.set_axisbelow(True)
        ax.margins(x=0.06)


def _draw_model(ax: Axes, here: pd.DataFrame, row: int, colour: str, subjects: bool) -> None:
    each = here[here["subject"] != ""]
    if subjects:
        ax.plot(each["value"], np.full(len(each), row + 0.24), "o", color=colour, alpha=0.35,
                markersize=2.6, markeredgewidth=0)  # fmt: skip
    for one in here[here["subject"] == ""].itertuples():
        ax.plot([one.low, one.high], [row, row], color=colour, linewidth=1.4)
        ax.plot([one.value], [row], "o", color=colour, markersize=4.5)
