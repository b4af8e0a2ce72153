"""How strong the penalties should be: held-out likelihood and what stays open along the path."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullLocator

from ...errors import ConfigError
from ..rows import column
from ..style import BLACK, COLUMN_MM, GREEN, GREY, PURPLE, VERMILLION, lay_out, styled


class PenaltyPathData(NamedTuple):
    """One row a factor, rising: factor, mean, standard_error, n_open_latents, n_open_bottlenecks
    (NaN if not counted), best, chosen (True in one row each)."""

    path: pd.DataFrame
    caption: str

    def table(self) -> pd.DataFrame:
        return self.path


def penalty_path_data(
    factors: Float[np.ndarray, " factor"],
    mean: Float[np.ndarray, " factor"],
    standard_error: Float[np.ndarray, " factor"],
    n_open_latents: Float[np.ndarray, " factor"],
    best: int,
    chosen: int,
    n_open_bottlenecks: Float[np.ndarray, " factor"] | None = None,
    caption: str = "",
) -> PenaltyPathData:
    """The path from weak to strong penalties.

    factors: multiples of all penalties, above 0. mean: held-out normalized likelihood.
    standard_error: of its difference from the best factor's (0 there). n_open_latents,
    n_open_bottlenecks: means over folds. best, chosen: indices of the most likely factor and of the
    one-standard-error choice.
    Raises ConfigError for a factor that is not above 0, or an index beyond the path.
    """
    if not (factors > 0).all():
        raise ConfigError(f"Penalty factors are {factors.tolist()}; each must be above 0.")
    for name, index in (("best", best), ("chosen", chosen)):
        if not 0 <= index < len(factors):
            raise ConfigError(f"{name} is {index}, but there are {len(factors)} factors (from 0).")
    rows = np.arange(len(factors))
    table = pd.DataFrame(
        {
            "factor": factors, "mean": mean, "standard_error": standard_error,
            "n_open_latents": n_open_latents,
            "n_open_bottlenecks": np.nan if n_open_bottlenecks is None else n_open_bottlenecks,
            "best": rows == best, "chosen": rows == chosen,
        }
    ).sort_values("factor", ignore_index=True)  # fmt: skip
    return PenaltyPathData(table, caption)


@styled
def draw_penalty_path(data: PenaltyPathData, fig: Figure) -> None:
    """Above the likelihood, below what is open; the chosen factor is marked in both."""
    path = data.path
    best, chosen = path[path["best"]].iloc[0], path[path["chosen"]].iloc[0]
    rule = "Bars: standard error of the difference from the best. Chosen: the strongest penalties "
    lay_out(fig, COLUMN_MM, 88, f"{rule}whose bar reaches the best. {data.caption}".strip())
    above, below = fig.subplots(2, 1, sharex=True, height_ratios=[1.25, 1])
    above.errorbar(path["factor"], path["mean"], path["standard_error"], fmt="o-", color=BLACK,
                   capsize=2, elinewidth=0.8, capthick=0.8)  # fmt: skip
    above.axhline(best["mean"], color=GREY, linewidth=0.6, linestyle=":")
    above.plot(best["factor"], best["mean"], "*", color=GREEN, markersize=9, label="best", zorder=3)
    above.plot(chosen["factor"], chosen["mean"], "o", color=VERMILLION, markersize=9,
               markerfacecolor="none", markeredgewidth=1.3, label="chosen", zorder=3)  # fmt: skip
    above.set_ylabel("held-out\nnormalized likelihood")
    above.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2)
    above.margins(y=0.12)
    below.plot(path["factor"], path["n_open_latents"], "o-", color=BLACK, label="open latents")
    if np.isfinite(column(path, "n_open_bottlenecks")).any():
        below.plot(path["factor"], path["n_open_bottlenecks"], "s--", color=PURPLE,
                   label="open bottlenecks")  # fmt: skip
        below.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2)
        below.set_ylabel("open")
    else:
        below.set_ylabel("open latents")
    below.set_ylim(0, 1.12 * max(1.0, *below.get_ylim()))
    below.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))
    for ax in (above, below):
        ax.axvline(chosen["factor"], color=VERMILLION, linewidth=0.6, alpha=0.6, zorder=0)
    below.set_xscale("log")
    below.set_xticks(path["factor"], [f"{factor:g}" for factor in path["factor"]])
    below.xaxis.set_minor_locator(NullLocator())
    below.set_xlabel("penalties, as a multiple of those given")
