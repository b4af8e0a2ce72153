"""Each real file through `convert`, then `fit` and `credit` on the table that came of it."""

import json

import numpy as np
import pandas as pd
import pytest

from accumbens.cli import main
from accumbens.io.photometry.ppd import read_ppd
from accumbens.run.fit.folder import load_run

FILES = {
    "689514_2024-02-01_18-06-43.nwb": (432, 383, 239),
    "697062_2023-11-20_10-39-40.nwb": (470, 426, 191),
    "703548_2024-03-01_08-51-32.nwb": (555, 505, 271),
    "behavior_717531_2024-08-07_09-01-02.nwb.zarr": (725, 672, 294),
}
"""Trials, choices and rewards of each."""


def said(capsys, *arguments):
    main([str(a) for a in arguments])
    return " ".join(capsys.readouterr().out.split())


def refused(capsys, *arguments):
    with pytest.raises(SystemExit) as caught:
        main([str(a) for a in arguments])
    assert caught.value.code == 2
    return " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize("name", FILES)
def test_each_nwb_file_alone(name, shared_data, tmp_path, capsys):
    table = tmp_path / "one.parquet"
    said(capsys, "convert", shared_data / "nwb" / name, "--out", table)
    record = json.loads((tmp_path / "one.convert.json").read_text())
    (session,) = record["sessions"]
    assert (session["trials"], session["choices"], session["reward"]) == FILES[name]
    assert len(pd.read_parquet(table)) == FILES[name][0]
    few = ("--models", "q_learning", "--resamples", "9", "--split.every", "0")
    text = said(capsys, "fit", table, "--out", tmp_path / "run", *few)
    assert f"{FILES[name][0]} trials ({FILES[name][1]} scored)" in text
    assert "none is held out" in text
    quick = ("--controllable", "reward", "--bootstrap", "9", "--resamples", "9")
    text = said(capsys, "credit", table, "--out", tmp_path / "credit", *quick)
    assert f"{FILES[name][1]} free choices" in text
    indices = pd.read_csv(tmp_path / "credit" / "indices.csv")
    assert (indices["value"] > 1).all()  # choices follow rewards in each of them


def test_all_nwb_files_together(shared_data, tmp_path, capsys):
    table = tmp_path / "all.csv"
    said(capsys, "convert", *(shared_data / "nwb" / name for name in FILES), "--out", table)
    text = said(
        capsys, "fit", table, "--out", tmp_path / "run", "--models", "dfq_choice",
        "--resamples", "9",
    )  # fmt: skip
    assert "4 subjects, 4 sessions, 2,182 trials (1,986 scored); fitted to 2 sessions" in text
    choice = load_run(tmp_path / "run").metrics["models"]["dfq_choice"]["choice"]
    assert choice["normalized_likelihood"] == pytest.approx(0.72, abs=0.02)
    quick = ("--controllable", "reward", "--bootstrap", "9", "--resamples", "9")
    text = said(capsys, "credit", table, "--out", tmp_path / "credit", *quick)
    assert "4 subjects, 4 sessions, 1,986 free choices" in text


def test_units_and_a_trial_table(shared_data, tmp_path, capsys):
    trials, spikes = shared_data / "rat_units_trials.csv", shared_data / "rat_units_spikes.npz"
    options = (
        "--context", "movement_s", "--spikes.file", spikes, "--spikes.event", "movement_s",
        "--out", tmp_path / "rates.parquet",
    )  # fmt: skip
    assert "or use --session None if each subject" in refused(capsys, "convert", trials, *options)
    text = said(
        capsys, "convert", trials, "--session", "None", "--subject-id", "rat", *options
    )  # fmt: skip
    assert "units: 4" in text
    table = pd.read_parquet(tmp_path / "rates.parquet")
    assert (len(table), table["reward"].sum()) == (338, 232)
    assert table[["subject", "session"]].drop_duplicates().to_numpy().tolist() == [
        ["rat", "rat_units_trials"]
    ]
    with np.load(spikes) as arrays:
        times = arrays["spike_times"][arrays["spike_clusters"] == 6122]
    moves = pd.read_csv(trials)["movement_s"].to_numpy()
    by_hand = [((times >= at) & (times < at + 1)).sum() for at in moves]
    np.testing.assert_array_equal(table["unit_6122"], by_hand)
    more = (
        table.loc[table["reward"] == 0, "unit_6122"].mean()
        - table.loc[table["reward"] == 1, "unit_6122"].mean()
    )
    assert more > 5  # this unit fires more where reward stays out


def test_a_recording_and_a_trial_table_made_of_its_pulses(shared_data, tmp_path, capsys):
    """The pulses of the .ppd are rewards, which 60 trials without one are put between."""
    recording = shared_data / "nac_dlight_m53.ppd"
    pulses = read_ppd(recording).events["digital_1"]
    gaps = np.flatnonzero(np.diff(pulses) > 20)[:60]
    without = pulses[gaps] + 10.0
    at = np.concatenate([pulses, without])
    reward = np.repeat([1, 0], [len(pulses), len(without)])
    order = np.argsort(at)
    trials = pd.DataFrame({"outcome_s": at[order], "water": reward[order]})
    trials["side"] = np.random.default_rng(0).choice(["left", "right"], len(trials))
    trials.to_csv(tmp_path / "day1.csv", index=False)
    columns = (
        "--choice", "side", "--outcome", "water", "--context", "outcome_s", "--session", "None",
        "--subject-id", "m53", "--photometry.channel", "analog_1", "--photometry.control",
        "analog_2", "--photometry.name", "dlight", "--photometry.scale", "dff",
        "--photometry.event", "outcome_s", "--photometry.overlap", "allow",
        "--out", tmp_path / "da.csv",
    )  # fmt: skip
    missing = refused(capsys, "convert", tmp_path / "day1.csv", *columns)
    assert "Tables hold no recordings. Name one for each session (--photometry.file)" in missing
    assert "m53/day1" in missing
    text = said(capsys, "convert", tmp_path / "day1.csv", *columns, "--photometry.file", recording)
    assert "signal to noise" in text
    table = pd.read_csv(tmp_path / "da.csv")
    assert len(table) == len(pulses) + len(without)
    means = table.groupby("water")["dlight"].mean()
    assert means[1] > 1 > abs(means[0])  # % dF/F
    record = json.loads((tmp_path / "da.convert.json").read_text())
    assert record["options"]["photometry"]["file"] == [str(recording)]
    assert record["quality"][0]["rate"] == 130
    run = ("--signal", "dlight", "--models", "naive", "--outcome", "water", "--resamples", "9")
    text = said(capsys, "fit", tmp_path / "da.csv", "--split.every", "0", "--out",
                tmp_path / "run", *run)  # fmt: skip
    assert "dlight MSE" in text
