"""How each latent changes with choice and outcome: the update networks of a disRNN."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ...models.disrnn import DisRNN, bottlenecks
from ...trials import Trials
from ..labels import symbol
from ..rows import column, combinations, joined, pick
from ..style import (
    GREY,
    draw_note,
    draw_share,
    grid_shape,
    lay_out,
    panel_width,
    panels,
    styled,
)
from .conditions import Condition, legend_columns, look
from .visits import Visits, visit

MAX_MODULATORS, MAX_INTERACTIONS = 2, 4
"""Other latents drawn for each update network, and for all of them: those with the most open
bottlenecks."""

PERCENTILES = {"10th percentile": 10, "90th percentile": 90}
_WIDTHS = {"mean": 1.2, "10th percentile": 0.6, "90th percentile": 1.9}


class UpdateRuleData(NamedTuple):
    """Each open latent's value after a trial against its value before, by choice and outcome.

    lines: latent, modulator (another latent that its update network reads; "" for none),
    modulator_at ("mean", "10th percentile", "90th percentile"), condition, old, new, each open
    latent's value, share_of_trials (nearest to the old value).
    """

    lines: pd.DataFrame
    conditions: tuple[Condition, ...]
    caption: str

    def table(self) -> pd.DataFrame:
        return self.lines


def update_rule_data(model: DisRNN, trials: Trials) -> UpdateRuleData:
    """The update network of each open latent along that latent (1st to 99th percentile of the
    data), other latents at their mean; then with each open latent whose bottleneck into this
    network is not closed at its 10th and 90th percentile. Without noise, multipliers applied.

    Raises DataError when the model does not suit the trials.
    """
    seen = visit(model, trials)
    reads, left_out = _modulators(model, seen)
    parts = []
    for k in seen.open.tolist():
        parts += _rows(seen, k, None, "mean", {})
        for j in reads[k]:
            for name, percent in PERCENTILES.items():
                level = float(np.percentile(seen.z[:, j], percent))
                parts += _rows(seen, k, j, name, {j: level})
    columns = (
        "latent", "modulator", "modulator_at", "condition", "old", "new", *seen.open_names,
        "share_of_trials",
    )  # fmt: skip
    caption = seen.conditions_caption
    if any(reads.values()):
        caption += " Low, high: 10th, 90th percentile."
    if left_out:
        caption += f" {left_out} weaker interactions between latents are not drawn."
    return UpdateRuleData(joined(parts, columns), seen.conditions, caption)


def _modulators(model: DisRNN, seen: Visits) -> tuple[dict[int, list[int]], int]:
    """For each open latent, the other open latents that its network reads and that are drawn, most
    open first; and how many are not drawn."""
    number = {name: k for k, name in enumerate(model.latent_names)}
    reads: dict[int, list[int]] = {k: [] for k in seen.open.tolist()}
    rows = [row for row in bottlenecks(model) if row.kind == "update" and row.openness != "closed"]
    left_out = 0
    for row in sorted(rows, key=lambda row: row.noise):
        k, j = number[row.reader], number.get(row.input)
        if k in reads and j in reads and j != k:
            drawn = sum(map(len, reads.values())) < MAX_INTERACTIONS
            if drawn and len(reads[k]) < MAX_MODULATORS:
                reads[k].append(j)
            else:
                left_out += 1
    return reads, left_out


def _rows(
    seen: Visits, k: int, j: int | None, at: str, fixed: dict[int, float]
) -> list[pd.DataFrame]:
    """A table for each condition."""
    grid = seen.grid(k)
    points = seen.points({k: grid, **fixed})
    names = seen.model.latent_names
    return [
        pd.DataFrame(
            {
                "latent": names[k], "modulator": "" if j is None else names[j],
                "modulator_at": at, "condition": condition.label, "old": grid,
                "new": seen.updated(points, condition)[:, k], **seen.open_values(points),
                "share_of_trials": seen.share(k, grid),
            }
        )
        for condition in seen.conditions
    ]  # fmt: skip


@styled
def draw_update_rule(data: UpdateRuleData, fig: Figure) -> None:
    """A panel for each open latent, then one for each other latent that its network reads."""
    if data.lines.empty:
        lay_out(fig, 88, 40, data.caption)
        draw_note(fig, "No latent is open, so there is nothing to update.")
        return
    wanted = combinations(data.lines, "latent", "modulator")
    rows, columns = grid_shape(len(wanted), 2 if len(wanted) == 4 else 3)
    width = panel_width(columns)
    ncols = legend_columns(data.conditions, width)
    lay_out(
        fig, width, 16 + 3.4 * -(-len(data.conditions) // ncols) + 48 * rows,
        "Dotted: no change. Grey: where the data lie. Other latents at their mean. "
        f"{data.caption}",
    )  # fmt: skip
    axes = panels(fig, len(wanted), columns)
    for ax, (latent, modulator) in zip(axes, wanted, strict=True):
        here = pick(data.lines, latent=latent, modulator=modulator)
        _draw_panel(ax, here, data.conditions)
        ax.set_xlabel(f"{symbol(latent)} before the trial")
        ax.set_ylabel(f"{symbol(latent)} after the trial")
        if modulator:
            ax.set_title(f"{symbol(modulator)} low (thin), high (thick)")
    handles = axes[0].get_legend_handles_labels()
    fig.legend(*handles, loc="outside upper center", ncols=ncols)


def _draw_panel(ax: Axes, here: pd.DataFrame, conditions: tuple[Condition, ...]) -> None:
    one = pick(here, condition=conditions[0].label, modulator_at=here["modulator_at"].iloc[0])
    old = column(one, "old")
    ax.plot(old[[0, -1]], old[[0, -1]], color=GREY, linewidth=0.7, linestyle=":")
    for at, width in _WIDTHS.items():
        for condition in conditions:
            line = pick(here, modulator_at=at, condition=condition.label)
            if len(line):
                drawn = (column(line, "old"), column(line, "new"))
                ax.plot(*drawn, linewidth=width, **look(condition))
    draw_share(ax, old, column(one, "share_of_trials"))
    ax.margins(x=0.02)
