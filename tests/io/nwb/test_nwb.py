"""Trials of NWB files: real ones against an independent reading, other layouts, round trips."""

import datetime

import h5py
import numpy as np
import pandas as pd
import pytest

from accumbens.errors import ConfigError, DataError
from accumbens.io.nwb.files import neural_extra
from accumbens.io.nwb.format import NwbFormat, outcome_columns
from accumbens.io.nwb.trials import read_nwb
from accumbens.io.nwb.write import write_nwb
from accumbens.io.tables.trials import format_of, from_table, to_table
from accumbens.trials import TrialNames, concatenate, trials_from_arrays

FORAGING = {
    "689514_2024-02-01_18-06-43.nwb": (432, 383, (308, 75), 239),
    "697062_2023-11-20_10-39-40.nwb": (470, 426, (299, 127), 191),
    "703548_2024-03-01_08-51-32.nwb": (555, 505, (179, 326), 271),
    "behavior_717531_2024-08-07_09-01-02.nwb.zarr": (725, 672, (449, 223), 294),
}
"""Trials, choices, choices (left, right) and rewards of each real file."""


@pytest.fixture(scope="module")
def foraging(shared_data):
    with pytest.warns(UserWarning, match=r"zarr: 1 choice was followed by water given freely"):
        return {name: read_nwb(shared_data / "nwb" / name) for name in FORAGING}


@pytest.mark.parametrize("name", FORAGING)
def test_counts_of_the_real_files(name, foraging):
    trials = foraging[name]
    chosen = trials.choice[0][trials.valid[0]]
    found = (
        int(trials.length[0]), len(chosen), tuple(np.bincount(chosen)),
        int(trials.outcome[trials.valid].sum()),
    )  # fmt: skip
    assert found == FORAGING[name]
    assert trials.names.choices == (0, 1)
    assert trials.names.outcomes == ("reward",)


@pytest.mark.parametrize("name", [name for name in FORAGING if name.endswith(".nwb")])
def test_hdf5_files_read_with_h5py_alone_say_the_same(name, foraging, shared_data):
    trials = foraging[name]
    with h5py.File(shared_data / "nwb" / name) as file:
        table = file["intervals/trials"]
        for t in range(len(table["id"])):
            response = int(table["animal_response"][t])
            assert trials.choice[0, t] == {0: 0, 1: 1, 2: -1}[response]
            reward = table["rewarded_historyL"][t] or table["rewarded_historyR"][t]
            assert trials.outcome[0, t, 0] == float(reward)
        for column in ("reward_probabilityL", "reward_probabilityR", "goCue_start_time"):
            kept = trials.context[0, :, trials.names.contexts.index(column)]
            np.testing.assert_array_equal(kept, table[column][:])
        subject = file["general/subject/subject_id"][()].decode()
    assert trials.names.subjects == (subject,)


def test_the_zarr_file_agrees_with_the_table_made_of_it_by_others(foraging, shared_data):
    trials = foraging["behavior_717531_2024-08-07_09-01-02.nwb.zarr"]
    theirs = pd.read_csv(shared_data / "bandit_717531_photometry_trials.csv")
    valid = trials.valid[0]
    np.testing.assert_array_equal(trials.choice[0][valid], theirs["choice"])
    np.testing.assert_array_equal(trials.outcome[0, :, 0][valid], theirs["reward"])
    for ours, other in (("reward_probabilityL", "pL"), ("reward_outcome_time", "outcome_time")):
        kept = trials.context[0, :, trials.names.contexts.index(ours)][valid]
        np.testing.assert_allclose(kept, theirs[other], rtol=1e-12)


def test_several_files_are_one_table(foraging, shared_data):
    files = [shared_data / "nwb" / name for name in FORAGING]
    with pytest.warns(UserWarning, match="1 choice was followed by water given freely"):
        trials = read_nwb(files)
    assert trials.names.subjects == ("689514", "697062", "703548", "717531")
    assert trials.length.tolist() == [432, 470, 555, 725]
    joined = concatenate([foraging[name] for name in FORAGING])
    np.testing.assert_array_equal(trials.choice, joined.choice)
    np.testing.assert_array_equal(trials.context, joined.context)


@pytest.mark.parametrize("kind", ["hdf5", "zarr"])
def test_real_trials_written_back_read_unchanged(kind, foraging, tmp_path):
    trials = concatenate(list(foraging.values()))
    same(trials, read_nwb(write_nwb(trials, tmp_path, kind=kind)))


def same(a, b):
    assert a.names == b.names
    for field in (
        "choice", "outcome", "signal", "context", "number", "instructed", "length", "subject"
    ):  # fmt: skip
        np.testing.assert_array_equal(getattr(a, field), getattr(b, field), err_msg=field)


def any_trials(seed, codes=("left", "right"), n_sessions=3):
    rng = np.random.default_rng(seed)
    shape = (n_sessions, 12)
    signal = rng.normal(size=(*shape, 2))
    signal[rng.random(signal.shape) < 0.2] = np.nan
    return trials_from_arrays(
        rng.integers(-1, len(codes), shape).astype(np.int32),
        rng.random((*shape, 2)), signal=signal, context=rng.normal(size=(*shape, 2)),
        number=np.broadcast_to(np.arange(12) * 3 + 5, shape), instructed=rng.random(shape) < 0.2,
        length=np.array([12, 9, 7]), subject=np.array([0, 1, 0]),
        names=TrialNames(codes, ("controllable", "distractor"), ("da", "unit 3"),
                         ("start_time", "p left"), ("M/1", "M 2"), ("a:1", "b", "c")),
    )  # fmt: skip


CODES = [("left", "right"), (-1, 1), (False, True), (1, 2, 3), (0.5, 1)]


@pytest.mark.parametrize(
    ("kind", "codes"), [("zarr", CODES[0]), *(("hdf5", codes) for codes in CODES)]
)
def test_any_trials_written_are_read_unchanged(kind, codes, tmp_path):
    trials = any_trials(0, codes)
    paths = write_nwb(trials, tmp_path, kind=kind)
    back = read_nwb(paths)
    same(trials, back)
    assert from_table(to_table(back), format_of(back)).names == trials.names
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def test_a_file_of_ours_is_nwb_to_others(tmp_path):
    pynwb = pytest.importorskip("pynwb")
    trials = any_trials(1)
    start = datetime.datetime(2024, 1, 2, 3, tzinfo=datetime.UTC)
    path = write_nwb(trials.select_sessions([1]), tmp_path, start=start)[0]
    assert path.name == "M_2_b.nwb"
    with pynwb.NWBHDF5IO(str(path), "r") as io:
        file = io.read()
        assert file.session_start_time == start
        assert file.subject.subject_id == "M 2"
        frame = file.trials.to_dataframe()
        assert file.trials["choice"].description == "0: left; 1: right; -1: missed"
    np.testing.assert_array_equal(frame["da"], trials.signal[1, :9, 0])
    np.testing.assert_array_equal(frame["start_time"], trials.context[1, :9, 0])
    assert frame["stop_time"].isna().all()
    assert list(frame.index) == list(range(5, 32, 3))
    other = NwbFormat("none", choice="choice", missed=(-1,), outcome=("r=controllable|distractor",))
    named = read_nwb(path, other)
    np.testing.assert_array_equal(named.choice, trials.choice[1:2, :9])
    np.testing.assert_array_equal(named.outcome[0, :, 0], trials.outcome[1, :9].max(1))


def test_any_other_layout_by_naming_columns(make_nwb, tmp_path):
    for i, name in enumerate(("a.nwb", "b.nwb")):
        columns = {
            "side": np.array(["L", "R", "", "R"]),
            "water": np.array([1, 0, 0, 1]),
            "puff": np.array([0.0, 1.0, np.nan, 0.0]),
            "forced": np.array([False, True, False, False]),
            "cue": np.array([0.1, 1.1, 2.1, 3.1]),
        }
        if i:
            columns["mood"] = np.full(4, 7.0)
        make_nwb(tmp_path / name, columns, session=f"day {i}")
    format = NwbFormat(
        choice="side", outcome=("reward=water", "puff"), instructed="forced", context=("cue",),
        optional_context=("mood",),
    )  # fmt: skip
    trials = read_nwb([tmp_path / "a.nwb", tmp_path / "b.nwb"], format)
    assert trials.session_labels == ("rat 7/day 0", "rat 7/day 1")
    assert trials.names.choices == ("L", "R")
    assert trials.names.outcomes == ("reward", "puff")
    np.testing.assert_array_equal(trials.choice, [[0, 1, -1, 1]] * 2)
    np.testing.assert_array_equal(trials.outcome[0], [[1, 0], [0, 1], [0, np.nan], [1, 0]])
    np.testing.assert_array_equal(trials.instructed[0], [False, True, False, False])
    np.testing.assert_array_equal(trials.context[:, 0], [[0.1, np.nan], [0.1, 7.0]])


def test_subject_and_session_can_be_named(make_nwb, tmp_path):
    columns = {"choice": np.array([0, 1]), "reward": np.array([1, 0])}
    path = make_nwb(tmp_path / "a.nwb", columns, subject=None, session=None)
    format = NwbFormat(choice="choice", outcome=("reward",))
    with pytest.raises(DataError, match=r"a\.nwb: the file names no subject\. Name it with --subj"):
        read_nwb(path, format)
    format = NwbFormat(choice="choice", outcome=("reward",), subject_id="M")
    assert read_nwb(path, format).session_labels == ("M/id of a.nwb",)
    format = NwbFormat(choice="choice", outcome=("reward",), subject_id="M", session_id="S")
    assert read_nwb(path, format).session_labels == ("M/S",)


def test_what_is_missing_is_named(make_nwb, tmp_path):
    columns = {"side": np.array(["L", "R"]), "reward": np.array([1, 0])}
    path = make_nwb(tmp_path / "a.nwb", columns)
    with pytest.raises(
        ConfigError, match=r"The layout of this file is not known: .*start_time, stop_t"
    ):
        read_nwb(path)
    with pytest.raises(DataError, match=r'no column "rewards" \(--outcome\)\. Did you mean "rewar'):
        read_nwb(path, NwbFormat(choice="side", outcome=("rewards",)))
    with pytest.raises(
        DataError, match='there is no table "pulses" of intervals; the file has "trials"'
    ):
        read_nwb(path, NwbFormat(choice="side", outcome=("reward",), table="pulses"))
    with pytest.raises(DataError, match="accumbens did not write this file"):
        read_nwb(path, NwbFormat("accumbens"))
    with pytest.raises(DataError, match='made of several columns, and one of them holds "L"'):
        read_nwb(path, NwbFormat(choice="side", outcome=("x=side|reward",)))
    with pytest.raises(DataError, match=r"both session \"day 1\" of subject \"rat 7\""):
        read_nwb([path, path], NwbFormat(choice="side", outcome=("reward",)))
    none = make_nwb(tmp_path / "none.nwb")
    with pytest.raises(DataError, match=r'no table "trials" of intervals; the file has no tables'):
        read_nwb(none)
    with pytest.raises(ConfigError, match=r"There is no NWB file to read\. Name at least one"):
        read_nwb([])


def test_bad_cells_are_told_by_file_and_row(make_nwb, tmp_path):
    columns = {"choice": np.array([0, 1, 1]), "reward": np.array([1, np.nan, 0])}
    path = make_nwb(tmp_path / "a.nwb", columns)
    with pytest.raises(DataError, match=r"(?s)the trials of .*a\.nwb .*, row a\.nwb:1: blank"):
        read_nwb(path, NwbFormat(choice="choice", outcome=("reward",)))


def test_outcomes_as_they_are_written():
    assert outcome_columns("reward") == ("reward", ("reward",))
    assert outcome_columns("r = a | b") == ("r", ("a", "b"))
    for text in ("a|b", "=a", "r=", "r=a|", ""):
        with pytest.raises(ConfigError, match="it must be COLUMN, NAME=COLUMN, or NAME=COLUMN"):
            outcome_columns(text)


def test_what_nwb_cannot_hold_is_refused(tmp_path):
    trials = any_trials(2)
    bad = trials.with_signals(trials.signal, ("choice", "a/b"))
    with pytest.raises(DataError, match="NWB cannot hold these columns: 'choice', 'a/b'"):
        write_nwb(bad, tmp_path)
    write_nwb(trials, tmp_path)
    with pytest.raises(
        DataError, match=r"the file exists\. Name another folder, or delete the file"
    ):
        write_nwb(trials, tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"Cannot write .*file/M_1_a_1\.nwb: .*Name a"):
        write_nwb(trials, tmp_path / "file")


def test_without_the_extra_the_error_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pynwb", None)
    with pytest.raises(ConfigError, match=r"needs pynwb, .*pip install 'accumbens\[neural\]'\."):
        neural_extra("pynwb")
