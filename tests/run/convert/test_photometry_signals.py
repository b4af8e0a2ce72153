"""From recordings to signal columns: real files, and a synthetic session in `convert_files`."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from accumbens.errors import ConfigError, DataError
from accumbens.figures.neural.event_response import draw_event_response, event_response_data
from accumbens.io.format import SourceFormat
from accumbens.io.photometry.ppd import read_ppd
from accumbens.neural.events.aligned import align_trace
from accumbens.neural.events.config import WindowConfig
from accumbens.neural.photometry.config import PreprocessConfig
from accumbens.recordings import ClockConfig
from accumbens.run.convert.config import ConvertConfig, PhotometryConfig
from accumbens.run.convert.conversion import convert_files
from accumbens.run.convert.photometry import process_channel

RESPONSE = WindowConfig("reward_outcome_time")


def test_reward_responses_of_the_ppd(shared_data):
    """137 pulses; the response starts half a second before them, so the cue does too.

    From a cue 0.5 s before the pulse, the mean response peaks 0.9 s later at 2.7 % dF/F.
    """
    recording = read_ppd(shared_data / "nac_dlight_m53.ppd")
    config = PreprocessConfig(scale="dff", low_pass=10.0)
    one = process_channel(recording, "analog_1", "analog_2", config)
    pulses = recording.events["digital_1"]
    found = {}
    for shift in (0.0, -0.5):
        aligned = align_trace(one.result.trace, pulses + shift, (-2.0, 4.0))
        data = event_response_data(aligned, "cue")
        peak = data.rows.loc[data.rows["mean"].idxmax()]
        found[shift] = (peak["time"], peak["mean"], peak["n"])
    assert found[0.0] == (pytest.approx(0.4, abs=0.03), pytest.approx(2.7, abs=0.1), 137)
    assert found[-0.5] == (pytest.approx(0.9, abs=0.03), pytest.approx(2.7, abs=0.1), 137)
    assert one.quality["missing"] == 0
    assert one.quality["clock"] == "ok"
    assert 0.2 < one.quality["control_correlation"] < 0.3
    fig = Figure()
    draw_event_response(data, fig)
    fig.draw_without_rendering()


@pytest.fixture(scope="module")
def wrong_clock(shared_data):
    return shared_data / "nwb/behavior_717531_2024-08-07_09-01-02.nwb.zarr"


def test_a_wrong_clock_is_refused_but_the_behaviour_loads(wrong_clock):
    channels = PhotometryConfig(("G_1",), ("Iso_1",), response=RESPONSE)
    with pytest.raises(DataError, match="the timestamps of G_1 are wrong: 109,027 samples"):
        convert_files([wrong_clock], ConvertConfig(photometry=channels))
    assert convert_files([wrong_clock], ConvertConfig()).trials.valid.sum() == 672


def test_on_the_right_clock_the_signal_is_the_one_that_others_found(wrong_clock, shared_data):
    """On the camera's clock, numbers agree with those of a table whose clock was mended apart."""
    theirs = pd.read_csv(shared_data / "bandit_717531_photometry_trials.csv")["da_outcome"]
    converted = convert_files(
        [wrong_clock],
        ConvertConfig(
            clock=ClockConfig(None, "FIP_rising_time", "start"),
            photometry=PhotometryConfig(("G_2",), ("Iso_2",), ("da",), response=RESPONSE),
        ),
    )
    trials = converted.trials
    assert np.corrcoef(trials.signal[0, :, 0][trials.valid[0]], theirs)[0, 1] > 0.45
    assert trials.names.signals == ("da",)
    (row,) = converted.record["quality"]
    assert row["clock"].startswith("109,027 samples at the median interval of 33.6 ms")
    assert row["rate"] == pytest.approx(20, rel=1e-3)
    assert converted.record["options"]["clock"]["clock"] == "FIP_rising_time"
    assert converted.record["options"]["photometry"]["process"]["regression"] == "robust"


@pytest.fixture(scope="module")
def session(make_nwb, tmp_path_factory):
    """60 trials every 10 s; the channel steps up by 0.1 x reward of its 1 V for 1 s."""
    rng = np.random.default_rng(0)
    times = 50 + np.arange(14000) / 20
    reward = rng.integers(0, 2, 60)
    events = 70 + np.arange(60) * 10.0
    values = 1 + rng.normal(0, 1e-3, len(times))
    for event, r in zip(events, reward, strict=True):
        values += 0.1 * r * ((times >= event) & (times < event + 1))
    columns = {"choice": rng.integers(0, 2, 60), "reward": reward, "outcome": events}
    folder = tmp_path_factory.mktemp("photometry")
    path = make_nwb(folder / "a.nwb", columns, [("G", values, times), ("I", values * 0 + 2, 20.0)])
    table = folder / "a.csv"
    pd.DataFrame({"ms": 1e3 * times, "green": values}).to_csv(table, index=False)
    return path, table, reward


NWB = SourceFormat(choice="choice", outcome=("reward",), context=("outcome",))
DFF = PreprocessConfig(bleaching="none", scale="dff")


def test_steps_come_back_from_nwb_and_from_a_table(session):
    path, table, reward = session
    inside = PhotometryConfig(("G",), process=DFF, response=WindowConfig("outcome"))
    apart = PhotometryConfig(
        ("green",), file=(table,), time="ms", time_unit="ms", process=DFF,
        response=WindowConfig("outcome", statistic="area"),
    )  # fmt: skip
    for config in (inside, apart):
        trials = convert_files([path], ConvertConfig(NWB, photometry=config)).trials
        assert trials.names.signals == config.channel
        np.testing.assert_allclose(trials.signal[0, :, 0], 10 * reward, atol=0.15)


def refuse(path, **options):
    convert_files([path], ConvertConfig(NWB, photometry=PhotometryConfig(**options)))


def test_options_that_contradict(session):
    path, table, _ = session

    def refused(kind=ConfigError, **options):
        response = WindowConfig(options.pop("event", "outcome"))
        with pytest.raises(kind) as caught:
            refuse(path, process=DFF, response=response, **options)
        return str(caught.value)

    assert "There are 2 channels, but 3 controls" in refused(
        channel=("G", "I"), control=("a", "b", "c")
    )
    assert "There are 1 channels, but 2 names for them" in refused(channel=("G",), name=("a", "b"))
    assert "There are 1 sessions, but 2 recordings" in refused(channel=("G",), file=(table, table))
    assert (
        "no column 'cue' of event times among the context columns of these trials, which are"
        in refused(channel=("G",), event="cue")
    )
    assert "--photometry.event names no column of event times" in refused(channel=("G",), event="")
    taken = refused(DataError, channel=("G",), name=("reward",))
    assert "There is already a column 'reward'. Give the signal another name" in taken
    assert 'no channel "H" (--photometry.channel)' in refused(DataError, channel=("H",))
