"""The level of each session, from a column of the table."""

import pandas as pd
import pytest

from accumbens.errors import DataError
from accumbens.io.tables.format import TableFormat
from accumbens.io.tables.levels import session_levels


def table(levels, **more):
    n = len(levels)
    rows = {"subject": ["M1"] * n, "session": [f"0{i // 2}" for i in range(n)],
            "trial": [i % 2 for i in range(n)], "choice": 0, "reward": 1.0}  # fmt: skip
    return pd.DataFrame(rows | {"drug": levels} | more)


def test_levels_of_a_frame_and_of_files(tmp_path):
    frame = table(["none", "none", None, "dcz", "", "nan"])
    expected = {"M1/00": "none", "M1/01": "dcz"}
    assert session_levels(frame, "drug") == expected
    for name in ("t.csv", "t.parquet"):
        path = tmp_path / name
        frame.to_csv(path, index=False) if name.endswith("csv") else frame.to_parquet(path)
        assert session_levels(path, "drug") == expected


def test_numbers_and_truth_are_levels_as_text():
    assert session_levels(table([0.0, 0.0, 2.5, 2.5]), "drug") == {"M1/00": "0", "M1/01": "2.5"}
    assert session_levels(table([True, True, False, False]), "drug") == {
        "M1/00": "True", "M1/01": "False"
    }  # fmt: skip


def test_a_column_that_changes_within_a_session_is_refused():
    message = r"changes within session \"M1/00\" \(a and b in the first\).*whole sessions"
    with pytest.raises(DataError, match=message):
        session_levels(table(["a", "b", "a", "a"]), "drug")


def test_a_missing_column_is_named_with_those_that_there_are():
    with pytest.raises(DataError, match=r'no such column; did you mean "drug"\?.*--contrast'):
        session_levels(table(["a", "a"]), "drugs")


def test_other_names_of_subject_and_session():
    frame = table(["a", "a", "b", "b"]).rename(columns={"subject": "mouse", "session": "day"})
    format = TableFormat(subject="mouse", session="day")
    assert session_levels(frame, "drug", format) == {"M1/00": "a", "M1/01": "b"}
