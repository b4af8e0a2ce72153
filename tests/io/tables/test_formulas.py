"""Text that a spreadsheet would run is marked in CSV files, and comes back as it was."""

import hypothesis.strategies as st
import pandas as pd
import pytest
from hypothesis import given

from accumbens.figures.save import save_figure
from accumbens.io.tables.files import read_table, write_table
from accumbens.io.tables.formulas import csv_text, marked, unmarked

RUN = ["=1+1", "=HYPERLINK(1)", "+cmd", "-left", "@SUM(1)", "\t=1", "'=1", "''@x"]
KEPT = ["left", "-1", "+3.5", "-1e-3", "-", "", "'quoted'", "1=1", "'-1", "-inf"]


@pytest.mark.parametrize("text", RUN)
def test_a_formula_is_marked(text):
    assert marked(text) == f"'{text}"


@pytest.mark.parametrize("text", KEPT)
def test_other_text_and_numbers_stay(text):
    assert marked(text) == unmarked(text) == text


@given(st.text(alphabet="'=+-@\t1ae.x ", max_size=6))
def test_what_is_marked_comes_back(text):
    assert unmarked(marked(text)) == text


@pytest.mark.parametrize("ending", [".csv", ".tsv.gz", ".parquet"])
def test_tables_come_back_and_text_files_are_marked(ending, tmp_path):
    frame = pd.DataFrame({"=n": [1.5, -2.0], "who": ["=A1", None], "@": ["a", "-b"]})
    write_table(frame, tmp_path / f"t{ending}")
    back = read_table(tmp_path / f"t{ending}")
    assert list(back.columns) == list(frame.columns)
    assert back["=n"].tolist() == [1.5, -2.0]
    assert back["who"][0] == "=A1"
    assert back["@"].tolist() == ["a", "-b"]
    if ending == ".csv":
        text = (tmp_path / "t.csv").read_text()
        assert text.splitlines()[:2] == ['"\'=n","who","@"', '1.5,"\'=A1","a"']


def test_numbers_behind_figures_and_results_are_marked(tmp_path):
    from matplotlib.figure import Figure

    frame = pd.DataFrame({"subject": ["=cmd|calc", "m1"], "x": [-1.0, 2.0]})
    save_figure(Figure(), tmp_path / "f", frame)
    for text in ((tmp_path / "f.csv").read_text(), csv_text(frame)):
        assert text == "subject,x\n'=cmd|calc,-1.0\nm1,2.0\n"
