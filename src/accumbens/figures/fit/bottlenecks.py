"""Which bottlenecks are open: Figures 2a and 3 of Jain et al. 2025."""

from __future__ import annotations

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import FigureBase

from ...models.disrnn import BottleneckRow, DisRNN, bottlenecks
from ...models.disrnn.openness import CLOSED_ABOVE
from ..labels import shortened, symbol
from ..rows import column, combinations, pick
from ..style import OPENNESS, draw_colour_bar, lay_out, styled

_CELL_MM, _MAX_TALL_MM = 5.2, 190.0


def bottlenecks_data(model: DisRNN) -> pd.DataFrame:
    """One row a bottleneck, with the columns of `BottleneckRow`, in the model's own order."""
    return pd.DataFrame(bottlenecks(model), columns=pd.Index(BottleneckRow._fields))


@styled
def draw_bottlenecks(table: pd.DataFrame, fig: FigureBase) -> None:
    """Heat maps of the bottlenecks' noise, dark where open; each column is one input throughout.

    Left, the latents' own. Right, from above: the update networks (a row for each latent), the
    choice network, and the signal networks (a row for each signal).
    """
    own = pick(table, kind="latent")
    names = [name for (name,) in combinations(own, "reader")]
    parts = {kind: pick(table, kind=kind) for kind in ("update", "choice", "signal")}
    parts = {kind: part for kind, part in parts.items() if len(part)}
    read = [name for part in parts.values() for (name,) in combinations(part, "input")]
    inputs = list(dict.fromkeys(read))
    heights = [len(combinations(part, "reader")) for part in parts.values()]
    noise = column(own, "noise")
    n_open = int((noise <= CLOSED_ABOVE).sum())
    cell = min(_CELL_MM, _MAX_TALL_MM / sum(heights))
    readers = [name for part in parts.values() for (name,) in combinations(part, "reader")]
    lay_out(
        fig, 56 + _CELL_MM * (len(inputs) + 1) + _room(readers),
        27 + 6 * len(heights) + cell * sum(heights) + _room(inputs),
        f"{n_open} of {len(own)} latents carry information (own noise at most {CLOSED_ABOVE:g}). "
        "Hatched: not an input.",
    )  # fmt: skip
    grid = fig.add_gridspec(len(heights), 2, width_ratios=[1, len(inputs)], height_ratios=heights)
    left = fig.add_subplot(grid[0, 0])
    _heat_map(left, noise[:, None], names, ["own"])
    left.set_title("Latents")
    titles = {
        "update": "Update networks", "choice": "Choice network",
        "signal": "Signal networks" if heights[-1] > 1 else "Signal network",
    }  # fmt: skip
    axes = []
    for i, (kind, part) in enumerate(parts.items()):
        ax = fig.add_subplot(grid[i, 1])
        readers = [name for (name,) in combinations(part, "reader")]
        cells = np.full((len(readers), len(inputs)), np.nan)
        for reader, source, value in combinations(part, "reader", "input", "noise"):
            cells[readers.index(reader), inputs.index(source)] = value
        mesh = _heat_map(ax, cells, readers, inputs)
        ax.set_title(titles[kind])
        ax.tick_params(labelbottom=i == len(heights) - 1)
        axes.append(ax)
    axes[-1].set_xlabel("input")
    bar = draw_colour_bar(
        fig, mesh, axes, "noise σ (0 open, 1 closed)", min(1.0, 10 / sum(heights))
    )
    bar.set_ticks([0, 0.5, 1])


def _room(names: list[str]) -> float:
    """Millimetres that long names need beyond the usual ones."""
    return 1.5 * max(0, *(len(shortened(name)) - 10 for name in names))


def _heat_map(ax: Axes, noise: Float[np.ndarray, "row col"], rows: list[str], columns: list[str]):
    """Cells with names along both axes; where there is no bottleneck, the axes' hatching shows."""
    mesh = ax.pcolormesh(
        np.ma.masked_invalid(noise), cmap=OPENNESS, vmin=0, vmax=1, edgecolors="#B8C4CE",
        linewidth=0.4,
    )  # fmt: skip
    ax.patch.set(hatch="/////", edgecolor="#D0D0D0", linewidth=0)
    ax.invert_yaxis()
    ax.set_yticks(np.arange(len(rows)) + 0.5, [symbol(name) for name in rows])
    ax.set_xticks(np.arange(len(columns)) + 0.5, [symbol(name) for name in columns])
    for label, name in zip(ax.get_xticklabels(), columns, strict=True):
        label.set_rotation(90 if len(name) > 4 else 0)
    ax.tick_params(length=0, pad=2)
    ax.spines[:].set_visible(False)
    return mesh
