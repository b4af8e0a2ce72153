"""Which bottlenecks are open: Figures 2a and 3 of Jain et al. 2025."""

from __future__ import annotations

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..models.disrnn import BottleneckRow, DisRNN, bottlenecks
from ..models.disrnn.describe import CLOSED_ABOVE
from .labels import symbol
from .style import OPENNESS, lay_out, styled

_CELL_MM = 5.2
_MAX_TALL_MM = 190.0


def bottlenecks_data(model: DisRNN) -> pd.DataFrame:
    """One row a bottleneck, with the columns of `BottleneckRow`, in the model's own order."""
    return pd.DataFrame(bottlenecks(model), columns=pd.Index(BottleneckRow._fields))


@styled
def draw_bottlenecks(table: pd.DataFrame, fig: Figure) -> None:
    """Heat maps of the bottlenecks' noise, dark where open; each column is one input throughout.

    Left, the latents' own. Right, from above: the update networks (a row for each latent), the
    choice network, and the signal networks (a row for each signal).
    """
    inputs = list(dict.fromkeys(table[table["kind"].isin(["update", "signal"])]["input"]))
    own = table[table["kind"] == "latent"]
    readers = {kind: table[table["kind"] == kind] for kind in ("update", "choice", "signal")}
    readers = {kind: rows for kind, rows in readers.items() if len(rows)}
    heights = [rows["reader"].nunique() for rows in readers.values()]
    n_open = int((own["noise"] <= CLOSED_ABOVE).sum())
    cell = min(_CELL_MM, _MAX_TALL_MM / sum(heights))
    lay_out(
        fig, 52 + _CELL_MM * (len(inputs) + 1), 33 + cell * sum(heights),
        f"{n_open} of {len(own)} latents are not closed (own noise at most {CLOSED_ABOVE:g}).",
    )  # fmt: skip
    grid = fig.add_gridspec(
        len(heights), 2, width_ratios=[1, len(inputs)], height_ratios=[h + 0.6 for h in heights]
    )
    titles = {
        "update": "Update networks", "choice": "Choice network",
        "signal": "Signal network" + "s" * (heights[-1] > 1),
    }  # fmt: skip
    left = fig.add_subplot(grid[0, 0])
    names = own["reader"].tolist()
    _heat_map(left, own["noise"].to_numpy()[:, None], names, ["own"])
    left.set_title("Latents")
    axes = []
    for i, (kind, rows) in enumerate(readers.items()):
        ax = fig.add_subplot(grid[i, 1])
        wide = rows.pivot_table(index="reader", columns="input", values="noise", sort=False)
        wide = wide.reindex(index=rows["reader"].unique(), columns=pd.Index(inputs))
        mesh = _heat_map(ax, wide.to_numpy(), wide.index.tolist(), inputs)
        ax.set_title(titles[kind])
        if i < len(heights) - 1:
            ax.tick_params(labelbottom=False)
        axes.append(ax)
    axes[-1].set_xlabel("input")
    bar = fig.colorbar(mesh, ax=axes, shrink=min(1.0, 10 / sum(heights)), aspect=14, pad=0.03)
    bar.set_label("noise σ (0 open, 1 closed)")
    bar.set_ticks([0, 0.5, 1])
    bar.outline.set_linewidth(0.4)  # pyright: ignore[reportCallIssue]


def _heat_map(ax: Axes, noise: Float[np.ndarray, "row col"], rows: list[str], columns: list[str]):
    """Cells with names along both axes; cells without a bottleneck are left out."""
    mesh = ax.pcolormesh(
        np.ma.masked_invalid(noise), cmap=OPENNESS, vmin=0, vmax=1, edgecolors="#B8C4CE",
        linewidth=0.4,
    )  # fmt: skip
    ax.invert_yaxis()
    ax.set_yticks(np.arange(len(rows)) + 0.5, [symbol(name) for name in rows])
    turn = {"rotation": 90} if max(map(len, columns)) > 3 else {}
    ax.set_xticks(np.arange(len(columns)) + 0.5, [symbol(name) for name in columns], **turn)
    ax.tick_params(length=0, pad=2)
    ax.spines[:].set_visible(False)
    return mesh
