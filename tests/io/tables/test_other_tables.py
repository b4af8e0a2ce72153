"""Tables of Excel, MATLAB and other endings, against the same table in Python."""

import warnings
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import io

from accumbens.errors import DataError
from accumbens.io.contents import inspect_file
from accumbens.io.tables.files import read_table, write_table
from accumbens.io.tables.format import TableFormat
from accumbens.io.tables.matlab_elements import check_elements
from accumbens.io.tables.trials import from_table
from helpers.damaged import refusal

TABLE = pd.DataFrame(
    {
        "subject": ["M1"] * 6,
        "session": [1, 1, 1, 2, 2, 2],
        "choice": ["left", "right", "right", "left", "left", "right"],
        "reward": [1, 0, 1, 1, 0, 0],
        "da": [0.5, np.nan, -1.25, 2.0, 0.1, 0.3],
    }
)
FORMAT = TableFormat(signal=("da",))


def same(path):
    trials, right = from_table(path, FORMAT), from_table(TABLE, FORMAT)
    assert trials.names == right.names
    for part in ("choice", "outcome", "signal", "length"):
        np.testing.assert_array_equal(getattr(trials, part), getattr(right, part))
    assert "rows: 6" in str(dict(inspect_file(path).about)).replace("'", "").replace('"', "")


def workbook(path, sheets):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


ROWS = [list(TABLE.columns), *TABLE.astype(object).where(TABLE.notna(), None).values.tolist()]


def columns_of_7_3(file, group, columns):
    """A struct of vectors, or each cell by a reference, as MATLAB's -v7.3 writes them."""

    def text(name, value):
        data = np.array([[ord(c)] for c in value], np.uint16)
        item = file.create_dataset(f"#refs#/{name}", data=data)
        item.attrs["MATLAB_class"] = np.bytes_(b"char")
        return item.ref

    for name, values in columns.items():
        if isinstance(values[0], str):
            refs = [text(f"{name}{i}", value) for i, value in enumerate(values)]
            item = group.create_dataset(name, (1, len(refs)), dtype=h5py.ref_dtype)
            item[0] = refs
            item.attrs["MATLAB_class"] = np.bytes_(b"cell")
        else:
            item = group.create_dataset(name, data=np.array(values, float)[None, :])
            item.attrs["MATLAB_class"] = np.bytes_(b"double")


def elements_of_7_3(file, group, columns):
    for name, values in columns.items():
        refs = []
        for i, value in enumerate(values):
            kind, data = b"double", np.array([[value]])
            if isinstance(value, str):
                kind, data = b"char", np.array([[ord(c)] for c in value], np.uint16)
            item = file.create_dataset(f"#refs#/{name}{i}", data=data)
            item.attrs["MATLAB_class"] = np.bytes_(kind)
            refs.append(item.ref)
        group.create_dataset(name, (len(refs), 1), dtype=h5py.ref_dtype)[:, 0] = refs


def mat_7_3(path, write, **other):
    with h5py.File(path, "w", userblock_size=512) as file:
        group = file.create_group("T")
        group.attrs["MATLAB_class"] = np.bytes_(b"struct")
        write(file, group, {name: TABLE[name].tolist() for name in TABLE})
        for name, value in other.items():
            file[name] = value
    data = path.read_bytes()
    path.write_bytes(b"MATLAB 7.3 MAT-file".ljust(512) + data[512:])
    return path


def mat_5(path, form):
    cells = {name: TABLE[name].to_numpy() for name in TABLE}
    cells = {n: v.astype(object) if v.dtype.kind in "OUT" or n in ("subject", "choice") else v
             for n, v in cells.items()}  # fmt: skip
    if form == "struct":
        io.savemat(path, {"T": cells, "note": "made today"})
    elif form == "columns":
        io.savemat(path, {n: v[:, None] for n, v in cells.items()} | {"rate": 20.0})
    else:
        kinds = [(name, object) for name in TABLE]
        rows = np.array([tuple(row) for row in TABLE.to_numpy(object)], dtype=kinds)
        io.savemat(path, {"T": rows})
    return path


def test_excel(tmp_path):
    same(workbook(tmp_path / "a.xlsx", {"trials": ROWS, "empty": []}))
    spaced = [[None] * 5, *ROWS[:3], [None] * 5, *ROWS[3:]]
    same(workbook(tmp_path / "b.xlsx", {"trials": [[*row, None, None] for row in spaced]}))


def test_excel_sheets_that_are_no_table(tmp_path):
    two = workbook(tmp_path / "a.xlsx", {"day1": ROWS, "day2": ROWS})
    with pytest.raises(
        DataError, match=r'sheets that are not blank are "day1" and "day2". Keep one'
    ):
        read_table(two)
    formula = workbook(tmp_path / "b.xlsx", {"x": [["choice", "reward"], [1, "=A2*2"]]})
    with pytest.raises(DataError, match=r"row 2: the formula =A2\*2 has no value stored"):
        read_table(formula)
    bad = [list(row) for row in ROWS]
    bad[3][4] = "#DIV/0!"
    with pytest.raises(DataError, match=r'column "da", row 4: not a number: "#DIV/0!"'):
        from_table(workbook(tmp_path / "c.xlsx", {"x": bad}), FORMAT)
    (tmp_path / "d.xlsx").write_text("choice,reward\n0,1\n")
    with pytest.raises(DataError, match="the Excel workbook is damaged or protected"):
        read_table(tmp_path / "d.xlsx")


@pytest.mark.parametrize("form", ["struct", "columns", "elements"])
def test_matlab_5(form, tmp_path):
    same(mat_5(tmp_path / "a.mat", form))


@pytest.mark.parametrize("write", [columns_of_7_3, elements_of_7_3])
def test_matlab_7_3(write, tmp_path):
    same(mat_7_3(tmp_path / "a.mat", write, rate=20.0))


def test_matlab_files_without_one_table(tmp_path):
    path = tmp_path / "a.mat"
    io.savemat(path, {"x": np.ones((3, 2)), "name": "M1"})
    with pytest.raises(
        DataError, match=r"holds no table, .* x \(3 x 2\) and name \(text\)\. Of a ta"
    ):
        read_table(path)
    io.savemat(path, {"a": {"x": [1, 2]}, "b": {"x": [1, 2]}})
    with pytest.raises(DataError, match=r"holds several tables, a and b\. Save one"):
        read_table(path)
    path.write_bytes(b"MATLAB 5.0 MAT-file" + b"\0" * 200)
    with pytest.raises(DataError, match="the MATLAB file is damaged, or not one"):
        read_table(path)
    whole = mat_7_3(tmp_path / "b.mat", columns_of_7_3).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="the MATLAB file is damaged, or not one"):
        read_table(path)


def test_other_endings(tmp_path):
    TABLE.to_csv(tmp_path / "tabs.txt", sep="\t", index=False)
    TABLE.to_csv(tmp_path / "commas.txt", index=False)
    TABLE.to_parquet(tmp_path / "a.pqt")
    for name in ("tabs.txt", "commas.txt", "a.pqt"):
        same(tmp_path / name)
    with pytest.raises(DataError, match=r"ends in \.csv, \.tsv, \.csv\.gz, \.tsv\.gz or \.parquet"):
        write_table(TABLE, tmp_path / "b.xlsx")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    return [workbook(folder / "a.xlsx", {"x": ROWS}), mat_5(folder / "a.mat", "struct")]


@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_damaged_bytes_end_in_our_errors(data, whole, tmp_path):
    path = data.draw(st.sampled_from(whole))
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    broken = tmp_path / f"b{path.suffix}"
    broken.write_bytes(bytes(content[: data.draw(st.integers(len(content) // 2, len(content)))]))
    refusal(lambda: read_table(broken), broken)


def test_a_table_without_names_and_one_with_units(tmp_path):
    TABLE[["session", "reward", "da"]].to_csv(tmp_path / "a.csv", index=False, header=False)
    with pytest.raises(DataError, match="no row with the names of its columns: put one first"):
        from_table(tmp_path / "a.csv", FORMAT)
    lines = TABLE.to_csv(index=False).splitlines()
    text = "\n".join([lines[0], "id,1,left,1,z-score", *lines[1:]])
    (tmp_path / "b.csv").write_text(text)
    with pytest.raises(
        DataError, match=r"row 2: .*; if the row below the names holds units or mor"
    ):
        from_table(tmp_path / "b.csv", FORMAT)


def test_a_field_of_one_value_is_in_every_row_and_none_is_lost(tmp_path):
    cells = {"choice": np.array([0, 1, 1]), "reward": np.array([1, 0, 1])}
    io.savemat(tmp_path / "a.mat", {"T": cells | {"subject": "M1", "day": 3}})
    table = read_table(tmp_path / "a.mat")
    assert table["subject"].tolist() == ["M1"] * 3
    assert table["day"].tolist() == [3] * 3
    io.savemat(tmp_path / "b.mat", {"T": cells | {"trace": np.arange(1000.0)}})
    with pytest.raises(DataError, match=r'fields "choice" and "reward" of T have not one value'):
        read_table(tmp_path / "b.mat")


def test_every_kind_of_matrix_passes_the_check_of_elements(tmp_path):
    """What SciPy writes is whole, packed or not; what it would take for another type is refused."""
    from scipy import sparse

    kinds = {
        "text": "left",
        "texts": np.array(["a", "bcd"]),
        "empty": np.zeros((0, 3)),
        "logical": True,
        "complex": np.array([1 + 2j, 3]),
        "sparse": sparse.eye(3).tocsc(),
        "small": np.int8([1, 2]),
        "cells": np.array(["x", np.arange(3), 2.0], object),
        "nested": {"a": {"b": [1, 2]}},
        "array": [{"c": 1, "d": "u"}, {"c": 2, "d": "v"}],
        "deep": np.zeros((2, 3, 4), np.uint16),
    }
    for packed in (False, True):
        path = tmp_path / f"{packed}.mat"
        io.savemat(path, kinds, do_compression=packed)
        content = bytearray(path.read_bytes())
        check_elements(bytes(content))
        content[128:130] = b"\xc8\x00"  # a type that there is not, which ended the process
        path.write_bytes(content)
        with pytest.raises(DataError, match=r"the MATLAB file is damaged.*an element has type 200"):
            read_table(path)
        with pytest.raises(DataError, match="cut short"):
            check_elements(bytes(path.read_bytes()[:128] + bytes(content[136:140])))


def test_files_that_matlab_wrote_pass_the_check_of_elements():
    """Those that SciPy brings for its own tests: what it reads passes."""
    files = sorted((Path(io.__file__).parent / "matlab/tests/data").glob("*.mat"))
    if not files:
        pytest.skip("this build of SciPy brings no files of MATLAB's")
    read = 0
    for path in files:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                io.loadmat(path)
        except Exception:
            continue
        check_elements(path.read_bytes())
        read += 1
    assert read > 90
