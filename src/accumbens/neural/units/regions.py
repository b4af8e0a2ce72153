"""Selectivity by brain region: how many units of each region respond to which outcome."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import numpy as np
import pandas as pd

from ...errors import ConfigError
from ...scoring.intervals import wilson_interval

COLUMNS = (
    "region", "contrast", "units", "selective", "fraction", "low", "high", "effect", "positive",
    "negative",
)  # fmt: skip
"""Columns of the summary. units: tested; selective: how many of them are; fraction: their share,
with the ends of its interval; effect: mean over these units, in the signal's unit;
positive, negative: selective units with an effect above or below 0."""


def with_regions(table: pd.DataFrame, regions: Mapping[str, str]) -> pd.DataFrame:
    """The table with a column `region` after the column `unit`.

    Args:
        table: with a column `unit`.
        regions: of units by name; "" for units that are not in it.
    """
    found = table.drop(columns="region", errors="ignore")
    place = found.columns.get_loc("unit")
    found.insert(cast(int, place) + 1, "region", [regions.get(u, "") for u in found["unit"]])
    return found


def selectivity_by_region(table: pd.DataFrame, confidence: float = 0.95) -> pd.DataFrame:
    """How many units of each region are selective, by contrast.

    Intervals of fractions are Wilson's. They take units as independent draws from the region; units
    of one animal or session are more alike than that.

    Args:
        table: of `unit_selectivity`, with a column `region` (see `with_regions`). Without this
            column all units are of one region, "".
        confidence: of the intervals, between 0 and 1.

    Returns:
        One row for each contrast and region, with the columns `COLUMNS`. Contrasts keep their
        order; regions are sorted by name, with unknown ones last.

    Raises:
        ConfigError: columns are missing, or the table has no rows.
    """
    missing = [name for name in ("unit", "contrast", "effect", "selective") if name not in table]
    if missing or not len(table):
        raise ConfigError(
            f"The table is not one of unit_selectivity: it has no {', '.join(missing) or 'rows'}. "
            f"Its columns are {', '.join(map(str, table.columns))}."
        )
    whole = table if "region" in table else with_regions(table, {})
    names = sorted(set(whole["region"]), key=lambda name: (not name, name))
    rows = []
    for contrast in dict.fromkeys(whole["contrast"]):
        for region in names:
            here = whole[(whole["contrast"] == contrast) & (whole["region"] == region)]
            if not len(here):
                continue
            if "untested" in here:
                here = here[here["untested"] == ""]
            if not len(here):
                rows.append((region, contrast, 0, 0, *[np.nan] * 4, 0, 0))
                continue
            effect = np.asarray(here["effect"], float)
            selective = np.asarray(here["selective"], bool)
            n, k = len(here), int(selective.sum())
            rows.append(
                (region, contrast, n, k, k / n, *wilson_interval(k, n, confidence),
                 float(effect.mean()), int((selective & (effect > 0)).sum()),
                 int((selective & (effect < 0)).sum()))
            )  # fmt: skip
    return pd.DataFrame(rows, columns=pd.Index(COLUMNS))
