"""Mean response of each unit to each type of outcome: none, controllable, distractor, both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from ...errors import ConfigError
from ...outcomes import outcome_types, type_names
from ...trials import Trials
from ..events.aligned import mean_curve
from .regions import with_regions

COLUMNS = ("unit", "outcome", "trials", "mean", "low", "high")
"""Columns of the table. outcome: its type; mean: in the signal's unit (spikes/s), with the ends of
its interval; trials: with a choice, that type of outcome and a measured signal."""


def outcome_responses(
    trials: Trials,
    *,
    units: Sequence[str] | None = None,
    regions: Mapping[str, str] | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """The mean response of each unit to each type of outcome.

    The interval is mean -+ t_{n-1} SD / sqrt(n) over the n trials of the type, taken as
    independent. Slow drifts of a unit make it too short to test with; `unit_selectivity` tests.

    Args:
        trials: with the units' rates as signals, and outcomes of 0 and 1.
        units: names of the signals to use; all by default.
        regions: brain region of units by name; adds a column `region`.
        confidence: of the interval, between 0 and 1.

    Returns:
        One row for each unit and type of outcome, with the columns `COLUMNS`. The mean is NaN
        without a measured trial, the interval with fewer than two.

    Raises:
        ConfigError: there are no signals.
        DataError: an outcome is neither 0 nor 1, or a unit is not among the signals.
    """
    names = trials.names.signals if units is None else tuple(units)
    if not names:
        raise ConfigError("These trials have no signals. Name the columns of the units.")
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
