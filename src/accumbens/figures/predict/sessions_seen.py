"""How soon new animals are predicted: scores by the number of sessions that describe them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ...errors import ConfigError
from ..labels import model_label, signal_label
from ..rows import column, combinations, joined, pick
from ..style import grid_shape, lay_out, model_looks, panel_width, panels, styled

COLUMNS = ("sessions_seen", "model", "signal", "metric", "value", "low", "high")
"""Columns of the table: signal is empty for metrics of choice; low and high end the interval."""

_METRICS = {"normalized_likelihood": "normalized likelihood ↑", "mse": "mean squared error ↓"}


class SessionsSeenData(NamedTuple):
    """One row a number of sessions, model and metric, with the columns `COLUMNS`."""

    rows: pd.DataFrame
    caption: str

    def table(self) -> pd.DataFrame:
        return self.rows


def sessions_seen_data(table: pd.DataFrame, caption: str = "") -> SessionsSeenData:
    """The rows that are drawn: normalized likelihood, and the squared error of each signal.

    Args:
        table: with the columns `COLUMNS`; rows without a value are left out.
        caption: below the figure.

    Raises:
        ConfigError: columns are missing, or there is no value.
    """
    missing = [name for name in COLUMNS if name not in table.columns]
    if missing:
        raise ConfigError(f"The scores by sessions seen lack the columns {', '.join(missing)}.")
    rows = table.assign(signal=table["signal"].fillna("").astype(str))
    drawn = np.isin(column(rows, "metric"), list(_METRICS)) & np.isfinite(column(rows, "value"))
    if not drawn.any():
        raise ConfigError("The scores by sessions seen have no value to draw.")
    parts = [rows.iloc[np.flatnonzero(drawn)]]
    return SessionsSeenData(joined(parts, COLUMNS), caption)


@styled
def draw_sessions_seen(data: SessionsSeenData, fig: Figure) -> None:
    """A panel for choices and for each signal, a line for each model."""
    wanted = combinations(data.rows, "metric", "signal")
    models = [model for (model,) in combinations(data.rows, "model")]
    looks = model_looks(models)
    n_rows, columns = grid_shape(len(wanted), 3)
    lines = 4 * ((len(models) + 2) // 3)
    caption = f"Bars: 95 % intervals of the last point. {data.caption}".strip()
    lay_out(fig, panel_width(columns), 18 + 52 * n_rows + lines, caption)
    axes = panels(fig, len(wanted), 3)
    for ax, (metric, signal) in zip(axes, wanted, strict=True):
        here = pick(data.rows, metric=metric, signal=signal)
        for model in models:
            own = pick(here, model=model).sort_values("sessions_seen")
            if not len(own):
                continue
            seen, value, low, high = (
                column(own, name) for name in ("sessions_seen", "value", "low", "high")
            )
            look = looks[model]
            ax.plot(seen, value, f"{look.marker}-", color=look.colour, label=model_label(model),
                    markerfacecolor=look.colour if look.filled else "white")  # fmt: skip
            ax.vlines(seen[-1:], low[-1:], high[-1:], color=look.colour, linewidth=0.8, alpha=0.6)
        ax.set_xlabel("sessions seen of each new subject")
        ax.set_ylabel(f"{signal_label(signal)}: {_METRICS[metric]}" if signal else _METRICS[metric])
        ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    handles, labels = axes[0].get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside upper center", ncols=2 if columns == 1 else 4)
