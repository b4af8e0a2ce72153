"""How each latent changes with choice and outcome: the update networks of a disRNN."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..models.disrnn import DisRNN, bottlenecks
from ..trials import Trials
from .labels import symbol
from .style import (
    CHOICE_COLOURS,
    GREY,
    OUTCOME_LINES,
    PAGE_MM,
    draw_note,
    draw_share,
    grid_shape,
    lay_out,
    panels,
    styled,
)
from .visits import Condition, Visits, visit

MAX_MODULATORS = 2
"""Other latents drawn for each update network: those with the most open bottlenecks into it."""

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
    reads = _modulators(model, seen)
    parts, left_out = [], 0
    for k in seen.open.tolist():
        parts.append(_rows(seen, k, None, "mean", {}))
        left_out += max(0, len(reads[k]) - MAX_MODULATORS)
        for j in reads[k][:MAX_MODULATORS]:
            for name, percent in PERCENTILES.items():
                level = float(np.percentile(seen.z[:, j], percent))
                parts.append(_rows(seen, k, j, name, {j: level}))
    columns = pd.Index(["latent", "modulator", "modulator_at", "condition", "old", "new",
                        *seen.open_names, "share_of_trials"])  # fmt: skip
    caption = seen.caption
    if left_out:
        caption += f" {left_out} weaker interactions between latents are not drawn."
    lines = pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)
    return UpdateRuleData(lines, seen.conditions, caption)


def _modulators(model: DisRNN, seen: Visits) -> dict[int, list[int]]:
    """For each open latent, the other open latents that its network reads, most open first."""
    number = {name: k for k, name in enumerate(model.latent_names)}
    reads: dict[int, list[int]] = {k: [] for k in seen.open.tolist()}
    rows = [row for row in bottlenecks(model) if row.kind == "update" and row.openness != "closed"]
    for row in sorted(rows, key=lambda row: row.noise):
        k, j = number[row.reader], number.get(row.input)
        if k in reads and j in reads and j != k:
            reads[k].append(j)
    return reads


def _rows(seen: Visits, k: int, j: int | None, at: str, fixed: dict[int, float]) -> pd.DataFrame:
    grid = seen.grid(k)
    points = seen.points({k: grid, **fixed})
    names = seen.model.latent_names
    latents = {name: points[:, i] for name, i in zip(seen.open_names, seen.open, strict=True)}
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "latent": names[k], "modulator": "" if j is None else names[j],
                    "modulator_at": at, "condition": condition.label, "old": grid,
                    "new": seen.updated(points, condition)[:, k], **latents,
                    "share_of_trials": seen.share(k, grid),
                }
            )
            for condition in seen.conditions
        ],
        ignore_index=True,
    )  # fmt: skip


@styled
def draw_update_rule(data: UpdateRuleData, fig: Figure) -> None:
    """A panel for each open latent, then one for each other latent that its network reads."""
    if data.lines.empty:
        lay_out(fig, 88, 40, data.caption)
        draw_note(fig, "No latent is open, so there is nothing to update.")
        return
    wanted = list(data.lines[["latent", "modulator"]].drop_duplicates().itertuples(index=False))
    rows, columns = grid_shape(len(wanted), 2 if len(wanted) == 4 else 3)
    width = {1: 75.0, 2: 125.0}.get(columns, PAGE_MM)
    longest = max(len(condition.label) for condition in data.conditions)
    per_row = max(1, int(width / (12 + 1.25 * longest)))
    legend_rows = -(-len(data.conditions) // per_row)
    caption = (
        f"Dotted: no change. Grey: where the data lie. Other latents at their mean. {data.caption}"
    )
    lay_out(fig, width, 16 + 3.4 * legend_rows + 48 * rows, caption)
    axes = panels(fig, len(wanted), columns)
    for i, (ax, (latent, modulator)) in enumerate(zip(axes, wanted, strict=True)):
        here = data.lines[(data.lines["latent"] == latent) & (data.lines["modulator"] == modulator)]
        _draw_panel(ax, here, data.conditions)
        ax.set_xlabel(f"{symbol(latent)} before the trial")
        ax.set_ylabel(f"{symbol(latent)} after the trial")
        if modulator:
            ax.set_title(f"{symbol(modulator)} at its 10th (thin), 90th percentile (thick)")
        if i == 0:
            handles = ax.get_legend_handles_labels()
    fig.legend(*handles, loc="outside upper center", ncols=per_row)


def _draw_panel(ax: Axes, here: pd.DataFrame, conditions: tuple[Condition, ...]) -> None:
    old = here["old"].drop_duplicates().to_numpy()
    ax.plot(old[[0, -1]], old[[0, -1]], color=GREY, linewidth=0.7, linestyle=":")
    for at, width in _WIDTHS.items():
        for condition in conditions:
            line = here[(here["modulator_at"] == at) & (here["condition"] == condition.label)]
            if len(line):
                ax.plot(
                    line["old"], line["new"], linewidth=width, label=condition.label,
                    color=CHOICE_COLOURS[condition.choice % len(CHOICE_COLOURS)],
                    linestyle=OUTCOME_LINES[condition.outcome_number % len(OUTCOME_LINES)],
                )  # fmt: skip
    draw_share(ax, old, here["share_of_trials"].to_numpy()[: len(old)])
    ax.margins(x=0.02)
