"""What each latent does to the signal, by choice and outcome: Figure 2c of Jain et al. 2025."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..errors import ConfigError
from ..models.disrnn import DisRNN
from ..trials import Trials
from .labels import signal_label, symbol
from .style import CHOICE_COLOURS, OUTCOME_LINES, PAGE_MM, draw_note, draw_share, lay_out, styled
from .visits import Condition, visit

MAX_COLUMNS = 4
"""Latents side by side; more go on in the next row."""


class SignalRuleData(NamedTuple):
    """Predicted signals at latents that the data visit, after each choice and outcome.

    lines: panel (the latent along the axis), each open latent's value, signal, condition, predicted
    (in the signal's own unit), share_of_trials (nearest to this value).
    """

    lines: pd.DataFrame
    latents: tuple[str, ...]
    signals: tuple[str, ...]
    conditions: tuple[Condition, ...]
    caption: str

    def table(self) -> pd.DataFrame:
        return self.lines


def signal_rule_data(
    model: DisRNN, trials: Trials, signals: Sequence[str] | None = None
) -> SignalRuleData:
    """The signal networks' answers along each latent open in the core (1st to 99th percentile of
    the data), all others at their mean over trials; without noise, multipliers applied.

    signals: which to evaluate; all unless given.
    Raises ConfigError for a signal that the model does not have, DataError when the model does not
    suit the trials.
    """
    wanted = model.signal_names if signals is None else tuple(signals)
    unknown = [name for name in wanted if name not in model.signal_names]
    if unknown:
        raise ConfigError(f"The model has no signal {unknown}; it has {model.signal_names}.")
    seen = visit(model, trials)
    parts = []
    for k in seen.open.tolist() or [None]:
        grid = None if k is None else seen.grid(k)
        points = seen.points({} if k is None else {k: grid})
        share = np.ones(1) if k is None else seen.share(k, grid)
        at = {name: points[:, j] for name, j in zip(seen.open_names, seen.open, strict=True)}
        panel = "none" if k is None else model.latent_names[k]
        for condition in seen.conditions:
            predicted = seen.signals(points, condition)
            for name in wanted:
                column = predicted[:, model.signal_names.index(name)]
                parts.append(pd.DataFrame(
                    {"panel": panel, **at, "signal": name, "condition": condition.label,
                     "predicted": column, "share_of_trials": share}, index=range(len(points)),
                ))  # fmt: skip
    columns = ["panel", *seen.open_names, "signal", "condition", "predicted", "share_of_trials"]
    lines = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
    return SignalRuleData(lines, seen.open_names, wanted, seen.conditions, seen.caption)


@styled
def draw_signal_rule(data: SignalRuleData, fig: Figure) -> None:
    """A row of panels for each signal, a panel for each latent open in the core."""
    if not data.signals:
        lay_out(fig, 88, 40, data.caption)
        draw_note(fig, "The model predicts no signal.")
        return
    panels_ = data.latents or ("none",)
    columns = min(len(panels_), MAX_COLUMNS)
    rows_each = -(-len(panels_) // columns)
    rows = rows_each * len(data.signals)
    legend_rows = -(-len(data.conditions) // _legend_columns(data, columns))
    held = "Other latents at their mean. Grey: where the data lie."
    caption = f"{held if data.latents else 'No latent is open in the core.'} {data.caption}"
    lay_out(fig, _width(columns), 16 + 3.4 * legend_rows + 38 * rows, caption)
    grid = fig.subplots(rows, columns, squeeze=False)
    for i, name in enumerate(data.signals):
        axes = list(grid[i * rows_each : (i + 1) * rows_each].flat)
        for spare in axes[len(panels_) :]:
            spare.remove()
        for j, (ax, panel) in enumerate(zip(axes, panels_, strict=False)):
            here = data.lines[(data.lines["panel"] == panel) & (data.lines["signal"] == name)]
            _draw_panel(ax, here, panel, data.conditions)
            ax.sharey(axes[0])
            if j % columns == 0:
                ax.set_ylabel(f"predicted {signal_label(name)}")
    fig.legend(
        *grid[0, 0].get_legend_handles_labels(), loc="outside upper center",
        ncols=_legend_columns(data, columns),
    )  # fmt: skip


def _draw_panel(
    ax: Axes, here: pd.DataFrame, panel: str, conditions: tuple[Condition, ...]
) -> None:
    for i, condition in enumerate(conditions):
        line = here[here["condition"] == condition.label]
        look = {
            "color": CHOICE_COLOURS[condition.choice % len(CHOICE_COLOURS)],
            "label": condition.label,
        }
        if panel == "none":
            hollow = {} if condition.outcome_number == 0 else {"markerfacecolor": "white"}
            ax.plot([i], line["predicted"], "o", markersize=5, **look, **hollow)
            continue
        dashes = OUTCOME_LINES[condition.outcome_number % len(OUTCOME_LINES)]
        ax.plot(line[panel], line["predicted"], linestyle=dashes, **look)
    if panel == "none":
        ax.set_xticks([])
        ax.margins(x=0.2)
        ax.set_xlabel("choice and outcome")
        return
    draw_share(ax, line[panel].to_numpy(), line["share_of_trials"].to_numpy())
    ax.set_xlabel(symbol(panel))
    ax.margins(x=0.02)


def _width(columns: int) -> float:
    return {1: 75.0, 2: 125.0}.get(columns, PAGE_MM)


def _legend_columns(data: SignalRuleData, columns: int) -> int:
    longest = max((len(condition.label) for condition in data.conditions), default=1)
    return max(1, int(_width(columns) / (12 + 1.25 * longest)))
