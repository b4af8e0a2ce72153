"""Clocks that agree with their samples, and those that do not."""

import numpy as np
import pytest

from accumbens.errors import ConfigError, DataError
from accumbens.io.nwb.channels import read_nwb_channels
from accumbens.recordings import Channel, ClockConfig, Trace, check_clock, settle_clock

N = 2000
TIMES = 100 + np.arange(N) / 20
VALUES = np.sin(np.arange(N))


def refused(times, values=VALUES, others=None, **options):
    channel = Channel("G_1", values, times, source="a.nwb")
    with pytest.raises(DataError) as caught:
        settle_clock(channel, ClockConfig(**options), others)
    return str(caught.value)


def test_a_good_clock_is_believed():
    trace = settle_clock(Channel("G_1", VALUES, TIMES), ClockConfig())
    np.testing.assert_array_equal(trace.times, TIMES)
    assert trace.rate == pytest.approx(20)
    by_rate = settle_clock(Channel("G_1", VALUES, None, 100.0, 20.0), ClockConfig())
    np.testing.assert_allclose(by_rate.times, TIMES)


def test_jitter_and_lost_samples_are_no_contradiction():
    rng = np.random.default_rng(0)
    jittered = TIMES + rng.uniform(-0.004, 0.004, N)
    kept = np.sort(rng.choice(N, N - 150, replace=False))
    report = check_clock(Channel("G_1", VALUES[kept], jittered[kept]))
    assert report.problems == ()
    assert report.lost == np.diff(kept).sum() - len(kept) + 1
    assert report.rate == pytest.approx(20, rel=1e-3)


def test_lengths_that_differ():
    text = refused(TIMES, np.concatenate([VALUES, VALUES]))
    assert "a.nwb: the timestamps of G_1 are wrong: 4,000 values, 2 times as many but" in text
    assert "2,000 timestamps" in text
    assert "2,000 timestamps, 2 times as many but 1,000 values" in refused(TIMES, VALUES[:1000])
    assert "2,000 values but 1,999 timestamps" in refused(TIMES[:-1])


def test_timestamps_that_are_wrong():
    broken = TIMES.copy()
    broken[[3, 9]] = np.nan
    assert "2 of 2,000 timestamps are not numbers" in refused(broken)
    assert "only 1,000 differ: each occurs 2 times" in refused(np.repeat(TIMES[:1000], 2))
    back = TIMES.copy()
    back[5], back[6] = back[6], back[5]
    assert "timestamps go back 1 times" in refused(back)
    assert "no samples" in refused(np.zeros(0), np.zeros(0))
    assert "fewer than two samples" in refused(np.zeros(1), np.zeros(1))


def test_a_clock_of_other_samples_contradicts_itself():
    """Samples labelled with frames drawn from three interleaved channels, as in a real file."""
    rng = np.random.default_rng(1)
    frames = np.sort(rng.choice(3 * N, N, replace=False)) / 60
    good = Channel("R_1", VALUES, TIMES)
    text = refused(frames, others={"R_1": good})
    assert "2,000 samples at the median interval of" in text
    assert "of the intervals are irregular" in text
    assert "R_1 of the same file has 2,000 samples, regular at 20 Hz over 100 s." in text
    assert "--assume-rate HZ" in text


def test_the_user_decides():
    channel = Channel("G_1", VALUES, np.repeat(TIMES[: N // 2], 2), source="a.nwb")
    assumed = settle_clock(channel, ClockConfig(assume_rate=20.0))
    np.testing.assert_allclose(assumed.times, TIMES)
    others = {"edges": Channel("edges", np.ones(N + 5), 100 + np.arange(N + 5) / 20)}
    for align, first in (("start", 100.0), ("end", 100.25)):
        trace = settle_clock(channel, ClockConfig(None, "edges", align), others)
        assert (trace.times[0], len(trace.times)) == (first, N)
    with pytest.raises(
        DataError, match=r"G_1 has 2,000 samples, but edges \(--clock\) has 2,005 t"
    ):
        settle_clock(channel, ClockConfig(clock="edges"), others)
    few = {"few": Channel("few", np.ones(7), np.arange(7.0))}
    with pytest.raises(DataError, match=r"few \(--clock\) has 7 timestamps\.$"):
        settle_clock(channel, ClockConfig(None, "few", "start"), few)
    with pytest.raises(
        ConfigError, match=r"a\.nwb has no channel 'x' \(--clock\); its channels are edges"
    ):
        settle_clock(channel, ClockConfig(clock="x"), others)
    with pytest.raises(ConfigError, match="--assume-rate and --clock contradict each other"):
        settle_clock(channel, ClockConfig(20.0, "edges"), others)
    with pytest.raises(ConfigError, match=r"--assume-rate is -1\.0; it must be a positive number"):
        settle_clock(channel, ClockConfig(-1.0))
    blank = Channel("G_1", VALUES, np.full(N, np.nan), source="a.nwb")
    with pytest.raises(DataError, match="the first timestamp of G_1 is missing, so times"):
        settle_clock(blank, ClockConfig(20.0))
    with pytest.raises(DataError, match="neither timestamps nor a rate"):
        settle_clock(Channel("G_1", VALUES), ClockConfig())


def test_traces_are_consistent():
    with pytest.raises(DataError, match="the timestamps of the channel x are not ascending finite"):
        Trace("x", np.array([0.0, 0.0, 1.0]), np.zeros(3))
    with pytest.raises(DataError, match=r"has 1 values and 1 timestamps\. A trace needs"):
        Trace("x", np.zeros(1), np.zeros(1))
    tsd = Trace("x", TIMES, VALUES).to_pynapple()
    np.testing.assert_array_equal(tsd.d, VALUES)


def test_the_real_file_is_refused_with_the_true_reason(shared_data):
    """README of the data: G_* span about 4,803 s for about 5,450 s of samples at 20 Hz."""
    channel = read_nwb_channels(shared_data / "nwb/behavior_717531_2024-08-07_09-01-02.nwb.zarr")
    with pytest.raises(DataError) as caught:
        settle_clock(channel["G_1"], ClockConfig(), channel)
    text = str(caught.value)
    assert "109,027 samples at the median interval of 33.6 ms" in text
    assert "the timestamps span 4,803 s" in text
    assert "55% of the intervals are irregular" in text
    assert "regular at 20 Hz over 5,453 s" in text
    with pytest.raises(DataError, match="218,054 timestamps, but only 109,027 differ: each occu"):
        settle_clock(channel["G_1_preprocessed"], ClockConfig(), channel)
    assert settle_clock(channel["R_1"], ClockConfig(), channel).rate == pytest.approx(20, rel=1e-3)
    assumed = settle_clock(channel["G_1"], ClockConfig(assume_rate=20.0))
    assert assumed.times[-1] - assumed.times[0] == pytest.approx(5451.3, abs=0.1)
