"""Files that lack a part, declare impossible sizes, or lead to other files."""

import json
import shutil

import h5py
import numpy as np
import pytest

from accumbens.errors import DataError
from accumbens.io.nwb.channels import read_nwb_channels, read_nwb_units
from accumbens.io.nwb.format import NwbFormat
from accumbens.io.nwb.trials import read_nwb

FORMAT = NwbFormat(choice="choice", outcome=("reward",))


@pytest.fixture(scope="module")
def whole(make_nwb, tmp_path_factory):
    folder, rng = tmp_path_factory.mktemp("whole"), np.random.default_rng(0)
    columns = {"choice": rng.integers(0, 2, 20), "reward": rng.integers(0, 2, 20)}
    series = [("G", rng.normal(size=100), np.arange(100) / 20)]
    units = [(np.sort(rng.uniform(0, 5, 30)), "M2")]
    names = ("whole.nwb", "whole.nwb.zarr")
    return [make_nwb(folder / name, columns, series, units) for name in names]


@pytest.fixture
def zarr(whole, tmp_path):
    return shutil.copytree(whole[1], tmp_path / "a.nwb.zarr")


@pytest.fixture
def hdf5(whole, tmp_path):
    return shutil.copy(whole[0], tmp_path / "a.nwb")


READERS = [lambda p: read_nwb(p, FORMAT), read_nwb_channels, read_nwb_units]


@pytest.mark.parametrize(
    "part", ["intervals/trials/reward", "intervals/trials/choice", "acquisition/G/data",
             "units/spike_times"],
)  # fmt: skip
def test_a_zarr_folder_that_lacks_a_chunk(part, zarr):
    (zarr / part / "0").unlink()
    for read in READERS:
        with pytest.raises(
            DataError,
            match=rf"chunks are missing of {part} \(1 of 1, such as 0\)\. They would be read",
        ):
            read(zarr)


def test_one_chunk_of_several_and_an_array_that_is_gone(zarr):
    about = json.loads((zarr / "acquisition/G/data/.zarray").read_text())
    about |= {"chunks": [30], "compressor": None}
    (zarr / "acquisition/G/data/.zarray").write_text(json.dumps(about))
    for i in range(4):
        (zarr / f"acquisition/G/data/{i}").write_bytes(np.arange(30.0).tobytes())
    (zarr / "acquisition/G/data/2").unlink()
    with pytest.raises(DataError, match=r"acquisition/G/data \(1 of 4, such as 2\)"):
        read_nwb_channels(zarr)
    shutil.rmtree(zarr / "acquisition/G/data")
    with pytest.raises(DataError, match=r"acquisition/G/data \(1 of 1, such as 0\)"):
        read_nwb_channels(zarr)  # the consolidated metadata still name it


@pytest.mark.parametrize(
    "change", [{"shape": [2_500_000_000], "chunks": [2_500_000_000]}, {"dtype": "|S990000000"}]
)
def test_sizes_that_a_zarr_folder_cannot_hold(change, zarr):
    file = zarr / "acquisition/G/data/.zarray"
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    with pytest.raises(
        DataError, match=r"acquisition/G/data declares [\d,]+ bytes, but [\d,]+ are"
    ):
        read_nwb_channels(zarr)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"chunks": [0]}, "which is impossible"),
        ({"shape": [100, 2]}, "which is impossible"),
        ({"shape": "x"}, "metadata of its array acquisition/G/data are damaged"),
        ({"dtype": "<q9"}, "metadata of its array acquisition/G/data are damaged"),
    ],
)
def test_damaged_metadata_of_a_zarr_array(change, message, zarr):
    file = zarr / "acquisition/G/data/.zarray"
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    with pytest.raises(DataError, match=message):
        read_nwb_channels(zarr)


def test_a_zarr_link_that_leaves_the_folder(zarr, whole):
    file = zarr / "acquisition/G/.zattrs"
    link = {"source": str(whole[1]), "path": "/acquisition/G", "name": "H"}
    file.write_text(json.dumps(json.loads(file.read_text()) | {"zarr_link": [link]}))
    with pytest.raises(DataError, match=r"acquisition/G has a link to .* is not in the folder"):
        read_nwb_channels(zarr)


def test_hdf5_data_that_stand_in_other_files(hdf5, tmp_path):
    (tmp_path / "secret").write_bytes(np.arange(20).tobytes())
    h5py.File(tmp_path / "other.h5", "w").create_dataset("reward", data=np.arange(20)).file.close()
    for i, how in enumerate(("external", "link", "virtual")):
        path = shutil.copy(hdf5, tmp_path / f"{i}.nwb")
        with h5py.File(path, "a") as file:
            group = file["intervals/trials"]
            about = dict(group["reward"].attrs)
            del group["reward"]
            if how == "external":
                secret = [(str(tmp_path / "secret"), 0, 160)]
                group.create_dataset("reward", (20,), "i8", external=secret)
                group["reward"].attrs.update(about)
            elif how == "link":
                group["reward"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "/reward")
            else:
                layout = h5py.VirtualLayout((20,), "i8")
                layout[:] = h5py.VirtualSource(tmp_path / "other.h5", "reward", (20,))
                group.create_virtual_dataset("reward", layout)
                group["reward"].attrs.update(about)
        for read in READERS:
            with pytest.raises(
                DataError, match=r"data are not in the file itself: intervals/trials/reward \("
            ):
                read(path)


def test_hdf5_sizes_and_data_that_were_never_written(hdf5, tmp_path):
    huge = shutil.copy(hdf5, tmp_path / "huge.nwb")
    with h5py.File(huge, "a") as file:
        file["acquisition/G"].create_dataset("more", (10**12,), "f8", chunks=(1000,))
    with pytest.raises(DataError, match=r"acquisition/G/more declares 8,000,000,000,000 bytes"):
        read_nwb_channels(huge)
    with h5py.File(hdf5, "a") as file:
        group = file["intervals/trials"]
        about = dict(group["reward"].attrs)
        del group["reward"]
        group.create_dataset("reward", (20,), "i8", chunks=(5,))[:5] = 1
        group["reward"].attrs.update(about)
    with pytest.raises(DataError, match="data set reward was never written, or in part"):
        read_nwb(hdf5, FORMAT)
