"""Files of tables: exact numbers, whole files only, and damage of every kind."""

import contextlib
import gzip
import io
import re

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings

from accumbens.errors import DataError
from accumbens.io.tables.trials import TableFormat, from_table, read_table, write_table

FRAME = pd.DataFrame(
    {
        "subject": ["A", "A", "B", "B"],
        "session": ["060223", "060223", "1", "1"],
        "trial": [0, 1, 0, 1],
        "choice": [0.0, 1.0, np.nan, 1.0],
        "reward": [1, 0, 0, 1],
        "da": [0.1, -2.5, np.nan, 1e-3],
    }
)
ENDINGS = [".csv", ".tsv", ".csv.gz", ".tsv.gz", ".parquet"]


def saved(frame: pd.DataFrame, ending: str, folder) -> bytes:
    write_table(frame, folder / f"t{ending}")
    return (folder / f"t{ending}").read_bytes()


@pytest.mark.parametrize("ending", ENDINGS)
def test_every_float_survives_to_the_last_bit(ending, tmp_path):
    rng = np.random.default_rng(3)
    bits = rng.integers(0, 2**64, 20_000, dtype=np.uint64).view(np.float64)
    edges = [0.1, 1 / 3, 5e-324, np.finfo(float).max, 1e22, 2.0**53 + 2, np.inf, -np.inf, np.nan]
    frame = pd.DataFrame({"x": np.concatenate([bits, edges])})
    write_table(frame, tmp_path / f"t{ending}")
    np.testing.assert_array_equal(read_table(tmp_path / f"t{ending}")["x"], frame["x"])


@pytest.mark.parametrize("ending", ENDINGS)
def test_text_columns_stay_text(ending, tmp_path):
    frame = pd.DataFrame({"a": ["060223", "NA", 'say "x",\ty\n'], "b": ["1", "2", "3"]})
    write_table(frame, tmp_path / f"t{ending}")
    back = read_table(tmp_path / f"t{ending}", text=["a", "b"])
    assert back.to_dict("list") == frame.to_dict("list")


def test_types_are_inferred_from_all_rows(tmp_path):
    rows = ["0"] * 300_000
    (tmp_path / "t.csv").write_text("\n".join(["x,y", *(f"{r},{r}" for r in rows), "left,0.5", ""]))
    back = read_table(tmp_path / "t.csv")
    assert back["x"].iloc[-1] == "left"
    assert back["y"].dtype == np.float64


def test_the_same_table_gives_the_same_bytes(tmp_path):
    for ending in ENDINGS:
        assert saved(FRAME, ending, tmp_path) == saved(FRAME, ending, tmp_path)


def test_a_table_from_a_spreadsheet(tmp_path):
    text = "\ufeffsubject,session,trial,choice,reward\r\nA,1,0,0,1\r\nA,1,1,1,0\r\n\r\n\r\n"
    (tmp_path / "T.CSV").write_bytes(text.encode())
    assert from_table(tmp_path / "T.CSV").length.tolist() == [2]


def test_an_index_saved_in_parquet_is_columns_again(tmp_path):
    FRAME.set_index(["subject", "session"]).to_parquet(tmp_path / "t.parquet")
    assert from_table(tmp_path / "t.parquet").names.sessions == ("060223", "1")


def test_nothing_is_left_of_a_table_that_could_not_be_written(tmp_path, monkeypatch):
    path = tmp_path / "t.csv"
    path.write_text("before")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(
        DataError, match=r"Cannot write .*t\.csv: No space left on device\. Make room"
    ):
        write_table(FRAME, path)
    assert [p.name for p in tmp_path.iterdir()] == ["t.csv"]
    assert path.read_text() == "before"


def test_files_that_cannot_be_written(tmp_path):
    write_table(FRAME, tmp_path / "new" / "folder" / "t.csv")
    assert read_table(tmp_path / "new" / "folder" / "t.csv").shape == FRAME.shape
    with pytest.raises(DataError, match=r"t\.csv is a file, not a folder\. Name another folder"):
        write_table(FRAME, tmp_path / "new" / "folder" / "t.csv" / "t.csv")
    with pytest.raises(DataError, match=r"Cannot tell the format of .*t\.xlsx from its ending"):
        write_table(FRAME, tmp_path / "t.xlsx")


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("t.csv", b"", r"t\.csv: the file is empty\. Export or copy it again\."),
        ("t.parquet", b"", r"the file is empty\."),
        ("t.csv", b"\n \r\n", r"the file holds only blank lines"),
        ("t.csv", b"PAR1\0\0", r"ends in \.csv but is not text\. It seems to be a Parquet file"),
        ("t.csv", b"PK\x03\x04", r"is not text\. It seems to be an Excel workbook"),
        (
            "t.csv",
            gzip.compress(b"a", mtime=0),
            r"seems to be compressed with gzip: give it the ending",
        ),
        ("t.tsv", b"\x89HDF\r\n", r"ends in \.tsv but is not text\. It seems to be an HDF5 or NWB"),
        ("t.csv", "a,b\n".encode("utf-16"), r"is not text\. It seems to be UTF-16 text: save it"),
        ("t.csv", b"a,b\n\0", r"is not text\. It seems to be something else, or damaged"),
        ("t.csv", b"a\n1\ncaf\xe9", r"line 3 is not UTF-8 text \(byte 0xe9\)\. Save it as CSV UTF"),
        ("t.csv", b"a,b\n1,2\n3\n", r"- row 3: 1 cells, but the header has 2; add or remove"),
        ("t.csv.gz", b"a,b\n", r"ends in \.gz but is not a whole gzip file \(Not a gzipped"),
        (
            "t.csv.gz",
            gzip.compress(b"a,b\n" * 99, mtime=0)[:-9],
            r"is not a whole gzip file \(Compressed",
        ),
        ("t.parquet", b"a,b\n1,2\n", r"is not a Parquet file\. It seems to be plain text: give"),
        ("t.parquet", b"PAR1" * 2, r"the Parquet file is cut short\. Copy it again\."),
        ("t.parquet", b"PAR1" * 9, r"the Parquet file is damaged \(.*\)\. Copy or write it again"),
        ("t.xls", b"PK\x03\x04", r"from its ending \"\.xls\"\. A table's name ends in \.csv, "),
        ("t", b"a", r"from its ending \"\"\."),
    ],
)
def test_a_file_that_is_not_what_it_should_be(name, data, message, tmp_path):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(DataError, match=message):
        read_table(tmp_path / name)


def test_a_cell_larger_than_a_csv_cell_can_be(tmp_path):
    (tmp_path / "t.csv").write_text("a" * 200_000 + ",b\n1,2\n")
    with pytest.raises(DataError, match=r"is not a table in text form .* quotation mark that is"):
        read_table(tmp_path / "t.csv")


@pytest.mark.parametrize("separator", [";", "|", "\t"])
def test_another_separator(separator, tmp_path):
    lines = [
        f"{separator.join(['subject', 'session', 'choice', 'reward'])}",
        separator.join("A101"),
    ]
    (tmp_path / "t.csv").write_text("\n".join(lines))
    name = {";": "semicolons", "|": "vertical bars", "\t": "tabs"}[separator]
    with pytest.raises(DataError, match=f"seem to be separated by {name}: save it with commas"):
        from_table(tmp_path / "t.csv")


def test_paths_that_lead_nowhere(tmp_path):
    write_table(FRAME, tmp_path / "mouse_trials.csv")
    with pytest.raises(DataError, match=r'no such file\. Did you mean "mouse_trials\.csv"\?'):
        read_table(tmp_path / "mouse_trails.csv")
    with pytest.raises(DataError, match=r"no such file\. Check the path\."):
        read_table(tmp_path / "x.csv")
    with pytest.raises(DataError, match=r"there is no folder .*nowhere\. Check the path\."):
        read_table(tmp_path / "nowhere" / "x.csv")
    with pytest.raises(DataError, match=r"it is a folder\. Name the table file inside it\."):
        read_table(tmp_path)


def test_a_file_that_may_not_be_read(tmp_path, monkeypatch):
    write_table(FRAME, tmp_path / "t.csv")

    def denied(_: object) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("accumbens.io.tables.files.Path.read_bytes", denied)
    with pytest.raises(DataError, match=r"t\.csv: Permission denied\. Allow it to be read\."):
        read_table(tmp_path / "t.csv")


def valid_bytes(ending: str) -> bytes:
    """A small valid file in memory."""
    if ending == ".parquet":
        sink = io.BytesIO()
        FRAME.to_parquet(sink)
        return sink.getvalue()
    text = FRAME.to_csv(index=False, sep="\t" if "tsv" in ending else ",").encode()
    return gzip.compress(text, mtime=0) if ending.endswith("gz") else text


def read_or_refuse(path) -> None:
    with contextlib.suppress(DataError):
        from_table(path, TableFormat(signal=("da",)))


EDIT = st.tuples(st.floats(0, 1), st.sampled_from(["set", "cut", "insert"]), st.binary(max_size=4))


@pytest.mark.parametrize("ending", [".csv", ".csv.gz", ".parquet"])
@given(edits=st.lists(EDIT, min_size=1, max_size=5))
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_damaged_bytes_are_read_or_refused(ending, edits, tmp_path_factory):
    data = bytearray(valid_bytes(ending))
    for place, edit, new in edits:
        start = int(place * len(data))
        if edit == "insert":
            data[start:start] = new
        else:
            data[start : start + max(1, len(new))] = new if edit == "set" else b""
    path = tmp_path_factory.getbasetemp() / f"damaged{ending}"
    path.write_bytes(bytes(data))
    read_or_refuse(path)


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".csv.gz", ".parquet"])
@given(data=st.binary(max_size=200))
@settings(max_examples=50, deadline=None)
def test_random_bytes_are_refused(ending, data, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / f"random{ending}"
    path.write_bytes(data)
    with pytest.raises(DataError, match=re.escape(str(path))):
        from_table(path)


CELL = st.sampled_from(
    ["0", "1", "-1", "", "left", "R", "nan", "inf", "1e999", "abc", '"', "'", "2024-01-01", "TRUE",
     " ", "9" * 30, "0x1", ";", "\r", "é", "[1]"]
)  # fmt: skip


@given(rows=st.lists(st.lists(CELL, min_size=5, max_size=6), max_size=8))
@settings(max_examples=200, deadline=None)
def test_tables_of_odd_cells_are_read_or_refused(rows, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "odd.csv"
    lines = ["subject,session,trial,choice,reward,da", *(",".join(row) for row in rows)]
    path.write_text("\n".join(lines), encoding="utf-8", newline="")
    read_or_refuse(path)


@pytest.mark.parametrize("cut", [0.02, 0.3, 0.7, 0.999])
def test_a_real_file_cut_short(shared_data, tmp_path, cut):
    for name in ("mouse_bandit_photometry.parquet", "bandit_717531_photometry_trials.csv"):
        data = (shared_data / name).read_bytes()
        (tmp_path / name).write_bytes(data[: int(cut * len(data))])
        if name.endswith("parquet"):
            with pytest.raises(DataError, match="cut short"):
                from_table(tmp_path / name)
        else:
            with contextlib.suppress(DataError):
                assert from_table(tmp_path / name).length[0] < 672
