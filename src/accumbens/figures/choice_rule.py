"""What each latent does to the choice: Figure 2b of Jain et al. 2025."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..models.disrnn import DisRNN
from ..trials import Trials
from .labels import symbol
from .style import (
    BLACK,
    CHOICE_COLOURS,
    GREY,
    LOG_ODDS,
    PAGE_MM,
    draw_note,
    draw_share,
    grid_shape,
    lay_out,
    panels,
    styled,
)
from .visits import Visits, visit

N_PLANE = 31
"""Points along each axis of the map over two latents."""


class ChoiceRuleData(NamedTuple):
    """Log-odds of each further choice against the first, at latents that the data visit.

    Columns of both tables: panel (the latent along the axis; "plane" for the map), each open
    latent's value, choice, against, log_odds, share_of_trials (nearest to this point).
    plane: the map of the last choice's log-odds when exactly two latents are open, else empty.
    """

    lines: pd.DataFrame
    plane: pd.DataFrame
    latents: tuple[str, ...]
    choices: tuple[str, ...]
    caption: str

    def table(self) -> pd.DataFrame:
        return pd.concat([self.lines, self.plane], ignore_index=True)


def choice_rule_data(model: DisRNN, trials: Trials) -> ChoiceRuleData:
    """The choice network's answer along each open latent (1st to 99th percentile of the data),
    all other latents at their mean over trials; without noise, multipliers applied.

    log_odds_i = choice_logits_i - choice_logits_first, in nats.
    Raises DataError when the model does not suit the trials.
    """
    seen = visit(model, trials)
    lines = []
    for k in seen.open.tolist():
        grid = seen.grid(k)
        name = model.latent_names[k]
        lines.append(_rows(seen, name, seen.points({k: grid}), seen.share(k, grid)))
    if not lines:
        lines.append(_rows(seen, "none", seen.points({}), np.ones(1)))
    plane = lines[0].iloc[:0]
    if len(seen.open) == 2:
        k, l = seen.open.tolist()
        along_k, along_l = seen.grid(k, N_PLANE), seen.grid(l, N_PLANE)
        at_k, at_l = (side.ravel() for side in np.meshgrid(along_k, along_l, indexing="ij"))
        share = seen.share_of_plane(k, l, along_k, along_l).ravel()
        plane = _rows(seen, "plane", seen.points({k: at_k, l: at_l}), share)
        plane = plane[plane["choice"] == seen.choices[-1]].reset_index(drop=True)
    return ChoiceRuleData(
        pd.concat(lines, ignore_index=True), plane, seen.open_names, seen.choices, seen.caption
    )


def _rows(
    seen: Visits, panel: str, points: Float[np.ndarray, "point latent"],
    share: Float[np.ndarray, " point"],
) -> pd.DataFrame:  # fmt: skip
    logits = seen.choice_logits(points)
    at = {name: points[:, k] for name, k in zip(seen.open_names, seen.open, strict=True)}
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "panel": panel, **at, "choice": label, "against": seen.choices[0],
                    "log_odds": logits[:, i] - logits[:, 0], "share_of_trials": share,
                },
                index=range(len(points)),
            )
            for i, label in enumerate(seen.choices)
            if i > 0
        ],
        ignore_index=True,
    )  # fmt: skip


@styled
def draw_choice_rule(data: ChoiceRuleData, fig: Figure) -> None:
    """A panel for each open latent; a map over both when there are two."""
    last, first = data.choices[-1], data.choices[0]
    n = len(data.latents) + bool(len(data.plane))
    if n == 0:
        lay_out(fig, 88, 50, data.caption)
        odds = ", ".join(f"{r.choice} {r.log_odds:.2f}" for r in data.lines.itertuples())
        draw_note(
            fig, f"No latent is open: choice probabilities are constant. Log-odds against {first}: "
            f"{odds}.",
        )  # fmt: skip
        return
    rows, columns = grid_shape(n, 3)
    caption = f"Other latents at their mean. Grey: where the data lie. {data.caption}"
    width = {1: 75.0, 2: 125.0}.get(columns, PAGE_MM)
    lay_out(fig, width, 14 + 44 * rows + 6 * (len(data.choices) > 2), caption)
    axes = panels(fig, n, 3)
    for ax, latent in zip(axes, data.latents, strict=False):
        rows_here = data.lines[data.lines["panel"] == latent]
        for i, choice in enumerate(data.choices[1:], start=1):
            line = rows_here[rows_here["choice"] == choice]
            colour = BLACK if len(data.choices) == 2 else CHOICE_COLOURS[i % len(CHOICE_COLOURS)]
            ax.plot(line[latent], line["log_odds"], color=colour, label=choice)
        draw_share(ax, line[latent].to_numpy(), line["share_of_trials"].to_numpy())
        ax.axhline(0, color=GREY, linewidth=0.6, linestyle=":")
        ax.set_xlabel(symbol(latent))
        ax.margins(x=0.02)
        ax.sharey(axes[0])
    for ax in axes[: len(data.latents) : columns]:
        ax.set_ylabel(f"log-odds of {last}\nagainst {first}" if len(data.choices) == 2
                      else f"log-odds against {first}")  # fmt: skip
    if len(data.choices) > 2:
        fig.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=6)
    if len(data.plane):
        _draw_plane(data, axes[-1], fig)


def _draw_plane(data: ChoiceRuleData, ax: Axes, fig: Figure) -> None:
    across, up = data.latents
    wide = data.plane.pivot(index=up, columns=across, values="log_odds")
    x, y, odds = wide.columns.to_numpy(), wide.index.to_numpy(), wide.to_numpy()
    limit = max(float(np.abs(odds).max()), 1e-6)
    mesh = ax.pcolormesh(x, y, odds, cmap=LOG_ODDS, vmin=-limit, vmax=limit, shading="nearest",
                         rasterized=True)  # fmt: skip
    if odds.min() < 0 < odds.max():
        ax.contour(x, y, odds, levels=[0.0], colors=BLACK, linewidths=0.8, linestyles="--")
    share = data.plane["share_of_trials"].to_numpy()
    ax.scatter(
        data.plane[across], data.plane[up], s=14 * share / max(share.max(), 1e-12), color=BLACK,
        alpha=0.55, linewidths=0,
    )  # fmt: skip
    ax.set_xlabel(symbol(across))
    ax.set_ylabel(symbol(up))
    bar = fig.colorbar(mesh, ax=ax, aspect=18, pad=0.03)
    bar.set_label(f"log-odds of {data.choices[-1]} against {data.choices[0]}")
    bar.outline.set_linewidth(0.4)  # pyright: ignore[reportCallIssue]
