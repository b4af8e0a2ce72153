"""What `accumbens inspect` gathers of each kind of file; and files that are of no kind."""

import numpy as np
import pandas as pd
import pytest

from accumbens.errors import DataError
from accumbens.io.contents import inspect_file
from accumbens.io.sources import file_kind
from accumbens.io.tables.contents import describe_columns
from accumbens.io.tables.trials import write_table


def described(**columns):
    return describe_columns(pd.DataFrame(columns)).set_index("column")


def test_columns_say_what_they_hold():
    rows = described(
        side=["left", "right", "none", "", "left", "left"],
        reward=[0, 1, 1, 0, 1, 1],
        cue=[1.5, 3.0, 4.75, 6.0, 7.5, 9.0],
        date=["060223"] * 6,
        free=[True, False, True, True, True, True],
        blank=[None] * 6,
        started=pd.date_range("2024-05-01", periods=6, freq="h"),
        spelt=["1", "2", "na", "4", "5", "9"],
        cells=[[1, 1], [2, 2], [3, 3], [1, 1], [2, 2], [3, 3]],
    )
    assert rows["type"].to_dict() == {
        "side": "text", "reward": "whole number", "cue": "number", "date": "text",
        "free": "true/false", "blank": "blank", "started": "date and time",
        "spelt": "whole number", "cells": "text",
    }  # fmt: skip
    assert rows.loc["side", "values"] == "left (3), right (1)"
    assert rows["blank"].to_dict() == dict.fromkeys(rows.index, 0) | {
        "side": 2, "blank": 6, "spelt": 1,
    }  # fmt: skip
    assert rows.loc["reward", ["values", "range"]].tolist() == ["0 (2), 1 (4)", "0 to 1"]
    assert rows.loc["cue", "range"] == "1.5 to 9, ascending by 1.5"
    assert rows.loc["started", "range"] == "2024-05-01 00:00:00 to 2024-05-01 05:00:00"
    assert rows.loc["blank", ["values", "range"]].tolist() == ["", ""]


def test_numbers_that_begin_anew_in_each_session():
    trial = np.tile(np.arange(50), 3)
    time = np.tile(np.arange(50) * 2000, 3)
    rows = described(trial=trial, ms=time, value=np.random.default_rng(0).normal(size=150))
    assert rows.loc["trial", "range"] == "0 to 49, ascending by 1, starts again 2 times"
    assert rows.loc["ms", "range"].startswith("0 to 98,000, ascending by 2,000")
    assert "ascending" not in rows.loc["value", "range"]
    assert rows.loc["value", "values"].startswith("150 distinct: 0.1257, -0.1321, 0.6404")


def test_two_columns_of_one_name_are_two_rows():
    frame = pd.DataFrame([[1, "a"], [2, "b"]], columns=["x", "x"])
    assert describe_columns(frame)["type"].tolist() == ["whole number", "text"]


@pytest.mark.parametrize("ending", ["csv", "tsv", "csv.gz", "parquet"])
def test_tables_of_every_ending(ending, tmp_path):
    path = tmp_path / f"a.{ending}"
    write_table(pd.DataFrame({"choice": ["L", "R", "L"], "s": [0.5, 1.0, 7.0]}), path)
    contents = inspect_file(path)
    assert (contents.about["rows"], contents.about["columns"]) == ("3", "2")
    (columns,) = contents.listings
    assert columns.rows["values"].tolist() == ["L (2), R (1)", "0.5 (1), 1 (1), 7 (1)"]


def test_a_table_with_other_separators_says_so(tmp_path):
    (tmp_path / "a.csv").write_text("choice;reward\n1;0\n")
    assert "separated by semicolons" in inspect_file(tmp_path / "a.csv").about["note"]


@pytest.fixture
def phy(tmp_path):
    folder = tmp_path / "sorted"
    folder.mkdir()
    np.save(folder / "spike_times.npy", np.array([10, 20, 25, 30, 31, 90, 110]))
    np.save(folder / "spike_clusters.npy", np.array([3, 1, 3, 2, 1, 3, 4]))
    (folder / "params.py").write_text("sample_rate = 10.\n")
    (folder / "cluster_group.tsv").write_text("cluster_id\tgroup\n1\tgood\n2\tmua\n3\tgood\n4\t\n")
    return folder


def test_a_phy_folder(phy):
    contents = inspect_file(phy)
    labels, clusters = contents.listings
    assert labels.rows.to_dict("list") == {
        "label": ["(none)", "good", "mua"], "clusters": [1, 2, 1], "spikes": [1, 5, 1],
    }  # fmt: skip
    assert clusters.rows["spikes"].tolist() == [2, 1, 3, 1]
    assert clusters.rows["rate"].tolist() == [0.2, 0.1, 0.3, 0.1]
    assert "region" not in clusters.rows
    for fact, text in (
        ("clusters", "4"), ("spikes", "7"), ("span", "1.000 to 11.000 s"),
        ("sample rate", "10 Hz"), ("labels", "cluster_group.tsv"), ("spike times", "in order"),
    ):  # fmt: skip
        assert contents.about[fact] == text


def test_a_phy_folder_without_labels_and_in_no_order(phy):
    (phy / "cluster_group.tsv").unlink()
    np.save(phy / "spike_times.npy", np.array([90, 20, 25, 30, 31, 10, 110]))
    contents = inspect_file(phy)
    assert contents.about["labels"] == "no file labels the clusters"
    assert contents.about["spike times"].startswith("not in order (--spikes.sort")
    (clusters,) = contents.listings
    assert clusters.rows["first"].tolist() == [2.0, 3.0, 1.0, 11.0]


def test_arrays_of_spikes(tmp_path):
    np.savez(tmp_path / "a.npz", spike_times=np.array([0.5, 1.0]), spike_clusters=np.array([1, 2]),
             cue=np.array([0.1, 0.7]), names=np.array(["a"]))  # fmt: skip
    contents = inspect_file(tmp_path / "a.npz")
    clusters, arrays = contents.listings
    assert clusters.rows["cluster"].tolist() == ["1", "2"]
    assert arrays.rows["range"].tolist() == ["0.1 to 0.7", ""]


def test_real_spikes(shared_data):
    contents = inspect_file(shared_data / "probe_spikes.npz")
    assert contents.about["clusters"] == "289"
    assert contents.about["spikes"] == "124,905"
    assert contents.about["span"] == "0.004 to 119.999 s"


def test_files_of_no_kind(tmp_path):
    def refused(name, content=None):
        path = tmp_path / name
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(DataError) as caught:
            file_kind(path)
        return str(caught.value)

    assert "its kind of file is not known. Known are an NWB" in refused("a.dat", b"")
    assert "a MATLAB file: give it the ending .mat" in refused("a.dat", b"MATLAB 5.0 MAT-file")
    assert "it seems to be an Excel workbook" in refused("a.xls", b"PK\x03\x04")
    assert "of a Phy folder, name the folder itself" in refused("spike_times.npy", b"\x93NUMPY\x01")
    assert 'there is no such file. Did you mean "a.dat"?' in refused("b.dat")
    assert "there is no folder" in refused("none/a.csv")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "day.csv").write_text("a\n1\n")
    text = refused("folder")
    assert "not of a known kind: an NWB file (.nwb, .nwb.zarr) has .zgroup or" in text
    assert "; a folder of Phy or Kilosort has spike_times.npy or spike_clusters.npy." in text
    assert "Name a file inside it, such as day.csv" in text


def test_an_hdf5_file_of_another_name_is_nwb(make_nwb, tmp_path):
    path = make_nwb(tmp_path / "a.nwb", {"side": np.array([0, 1])})
    assert file_kind(path.rename(tmp_path / "a.h5")).name == "nwb"
