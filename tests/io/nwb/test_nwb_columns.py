"""Columns as other writers make them: labels behind codes, one value a list, rows in any order."""

import datetime
import warnings

import h5py
import numpy as np
import pandas as pd
import pytest

from accumbens.errors import DataError
from accumbens.io.nwb.contents import inspect_nwb
from accumbens.io.nwb.format import NwbFormat
from accumbens.io.nwb.trials import read_nwb
from accumbens.io.tables.format import TableFormat
from accumbens.io.tables.trials import from_table

SIDES = ["left", "right", "left", "left", "right", "right"]
REWARDS = [1, 0, 1, 0, 0, 1]
BY_NAME = NwbFormat(choice="side", outcome=("water",), context=("outcome_time",))


def columns(**other):
    return {
        "side": np.array(SIDES),
        "water": np.array(REWARDS),
        "outcome_time": np.arange(6) + 0.5,
    } | other


def chosen(trials):
    return [trials.names.choices[i] for i in trials.choice[0]]


@pytest.mark.parametrize(
    "codes_of", [["right", "left"], ["left", "right"], ["none", "left", "right"]]
)
def test_labels_behind_codes(codes_of, tmp_path):
    pynwb, common = pytest.importorskip("pynwb"), pytest.importorskip("hdmf.common")
    labels = common.VectorData(name="side_elements", description="labels", data=codes_of)
    codes = [codes_of.index(side) for side in SIDES]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # EnumData is experimental
        column = common.EnumData(name="side", description="side", elements=labels, data=codes)
    others = [
        common.VectorData(name=name, description=name, data=values)
        for name, values in columns(start_time=np.arange(6.0), stop_time=np.arange(6) + 0.9).items()
        if name != "side"
    ]
    start = datetime.datetime(2024, 5, 1, tzinfo=datetime.UTC)
    subject = pynwb.file.Subject(subject_id="M1")
    file = pynwb.NWBFile("a test", "id", start, session_id="1", subject=subject)
    file.trials = pynwb.epoch.TimeIntervals(
        name="trials", description="trials", columns=[*others, column, labels],
        colnames=[*(c.name for c in others), "side"],
    )  # fmt: skip
    path = tmp_path / "a.nwb"
    with pynwb.NWBHDF5IO(str(path), "w") as io:
        io.write(file)
    assert chosen(read_nwb(path, BY_NAME)) == SIDES
    rows = inspect_nwb(path).columns.set_index("column")
    assert rows.loc["side", "values"] == "left (3), right (3)"


def test_an_enumeration_of_hdf5(make_nwb, tmp_path):
    path = make_nwb(tmp_path / "a.nwb", columns())
    with h5py.File(path, "a") as file:
        group, attributes = file["intervals/trials"], dict(file["intervals/trials/side"].attrs)
        del group["side"]
        kind = h5py.enum_dtype({"right": 3, "left": 7}, basetype="i1")
        codes = [{"right": 3, "left": 7}[side] for side in SIDES]
        group.create_dataset("side", data=codes, dtype=kind)
        group["side"].attrs.update(attributes)
    assert chosen(read_nwb(path, BY_NAME)) == SIDES


def test_a_code_without_a_label(make_nwb, tmp_path):
    path = make_nwb(tmp_path / "a.nwb", columns())
    with h5py.File(path, "a") as file:
        group, attributes = file["intervals/trials"], dict(file["intervals/trials/side"].attrs)
        del group["side"]
        kind = h5py.enum_dtype({"right": 0, "left": 1}, basetype="i1")
        group.create_dataset("side", data=[0, 1, 5, 0, 1, 0], dtype=kind)
        group["side"].attrs.update(attributes)
    with pytest.raises(DataError, match=r"column 'side' holds codes of 2 labels, but a code"):
        read_nwb(path, BY_NAME)


@pytest.mark.parametrize(
    "water",
    [
        np.array(REWARDS)[:, None],
        np.array(["True" if r else "False" for r in REWARDS]),
        np.array(["true" if r else "false" for r in REWARDS])[:, None],
        np.array(REWARDS, float)[:, None, None],
    ],
)
def test_one_value_a_row_in_any_form(water, make_nwb, tmp_path):
    times = (np.arange(6) + 0.5)[:, None]
    path = make_nwb(tmp_path / "a.nwb", columns(water=water, outcome_time=times))
    trials = read_nwb(path, BY_NAME)
    assert trials.outcome[0, :, 0].tolist() == REWARDS
    np.testing.assert_array_equal(trials.context[0, :, 0], np.arange(6) + 0.5)


def test_several_values_a_row_stay_an_error(make_nwb, tmp_path):
    path = make_nwb(tmp_path / "a.nwb", columns(water=np.ones((6, 2))))
    with pytest.raises(DataError, match=r'each cell of column "water" .* is a list'):
        read_nwb(path, BY_NAME)


@pytest.mark.parametrize("form", ["frame", "parquet"])
def test_the_same_forms_in_tables(form, tmp_path):
    frame = pd.DataFrame(
        {
            "choice": [[side] for side in SIDES],
            "reward": ["True" if r else "False" for r in REWARDS],
            "da": [np.array([float(i)]) for i in range(6)],
        }
    )
    format = TableFormat(subject=None, session=None, signal=("da",))
    if form == "parquet":
        frame.to_parquet(tmp_path / "a.parquet")
        trials = from_table(tmp_path / "a.parquet", format)
    else:
        trials = from_table(frame, format)
    assert chosen(trials) == SIDES
    assert trials.outcome[0, :, 0].tolist() == REWARDS
    assert trials.signal[0, :, 0].tolist() == list(range(6))


@pytest.mark.parametrize("ids", [range(6), None, [0] * 6, [9, 8, 7, 6, 5, 4]])
def test_trials_are_in_order_of_time(ids, make_nwb, tmp_path):
    """Rows by condition: the rewarded trials first. ids None: by time, so scrambled."""
    order = np.argsort(np.array(REWARDS) == 0, kind="stable")
    starts = np.array([18.0, 26, 34, 42, 50, 58])
    path = make_nwb(
        tmp_path / "a.nwb",
        {name: values[order] for name, values in columns(start_time=starts).items()},
    )
    with h5py.File(path, "a") as file:
        file["intervals/trials/id"][...] = order if ids is None else list(ids)
    trials = read_nwb(path, BY_NAME)
    assert chosen(trials) == SIDES
    assert trials.outcome[0, :, 0].tolist() == REWARDS
    assert trials.number[0].tolist() == list(range(6))


def test_ids_that_ascend_with_time_are_kept(make_nwb, tmp_path):
    path = make_nwb(tmp_path / "a.nwb", columns())
    with h5py.File(path, "a") as file:
        file["intervals/trials/id"][...] = [3, 5, 6, 10, 11, 20]
    assert read_nwb(path, BY_NAME).number[0].tolist() == [3, 5, 6, 10, 11, 20]


def test_an_order_that_is_not_known(make_nwb, tmp_path):
    starts = np.array([5.0, 1.0, np.nan, 3.0, 4.0, 6.0])
    path = make_nwb(tmp_path / "a.nwb", columns(start_time=starts))
    with pytest.raises(DataError, match="start_time is blank in 1 of 6 trials, and does not"):
        read_nwb(path, BY_NAME)
