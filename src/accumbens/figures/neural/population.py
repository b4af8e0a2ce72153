"""All units around an event: baseline-normalised rates as colours, by condition and region."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from matplotlib.figure import Figure

from ...errors import ConfigError
from ...neural.units.responses import UnitResponses
from ..labels import counted, printed
from ..rows import joined
from ..style import BLACK, lay_out, styled
from .event_response import RESPONSES

COLUMNS = ("unit", "region", "condition", "time", "z", "rate")
"""Columns of the table: z in standard deviations of the baseline, rate in spikes/s."""

LIMIT = 97.0
"""Percentile of the sizes at which colours are full."""


class PopulationData(NamedTuple):
    """`z[c, i]`: condition c, i-th unit from the top; `regions`: name and number of rows of each
    block of units, from the top; `ids` in the same order.
    """

    rows: pd.DataFrame
    z: Float[np.ndarray, "condition unit bin"]
    time: Float[np.ndarray, " bin"]
    ids: tuple[str, ...]
    regions: tuple[tuple[str, int], ...]
    conditions: tuple[str, ...]
    n: tuple[int, ...]
    event: str
    caption: str

    def table(self) -> pd.DataFrame:
        return self.rows


def population_data(
    responses: UnitResponses,
    event: str,
    *,
    window: tuple[float, float] = (0.0, 1.0),
    caption: str = "",
) -> PopulationData:
    """The responses, units in order of region and then of mean response in a window.

    The order is that of the mean over conditions, the same in each panel. Units that were silent
    in the baseline cannot be normalised and are left out, which the caption says.
    Raises ConfigError where the window holds no bin or no unit is left.
    """
    inside = (responses.time >= window[0]) & (responses.time < window[1])
    kept = np.flatnonzero(np.isfinite(responses.z).all((0, 2)))
    if not inside.any() or not len(kept):
        raise ConfigError(
            f"No unit fires in the baseline, or the window {window} holds no bin: there is nothing "
            "to draw."
        )
    size = responses.z[:, kept][:, :, inside].mean((0, 2))
    order, regions = _order(np.array(responses.regions)[kept], size)
    kept = kept[order]
    silent = len(responses.ids) - len(kept)
    note = f" {silent} units silent in the baseline are left out." if silent else ""
    parts = []
    for c, condition in enumerate(responses.conditions):
        for u in kept:
            parts.append(
                pd.DataFrame(
                    {"unit": responses.ids[u], "region": responses.regions[u],
                     "condition": condition, "time": responses.time, "z": responses.z[c, u],
                     "rate": responses.rate[c, u]}
                )
            )  # fmt: skip
    return PopulationData(
        joined(parts, COLUMNS), responses.z[:, kept], responses.time,
        tuple(responses.ids[u] for u in kept), regions, responses.conditions, responses.n, event,
        f"{caption}{note}",
    )  # fmt: skip


@styled
def draw_population(data: PopulationData, fig: Figure) -> None:
    """A panel a condition, a row a unit; lines part regions, whose names stand at the left."""
    n, n_units = len(data.conditions), len(data.ids)
    height = float(np.clip(24 + 0.32 * n_units, 45, 150))
    lay_out(
        fig, {1: 75.0, 2: 125.0}.get(n, 180.0), height,
        f"{n_units} units, in order of mean response after the event. {data.caption}",
    )  # fmt: skip
    axes = list(fig.subplots(1, n, squeeze=False, sharex=True, sharey=True).flat)
    limit = float(np.percentile(np.abs(data.z), LIMIT)) or 1.0
    step = data.time[1] - data.time[0] if len(data.time) > 1 else 1.0
    edges = np.append(data.time - step / 2, data.time[-1] + step / 2)
    meshes = []
    for c, ax in enumerate(axes):
        mesh = ax.pcolormesh(
            edges, np.arange(n_units + 1), data.z[c], cmap=RESPONSES, vmin=-limit, vmax=limit,
            rasterized=True,
        )  # fmt: skip
        meshes.append(mesh)
        ax.axvline(0, color=BLACK, linewidth=0.7, linestyle=(0, (3, 2)))
        ax.set_title(f"{printed(data.conditions[c])} ({counted(data.n[c], 'event')})")
        ax.set_xlabel(f"time from {printed(data.event)} (s)")
        for at in np.cumsum([rows for _, rows in data.regions])[:-1]:
            ax.axhline(at, color=BLACK, linewidth=0.5)
    axes[0].set_ylim(n_units, 0)
    named = [(name, rows) for name, rows in data.regions if name]
    if named:
        ends = np.cumsum([rows for _, rows in data.regions])
        middles = ends - np.array([rows for _, rows in data.regions]) / 2
        words = [printed(name or "unknown") for name, _ in data.regions]
        axes[0].set_yticks(
            middles, [f"{w} ({r})" for w, (_, r) in zip(words, data.regions, strict=True)]
        )
        axes[0].tick_params(axis="y", length=0)
    else:
        axes[0].set_ylabel("unit")
    bar = fig.colorbar(
        meshes[0], ax=axes, aspect=20, pad=0.02, shrink=min(1.0, 60 / height), extend="both",
        extendfrac=0.03,
    )  # fmt: skip
    bar.set_label("rate (SD of baseline)")
    bar.outline.set(linewidth=0.4)  # pyright: ignore[reportCallIssue]


def _order(
    regions: np.ndarray, size: Float[np.ndarray, " unit"]
) -> tuple[Int[np.ndarray, " unit"], tuple[tuple[str, int], ...]]:
    """Units by region (known ones first, by name), then from the largest response down."""
    names = sorted({str(r) for r in regions}, key=lambda name: (not name, name))
    place = np.array([names.index(str(r)) for r in regions])
    counts = tuple((name, int((place == i).sum())) for i, name in enumerate(names))
    return np.lexsort((-size, place)), counts
