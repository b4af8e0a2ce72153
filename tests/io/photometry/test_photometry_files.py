"""Photometry files: pyPhotometry's format byte by byte, tables, and fiber photometry in NWB."""

import json

import numpy as np
import pytest

from accumbens.errors import ConfigError, DataError
from accumbens.io.photometry.files import read_recording
from accumbens.io.photometry.ppd import read_ppd
from accumbens.io.photometry.recording import find_channel
from accumbens.io.photometry.tables import read_table_channels

HEADER = {"sampling_rate": 130, "volts_per_division": [1e-4, 2e-4], "subject_ID": "m"}


def ppd(path, header, samples):
    """Bytes as pyPhotometry writes them."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(2, "little") + text + samples)
    return path


def interleaved(analog, digital):
    """Two channels in turns: 15 bits of voltage, then the digital line."""
    words = []
    for a, d in zip(np.ravel(analog), np.ravel(digital), strict=True):
        words.append((int(a) << 1 | int(d)).to_bytes(2, "little"))
    return b"".join(words)


def test_every_sample_of_a_ppd(tmp_path):
    rng = np.random.default_rng(0)
    analog, digital = rng.integers(0, 2**15, (50, 2)), rng.integers(0, 2, (50, 2))
    recording = read_ppd(ppd(tmp_path / "a.ppd", HEADER, interleaved(analog, digital)))
    for i, volts in enumerate((1e-4, 2e-4)):
        series = recording.channels[f"analog_{i + 1}"]
        np.testing.assert_allclose(series.values, analog[:, i] * volts, rtol=1e-12)
        assert series.rate == 130
        edges = [t / 130 for t in range(1, 50) if digital[t, i] and not digital[t - 1, i]]
        np.testing.assert_allclose(recording.events[f"digital_{i + 1}"], edges)
    assert recording.about["subject_ID"] == "m"


def test_three_channels_as_newer_versions_write_them(tmp_path):
    header = HEADER | {"n_analog_signals": 3, "n_digital_signals": 2}
    words = np.arange(12).reshape(4, 3)
    path = ppd(tmp_path / "a.ppd", header, interleaved(words, np.zeros((4, 3), int)))
    recording = read_recording(path)
    assert list(recording.channels) == ["analog_1", "analog_2", "analog_3"]
    np.testing.assert_allclose(recording.channels["analog_1"].values, [0, 3e-4, 6e-4, 9e-4])
    assert list(recording.events) == ["digital_1", "digital_2"]


def test_the_real_ppd(shared_data):
    recording = read_ppd(shared_data / "nac_dlight_m53.ppd")
    assert len(recording.events["digital_1"]) == 137
    assert len(recording.channels["analog_1"].values) == 705_249
    assert len(recording.channels["analog_1"].values) / 130 == pytest.approx(5425, abs=0.1)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", r"does not begin with the header of a pyPhotometry file \(0 bytes\)"),
        (b"\x05\x00{}", "its header is cut short"),
        (b"\x02\x00[]", "its header is cut short"),
        (b"\x02\x00{}\x00\x00", "sampling_rate or volts_per_division are missing in its header"),
        (b"\x03\x00abc", "does not begin with the header"),
    ],
)
def test_damaged_ppd_headers(data, message, tmp_path):
    (tmp_path / "a.ppd").write_bytes(data)
    with pytest.raises(DataError, match=message):
        read_ppd(tmp_path / "a.ppd")


@pytest.mark.parametrize(
    ("about", "words"),
    [
        ({"version": "1.1", "mode": "2EX_2EM_pulsed"}, 2),
        ({"version": "1.10.2", "mode": "3EX_2EM_pulsed"}, 2),
        ({"version": 1.1, "mode": "2EX_1EM_pulsed"}, 2),
        ({"version": "1.0.2", "mode": "2EX_2EM_pulsed"}, 1),
        ({"version": "1.1", "mode": "2EX_2EM_continuous"}, 1),
        ({"version": 0.2, "mode": "2 colour time div."}, 1),
        ({"mode": "1 colour time div."}, 1),
    ],
)
def test_pulsed_files_since_1_1_hold_each_sample_with_the_led_on_and_off(about, words, tmp_path):
    rng = np.random.default_rng(0)
    on, off = rng.integers(2**14, 2**15, (60, 2)), rng.integers(0, 2**14, (60, 2))
    line, noise = rng.integers(0, 2, (60, 2)), rng.integers(0, 2, (60, 2))
    rows = [on, off][:words]
    levels = np.stack(rows, axis=2).reshape(60, -1)
    digital = np.stack([line, noise][:words], axis=2).reshape(60, -1)
    path = ppd(tmp_path / "a.ppd", HEADER | about, interleaved(levels, digital))
    recording = read_ppd(path)
    for i, volts in enumerate((1e-4, 2e-4)):
        expected = [
            (a - (b if words == 2 else 0)) * volts for a, b in zip(on[:, i], off[:, i], strict=True)
        ]
        np.testing.assert_allclose(recording.channels[f"analog_{i + 1}"].values, expected)
        edges = [t / 130 for t in range(1, 60) if line[t, i] and not line[t - 1, i]]
        np.testing.assert_allclose(recording.events[f"digital_{i + 1}"], edges)


@pytest.mark.parametrize(
    "about",
    [
        {"version": "2.0", "mode": "2EX_2EM_pulsed"},
        {"version": "1.1", "mode": "5EX_3EM_other"},
        {"version": "0.3", "mode": "4 colours"},
        {"version": "1.1"},
        {"mode": "2EX_2EM_pulsed"},
        {"version": "next", "mode": "2EX_2EM_pulsed"},
    ],
)
def test_a_layout_that_is_not_known_is_refused(about, tmp_path):
    path = ppd(tmp_path / "a.ppd", HEADER | about, b"12345678")
    message = f"it is of version {about.get('version')} and mode {about.get('mode')!r} of pyPhoto"
    with pytest.raises(DataError, match=message):
        read_ppd(path)


def test_pulsed_files_that_are_cut_short(tmp_path):
    header = HEADER | {"version": "1.1", "mode": "2EX_2EM_pulsed"}
    with pytest.raises(DataError, match=r"12 bytes .* samples of 2 channels of 2 words each"):
        read_ppd(ppd(tmp_path / "a.ppd", header, b"0" * 12))


def test_damaged_ppd_samples(tmp_path):
    with pytest.raises(
        DataError, match="its 7 bytes of samples are not a whole number of samples of 2"
    ):
        read_ppd(ppd(tmp_path / "a.ppd", HEADER, b"1234567"))
    with pytest.raises(DataError, match="gives 2 analog and 2 digital signals at -1"):
        read_ppd(ppd(tmp_path / "b.ppd", HEADER | {"sampling_rate": -1}, b"1234"))
    with pytest.raises(DataError, match=r"Cannot read .*c\.ppd: No such file or directory"):
        read_ppd(tmp_path / "c.ppd")


def test_a_table_with_times(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("ms,green,note,red\n0,1,a,5\n50,,b,6\n100,3,c,7\n")
    series = read_recording(path, time="ms", time_unit="ms").channels
    assert list(series) == ["green", "red"]
    np.testing.assert_allclose(series["green"].timestamps(), [0, 0.05, 0.1])
    np.testing.assert_array_equal(series["green"].values, [1, np.nan, 3])
    with pytest.raises(DataError, match='no column of times "time"'):
        read_table_channels(path)
    with pytest.raises(
        DataError,
        match=r'the times cannot be read: column "note", rows 2, 3 and 4 \(rows counted with the '
        r'header as row 1\): not a number: "a", "b" and "c"',
    ):
        read_table_channels(path, time="note")
    with pytest.raises(ConfigError, match='time_unit is "h"; choose one of s, ms, us'):
        read_table_channels(path, time_unit="h")


def test_series_of_nwb_with_rates_columns_and_modules(make_nwb, tmp_path):
    values = np.arange(20.0).reshape(10, 2)
    series = [("fp", values, 10.0), ("g", values[:, 0], np.arange(10.0))]
    recording = read_recording(make_nwb(tmp_path / "a.nwb", None, series))
    assert list(recording.channels) == ["fp:0", "fp:1", "g"]
    np.testing.assert_array_equal(recording.channels["fp:1"].values, values[:, 1])
    np.testing.assert_allclose(recording.channels["fp:1"].timestamps(), np.arange(10) / 10)
    with pytest.raises(
        DataError, match=r'no channel "fp" \(--x\)\. Its channels are fp:0, fp:1, g\.'
    ):
        find_channel(recording, "fp", "--x")


def test_fiber_photometry_response_series(tmp_path):
    """Series of the extension ndx-fiber-photometry, read without any code for it."""
    pytest.importorskip("ndx_fiber_photometry")
    path = fiber_file(tmp_path / "fibers.nwb")
    recording = read_recording(path)
    assert list(recording.channels) == ["dopamine:0", "dopamine:1"]
    np.testing.assert_array_equal(recording.channels["dopamine:1"].values, np.arange(1, 40, 2))
    assert recording.channels["dopamine:0"].rate == 20


def fiber_file(path):
    import datetime
    import warnings

    import ndx_fiber_photometry as ndx
    import pynwb

    start = datetime.datetime(2024, 5, 1, tzinfo=datetime.UTC)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        file = pynwb.NWBFile("fibers", "id", start)
        file.add_acquisition(
            ndx.FiberPhotometryResponseSeries(
                name="dopamine", description="dLight", data=np.arange(40.0).reshape(20, 2),
                unit="V", rate=20.0,
            )
        )  # fmt: skip
        with pynwb.NWBHDF5IO(str(path), "w") as io:
            io.write(file)
    return path
