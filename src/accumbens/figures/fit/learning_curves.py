"""How training went: every term of the loss at every gradient step, by stage and seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..labels import counted
from ..rows import column, combinations, pick
from ..style import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PAGE_MM,
    PURPLE,
    VERMILLION,
    draw_note,
    lay_out,
    share_heights,
    styled,
)

SeedHistory = Mapping[str, Mapping[str, Float[np.ndarray, " step"]]]
"""One seed's terms of the loss at every step, by stage (in order) and term."""

MAX_POINTS = 400
"""Longer stages are drawn as means of as many steps as bring a line below this length."""

SPIKE = 2.0
"""A term that rises, on less than 2 % of its points, so many times above all others is cut off."""

MIN_PENALTY = 1e-5
"""Penalties below this share of the highest are out of the picture."""

_FITS: dict[str, tuple[Any, str]] = {
    "loss": (GREY, "loss"),
    "choice_nll": (BLACK, "choice, −log p (nats)"),
    "signal_mse": (PURPLE, "signal, error² (variances)"),
}
_PENALTY_COLOURS = {"latent": BLACK, "update": BLUE, "choice": VERMILLION, "signal": GREEN}
_PENALTY_LINES: dict[str, Any] = {"observation": (0, (4, 1.6)), "subject": (0, (1, 1.3))}
_PENALTY = "penalty_"


class LearningCurvesData(NamedTuple):
    """One row a step: seed, stage, step (from 1, in its stage), then a column for each term.

    Terms that a stage does not have are NaN.
    """

    steps: pd.DataFrame
    stages: tuple[str, ...]
    terms: tuple[str, ...]
    caption: str

    def table(self) -> pd.DataFrame:
        return self.steps


def learning_curves_data(histories: Sequence[SeedHistory]) -> LearningCurvesData:
    """The histories of one or several seeds of the same recipe, as `DisRNNFit.history` has them."""
    parts = []
    for seed, history in enumerate(histories):
        for stage, terms in history.items():
            n = max((len(values) for values in terms.values()), default=0)
            if n:
                head = {"seed": seed, "stage": stage, "step": np.arange(1, n + 1)}
                parts.append(pd.DataFrame(head | {k: np.asarray(v) for k, v in terms.items()}))
    columns = ["seed", "stage", "step"]
    steps = (
        pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=pd.Index(columns))
    )
    terms = tuple(name for name in steps.columns if name not in columns)
    stages = tuple(stage for (stage,) in combinations(steps, "stage"))
    return LearningCurvesData(steps, stages, terms, f"{counted(len(histories), 'seed')} overlaid.")


@styled
def draw_learning_curves(data: LearningCurvesData, fig: Figure) -> None:
    """A column of panels for each stage: above what is fitted, below what information costs."""
    if not data.stages:
        lay_out(fig, 88, 40, data.caption)
        draw_note(fig, "No step was taken.")
        return
    penalties = [
        name
        for name in data.terms
        if name.startswith(_PENALTY) and (column(data.steps, name) > 0).any()
    ]
    rows = 1 + bool(penalties)
    blocks = [
        -(-int(column(pick(data.steps, stage=stage), "step").max()) // MAX_POINTS)
        for stage in data.stages
    ]
    caption = data.caption + (
        f" Lines: means of up to {max(blocks)} steps." if max(blocks) > 1 else ""
    )
    width = {1: 125.0, 2: 150.0}.get(len(data.stages), PAGE_MM)
    lay_out(fig, width + 6 * (len(data.stages) > 3), 14 + 46 * rows, caption)
    grid = fig.subplots(rows, len(data.stages), squeeze=False, sharex="col")
    for i, stage in enumerate(data.stages):
        here = pick(data.steps, stage=stage)
        seeds = [seed for (seed,) in combinations(here, "seed")]
        for name in data.terms:
            values = column(here, name)
            below = name.startswith(_PENALTY)
            if np.isnan(values).all() or (below and name not in penalties):
                continue
            colour, dashes, label = _look(name)
            for seed in seeds:
                ax: Axes = grid[int(below), i]
                one = pick(here, seed=seed)
                at, mean = _blocks(column(one, "step"), column(one, name), blocks[i])
                mean = np.where(mean > 0, mean, np.nan) if below else mean
                ax.plot(at, mean, color=colour, linestyle=dashes, linewidth=0.9,
                        alpha=1.0 if len(seeds) == 1 else 0.65,
                        label=label)  # fmt: skip
        _without_spikes(grid[0, i])
        grid[0, i].set_title(stage.replace("_", " "))
        grid[-1, i].set_xlabel("gradient step")
    grid[0, 0].set_ylabel("terms of the loss")
    if penalties:
        grid[1, 0].set_ylabel("penalties (nats, weighted)")
        for ax in grid[1]:
            ax.set_yscale("log")
        share_heights(list(grid[1]))
        highest = float(np.nanmax(data.steps[penalties].to_numpy()))
        bottom, _ = grid[1, 0].get_ylim()
        for ax in grid[1]:
            ax.set_ylim(bottom=max(bottom, highest * MIN_PENALTY))
    for row in grid:
        found: dict[str, Any] = {}
        for ax in row:
            for handle, label in zip(*ax.get_legend_handles_labels(), strict=True):
                found.setdefault(label, handle)
        where = {"loc": "center left", "bbox_to_anchor": (1.0, 0.5)}
        row[-1].legend(list(found.values()), list(found), **where)


def _without_spikes(ax: Axes) -> None:
    """Few points far above all others leave the panel, so that these can be seen."""
    heights = np.concatenate([np.asarray(line.get_ydata(), float) for line in ax.get_lines()])
    heights = heights[np.isfinite(heights)]
    usual = float(np.percentile(heights, 98)) if heights.size else 0.0
    if heights.size and heights.max() > SPIKE * max(usual, 1e-12):
        low = float(heights.min())
        spread = max(usual - low, 0.1 * abs(usual), 1e-12)
        ax.set_ylim(low - 0.05 * spread, low + 1.1 * spread)
        ax.text(0.99, 1.0, f"up to {heights.max():.3g}", ha="right", va="bottom", fontsize=6,
                color="#444444", transform=ax.transAxes)  # fmt: skip


def _blocks(
    step: Float[np.ndarray, " step"] | Any, value: Any, n: int
) -> tuple[np.ndarray, np.ndarray]:
    """Means of n consecutive steps each, the last of those left."""
    starts = np.arange(0, len(step), n)
    counts = np.diff(np.append(starts, len(step)))
    return np.add.reduceat(step, starts) / counts, np.add.reduceat(value, starts) / counts


def _look(name: str) -> tuple[Any, Any, str]:
    """Colour, line and words of a term; a penalty's say who reads (colour) and what (line)."""
    if not name.startswith(_PENALTY):
        colour, label = _FITS.get(name, (ORANGE, name.replace("_", " ")))
        return colour, "-", label
    reader, _, source = name.removeprefix(_PENALTY).partition("_")
    label = f"{reader} ← {source}" if source else f"{reader}s' own"
    return _PENALTY_COLOURS.get(reader, ORANGE), _PENALTY_LINES.get(source, "-"), label
