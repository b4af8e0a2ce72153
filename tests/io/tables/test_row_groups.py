"""Parquet files in row groups: what is not wanted is not read, and nothing else changes."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from accumbens.errors import DataError
from accumbens.io.tables import row_groups
from accumbens.io.tables.cells import factorized
from accumbens.io.tables.files import open_table
from accumbens.io.tables.free_water import free_water_of_table
from accumbens.io.tables.trials import TableFormat, from_table, read_table

NAMES = [f"m{i}" for i in range(7)]


def rows(n=2_000, seed=0):
    rng = np.random.default_rng(seed)
    choice = np.where(rng.uniform(size=n) < 0.05, None, rng.choice(["left", "right"], n))
    return pd.DataFrame({
        "subject": [NAMES[i // 300 % 7] for i in range(n)],
        "session": [f"day {i // 100}" for i in range(n)],
        "trial": np.arange(n) % 100,
        "choice": choice,
        "reward": np.where(choice == None, np.nan, rng.integers(0, 2, n)),  # noqa: E711
        "note": [f"said of trial {i}" for i in range(n)],
        "pupil": rng.normal(size=n),
    })  # fmt: skip


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("row groups") / "t.parquet"
    parquet.write_table(pa.Table.from_pandas(rows(), preserve_index=False), path, row_group_size=70)
    return path


@pytest.mark.parametrize("at_once", [64, 2**17])
def test_row_groups_give_the_trials_of_the_whole_table(file, monkeypatch, at_once):
    monkeypatch.setattr(row_groups, "ROWS", at_once)
    format = TableFormat(context=("pupil",))
    ours, theirs = from_table(file, format), from_table(rows(), format)
    assert ours.names == theirs.names
    for field in ("choice", "outcome", "context", "number", "length", "subject"):
        np.testing.assert_array_equal(getattr(ours, field), getattr(theirs, field))


def test_columns_that_are_not_wanted_are_not_read_but_known(file):
    opened = open_table(file, wanted=lambda labels: {"choice", "pupil", "no such"})
    assert list(opened.frame) == ["choice", "pupil"]
    assert opened.labels == list(rows())
    assert isinstance(opened.frame["choice"].dtype, pd.CategoricalDtype)
    nothing = open_table(file, wanted=lambda labels: ())
    assert nothing.frame.shape == (2_000, 0)
    assert list(read_table(file)) == list(rows()), "a table that is wanted as such is whole"
    with pytest.raises(DataError, match=r"(?s)no such column; did you mean .*Its columns: .*pupil"):
        from_table(file, TableFormat(signal=("pupill",)))


def test_free_water_is_found_where_columns_name_it(tmp_path):
    frame = rows(200).assign(choice=["L", "R"] * 100, reward=0, auto_water=[1, 0] * 100)
    path = tmp_path / "t.parquet"
    frame.to_parquet(path, index=False)
    assert "100 choices were followed by water given freely" in str(
        free_water_of_table(path, TableFormat())
    )
    frame.drop(columns="auto_water").to_parquet(path, index=False)
    assert free_water_of_table(path, TableFormat()) is None


def test_two_columns_of_one_name_are_still_refused(tmp_path):
    cells = [["s"] * 4, [0, 1, 0, 1], [0, 1, 0, 1], [1, 0, 0, 1]]
    table = pa.table(cells, ["session", "choice", "choice", "reward"])
    parquet.write_table(table, tmp_path / "t.parquet")
    with pytest.raises(DataError, match="2 columns have this name"):
        from_table(tmp_path / "t.parquet")


def test_cells_of_categories_are_numbered_as_they_appear():
    column = pd.Series(pd.Categorical(["b", None, "c", "b"], categories=["a", "b", "c"]))
    group, distinct = factorized(column)
    assert group.tolist() == [0, -1, 1, 0]
    assert list(distinct) == ["b", "c"]
    assert factorized(column.iloc[1:2])[0].tolist() == [-1]


MEASURED = """
import resource, sys
from pathlib import Path
import pandas, pyarrow.parquet
from accumbens.io.tables.trials import from_table
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
from_table(sys.argv[2])  # whatever is imported and set up
before = peak()
from_table(sys.argv[1])
print(peak() - before)
"""


def test_memory_follows_the_wanted_columns_not_the_table(tmp_path):
    """200,000 rows with 60 MB of text that no model sees: read whole, that is 60 MB more."""
    frame, n = rows(2_000), 100
    table = pa.Table.from_pandas(frame.drop(columns="note"), preserve_index=False)
    parquet.write_table(table, tmp_path / "small.parquet")
    with parquet.ParquetWriter(tmp_path / "t.parquet", _schema(table)) as writer:
        for i in range(n):
            part = frame.assign(session=[f"{i}: {x}" for x in frame["session"]])
            part["note"] = [f"{i:05d}{j:05d}" * 30 for j in range(len(part))]
            writer.write_table(pa.Table.from_pandas(part, _schema(table), preserve_index=False))
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, tmp_path / "t.parquet", tmp_path / "small.parquet"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert float(done.stdout) < 50


def _schema(table: pa.Table) -> pa.Schema:
    return table.schema.append(pa.field("note", pa.string())).remove_metadata()
