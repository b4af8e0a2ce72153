"""Recordings in tables: columns of one name, cells that are no numbers, lights that take turns."""

import numpy as np
import pandas as pd
import pytest

from accumbens.errors import DataError
from accumbens.io.photometry.interleaved import check_one_light
from accumbens.io.photometry.recording import find_channel
from accumbens.io.photometry.tables import read_table_recording
from accumbens.recordings import Channel


def table(path, text):
    path.write_text(text)
    return path


def refusal(recording, name):
    with pytest.raises(DataError) as error:
        find_channel(recording, name, "--photometry.channel")
    return str(error.value)


def test_columns_without_a_name_and_of_one_name(tmp_path):
    blank = table(tmp_path / "a.csv", "time,G,,\n0,1,,\n1,2,,\n")
    assert list(read_table_recording(blank).channels) == ["G"]
    twice = table(tmp_path / "b.csv", "time,G,G,iso\n0,1,5,7\n1,2,6,8\n")
    recording = read_table_recording(twice)
    assert list(recording.channels) == ["iso"]
    assert '2 columns are named "G" (columns 2 and 3 of the table). Rename' in refusal(
        recording, "G"
    )
    times = table(tmp_path / "c.csv", "time,time,G\n0,0,1\n1,1,2\n")
    with pytest.raises(DataError, match='the times cannot be read: 2 columns are named "time"'):
        read_table_recording(times)


@pytest.mark.parametrize(
    ("cell", "hint"),
    [
        ("#DIV/0!", "Correct these cells"),
        ('"11,170.1"', "commas between thousands"),
        ('"0,5"', "a comma for a point"),
        ("1.5 V", "They have a unit"),
    ],
)
def test_a_cell_that_is_no_number(cell, hint, tmp_path):
    path = table(tmp_path / "a.csv", f"time,G,iso\n0,1,5\n1,{cell},6\n2,3,7\n")
    recording = read_table_recording(path)
    assert list(recording.channels) == ["iso"]
    message = refusal(recording, "G")
    shown = cell.strip('"')
    assert (
        f'column "G", row 3 (rows counted with the header as row 1): not a number: "{shown}"'
        in (message)
    )
    assert hint in message


def test_units_below_the_names_and_no_names(tmp_path):
    units = table(tmp_path / "a.csv", "time,G\n0,V\n1,1\n2,2\n")
    assert "if it holds units or a second row of names" in refusal(read_table_recording(units), "G")
    bare = table(tmp_path / "b.csv", "0.0,1.5\n0.1,1.6\n")
    with pytest.raises(DataError, match="no row with the names of its columns: put one first"):
        read_table_recording(bare)


def test_a_table_without_times(tmp_path):
    path = table(tmp_path / "a.csv", "G,iso\n1,5\n2,6\n3,7\n")
    with pytest.raises(DataError, match=r"give its number of samples per second \(--assume-rate"):
        read_table_recording(path)
    for options in ({"rate": 20.0}, {"time": None}):
        channel = read_table_recording(path, **options).channels["G"]
        assert channel.times is None
        np.testing.assert_array_equal(channel.values, [1, 2, 3])


def frames(tmp_path, name, states, lights=("415", "470")):
    """A table whose rows take turns, and the rows of each light."""
    rng = np.random.default_rng(1)
    n = len(states)
    which = np.arange(n) % len(lights)
    values = 1.0 + 2.0 * which + 0.05 * rng.standard_normal(n)
    frame = pd.DataFrame({"time": np.arange(n) / 40, name: states, "R0": values})
    frame.to_csv(tmp_path / "fp.csv", index=False)
    return tmp_path / "fp.csv", {light: values[which == i] for i, light in enumerate(lights)}


@pytest.mark.parametrize(
    ("name", "states", "lights"),
    [
        ("LedState", [1, 2], ("415", "470")),
        ("LedState", [1, 2, 4], ("415", "470", "560")),
        ("Flags", [17, 18], ("415", "470")),
        ("Flags", [529, 530, 532], ("415", "470", "560")),
        ("Excitation", ["iso", "blue"], ("iso", "blue")),
        ("Wavelength (nm)", [410, 465], ("410", "465")),
    ],
)
def test_lights_that_take_turns_become_channels(name, states, lights, tmp_path):
    n = 120
    path, parts = frames(tmp_path, name, (states * n)[:n], lights)
    recording = read_table_recording(path)
    for i, light in enumerate(lights):
        channel = recording.channels[f"R0:{light}"]
        np.testing.assert_allclose(channel.values, parts[light])
        np.testing.assert_allclose(channel.timestamps(), np.arange(i, n, len(lights)) / 40)
    message = refusal(recording, "R0")
    assert f'holds several excitations in turn, as the column "{name}" says' in message
    assert all(f"R0:{light}" in message for light in lights)
    whole = read_table_recording(path, state=None).channels["R0"]
    assert len(whole.values) == n


def test_a_first_frame_with_all_lights_and_inputs_that_change(tmp_path):
    states = np.tile([1, 2], 200)
    states[100:140] += 512  # an input is high
    states[0] = 7
    path, parts = frames(tmp_path, "LedState", states)
    channels = read_table_recording(path).channels
    assert set(channels) == {"R0:415", "R0:470", "LedState"}
    np.testing.assert_allclose(channels["R0:415"].values, parts["415"][1:])
    np.testing.assert_allclose(channels["R0:470"].values, parts["470"])


def test_a_column_of_an_unusual_name(tmp_path):
    path, parts = frames(tmp_path, "phase", np.tile([0, 1], 60))
    assert "If it says which light was on, give --photometry.state phase" in refusal(
        read_table_recording(path), "R0"
    )
    chosen = read_table_recording(path, state="phase").channels
    np.testing.assert_allclose(chosen["R0:1"].values, parts["470"])
    with pytest.raises(DataError, match=r'no column of states "phases" .* mean "phase"'):
        read_table_recording(path, state="phases")


def test_a_light_that_stays_on_splits_nothing(tmp_path):
    path, _ = frames(tmp_path, "LedState", [2] * 60)
    assert "R0" in read_table_recording(path).channels


def test_samples_that_take_turns_without_a_column_of_states():
    rng = np.random.default_rng(0)
    one = np.cumsum(rng.standard_normal(300))
    check_one_light(Channel("smooth", one))
    check_one_light(Channel("noise", rng.standard_normal(300)))
    mixed = np.tile([0.0, 5.0, 9.0], 100) + 0.1 * rng.standard_normal(300)
    with pytest.raises(DataError, match="as if 3 lights shared the channel"):
        check_one_light(Channel("mixed", mixed, source="a.csv"))
