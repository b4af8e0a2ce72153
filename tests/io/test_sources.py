"""The list of kinds of file: whole, and a new kind is nothing but its reader and an entry."""

import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from accumbens.cli import main
from accumbens.errors import ConfigError, DataError
from accumbens.io import sources
from accumbens.io.contents import inspect_file
from accumbens.io.format import SourceFormat
from accumbens.io.photometry.files import read_recording
from accumbens.io.photometry.recording import Recording
from accumbens.io.sources import (
    HEAD_BYTES,
    SOURCES,
    Reader,
    SourceKind,
    file_kind,
    names_of,
    reader_of,
)
from accumbens.io.spikes.files import read_units
from accumbens.io.trial_sources import read_sources
from accumbens.lazy import at_place
from accumbens.recordings import Channel, units_from_arrays
from accumbens.run.convert.config import ConvertConfig, SpikesConfig
from accumbens.run.convert.conversion import convert_files


@pytest.mark.parametrize("kind", SOURCES, ids=lambda kind: kind.name)
def test_every_entry_can_be_recognised_and_read(kind):
    assert kind.endings or kind.inside or kind.magic
    readers = [kind.recording, kind.units]
    places = [kind.trials, kind.contents, *(r.place for r in readers if r is not None)]
    for place in filter(None, places):
        assert at_place(place, "accumbens.io").__doc__
    for reader in filter(None, readers):
        known = at_place(reader.place, "accumbens.io").__annotations__
        assert set(reader.options) == known.keys() - {"path", "folder", "return"}
    assert any(kind.holds(what) for what in ("trials", "recording", "units"))


def test_names_and_endings_mean_one_kind_each():
    names = [kind.name for kind in SOURCES]
    assert len(set(names)) == len(names)
    endings = [(ending, kind.magic) for kind in SOURCES for ending in kind.endings]
    assert len(set(endings)) == len(endings)
    assert all(ending == ending.casefold() for ending, _ in endings)
    assert all(len(kind.magic) <= HEAD_BYTES for kind in SOURCES)


def test_the_list_is_there_without_pandas():
    """Help that names the kinds of file costs no import of what reads them."""
    code = (
        "import sys; from accumbens.io.sources import names_of; names_of(); "
        "print(*sorted({'jax', 'pandas', 'pynwb', 'pyarrow'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_files_are_asked_only_for_what_they_hold(tmp_path):
    np.savez(tmp_path / "a.npz", spike_times=np.zeros(1), spike_clusters=np.zeros(1))
    with pytest.raises(
        DataError,
        match=r"a\.npz: it is arrays of spikes \(\.npz\), which has no "
        r"recording\. Recordings may be in: an NWB .*; a pyPhotometry recording",
    ):
        read_recording(tmp_path / "a.npz")  # fmt: skip
    pd.DataFrame({"time": [0.0, 1.0]}).to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(
        DataError, match=r"a table .*, which has no spikes\. Spikes may be in: .*Phy"
    ):
        read_units(tmp_path / "a.csv")
    assert reader_of(tmp_path / "a.csv", "recording").options[:2] == ("time", "time_unit")


@pytest.mark.parametrize("first", [True, False], ids=["listed first", "listed last"])
def test_of_kinds_with_one_ending_the_first_bytes_decide(monkeypatch, tmp_path, first):
    own = SourceKind("rig", "a recording of our rig (.csv)", (".csv",), b"FrameCounter,")
    hdf = SourceKind("rig5", "a recording of our rig (.rig)", (".rig",), sources.HDF5_MAGIC)
    listed = (own, hdf, *SOURCES) if first else (*SOURCES, own, hdf)
    monkeypatch.setattr(sources, "SOURCES", listed)
    files = {
        "a.csv": (b"FrameCounter,glow\n1,2\n", "rig"), "b.csv": (b"Frame,glow\n", "table"),
        "c.rig": (sources.HDF5_MAGIC + b"...", "rig5"), "d.rig": (b"damaged", "rig5"),
        "e.nwb": (sources.HDF5_MAGIC + b"...", "nwb"), "f.nwb": (b"", "nwb"),
    }  # fmt: skip
    for name, (content, kind) in files.items():
        (tmp_path / name).write_bytes(content)
        assert file_kind(tmp_path / name).name == kind
    (tmp_path / "g").write_bytes(b"FrameCounter,glow\n")
    assert file_kind(tmp_path / "g").name == "rig"


def read_beats(path: Path) -> Recording:
    """Numbers of a text file, one a sample, 100 a second."""
    values = np.loadtxt(path)
    channel = Channel("glow", values, None, 0.0, 100.0, "V", str(path))
    return Recording(Path(path), {"glow": channel}, {"door": np.array([0.5])}, {"rig": "2"})


def read_clicks(path: Path, *, sort: bool = False):
    """Spikes of a text file: a time and a cluster a line."""
    rows = np.loadtxt(path)
    return units_from_arrays(rows[:, 0], rows[:, 1], sort=sort, source=str(path))


@pytest.fixture
def more_kinds(monkeypatch):
    """A format of recordings and one of spikes: a module with the reader, and an entry each."""
    for name, reader in (("beats", read_beats), ("clicks", read_clicks)):
        module = types.ModuleType(f"accumbens.io.{name}")
        setattr(module, reader.__name__, reader)
        monkeypatch.setitem(sys.modules, module.__name__, module)
    entries = (
        SourceKind("beats", "a Beats recording (.bea)", (".bea",),
                   recording=Reader("beats:read_beats")),
        SourceKind("clicks", "a file of Clicks", magic=b"# CLICKS",
                   units=Reader("clicks:read_clicks", ("sort",))),
    )  # fmt: skip
    monkeypatch.setattr(sources, "SOURCES", (*SOURCES, *entries))


@pytest.fixture
def session(tmp_path):
    """Forty trials of one session in a table, glow that tells rewards, and spikes at rewards."""
    cue = np.arange(40) * 2.0 + 1.0
    reward = np.arange(40) % 2
    pd.DataFrame({"subject": "m", "session": 1, "choice": reward[::-1], "reward": reward,
                  "cue": cue}).to_csv(tmp_path / "trials.csv", index=False)  # fmt: skip
    time = np.arange(8200) / 100
    glow = np.zeros(8200)
    for at, r in zip(cue, reward, strict=True):
        glow[(time >= at) & (time < at + 1)] = r
    np.savetxt(tmp_path / "day.bea", glow)
    clicks = np.column_stack([np.sort(np.append(cue[reward == 1] + 0.5, [0.2, 81.5])), np.ones(22)])
    np.savetxt(tmp_path / "spikes.txt", clicks, header="CLICKS")
    return tmp_path


def test_a_new_format_of_recordings_is_inspected_converted_and_named(more_kinds, session, capsys):
    contents = inspect_file(session / "day.bea")
    assert contents.about == {"stored as": "a Beats recording (.bea)", "rig": "2"}
    series, lines = contents.listings
    assert series.rows[["name", "samples", "rate"]].values.tolist() == [["glow", 8200, 100.0]]
    assert lines.rows["first"].tolist() == [0.5]
    main(["inspect", str(session / "day.bea")])
    assert "glow" in capsys.readouterr().out
    out = session / "out.csv"
    main(["convert", str(session / "trials.csv"), "--context", "cue", "--photometry.file",
          str(session / "day.bea"), "--photometry.channel", "glow", "--photometry.event", "cue",
          "--photometry.bleaching", "none", "--photometry.scale", "raw", "--photometry.window",
          "0.2", "0.8", "--photometry.baseline", "-0.8", "-0.1", "--out", str(out)])  # fmt: skip
    table = pd.read_csv(out)
    assert table.groupby("reward")["glow"].mean().diff().iloc[1] > 0.5
    with pytest.raises(ConfigError, match=r"a Beats recording .*with --photometry\.file"):
        read_sources([session / "day.bea"])
    (session / "x.dat").write_text("x")
    with pytest.raises(DataError, match=r"Known are .*; a Beats recording \(\.bea\); a file of C"):
        file_kind(session / "x.dat")


def test_a_new_format_of_spikes_is_inspected_and_converted(more_kinds, session):
    path = session / "spikes.txt"
    (clusters,) = inspect_file(path).listings
    assert clusters.rows["spikes"].tolist() == [22]
    config = ConvertConfig(
        trials=SourceFormat(context=("cue",)), spikes=SpikesConfig(event="cue", file=(path,))
    )
    found = convert_files([session / "trials.csv"], config)
    rates = found.trials.signal[0, :, 0]
    np.testing.assert_array_equal(rates, found.trials.outcome[0, :, 0])
    with pytest.raises(ConfigError, match=r"a file of Clicks, .*with --spikes\.file"):
        read_sources([path])
    assert names_of("units").endswith("; a file of Clicks")
