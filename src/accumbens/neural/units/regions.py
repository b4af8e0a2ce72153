"""Units by brain region: where they are, and how many of each region respond to what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import numpy as np
import pandas as pd
from scipy import stats

from ...errors import ConfigError

COLUMNS = (
    "region", "contrast", "units", "selective", "fraction", "low", "high", "effect", "positive",
    "negative",
)  # fmt: skip
"""Of the summary: units tested; how many are selective, their fraction with the ends of its
interval; effect: mean over all units of the region, in the signal's unit; positive, negative:
selective units whose effect is above or below 0."""


def with_regions(table: pd.DataFrame, regions: Mapping[str, str]) -> pd.DataFrame:
    """The table with a column `region` behind `unit`; "" where the region is not known."""
    found = table.drop(columns="region", errors="ignore")
    place = found.columns.get_loc("unit")
    found.insert(cast(int, place) + 1, "region", [regions.get(u, "") for u in found["unit"]])
    return found


def selectivity_by_region(table: pd.DataFrame, confidence: float = 0.95) -> pd.DataFrame:
    """How many units of each region respond to each contrast: one row a contrast and region.

    table: of `unit_selectivity`, with a column `region` (`with_regions`); without one all units are
    of one region, "". Intervals of fractions are Wilson's (1927, J Am Stat Assoc 22:209), in which
    units are draws from the region: units of one animal or session have more in common than that.
    Contrasts keep their order; regions are sorted by name, unknown ones last.
    Raises ConfigError where columns are missing or there is no row.
    """
    missing = [name for name in ("unit", "contrast", "effect", "selective") if name not in table]
    if missing or not len(table):
        raise ConfigError(
            f"This is no table of unit_selectivity: it lacks {missing or 'rows'}; its columns are "
            f"{list(map(str, table.columns))}."
        )
    whole = table if "region" in table else with_regions(table, {})
    names = sorted(set(whole["region"]), key=lambda name: (not name, name))
    rows = []
    for contrast in dict.fromkeys(whole["contrast"]):
        for region in names:
            here = whole[(whole["contrast"] == contrast) & (whole["region"] == region)]
            if not len(here):
                continue
            effect = np.asarray(here["effect"], float)
            selective = np.asarray(here["selective"], bool)
            n, k = len(here), int(selective.sum())
            ends = stats.binomtest(k, n).proportion_ci(confidence, method="wilson")
            rows.append(
                (region, contrast, n, k, k / n, float(ends.low), float(ends.high),
                 float(effect.mean()), int((selective & (effect > 0)).sum()),
                 int((selective & (effect < 0)).sum()))
            )  # fmt: skip
    return pd.DataFrame(rows, columns=pd.Index(COLUMNS))
