"""Responses to types of outcome, and the summary by region, against numbers worked out by hand."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from accumbens.errors import ConfigError, DataError
from accumbens.neural.units.outcome_responses import outcome_responses
from accumbens.neural.units.regions import selectivity_by_region, with_regions
from accumbens.trials import TrialNames, trials_from_arrays


def few_trials(outcome=((0, 0), (0, 0), (1, 0), (1, 0), (1, 0), (0, 1), (1, 1), (1, 1))):
    """One session; the last trial was missed; unit b was not measured on the first."""
    rates = np.array([[1, 3, 4, 6, 8, 7, 9, 99.0], [np.nan, 2, 2, 2, 2, 5, 5, 99.0]]).T[None]
    choice = np.array([[0, 1, 0, 1, 0, 1, 0, -1]], np.int32)
    names = TrialNames(outcomes=("controllable", "distractor"), signals=("a", "b"))
    return trials_from_arrays(choice, np.array([outcome], float), signal=rates, names=names)


def test_means_and_intervals_of_each_type():
    table = outcome_responses(few_trials(), regions={"b": "ACB"})
    assert list(table) == ["unit", "region", "outcome", "trials", "mean", "low", "high"]
    assert table["unit"].tolist() == ["a"] * 4 + ["b"] * 4
    assert table["region"].tolist() == [""] * 4 + ["ACB"] * 4
    assert table["outcome"].tolist() == ["none", "controllable", "distractor", "both"] * 2
    assert table["trials"].tolist() == [2, 3, 1, 1, 1, 3, 1, 1]
    assert table["mean"].tolist() == [2, 6, 7, 9, 2, 2, 5, 5]
    half = stats.t.ppf(0.975, 2) * 2 / np.sqrt(3)  # 4, 6, 8: SD 2
    assert table.loc[1, ["low", "high"]].tolist() == pytest.approx([6 - half, 6 + half])
    assert table["low"].isna().tolist() == [False, False, True, True, True, False, True, True]
    assert table.loc[5, ["low", "high"]].tolist() == [2, 2]
    only = outcome_responses(few_trials(), units=["b"])
    assert list(only)[:2] == ["unit", "outcome"]
    assert len(only) == 4


def test_intervals_cover():
    """Of 400 units with a mean of 5 in each type, 95 % of the intervals hold it."""
    rng = np.random.default_rng(0)
    names = TrialNames(outcomes=("reward",), signals=tuple(map(str, range(400))))
    trials = trials_from_arrays(
        np.zeros((1, 40), np.int32), (rng.random((1, 40, 1)) < 0.5).astype(float),
        signal=rng.normal(5, 2, (1, 40, 400)), names=names,
    )  # fmt: skip
    table = outcome_responses(trials)
    covered = ((table["low"] <= 5) & (table["high"] >= 5)).mean()
    assert covered == pytest.approx(0.95, abs=3.3 * (0.05 * 0.95 / 800) ** 0.5)


def test_outcomes_without_types():
    amounts = few_trials(np.array([[0, 0.5]] * 8))
    with pytest.raises(DataError, match="Outcome types need outcomes of 0 and 1, but distractor"):
        outcome_responses(amounts)
    with pytest.raises(ConfigError, match=r"These trials have no signals\. Name the columns"):
        outcome_responses(few_trials(), units=[])


def ten_units():
    """Ten units: a to d in ACB, e to h in MOs, i and j who knows where."""
    effect = [3.0, -1.0, 0.0, 0.0, 1.0, 1.0, 1.0, 5.0, -2.0, 2.0]
    selective = [True, True, False, False, False, False, False, True, False, False]
    table = pd.DataFrame(
        {"unit": list("abcdefghij"), "contrast": "reward", "effect": effect,
         "selective": selective}
    )  # fmt: skip
    again = table.assign(contrast="puff", effect=0.0, selective=False)
    regions = dict.fromkeys("abcd", "ACB") | dict.fromkeys("efgh", "MOs")
    return with_regions(pd.concat([table, again], ignore_index=True), regions)


def test_the_summary_by_region():
    found = selectivity_by_region(ten_units())
    assert found["contrast"].tolist() == ["reward"] * 3 + ["puff"] * 3
    assert found["region"].tolist() == ["ACB", "MOs", ""] * 2
    assert found["units"].tolist() == [4, 4, 2] * 2
    assert found["selective"].tolist() == [2, 1, 0, 0, 0, 0]
    assert found["fraction"].tolist() == [0.5, 0.25, 0, 0, 0, 0]
    assert found["effect"].tolist() == [0.5, 2, 0, 0, 0, 0]
    assert found["positive"].tolist() == [1, 1, 0, 0, 0, 0]
    assert found["negative"].tolist() == [1, 0, 0, 0, 0, 0]
    for row in found.itertuples():
        expected = proportion_confint(row.selective, row.units, method="wilson")
        assert (row.low, row.high) == pytest.approx(expected, abs=1e-12)


def test_without_regions_all_units_are_of_one():
    found = selectivity_by_region(ten_units().drop(columns="region"))
    assert found["region"].tolist() == ["", ""]
    assert found["units"].tolist() == [10, 10]
    with pytest.raises(ConfigError, match=r"it has no effect\. Its columns are unit,"):
        selectivity_by_region(ten_units().drop(columns="effect"))
    with pytest.raises(ConfigError, match="it has no rows"):
        selectivity_by_region(ten_units().head(0))
