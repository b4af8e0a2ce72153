"""What each latent does to the choice: Figure 2b of Jain et al. 2025."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import FigureBase

from ...models.disrnn import DisRNN
from ...trials import Trials
from ..labels import printed, symbol
from ..rows import column, joined, pick
from ..style import (
    BLACK,
    CHOICE_COLOURS,
    GREY,
    LOG_ODDS,
    draw_colour_bar,
    draw_note,
    draw_share,
    grid_shape,
    lay_out,
    panel_width,
    panels,
    share_heights,
    styled,
)
from .visits import Visits, visit

N_PLANE = 25
"""Points along each axis of the map over two latents."""


class ChoiceRuleData(NamedTuple):
    """Log-odds of each further choice against the first, at latents that the data visit.

    Columns of both tables: panel (the latent along the axis; "plane" for the map), each open
    latent's value, choice, against, log_odds, share_of_trials (nearest to this point).
    plane: the map of the last choice's log-odds when exactly two latents are read, else empty.
    latents: those that are drawn: open, and read by the choice network.
    """

    lines: pd.DataFrame
    plane: pd.DataFrame
    latents: tuple[str, ...]
    choices: tuple[str, ...]
    caption: str

    def table(self) -> pd.DataFrame:
        parts = [part for part in (self.lines, self.plane) if len(part)]
        return joined(parts, tuple(self.lines.columns))


def choice_rule_data(model: DisRNN, trials: Trials) -> ChoiceRuleData:
    """The choice network's answer along each open latent that it reads (1st to 99th percentile of
    the data), all other latents at their mean over trials; without noise, multipliers applied.

    log_odds_i = choice_logits_i - choice_logits_first, in nats.
    Raises DataError when the model does not suit the trials.
    """
    seen = visit(model, trials)
    columns = ("panel", *seen.open_names, "choice", "against", "log_odds", "share_of_trials")
    lines, plane = [], []
    read, unread = seen.read_by("choice", ("choice",), "the choice network")
    for k in read:
        grid = seen.grid(k)
        lines += _rows(seen, model.latent_names[k], seen.points({k: grid}), seen.share(k, grid))
    if not lines:
        lines = _rows(seen, "none", seen.points({}), np.ones(1))
    if len(read) == 2:
        k, j = read
        along_k, along_j = seen.grid(k, N_PLANE), seen.grid(j, N_PLANE)
        at_k, at_j = (side.ravel() for side in np.meshgrid(along_k, along_j, indexing="ij"))
        share = seen.share_of_plane(k, j, along_k, along_j).ravel()
        plane = _rows(seen, "plane", seen.points({k: at_k, j: at_j}), share)[-1:]
    return ChoiceRuleData(
        joined(lines, columns), joined(plane, columns),
        tuple(model.latent_names[k] for k in read), seen.choices,
        unread + seen.caption,
    )  # fmt: skip


def _rows(
    seen: Visits, panel: str, points: Float[np.ndarray, "point latent"],
    share: Float[np.ndarray, " point"],
) -> list[pd.DataFrame]:  # fmt: skip
    """A table for each choice but the first."""
    logits = seen.choice_logits(points)
    return [
        pd.DataFrame(
            {
                "panel": panel, **seen.open_values(points), "choice": seen.choices[i],
                "against": seen.choices[0], "log_odds": logits[:, i] - logits[:, 0],
                "share_of_trials": share,
            }
        )
        for i in range(1, len(seen.choices))
    ]  # fmt: skip


@styled
def draw_choice_rule(data: ChoiceRuleData, fig: FigureBase, *, stacked: bool = False) -> None:
    """A panel for each open latent that is read; a map over both when there are two.

    stacked: whether the panels stand above each other.
    """
    first, *others = data.choices
    two = len(others) == 1
    if not data.latents:
        odds = zip(column(data.lines, "choice"), column(data.lines, "log_odds"), strict=True)
        words = ", ".join(f"{choice} {value:.2f}" for choice, value in odds)
        lay_out(fig, 88, 50, data.caption)
        draw_note(
            fig, "The choice network reads no open latent. With all latents at their mean, "
            f"log-odds against {first}: {words}.",
        )  # fmt: skip
        return
    n = len(data.latents) + bool(len(data.plane))
    rows, columns = grid_shape(n, 1 if stacked else 3)
    where = "Grey, dots: where the data lie." if len(data.plane) else "Grey: where the data lie."
    lay_out(
        fig, panel_width(columns), 14 + (30 if stacked else 44) * rows + 6 * (not two),
        f"Other latents at their mean. {where} {data.caption}",
    )  # fmt: skip
    axes = panels(fig, n, columns)
    for ax, latent in zip(axes, data.latents, strict=False):
        here = pick(data.lines, panel=latent)
        for i, choice in enumerate(others, start=1):
            line = pick(here, choice=choice)
            colour = BLACK if two else CHOICE_COLOURS[i % len(CHOICE_COLOURS)]
            ax.plot(
                column(line, latent), column(line, "log_odds"), color=colour, label=printed(choice)
            )
        one = pick(here, choice=others[0])
        draw_share(ax, column(one, latent), column(one, "share_of_trials"))
        ax.axhline(0, color=GREY, linewidth=0.6, linestyle=":")
        ax.set_xlabel(symbol(latent))
        ax.margins(x=0.02)
    share_heights(axes[: len(data.latents)])
    for ax in axes[: len(data.latents) : columns]:
        ax.set_ylabel(
            printed(
                f"log-odds of {others[0]}\nagainst {first}" if two else f"log-odds against {first}"
            )
        )
    if not two:
        fig.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=6)
    if len(data.plane):
        _draw_plane(data, axes[-1], fig)


def _draw_plane(data: ChoiceRuleData, ax: Axes, fig: FigureBase) -> None:
    across, up = data.latents
    shape = (N_PLANE, N_PLANE)
    x, y = (column(data.plane, name).reshape(shape) for name in (across, up))
    odds, share = (
        column(data.plane, name).reshape(shape) for name in ("log_odds", "share_of_trials")
    )
    limit = max(float(np.abs(odds).max()), 1e-6)
    mesh = ax.pcolormesh(
        x, y, odds, cmap=LOG_ODDS, vmin=-limit, vmax=limit, shading="gouraud", rasterized=True
    )
    if odds.min() < 0 < odds.max():
        ax.contour(x, y, odds, levels=[0.0], colors=BLACK, linewidths=0.8, linestyles="--")
    size = 20 * share / max(share.max(), 1e-12)
    ax.scatter(x, y, s=size, color=BLACK, alpha=0.5, linewidths=0)
    ax.set_xlabel(symbol(across))
    ax.set_ylabel(symbol(up))
    first, last = data.choices[0], data.choices[-1]
    draw_colour_bar(fig, mesh, [ax], printed(f"log-odds of {last}\nagainst {first}"))
