"""What each latent does to the signal, by choice and outcome: Figure 2c of Jain et al. 2025."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import FigureBase

from ...errors import ConfigError
from ...models.disrnn import DisRNN
from ...trials import Trials
from ..labels import signal_label, symbol
from ..rows import column, joined, pick
from ..style import (
    draw_note,
    draw_share,
    lay_out,
    panel_width,
    share_heights,
    styled,
)
from .conditions import Condition, legend_columns, look
from .visits import visit

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
    """The signal networks' answers along each open latent that one of them reads (1st to 99th
    percentile of the data), all others at their mean over trials; without noise, multipliers
    applied.

    signals: which to evaluate; all unless given.
    Raises ConfigError for a signal that the model does not have, DataError when the model does not
    suit the trials.
    """
    wanted = model.signal_names if signals is None else tuple(signals)
    unknown = [name for name in wanted if name not in model.signal_names]
    if unknown:
        raise ConfigError(f"The model has no signal {unknown}; it has {model.signal_names}.")
    seen = visit(model, trials)
    read, unread = seen.read_by("signal", wanted, "the signal network")
    along = [(model.latent_names[k], {k: seen.grid(k)}) for k in read]
    parts = []
    for panel, at in along or [("none", {})]:
        points = seen.points(at)
        share = next((seen.share(k, grid) for k, grid in at.items()), np.ones(1))
        for condition in seen.conditions:
            predicted = seen.signals(points, condition)
            parts += [
                pd.DataFrame(
                    {
                        "panel": panel, **seen.open_values(points), "signal": name,
                        "condition": condition.label,
                        "predicted": predicted[:, model.signal_names.index(name)],
                        "share_of_trials": share,
                    }
                )
                for name in wanted
            ]  # fmt: skip
    columns = ("panel", *seen.open_names, "signal", "condition", "predicted", "share_of_trials")
    return SignalRuleData(
        joined(parts, columns), tuple(model.latent_names[k] for k in read), wanted,
        seen.conditions, unread + seen.conditions_caption,
    )  # fmt: skip


@styled
def draw_signal_rule(data: SignalRuleData, fig: FigureBase) -> None:
    """A row of panels for each signal, a panel for each open latent that is read."""
    if not data.signals:
        lay_out(fig, 88, 40, data.caption)
        draw_note(fig, "The model predicts no signal.")
        return
    panels = data.latents or ("none",)
    columns = min(len(panels), MAX_COLUMNS)
    rows_each = -(-len(panels) // columns)
    rows = rows_each * len(data.signals)
    width = panel_width(columns)
    ncols = legend_columns(data.conditions, width)
    held = "Other latents at their mean. Grey: where the data lie."
    caption = (
        f"{held if data.latents else 'The signal network reads no open latent.'} {data.caption}"
    )
    lay_out(fig, width, 16 + 3.4 * -(-len(data.conditions) // ncols) + 38 * rows, caption)
    grid = fig.subplots(rows, columns, squeeze=False)
    for i, name in enumerate(data.signals):
        axes = list(grid[i * rows_each : (i + 1) * rows_each].flat)
        for spare in axes[len(panels) :]:
            spare.remove()
        axes = axes[: len(panels)]
        for ax, panel in zip(axes, panels, strict=True):
            here = pick(data.lines, panel=panel, signal=name)
            if data.latents:
                _draw_lines(ax, here, panel, data.conditions)
            else:
                _draw_points(ax, here, data.conditions)
        share_heights(axes)
        for ax in axes[::columns]:
            ax.set_ylabel(f"predicted {signal_label(name)}")
    handles = grid[0, 0].get_legend_handles_labels()
    fig.legend(*handles, loc="outside upper center", ncols=ncols)


def _draw_lines(
    ax: Axes, here: pd.DataFrame, latent: str, conditions: tuple[Condition, ...]
) -> None:
    for condition in conditions:
        line = pick(here, condition=condition.label)
        ax.plot(column(line, latent), column(line, "predicted"), **look(condition))
    one = pick(here, condition=conditions[0].label)
    draw_share(ax, column(one, latent), column(one, "share_of_trials"))
    ax.set_xlabel(symbol(latent))
    ax.margins(x=0.02)


def _draw_points(ax: Axes, here: pd.DataFrame, conditions: tuple[Condition, ...]) -> None:
    """Without open latents there is one number for each condition."""
    for i, condition in enumerate(conditions):
        colour = look(condition)["color"]
        face = colour if condition.outcome_number == 0 else "white"
        value = column(pick(here, condition=condition.label), "predicted")
        ax.plot([i], value, "o", color=colour, markerfacecolor=face, markersize=5,
                label=condition.label)  # fmt: skip
    ax.set_xticks([])
    ax.margins(x=0.2, y=0.15)
    ax.set_xlabel("choice and outcome")
