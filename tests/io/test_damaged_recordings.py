"""Damaged recordings: one clear error of ours each, whatever was damaged."""

import json
import multiprocessing
import shutil

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accumbens.errors import DataError
from accumbens.io.nwb.channels import read_nwb_channels
from accumbens.io.nwb.contents import inspect_nwb
from accumbens.io.nwb.trials import read_nwb
from accumbens.io.photometry.files import read_recording
from accumbens.io.photometry.ppd import read_ppd
from accumbens.io.spikes.files import read_units
from accumbens.io.spikes.phy import read_phy
from accumbens.recordings import ClockConfig, settle_clock
from helpers.damaged import FORMAT, read_everything, read_one_after_the_other, refusal

FEW = settings(
    max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)
MANY = settings(FEW, max_examples=100)


@pytest.fixture(scope="module")
def whole(make_nwb, tmp_path_factory):
    """A small file with trials, a series and units, as HDF5 and as Zarr."""
    folder, rng = tmp_path_factory.mktemp("whole"), np.random.default_rng(0)
    columns = {"choice": rng.integers(0, 2, 20), "reward": rng.integers(0, 2, 20)}
    columns["note"] = np.array(["a", "b"] * 10)
    series = [("G", rng.normal(size=100), np.arange(100) / 20)]
    units = [(np.sort(rng.uniform(0, 5, 30)), "M2"), (np.array([1.0, 2.0]), "NAc")]
    return [
        make_nwb(folder / name, columns, series, units) for name in ("whole.nwb", "whole.nwb.zarr")
    ]


def test_whole_files_are_read(whole):
    for path in whole:
        assert read_nwb(path, FORMAT).length.tolist() == [20]
        assert len(read_units(path)) == 2
        assert settle_clock(read_nwb_channels(path)["G"], ClockConfig()).rate == pytest.approx(20)


@FEW
@given(share=st.floats(0, 1, exclude_max=True))
def test_truncated_hdf5(share, whole, tmp_path):
    data = whole[0].read_bytes()
    path = tmp_path / "cut.nwb"
    path.write_bytes(data[: int(share * len(data))])
    read_everything(path)


def test_a_file_cut_in_half_says_so(whole, tmp_path):
    data = whole[0].read_bytes()
    (tmp_path / "cut.nwb").write_bytes(data[: len(data) // 2])
    for read in (read_nwb, inspect_nwb, read_units, read_recording):
        with pytest.raises(
            DataError, match=r"cut\.nwb: the NWB file is cut short, damaged, or not"
        ):
            read(tmp_path / "cut.nwb")


def test_hdf5_with_damaged_bytes(whole, tmp_path):
    """In a process of its own, because libhdf5 itself crashes on a few kinds of damage."""
    folder, begun, rng = tmp_path / "files", tmp_path / "begun", np.random.default_rng(0)
    folder.mkdir()
    begun.write_text("")
    for i in range(12):
        content = bytearray(whole[0].read_bytes())
        for at in rng.integers(8, len(content), rng.integers(1, 31)):
            content[at] = rng.integers(0, 256)
        (folder / f"bytes{i}.nwb").write_bytes(bytes(content))
    crashes = 0
    while len(begun.read_text().split()) < 12:
        child = multiprocessing.get_context("spawn").Process(
            target=read_one_after_the_other, args=(folder, begun)
        )
        child.start()
        child.join()
        assert child.exitcode is not None
        assert child.exitcode <= 0, "see the traceback that the process printed"
        crashes += child.exitcode < 0  # ended by a signal
    assert crashes <= 2


@FEW
@given(data=st.data())
def test_zarr_with_damaged_or_missing_parts(data, whole, tmp_path):
    path = tmp_path / "part.nwb.zarr"
    shutil.rmtree(path, ignore_errors=True)
    shutil.copytree(whole[1], path)
    files = sorted(p for p in path.rglob("*") if p.is_file())
    for _ in range(data.draw(st.integers(1, 3))):
        file = files[data.draw(st.integers(0, len(files) - 1))]
        if data.draw(st.booleans()):
            file.unlink(missing_ok=True)
        elif file.exists():
            content = file.read_bytes()
            file.write_bytes(content[: len(content) // 2] + data.draw(st.binary(max_size=8)))
    read_everything(path)


HEADER = {"sampling_rate": 130, "volts_per_division": [1e-4, 1e-4], "version": 0.2}


@MANY
@given(data=st.data())
def test_ppd_of_any_bytes(data, tmp_path):
    junk = st.none() | st.integers() | st.floats() | st.text(max_size=3) | st.just([]) | st.just({})
    header = HEADER | data.draw(
        st.dictionaries(st.sampled_from([*HEADER, "n_analog_signals", "n_digital_signals"]), junk)
    )
    text = json.dumps(header).encode()
    content = len(text).to_bytes(2, "little") + text + data.draw(st.binary(max_size=40))
    if data.draw(st.booleans()):
        content = data.draw(st.binary(max_size=60)) + content
    (tmp_path / "a.ppd").write_bytes(content)
    path = tmp_path / "a.ppd"
    refusal(lambda: settle_clock(read_ppd(path).channels["analog_1"], ClockConfig()), path)


@MANY
@given(data=st.data())
def test_phy_and_arrays_of_any_bytes(data, tmp_path):
    folder = tmp_path / "phy"
    folder.mkdir(exist_ok=True)
    np.save(folder / "spike_times.npy", np.arange(6) * 100)
    np.save(folder / "spike_clusters.npy", np.array([0, 1, 0, 1, 2, 2]))
    (folder / "params.py").write_text("sample_rate = 30000.\n")
    (folder / "cluster_group.tsv").write_text("cluster_id\tgroup\n0\tgood\n1\tmua\n")
    np.savez(tmp_path / "a.npz", spike_times=np.arange(4.0), spike_clusters=np.arange(4))
    name = data.draw(st.sampled_from([p.name for p in sorted(folder.iterdir())] + ["a.npz"]))
    path = tmp_path / name if name == "a.npz" else folder / name
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(0, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(bytes(content[: data.draw(st.integers(0, len(content)))]))
    refusal(lambda: read_units(tmp_path / "a.npz"), tmp_path / "a.npz")
    refusal(lambda: read_phy(folder), folder)


@MANY
@given(text=st.text(alphabet='time,G1.e-\n";\tna', max_size=60))
def test_tables_of_any_text(text, tmp_path):
    (tmp_path / "a.csv").write_text("time,G\n0,1\n" + text)
    path = tmp_path / "a.csv"
    refusal(
        lambda: [settle_clock(s, ClockConfig()) for s in read_recording(path).channels.values()],
        path,
    )


def test_nan_timestamps_and_missing_tables(make_nwb, tmp_path):
    times = np.arange(50) / 20
    times[7] = np.nan
    path = make_nwb(tmp_path / "nan.nwb", None, [("G", np.ones(50), times)])
    with pytest.raises(DataError, match="1 of 50 timestamps are not numbers"):
        settle_clock(read_nwb_channels(path)["G"], ClockConfig())
    with pytest.raises(DataError, match='there is no table "trials" of intervals'):
        read_nwb(path, FORMAT)
    with pytest.raises(DataError, match="the file holds no units"):
        read_units(path)
    (tmp_path / "folder.nwb").mkdir()
    with pytest.raises(DataError, match="it is a folder, but not an NWB file in Zarr"):
        read_nwb(tmp_path / "folder.nwb")
    (tmp_path / "folder.nwb" / "zarr.json").write_text("{}")
    with pytest.raises(DataError, match="it is Zarr of format 3, and hdmf-zarr reads format 2"):
        read_nwb(tmp_path / "folder.nwb")
    (tmp_path / "empty.nwb").write_bytes(b"")
    with pytest.raises(DataError, match=r"empty\.nwb: the file is empty"):
        inspect_nwb(tmp_path / "empty.nwb")
    with pytest.raises(DataError, match=r'there is no such file\. Did you mean "nan\.nwb"'):
        read_nwb(tmp_path / "nam.nwb")
