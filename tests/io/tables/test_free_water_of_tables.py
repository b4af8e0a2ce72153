"""Water given freely in trial tables: counted by hand, said by fit and convert."""

import json

import numpy as np
import pandas as pd
import pytest

from accumbens.io.tables.files import write_table
from accumbens.io.tables.format import TableFormat
from accumbens.io.tables.free_water import free_water_of_table
from accumbens.io.trial_sources import read_sources
from accumbens.run.credit.analysis import run_credit
from accumbens.run.credit.config import CreditConfig
from accumbens.run.fit.config import FitConfig
from accumbens.run.fit.pipeline import run_fit

CHOICE = ["left", "left", "right", "right", "", "left", "right", "left"] * 6
COLUMNS = {
    "session": [1] * 24 + [2] * 24, "choice": CHOICE,
    "reward": [1, 0, 1, 0, 0, 0, 0, 0] * 6, "auto_waterL": [1, 1, 1, 0, 1, 0, 0, 1] * 6,
    "auto_waterR": [0, 0, 0, 1, 1, 1, 0, 0] * 6,
}  # fmt: skip
SAID = "18 choices were followed by water given freely (auto_waterL, auto_waterR), which 'reward'"


def written(tmp_path, ending=".csv", **changes):
    path = tmp_path / f"t{ending}"
    write_table(pd.DataFrame(COLUMNS | changes), path)
    return path


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_it_is_said_with_its_numbers(ending, tmp_path):
    said = free_water_of_table(written(tmp_path, ending), TableFormat())
    assert said is not None
    assert said.startswith(f"{SAID} (12 trials) does not count.")


def test_it_is_not_said_where_it_is_counted_or_none(tmp_path):
    for changes in ({"reward": 1}, {"auto_waterL": 0, "auto_waterR": 0}):
        assert free_water_of_table(written(tmp_path, **changes), TableFormat()) is None
    named = TableFormat(outcome=("reward", "auto_waterL", "auto_waterR"))
    assert free_water_of_table(written(tmp_path), named) is None
    assert free_water_of_table(written(tmp_path), TableFormat(outcome=("none",))) is None


def test_sides_that_nobody_knows_are_named(tmp_path):
    codes = {"left": "A", "right": "B", "": ""}
    coded = written(tmp_path, choice=[codes[c] for c in CHOICE])
    said = free_water_of_table(coded, TableFormat(choices=("A", "B")), option="--more-distractors")
    assert said is not None
    assert said.startswith(
        "auto_waterL, auto_waterR say on which side water was given freely, but the codes of the "
        "choices do not say which side they mean. Give the sides as left and right, or 0 and 1"
    )
    assert "(--more-distractors)" in said
    none = written(tmp_path, choice=[codes[c] for c in CHOICE], auto_waterL=0, auto_waterR=0)
    assert free_water_of_table(none, TableFormat(choices=("A", "B"))) is None
    assert SAID in str(free_water_of_table(written(tmp_path), TableFormat()))


def test_credit_says_it(tmp_path, capsys):
    rng = np.random.default_rng(0)
    n = 120
    table = {
        "session": np.repeat([1, 2], n // 2), "choice": rng.choice(["left", "right"], n),
        "reward": rng.integers(0, 2, n), "auto_waterL": 0, "auto_waterR": rng.integers(0, 2, n),
    }  # fmt: skip
    free = (table["choice"] == "right") & (table["auto_waterR"] == 1) & (table["reward"] == 0)
    path = tmp_path / "t.csv"
    write_table(pd.DataFrame(table), path)
    config = CreditConfig("reward", subject=None, trial=None, lags=1, bootstrap=10)
    found = run_credit(path, config, tmp_path / "run")
    said = f"{free.sum()} choices were followed by water given freely (auto_waterL, auto_waterR)"
    (note,) = [w for w in found.warnings if "given freely" in w]
    assert note.startswith(said)
    assert note.endswith("an outcome of its own (--more-distractors), which no choice earned.")
    assert note in json.loads((tmp_path / "run" / "metrics.json").read_text())["warnings"]


def test_fit_and_convert_say_it(tmp_path):
    path = written(tmp_path)
    (note,) = read_sources([path]).notes
    assert note.startswith(f"t.csv: {SAID}")
    run = run_fit(path, FitConfig(models=("naive",), resamples=10), tmp_path / "run")
    assert any(notice.startswith(SAID) for notice in run.metrics["notices"])
