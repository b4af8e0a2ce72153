"""Many tables joined one at a time give what they give joined in memory."""

import numpy as np
import pandas as pd
import pytest
from pyarrow import parquet

from accumbens.errors import DataError
from accumbens.io.tables import one_by_one
from accumbens.io.tables.files import read_table
from accumbens.io.tables.format import TableFormat
from accumbens.io.tables.one_by_one import are_large, join_one_by_one
from accumbens.io.tables.several import joined_tables
from accumbens.io.tables.trials import from_table
from accumbens.run.fit import several
from accumbens.run.fit.config import FitConfig


@pytest.fixture
def files(tmp_path):
    """A file a session, in CSV and Parquet; types and columns differ between files."""
    rng, found = np.random.default_rng(0), []
    for i in range(6):
        frame = pd.DataFrame({
            "subject": [f"m{i % 2}"] * 30, "session": [20240101 + i] * 30, "trial": np.arange(30),
            "choice": rng.choice(["L", "R"], 30), "reward": rng.integers(0, 2, 30),
            "dopamine": rng.normal(size=30) if i != 3 else rng.integers(0, 9, 30),
        })  # fmt: skip
        if i == 1:
            frame.loc[4:6, ["choice", "reward", "dopamine"]] = None
        if i == 2:
            frame["cue"] = "odour"
        if i == 4:
            frame = frame.astype({"subject": "category", "reward": float})
            frame["session"] = "day five"
        path = tmp_path / f"s{i}.{'parquet' if i in (2, 4) else 'csv'}"
        (frame.to_parquet if i in (2, 4) else frame.to_csv)(path, index=False)
        found.append(path)
    return found


FORMAT = TableFormat(signal=("dopamine",))


def test_they_give_the_trials_of_tables_joined_in_memory(files, tmp_path):
    join_one_by_one(files, FORMAT, tmp_path / "all" / "trials.parquet")
    whole = joined_tables(files, FORMAT)
    ours = from_table(tmp_path / "all" / "trials.parquet", FORMAT)
    theirs = from_table(whole, FORMAT)
    assert ours.names == theirs.names
    assert len(ours.names.sessions) == 6
    for field in ("choice", "outcome", "signal", "number", "length", "subject"):
        np.testing.assert_array_equal(getattr(ours, field), getattr(theirs, field))
    table = read_table(tmp_path / "all" / "trials.parquet")
    assert list(table["file"].unique()) == [str(path) for path in files]
    assert table["cue"].notna().sum() == 30
    assert parquet.ParquetFile(tmp_path / "all" / "trials.parquet").num_row_groups == 6


def test_only_one_table_is_held_at_a_time(files, tmp_path, monkeypatch):
    read = []
    real = one_by_one.one_table

    def one_table(path, *rest):
        read.append(path)
        return real(path, *rest)

    monkeypatch.setattr(one_by_one, "one_table", one_table)
    join_one_by_one(files, FORMAT, tmp_path / "trials.parquet")
    assert read == [*files, *files]


def test_what_does_not_go_together_is_refused_and_leaves_nothing(files, tmp_path):
    with pytest.raises(DataError, match=r"s0\.csv and .*s0\.csv both have session \"m0/20240101\""):
        join_one_by_one([*files, files[0]], FORMAT, tmp_path / "trials.parquet")
    pd.read_csv(files[5]).drop(columns="reward").to_csv(files[5], index=False)
    with pytest.raises(DataError, match=r"s5\.csv has no column \"reward\", which .*s0\.csv has"):
        join_one_by_one(files, FORMAT, tmp_path / "trials.parquet")
    assert not (tmp_path / "trials.parquet").exists()


def test_a_run_joins_large_tables_one_by_one(files, tmp_path, monkeypatch):
    fitted = []

    class Stop(Exception):
        pass

    def run_fit(table, *_):
        fitted.append(table)
        raise Stop

    monkeypatch.setattr(several, "run_fit", run_fit)
    config = FitConfig(table=FORMAT)
    with pytest.raises(Stop):
        several.run_fit_of_tables(files, config, tmp_path / "small")
    monkeypatch.setattr(one_by_one, "LARGE", 1000)
    assert are_large(files)
    with pytest.raises(Stop):
        several.run_fit_of_tables(files, config, tmp_path / "large")
    assert [table.name for table in fitted] == ["trials.csv", "trials.parquet"]
    ours, theirs = (from_table(table, FORMAT) for table in fitted)
    assert ours.names == theirs.names
    np.testing.assert_array_equal(ours.choice, theirs.choice)
