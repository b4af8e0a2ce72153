"""Damaged trial tables, Phy folders and arrays, inspected and converted: one clear error each."""

import shutil

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accumbens.io.contents import inspect_file
from accumbens.io.format import SourceFormat
from accumbens.io.trial_sources import read_sources
from accumbens.neural.events.config import WindowConfig
from accumbens.run.convert.config import ConvertConfig, PhotometryConfig, SpikesConfig
from accumbens.run.convert.conversion import convert_files
from helpers.damaged import refusal

MANY = settings(
    max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)


def clear(read, *names):
    """`read` ends well, or with one error that names one of the files."""
    assert "Traceback" not in (refusal(read, *names, "Session M/d") or "")


def damaged(data, content):
    """The content cut short, or with some bytes changed, or both."""
    content = bytearray(content)
    for _ in range(data.draw(st.integers(0, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    return bytes(content[: data.draw(st.integers(0, len(content)))])


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Trials, a Phy folder, an .npz and a trace that go together."""
    folder, rng = tmp_path_factory.mktemp("whole"), np.random.default_rng(0)
    cues = 5 + 2.0 * np.arange(25)
    trials = pd.DataFrame(
        {"subject": "M", "session": "d1", "choice": rng.integers(0, 2, 25),
         "reward": rng.integers(0, 2, 25), "cue": cues}
    )  # fmt: skip
    trials.to_csv(folder / "trials.csv", index=False)
    trials.to_parquet(folder / "trials.parquet")
    times = np.sort(rng.uniform(0, 60, 200))
    np.savez(folder / "spikes.npz", spike_times=times, spike_clusters=rng.integers(0, 3, 200))
    phy = folder / "phy"
    phy.mkdir()
    np.save(phy / "spike_times.npy", (times * 1000).astype(np.int64))
    np.save(phy / "spike_clusters.npy", rng.integers(0, 3, 200))
    (phy / "params.py").write_text("dat_path = 'a.dat'\nsample_rate = 1000.\n")
    (phy / "cluster_group.tsv").write_text("cluster_id\tgroup\n0\tgood\n1\tgood\n2\tnoise\n")
    trace = pd.DataFrame({"time": np.arange(0, 60, 0.1), "green": rng.normal(1, 0.1, 600)})
    trace.to_csv(folder / "trace.csv", index=False)
    return folder


def with_spikes(trials, spikes):
    config = SpikesConfig("cue", file=(spikes,), outside="blank")
    return convert_files([trials], ConvertConfig(SourceFormat(context=("cue",)), spikes=config))


def test_whole_files_go_together(whole):
    for spikes, n in (("phy", 2), ("spikes.npz", 3)):
        converted = with_spikes(whole / "trials.csv", whole / spikes)
        assert converted.trials.signal.shape == (1, 25, n)
        assert inspect_file(whole / spikes).about["clusters"] == "3"


@MANY
@given(data=st.data())
def test_damaged_phy_folders(data, whole, tmp_path):
    folder = tmp_path / "phy"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(whole / "phy", folder)
    files = sorted(folder.iterdir())
    for _ in range(data.draw(st.integers(1, 2))):
        path = files[data.draw(st.integers(0, len(files) - 1))]
        if path.exists() and data.draw(st.booleans()):
            path.write_bytes(damaged(data, path.read_bytes() or b"0"))
        else:
            path.unlink(missing_ok=True)
    clear(lambda: inspect_file(folder), folder)
    clear(lambda: with_spikes(whole / "trials.csv", folder), folder)


@MANY
@given(data=st.data())
def test_damaged_arrays(data, whole, tmp_path):
    path = tmp_path / "spikes.npz"
    path.write_bytes(damaged(data, (whole / "spikes.npz").read_bytes()))
    clear(lambda: inspect_file(path), path)
    clear(lambda: with_spikes(whole / "trials.csv", path), path)


@MANY
@given(
    arrays=st.dictionaries(
        st.sampled_from(["spike_times", "spike_clusters", "other"]),
        st.sampled_from(
            [np.zeros(0), np.zeros(3), np.array([np.nan, 1, 2]), np.arange(3)[::-1], np.eye(3),
             np.array(["a", "b", "c"]), np.array(5.0), np.array([1e308, -1e308, 1e308]),
             np.array([1, 2, 3], np.uint64), np.array([1j, 2, 3]), np.array([True, False, True])]
        ),
    )
)  # fmt: skip
def test_arrays_that_are_not_spikes(arrays, whole, tmp_path):
    np.savez(tmp_path / "a.npz", **arrays)
    path = tmp_path / "a.npz"
    clear(lambda: inspect_file(path), path)
    clear(lambda: with_spikes(whole / "trials.csv", path), path)


@MANY
@given(data=st.data())
def test_damaged_tables(data, whole, tmp_path):
    name = data.draw(st.sampled_from(["trials.csv", "trials.parquet"]))
    path = tmp_path / name
    path.write_bytes(damaged(data, (whole / name).read_bytes()))
    clear(lambda: inspect_file(path), path)
    clear(lambda: read_sources([path, whole / "trials.csv"]), path)
    clear(lambda: with_spikes(path, whole / "phy"), path, whole / "phy")


CELL = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 3), st.floats(), st.text(max_size=3),
    st.just([1]), st.datetimes(), st.just(b"a"),
)  # fmt: skip


@MANY
@given(
    names=st.lists(
        st.sampled_from(["subject", "session", "trial", "choice", "reward", "cue", "Choice", ""]),
        max_size=7,
    ),
    data=st.data(),
)
def test_tables_of_wrong_columns(names, data, whole, tmp_path):
    n = data.draw(st.integers(0, 3))
    columns = [pd.Series([data.draw(CELL) for _ in range(n)], dtype=object) for _ in names]
    frame = pd.concat(columns, axis=1) if columns else pd.DataFrame()
    frame.columns = names
    path = tmp_path / "a.csv"
    frame.to_csv(path, index=False)
    clear(lambda: inspect_file(path), path)
    clear(lambda: with_spikes(path, whole / "phy"), path, whole / "phy")


@MANY
@given(
    option=st.sampled_from(["choice", "subject", "session", "trial", "instructed", "subject_id"]),
    listed=st.sampled_from(["outcome", "signal", "context", "missed", "choices"]),
    name=st.sampled_from(["choice", "reward", "cue", "rewrad", "0", ""]),
)
def test_options_that_name_wrong_columns(option, listed, name, whole):
    format = SourceFormat(**{option: name, listed: (name,)})
    clear(lambda: read_sources([whole / "trials.csv"], format), whole / "trials.csv", "--")


@MANY
@given(text=st.text(alphabet='time,green\n01.e-";\tna', max_size=80))
def test_traces_of_any_text(text, whole, tmp_path):
    path = tmp_path / "trace.csv"
    path.write_text("time,green\n0,1\n" + text)
    channels = PhotometryConfig(
        ("green",), file=(path,), response=WindowConfig("cue", outside="blank")
    )
    config = ConvertConfig(SourceFormat(context=("cue",)), photometry=channels)
    clear(lambda: inspect_file(path), path)
    clear(lambda: convert_files([whole / "trials.csv"], config), path)
