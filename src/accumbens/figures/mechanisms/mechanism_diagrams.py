"""Mechanisms that many fits agree on, as small diagrams: what moves each latent, what decides."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse, FancyArrowPatch, FancyBboxPatch

from ...mechanisms.mechanism import Consensus, Mechanism
from ...summary import between
from ..labels import counted, printed, shortened, symbol
from ..rows import pick
from ..style import (
    BLACK,
    GREY,
    LATENT_COLOURS,
    draw_note,
    grid_shape,
    lay_out,
    panel_width,
    panels,
    styled,
)

MOST_DRAWN = 6
"""Mechanisms that are drawn; the rest, which are rarer, are counted."""
CHOICES = "choices"
_LEFT, _MIDDLE, _RIGHT = 0.15, 0.49, 0.84
_THINNEST, _THICKEST = 0.5, 2.6


class MechanismsData(NamedTuple):
    """What each mechanism's diagram shows.

    Attributes:
        arrows: mechanism, found (how often), source, target (`choices` for what is read for them),
            share (of the variance of the latent's changes, or of the log-odds), drawn.
        heads: title and lines below it, of each mechanism drawn.
        caption: how many there are, and what the arrows are.
    """

    arrows: pd.DataFrame
    heads: dict[int, tuple[str, str]]
    caption: str

    def table(self) -> pd.DataFrame:
        return self.arrows


def mechanism_diagrams_data(consensus: Consensus) -> MechanismsData:
    """The inputs and readers of each mechanism's latents, as its representative has them."""
    used, shown = consensus.config.used, consensus.mechanisms[:MOST_DRAWN]
    rows = []
    for m in consensus.mechanisms:
        found = m.anatomy
        for i, latent in enumerate(found.latents):
            for source, share in zip(found.inputs, found.effects[i], strict=True):
                if source != latent:
                    rows.append((m.number, len(m.members), source, latent, float(share)))
            rows.append((m.number, len(m.members), latent, CHOICES, float(found.readout[i])))
    columns = ("mechanism", "found", "source", "target", "share")
    arrows = pd.DataFrame(rows, columns=pd.Index(columns))
    arrows["drawn"] = arrows["share"] > used
    left_out = sum(len(m.members) for m in consensus.mechanisms[MOST_DRAWN:])
    caption = (
        f"Arrows: an input on which more than {used:.0%} of the variance of a latent's changes, or "
        f"of the log-odds of choices, depends; thicker where it is more. "
        f"{counted(consensus.n_fits, 'fit')}."
    )
    if left_out:
        n = len(consensus.mechanisms) - MOST_DRAWN
        caption += f" Not drawn: {counted(n, 'further mechanism')}, of {counted(left_out, 'fit')}."
    return MechanismsData(arrows, {m.number: _head(m, consensus.n_fits) for m in shown}, caption)


def _head(m: Mechanism, n_fits: int) -> tuple[str, str]:
    lines = [] if m.held_out is None else [f"norm. lik. {between(*m.held_out)}"]
    if len(m.r2):
        lines.append(f"R² of members' latents {', '.join(f'{x:.2f}' for x in m.r2)}")
    if m.copies:
        lines.append(f"{m.copies} of {len(m.members)} copy a model")
    return f"{m.number}: {len(m.members)} of {n_fits} fits", "\n".join(lines)


@styled
def draw_mechanism_diagrams(data: MechanismsData, fig: Figure) -> None:
    """A diagram for each mechanism: inputs left, latents in the middle, choices right."""
    if not len(data.heads):
        lay_out(fig, 88, 40, data.caption)
        draw_note(fig, "There is no mechanism.")
        return
    rows, columns = grid_shape(len(data.heads), 3)
    most = max(1, *(_most(data, number) for number in data.heads))
    lay_out(fig, panel_width(columns), 14 + rows * (22 + 11 * most), data.caption)
    for ax, (number, (title, lines)) in zip(
        panels(fig, len(data.heads), columns), data.heads.items(), strict=True
    ):
        ax.set(xlim=(0, 1), ylim=(0, 1), xticks=[], yticks=[])
        ax.spines[:].set_visible(False)
        ax.set_title(title, loc="left", fontweight="bold")
        ax.set_xlabel(lines, loc="left")
        _draw_diagram(ax, pick(data.arrows, mechanism=number))


def _most(data: MechanismsData, number: int) -> int:
    """Nodes of the longest column of a diagram."""
    here = pick(data.arrows, mechanism=number)
    latents = [name for name in dict.fromkeys(here["target"]) if name != CHOICES]
    return max(len(latents), len(set(here["source"]) - set(latents)))


def _draw_diagram(ax: Axes, arrows: pd.DataFrame) -> None:
    latents = [name for name in dict.fromkeys(arrows["target"]) if name != CHOICES]
    outside = [name for name in dict.fromkeys(arrows["source"]) if name not in latents]
    if not latents:
        ax.text(0.5, 0.5, "no latent in use:\nchoices depend on no past trial", ha="center",
                va="center", color=GREY)  # fmt: skip
        return
    at = {name: (_LEFT, y) for name, y in zip(outside, _heights(len(outside)), strict=True)}
    at |= {name: (_MIDDLE, y) for name, y in zip(latents, _heights(len(latents)), strict=True)}
    at[CHOICES] = (_RIGHT, 0.5)
    nodes = {}
    for name, (x, y) in at.items():
        colour = GREY
        if name in latents:
            colour = LATENT_COLOURS[latents.index(name) % len(LATENT_COLOURS)]
        nodes[name] = _draw_node(ax, name, x, y, colour, name in latents)
    for source, target, share, drawn in arrows[["source", "target", "share", "drawn"]].itertuples(
        index=False
    ):
        if not drawn:
            continue
        among = source in latents and target in latents
        colour = LATENT_COLOURS[latents.index(source) % len(LATENT_COLOURS)] if (
            source in latents
        ) else BLACK  # fmt: skip
        width = _THINNEST + (_THICKEST - _THINNEST) * min(share, 1.0)
        ax.add_patch(
            FancyArrowPatch(
                at[source],
                at[target],
                patchA=nodes[source],
                patchB=nodes[target],
                arrowstyle="-|>",
                mutation_scale=5 + 2 * width,
                linewidth=width,
                color=colour,
                shrinkA=1,
                shrinkB=1,
                zorder=1,
                connectionstyle="arc3,rad=0.45" if among else "arc3,rad=0",
            )
        )


def _draw_node(ax: Axes, name: str, x: float, y: float, colour: str, is_latent: bool):
    label = symbol(name) if is_latent else printed(shortened(name.replace("_", " "), 12))
    ax.text(x, y, label, ha="center", va="center", zorder=3, fontsize=6.5)
    if is_latent:
        node = Ellipse((x, y), 0.17, 0.19, facecolor="white", edgecolor=colour, linewidth=1.4)
    else:
        width = min(0.3, 0.09 + 0.022 * len(label))
        node = FancyBboxPatch(
            (x - width / 2, y - 0.055), width, 0.11, boxstyle="round,pad=0.015",
            facecolor="white", edgecolor=colour, linewidth=0.8,
        )  # fmt: skip
    node.set_zorder(2)
    ax.add_patch(node)
    return node


def _heights(n: int) -> list[float]:
    return [0.5] if n == 1 else [0.87 - 0.74 * i / (n - 1) for i in range(n)]
