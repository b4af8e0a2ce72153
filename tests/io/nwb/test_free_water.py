"""Water given freely, counted by hand."""

import numpy as np
import pytest

from accumbens.errors import ConfigError, DataError
from accumbens.io.format import SourceFormat
from accumbens.io.nwb.format import NwbFormat
from accumbens.io.nwb.trials import read_nwb
from accumbens.io.trial_sources import read_sources

RESPONSE = np.array([0, 0, 1, 1, 2, 0, 1, 0])
EARNED_L = np.array([1, 0, 0, 0, 0, 0, 0, 0])
EARNED_R = np.array([0, 0, 1, 0, 0, 0, 0, 0])
AUTO_L = np.array([1, 1, 1, 0, 1, 0, 0, 1])
AUTO_R = np.array([0, 0, 0, 1, 1, 1, 0, 0])
REWARD = [1, 0, 1, 0, 0, 0, 0, 0]
FREE = [0, 1, 0, 1, 0, 0, 0, 1]  # on the side that was chosen, and not earned


def columns(left="auto_waterL", right="auto_waterR"):
    n = len(RESPONSE)
    times = dict.fromkeys(("goCue_start_time", "reward_outcome_time"), np.arange(n) + 0.5)
    odds = dict.fromkeys(("reward_probabilityL", "reward_probabilityR"), np.full(n, 0.5))
    return {
        "animal_response": RESPONSE,
        "rewarded_historyL": EARNED_L.astype(bool),
        "rewarded_historyR": EARNED_R.astype(bool),
        left: AUTO_L,
        right: AUTO_R,
    } | times | odds  # fmt: skip


NAMES = [("auto_waterL", "auto_waterR"), ("free_reward_left", "free_reward_right")]


@pytest.mark.parametrize("names", NAMES)
def test_it_is_counted_only_when_told_and_said_otherwise(names, make_nwb, tmp_path):
    path = make_nwb(tmp_path / "a.nwb", columns(*names))
    source = read_sources([path])
    assert source.trials.outcome[0, :, 0].tolist() == REWARD
    (note,) = source.notes
    assert note.startswith(f"a.nwb: 3 choices were followed by water given freely ({names[0]}, ")
    assert "which 'reward' (2 trials) does not count" in note
    with pytest.warns(UserWarning, match="3 choices were followed by water given freely"):
        read_nwb(path)

    as_reward = read_sources([path], SourceFormat(free_water="reward"))
    assert as_reward.notes == ()
    assert as_reward.trials.outcome[0, :, 0].tolist() == [
        a + b for a, b in zip(REWARD, FREE, strict=True)
    ]
    own = read_nwb(path, NwbFormat(free_water="outcome"))
    assert own.names.outcomes == ("reward", "free_water")
    assert own.outcome[0].tolist() == [[a, b] for a, b in zip(REWARD, FREE, strict=True)]


def test_columns_that_the_user_names(make_nwb, tmp_path):
    path = make_nwb(tmp_path / "a.nwb", columns())
    own = SourceFormat(
        choice="animal_response", choices=(0, 1), missed=(2,),
        outcome=("drop=rewarded_historyL|rewarded_historyR",),
    )  # fmt: skip
    assert "which 'drop' (2 trials) does not count" in read_sources([path], own).notes[0]
    counted = SourceFormat(
        choice="animal_response", choices=(0, 1), missed=(2,),
        outcome=("drop=rewarded_historyL|rewarded_historyR|auto_waterL|auto_waterR",),
    )  # fmt: skip
    assert read_sources([path], counted).notes == ()


def test_files_without_it(make_nwb, tmp_path):
    given = {name: values for name, values in columns().items() if "auto" not in name}
    path = make_nwb(tmp_path / "a.nwb", given)
    assert read_sources([path]).notes == ()
    with pytest.raises(DataError, match=r"no column says that water was given freely"):
        read_sources([path], SourceFormat(free_water="reward"))
    (tmp_path / "a.csv").write_text("choice,reward\n0,1\n1,0\n")
    with pytest.raises(ConfigError, match="--free-water is for NWB files"):
        read_sources([tmp_path / "a.csv"], SourceFormat(free_water="reward"))


@pytest.mark.parametrize(("codes", "clear"), [
    ((-1, 1), True), (("L", "R"), True), ((1, 2), False), (("A", "B"), False), ((-1, 0), False),
])  # fmt: skip
def test_the_side_is_counted_only_where_the_codes_name_it(codes, clear, make_nwb, tmp_path):
    keep = RESPONSE != 2
    given = {name: values[keep] for name, values in columns().items()}
    given["animal_response"] = np.array(codes)[RESPONSE[keep]]
    path = make_nwb(tmp_path / "a.nwb", given)
    own = {"choice": "animal_response", "choices": codes,
           "outcome": ("drop=rewarded_historyL|rewarded_historyR",)}  # fmt: skip
    (note,) = read_sources([path], SourceFormat(**own)).notes
    assert ("3 choices were followed" in note) == clear
    assert ("do not say which side they mean" in note) != clear
    if not clear:
        with pytest.raises(DataError, match="do not say which side they mean"):
            read_sources([path], SourceFormat(free_water="reward", **own))
