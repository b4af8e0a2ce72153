"""Which parameters differ between two levels: estimates of animals, difference of the group."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.figure import Figure

from ..labels import printed
from ..rows import column, pick
from ..style import BLACK, GREY, ORANGE, PAGE_MM, PALE, lay_out, styled
from ..units import parameter_label

COLUMNS_OF_PANELS = 4
ROOM = 1.0
"""Beyond the group's medians and interval, in their range: animals farther out are at the edge."""


class ContrastData(NamedTuple):
    """One row an animal and parameter: subject, parameter, reference, other, difference (NaN where
    an animal has one level); then of the group: group_reference, group_other, group_difference,
    group_low, group_high, p, p_family."""

    estimates: pd.DataFrame
    levels: tuple[str, str]
    model: str
    caption: str

    def table(self) -> pd.DataFrame:
        return self.estimates


def contrast_data(found: Mapping[str, Any], model: str) -> ContrastData:
    """The estimates of a contrast.

    found: what `metrics.json` holds under `contrast.models.<model>`. model: what the fit is called.
    """
    test = found["animals"]
    rows = [
        {
            "subject": subject, "parameter": name,
            **{key: own[key] for key in ("reference", "other", "difference")},
            **{f"group_{key}": found["parameters"][name][key]
               for key in ("reference", "other", "difference", "low", "high")},
            "p": test["p"][name], "p_family": test["p_family"][name],
        }
        for subject, each in found["subjects"].items()
        for name, own in each.items()
    ]  # fmt: skip
    table = pd.DataFrame(rows)
    numbers = [name for name in table if name not in ("subject", "parameter")]
    table = table.astype(dict.fromkeys(numbers, float))
    notes = " ".join(found["notes"])
    caption = f"{found['sentence']}. Null hypothesis: {test['null']}. {notes}".strip()
    first, second = found["levels"]
    return ContrastData(table, (first, second), model, caption)


@styled
def draw_contrast(data: ContrastData, fig: Figure) -> None:
    """For each parameter, above, every animal's estimates at both levels; below, differences."""
    names = list(dict.fromkeys(data.estimates["parameter"]))
    n_columns = min(len(names), COLUMNS_OF_PANELS)
    n_rows = -(-len(names) // COLUMNS_OF_PANELS)
    words = (
        f"{data.model}. Above, grey: what each animal's own data say (the other parameters under "
        "the group); orange: the group's median. Below: differences of animals (grey) and of the "
        "group (orange) with its 95 % interval over animals; p: exact test over animals, all "
        "parameters one family. Animals far out are drawn to the edge."
    )
    lay_out(fig, PAGE_MM, 30 + 78 * n_rows, f"{words} {data.caption}")
    axes = fig.subplots(2 * n_rows, n_columns, squeeze=False, height_ratios=[3, 2] * n_rows)
    for i in range(n_rows * n_columns):
        above, below = (axes[2 * (i // n_columns) + k, i % n_columns] for k in (0, 1))
        if i >= len(names):
            above.remove()
            below.remove()
            continue
        rows = pick(data.estimates, parameter=names[i])
        _draw_levels(above, rows, names[i], data.levels)
        _draw_difference(below, rows)
        if not i % n_columns:
            below.set_ylabel("difference")


def _draw_levels(panel: Any, rows: pd.DataFrame, name: str, levels: tuple[str, str]) -> None:
    at = np.stack([column(rows, "reference"), column(rows, "other")])
    group = rows.iloc[0]
    medians = np.array([group["group_reference"], group["group_other"]])
    near = [*medians, group["group_reference"] + group["group_low"],
            group["group_reference"] + group["group_high"]]  # fmt: skip
    low, high = _limits(near, at)
    paired = np.isfinite(at.sum(0)).any()
    aside = 0.0 if paired else np.linspace(-0.12, 0.12, at.shape[1])
    drawn = np.clip(at, low, high)
    panel.plot([0, 1], drawn, color=GREY, linewidth=0.7)
    for x in (0, 1):
        panel.plot(x + aside + np.zeros(at.shape[1]), drawn[x], "o", color=GREY, markersize=3)
    panel.plot([0, 1], medians, "o-", color=ORANGE, linewidth=1.6, markersize=4.5)
    panel.set_ylim(low, high)
    panel.set_xlim(-0.4, 1.4)
    panel.set_xticks([0, 1], [printed(level) for level in levels])
    panel.set_ylabel(parameter_label(name))


def _draw_difference(panel: Any, rows: pd.DataFrame) -> None:
    group, own = rows.iloc[0], column(rows, "difference")
    own = np.sort(own[np.isfinite(own)])
    middle, *ends = (group[f"group_{x}"] for x in ("difference", "low", "high"))
    low, high = _limits([0.0, middle, *ends], own)
    panel.axhline(0, color=PALE, linewidth=0.8, zorder=0)
    panel.plot(np.linspace(-0.15, 0.15, len(own)), np.clip(own, low, high), "o", color=GREY,
               markersize=3)  # fmt: skip
    panel.plot([0.5, 0.5], ends, color=ORANGE, linewidth=1.6)
    panel.plot(0.5, middle, "o", color=ORANGE, markersize=4.5)
    panel.set_ylim(low, high)
    panel.set_xlim(-0.4, 0.9)
    ticks = {0: "animals", 0.5: "group"} if len(own) else {0.5: "group"}
    panel.set_xticks([*ticks], [*ticks.values()])
    p = group["p_family"]
    panel.set_title("" if np.isnan(p) else f"p = {p:.3g}", color=BLACK, fontsize=6.5)


def _limits(near: list[float], own: Float[np.ndarray, ...]) -> tuple[float, float]:
    """The range of the group, and of animals that are not far out."""
    inside = np.array([x for x in near if np.isfinite(x)] or [0.0])
    known = own[np.isfinite(own)]
    low, high = inside.min(), inside.max()
    room = ROOM * max(high - low, 0.05 * max(abs(low), abs(high)), 1e-9)
    bottom = max(min([low, *known]), low - room)
    top = min(max([high, *known]), high + room)
    margin = 0.05 * max(top - bottom, 1e-9)
    return float(bottom - margin), float(top + margin)
