"""What each unit does after each type of outcome: none, controllable, distractor, both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from ...errors import ConfigError
from ...outcomes import outcome_types, type_names
from ...trials import Trials
from ..units.regions import with_regions
from .aligned import mean_curve

COLUMNS = ("unit", "outcome", "trials", "mean", "low", "high")
"""Of the table: outcome is the type; mean in the signal's unit (spikes/s) with the ends of its
interval; trials: those with a choice, that type of outcome and a measured signal."""


def outcome_responses(
    trials: Trials,
    *,
    units: Sequence[str] | None = None,
    regions: Mapping[str, str] | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """The mean response of each unit to each type of outcome: one row a unit and type.

    mean -+ t_{n-1} sd / sqrt(n) over the n trials of the type, taken as independent: the interval
    says how well the mean of these trials is known, and slow drifts of a unit make it too short to
    test with (`unit_selectivity` tests). NaN where fewer than two trials were measured.
    units: signal columns, by default all. regions: of units by name, for a column `region`.
    Raises DataError for outcomes other than 0 and 1, or units that are not there; ConfigError
    where there are no signals.
    """
    names = trials.names.signals if units is None else tuple(units)
    if not names:
        raise ConfigError("These trials have no signals: name the columns of the units.")
    chosen = trials.select_signals(names)
    types, labels = outcome_types(chosen), type_names(chosen.names.outcomes)
    parts = []
    for number, label in enumerate(labels):
        curve = mean_curve(chosen.signal[chosen.valid & (types == number)], confidence)
        parts.append(
            pd.DataFrame(
                {"unit": names, "outcome": label, "trials": curve.n.astype(int),
                 "mean": curve.mean, "low": curve.low, "high": curve.high}
            )
        )  # fmt: skip
    by_unit = np.arange(len(labels) * len(names)).reshape(len(labels), -1).T.ravel()
    table = pd.concat(parts, ignore_index=True).iloc[by_unit].reset_index(drop=True)
    return table if regions is None else with_regions(table, regions)
