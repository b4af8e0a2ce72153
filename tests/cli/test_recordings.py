"""`accumbens inspect` and `accumbens convert` as a user meets them."""

import json

import numpy as np
import pandas as pd
import pytest

from accumbens.cli import main
from accumbens.io.tables.trials import TableFormat, from_table


def refused(capsys, *arguments):
    with pytest.raises(SystemExit) as caught:
        main([str(a) for a in arguments])
    assert caught.value.code == 2
    return " ".join(capsys.readouterr().err.split())


def said(capsys, *arguments):
    main([str(a) for a in arguments])
    return " ".join(capsys.readouterr().out.split())


@pytest.fixture(scope="module")
def recording(make_nwb, tmp_path_factory):
    rng = np.random.default_rng(0)
    columns = {"side": np.array(["L", "R", "miss", "R"]), "water": np.array([1, 0, 0, 1])}
    times = np.arange(200) / 20
    series = [("green", rng.normal(size=200), times), ("clicks", np.ones(3), np.arange(3.0))]
    units = [(np.arange(10) * 0.5, "NAc"), (np.array([0.2, 3.0]), "mPFC")]
    folder = tmp_path_factory.mktemp("recordings")
    return make_nwb(folder / "a.nwb", columns, series, units)


def test_inspect_lists_what_a_mapping_needs(recording, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    text = said(capsys, "inspect", recording)
    for part in (
        "subject: rat 7", "session: day 1", "table trials: 4 rows", "side",
        "L (1), R (2), miss (1)", "side of the trial", "green", "trace", "clicks", "events", "20",
        "units: 2", "NAc (1), mPFC (1)",
    ):  # fmt: skip
        assert part in text


def test_inspect_says_which_clock_is_wrong(shared_data, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "220")
    text = said(capsys, "inspect", next((shared_data / "nwb").glob("behavior_717531*")))
    assert "animal_response" in text
    assert "218,054 timestamps, but only 109,027 differ: each occurs 2 times" in text
    assert "109,027 samples at the median interval of 33.6 ms" in text


def test_inspect_a_pyphotometry_file(shared_data, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    text = said(capsys, "inspect", shared_data / "nac_dlight_m53.ppd")
    for part in (
        "subject_ID: m53_NAc_L",
        "705,249",
        "130",
        "digital_1",
        "137",
    ):
        assert part in text


def test_inspect_a_table(shared_data, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    text = said(capsys, "inspect", shared_data / "rat_units_trials.csv")
    for part in (
        "rows: 338", "0 (182), 1 (156)", "movement_s", "1.5455 to 6,741.3005, ascending by 20.004",
    ):  # fmt: skip
        assert part in text


def test_inspect_spikes_shows_some_clusters(shared_data, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    text = said(capsys, "inspect", shared_data / "probe_spikes.npz", "--rows", "5")
    for part in ("clusters: 289", "124,905", "... and 284 more", "event_times"):
        assert part in text


def test_convert_any_layout(recording, tmp_path, capsys):
    out = tmp_path / "t.csv"
    text = said(
        capsys, "convert", recording, "--out", out, "--choice", "side", "--missed", "miss",
        "--outcome", "reward=water", "--context", "start_time",
    )  # fmt: skip
    assert "a.nwb" in text
    trials = from_table(out, TableFormat(context=("start_time",)))
    np.testing.assert_array_equal(trials.choice, [[0, 1, -1, 1]])
    record = json.loads((tmp_path / "t.convert.json").read_text())
    (session,) = record["sessions"]
    assert (session["trials"], session["choices"], session["reward"]) == (4, 3, 2)
    assert record["options"]["trials"]["missed"] == ["miss"]
    assert "pynwb" in record["versions"]


def test_convert_the_real_files(shared_data, tmp_path, capsys):
    files = sorted((shared_data / "nwb").iterdir())
    out = tmp_path / "foraging.parquet"
    text = said(capsys, "convert", *files, "--out", out)
    for number in ("432", "470", "555", "725", "383", "426", "505", "672", "239", "191", "271"):
        assert number in text
    table = pd.read_parquet(out)
    assert len(table) == 2182
    assert table["choice"].notna().sum() == 1986
    assert table.loc[table["choice"].notna(), "reward"].sum() == 995


@pytest.mark.slow
def test_fit_runs_on_what_convert_made(shared_data, tmp_path, capsys):
    files = sorted((shared_data / "nwb").iterdir())
    said(capsys, "convert", *files, "--out", tmp_path / "t.parquet")
    options = ("--models", "q_learning", "--resamples", "9")
    run = said(capsys, "fit", tmp_path / "t.parquet", "--out", tmp_path / "run", *options)
    assert "4 subjects, 4 sessions, 2,182 trials" in run


def test_mistakes_are_one_clear_error(recording, tmp_path, capsys):
    assert "FILES is missing. Files with the trials, one session each" in refused(capsys, "convert")
    assert "The layout of this file is not known" in refused(capsys, "convert", recording)
    assert "--session-id names the session of a single file" in refused(
        capsys, "convert", recording, recording, "--session-id", "x"
    )
    good = ("--choice", "side", "--missed", "miss", "--outcome", "water")
    assert "it is a folder" in refused(capsys, "convert", recording, "--out", tmp_path, *good)
    assert "there is no such file" in refused(capsys, "inspect", tmp_path / "b.nwb")
    (tmp_path / "c.nwb").write_text("subject,choice")
    assert "it is not an NWB file" in refused(capsys, "inspect", tmp_path / "c.nwb")
    (tmp_path / "notes.doc").write_text("no data")
    assert "accumbens convert makes a table from an NWB file" in refused(capsys, "fit", recording)
    for command in ("inspect", "convert"):
        text = refused(capsys, command, tmp_path / "notes.doc")
        assert "its kind of file is not known. Known are an NWB file" in text


@pytest.mark.parametrize("command", ["inspect", "convert"])
def test_help_explains_the_options(command, capsys):
    main([command, "--help"])
    assert "NWB file" in capsys.readouterr().out
