"""Sorted spikes from every kind of file, and what is wrong with damaged ones."""

import numpy as np
import pandas as pd
import pytest

from accumbens.errors import DataError
from accumbens.io.nwb.channels import read_nwb_units
from accumbens.io.spikes.files import read_units
from accumbens.io.spikes.phy import read_phy
from accumbens.recordings import Units, units_from_arrays

TIMES = np.array([10, 20, 25, 30, 31, 90, 95])
CLUSTERS = np.array([3, 1, 3, 2, 1, 3, 2])


@pytest.fixture
def phy(tmp_path):
    """A curated folder; cluster 3 is noise."""
    folder = tmp_path / "phy"
    folder.mkdir()
    np.save(folder / "spike_times.npy", TIMES[:, None])
    np.save(folder / "spike_clusters.npy", CLUSTERS.astype(np.int32))
    (folder / "params.py").write_text(
        "dat_path = 'x.dat'\nsample_rate = 10.\nhp_filtered = False\n"
    )
    table = pd.DataFrame({"cluster_id": [1, 2, 3], "group": ["good", "mua", "noise"]})
    table.to_csv(folder / "cluster_group.tsv", sep="\t", index=False)
    return folder


def spikes(units):
    return {name: units.spikes(i).tolist() for i, name in enumerate(units.ids)}


def test_a_phy_folder(phy):
    assert spikes(read_units(phy)) == {"1": [2.0, 3.1]}
    assert spikes(read_phy(phy, labels=("good", "mua"))) == {"1": [2.0, 3.1], "2": [3.0, 9.5]}
    assert spikes(read_phy(phy, labels=()))["3"] == [1.0, 2.5, 9.0]
    info = pd.DataFrame(
        {"cluster_id": [1, 2, 3], "region": ["M2", "", "NAc"], "KSLabel": ["mua", "good", "good"]}
    )
    info.to_csv(phy / "cluster_info.tsv", sep="\t", index=False)
    units = read_phy(phy)  # what was curated counts, not what Kilosort says
    assert (units.ids, units.regions) == (("1",), ("M2",))
    units = read_phy(phy, label_column="KSLabel")
    assert (units.ids, units.regions) == (("2", "3"), ("", "NAc"))


@pytest.mark.parametrize(
    "text",
    [
        "dat_path = 'C:\\Users\\lab\\rec.dat'\nsample_rate = 10.\n",
        "dat_path = ['D:\\x\\new',\nsample_rate = 10  # Hz\r\n",
        "\ufeffsample_rate = 1_0\nn: int = (",
        "sample_rate: float = 1e1;",
    ],
)
def test_params_whose_other_lines_python_cannot_read(text, phy):
    (phy / "params.py").write_bytes(text.encode())
    assert spikes(read_phy(phy)) == {"1": [2.0, 3.1]}


def test_clusters_that_were_never_curated(phy):
    (phy / "cluster_group.tsv").unlink()
    info = "cluster_id\tgroup\tKSLabel\n1\t\tgood\n2\tunsorted\tmua\n3\t\tgood\n"
    (phy / "cluster_info.tsv").write_text(info)
    with pytest.raises(
        DataError,
        match=r"group is blank for all 3 clusters, .*; KSLabel holds good \(2\), mua \(1\)\. Take "
        r"the labels of KSLabel \(--spikes\.label-column KSLabel\), or keep all .*labels all\)",
    ):
        read_phy(phy)
    assert read_phy(phy, label_column="KSLabel").ids == ("1", "3")
    assert read_phy(phy, labels=("all",)).ids == ("1", "2", "3")
    with pytest.raises(DataError, match=r'of labels "KSlabel" .*Did you mean "KSLabel"'):
        read_phy(phy, label_column="KSlabel")
    (phy / "cluster_quality.tsv").write_text("cluster_id\tquality\n2\tGood \n")
    assert read_phy(phy, label_column="quality").ids == ("2",)


def test_files_that_contradict_each_other(phy):
    info = "cluster_id\tgroup\tKSLabel\n1\tgood\tmua\n2\tgood\tmua\n3\tnoise\tgood\n"
    (phy / "cluster_info.tsv").write_text(info)
    with pytest.raises(
        DataError, match=r"cluster_info\.tsv gives cluster 2 the group good, but cluster_group"
        r"\.tsv gives it mua\. One of the files is out of date"
    ):  # fmt: skip
        read_phy(phy)
    assert len(read_phy(phy, labels=("all",))) == 3


def test_damaged_phy_folders(phy, tmp_path):
    with pytest.raises(
        DataError, match=r"no cluster has the label great; the labels are good \(1\), mua \(1\)"
    ):
        read_phy(phy, labels=("great",))
    (phy / "cluster_group.tsv").write_text("x\tgroup\n1\tgood\n")
    with pytest.raises(
        DataError, match=r"cluster_group\.tsv has no column cluster_id; its columns are x"
    ):
        read_phy(phy)
    (phy / "cluster_group.tsv").unlink()
    with pytest.raises(DataError, match=r"no file \(cluster_info\.tsv, .* labels the clusters"):
        read_phy(phy)
    for text in ("sample_rate = 'fast'", "sample_rate = (", "sample_rate = f(3)"):
        (phy / "params.py").write_text("a = 1\n" + text)
        with pytest.raises(DataError, match=r"line 2 gives .* as sample_rate, which is not a"):
            read_phy(phy, labels=())
    (phy / "params.py").write_text("rate = 3\n# sample_rate = 4")
    with pytest.raises(DataError, match="no line gives the sample_rate"):
        read_phy(phy, labels=())
    (phy / "params.py").write_text("sample_rate = 0")
    with pytest.raises(DataError, match=r"sample_rate is 0\.0; it must be a positive number"):
        read_phy(phy, labels=())
    (phy / "params.py").unlink()
    with pytest.raises(DataError, match=r"there is no params\.py with the sample_rate"):
        read_phy(phy, labels=())
    np.save(phy / "spike_times.npy", np.zeros((2, 2)))
    with pytest.raises(
        DataError, match=r"has the shape \(2, 2\) and the type float64, but there must"
    ):
        read_phy(phy)
    (phy / "spike_times.npy").write_bytes(b"\x93NUMPY\x01")
    with pytest.raises(DataError, match=r"Cannot read .*spike_times\.npy: it is damaged"):
        read_phy(phy)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"not of a known kind: .*; a folder of Phy or Kilosort"):
        read_units(tmp_path / "empty")


def test_arrays_in_a_file(tmp_path):
    np.savez(tmp_path / "a.npz", spike_times=TIMES / 10, spike_clusters=CLUSTERS)
    assert spikes(read_units(tmp_path / "a.npz"))["2"] == [3.0, 9.5]
    np.savez(tmp_path / "b.npz", spike_times=TIMES / 10)
    with pytest.raises(
        DataError, match="there is no array spike_clusters; the file has spike_times"
    ):
        read_units(tmp_path / "b.npz")
    (tmp_path / "c.npz").write_bytes(b"PK\x03\x04")
    with pytest.raises(DataError, match=r"c\.npz: it is not an \.npz file, or damaged"):
        read_units(tmp_path / "c.npz")


def test_arrays_of_times_and_clusters():
    units = units_from_arrays(TIMES / 10, CLUSTERS, regions={"1": "M2"}, keep=[3, 1])
    assert (units.ids, units.regions) == (("3", "1"), ("", "M2"))
    assert spikes(units)["3"] == [1.0, 2.5, 9.0]
    assert units.counts.tolist() == [3, 2]
    np.testing.assert_allclose(units.rates(), np.array([3, 2]) / 8.5)  # over all spikes' span
    mixed = np.array([5.0, 1.0, 3.0])
    with pytest.raises(DataError, match=r"the spike times of unit 7 are not ascending \(1 spikes"):
        units_from_arrays(mixed, np.array([7, 7, 7]))
    assert units_from_arrays(mixed, np.array([7, 7, 7]), sort=True).times.tolist() == [1, 3, 5]
    assert units_from_arrays(mixed, np.array([1, 2, 2])).times.tolist() == [5, 1, 3]
    with pytest.raises(DataError, match="there are 3 spike times, but cluster labels for 2"):
        units_from_arrays(mixed, np.array([1, 2]))
    with pytest.raises(DataError, match="1 of 3 spike times are not numbers"):
        units_from_arrays(np.array([1.0, np.nan, 2]), np.array([1, 1, 1]))
    with pytest.raises(DataError, match="there are no spikes of cluster 9"):
        units_from_arrays(mixed, np.array([1, 2, 2]), keep=[9])
    with pytest.raises(DataError, match="these spikes: there are no units"):
        units_from_arrays(np.zeros(0), np.zeros(0, int))


def test_units_are_consistent():
    with pytest.raises(DataError, match="there are 2 ids, 1 regions and 3 boundaries"):
        Units(np.zeros(2), np.array([0, 1, 2]), ("a", "b"), ("",))
    with pytest.raises(DataError, match="several units are named a"):
        Units(np.zeros(2), np.array([0, 1, 2]), ("a", "a"), ("", ""))


def test_units_of_nwb(make_nwb, tmp_path):
    path = make_nwb(tmp_path / "a.nwb", units=[([0.5, 1.5], "M2"), ([], "NAc"), ([0.2], "")])
    units = read_units(path)
    assert spikes(units) == {"0": [0.5, 1.5], "1": [], "2": [0.2]}
    assert units.regions == ("M2", "NAc", "")
    path = make_nwb(tmp_path / "b.nwb", units=[([0.5, 0.1], "M2")])
    with pytest.raises(DataError, match=r"b\.nwb: the spike times of unit 0 are not ascending"):
        read_nwb_units(path)
    assert read_units(path, sort=True).times.tolist() == [0.1, 0.5]
    path = make_nwb(tmp_path / "c.nwb", units=[([0.5, np.nan], "M2")])
    with pytest.raises(DataError, match="1 of 2 spike times are not numbers"):
        read_units(path)
    with pytest.raises(DataError, match=r"d\.nwb: the file holds no units"):
        read_units(make_nwb(tmp_path / "d.nwb"))


def test_regions_of_electrodes(tmp_path):
    import datetime
    import warnings

    pynwb = pytest.importorskip("pynwb")
    file = pynwb.NWBFile("a", "b", datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC))
    device = file.create_device(name="probe")
    group = file.create_electrode_group("g", "a group", "frontal", device)
    for place in ("M2", "ACC"):
        file.add_electrode(group=group, location=place)
    file.add_unit(spike_times=[1.0], electrodes=[1])
    file.add_unit(spike_times=[2.0], electrodes=[0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pynwb.NWBHDF5IO(str(tmp_path / "a.nwb"), "w") as io:
            io.write(file)
    assert read_units(tmp_path / "a.nwb").regions == ("ACC", "M2")
