"""Stamps of coarse resolution, against the clock that they were rounded from."""

import numpy as np
import pytest

from accumbens.errors import DataError
from accumbens.recordings import Channel, ClockConfig, check_clock, settle_clock


def channel(times):
    return Channel("g", np.arange(len(times), dtype=float), times, source="a.csv")


@pytest.mark.parametrize("rate", [20.0137, 30.0, 60.0, 130.0])
@pytest.mark.parametrize("resolution", [1e-3, 2e-3, 1 / 256])
@pytest.mark.parametrize("rounding", [np.round, np.floor])
@pytest.mark.parametrize("first", [0.3, 1.7e9])  # counted from the start, or from 1970
def test_a_good_clock_that_was_rounded(rate, resolution, rounding, first):
    times = rounding((first + np.arange(5000) / rate) / resolution) * resolution
    check = check_clock(channel(times))
    assert check.problems == ()
    assert check.rate == pytest.approx(rate, rel=1e-4)
    assert check.lost == 0
    trace = settle_clock(channel(times), ClockConfig())
    np.testing.assert_array_equal(trace.times, times)
    assert trace.rate == pytest.approx(rate, rel=2e-3)


def test_lost_samples_are_counted_between_rounded_stamps():
    kept = np.sort(np.random.default_rng(0).choice(5000, 4900, replace=False))
    check = check_clock(channel(np.round(kept / 30, 3)))
    assert check.problems == ()
    assert check.lost == kept[-1] - kept[0] + 1 - len(kept)


def test_stamps_coarser_than_the_interval_name_the_rate_of_the_slope():
    times = np.round(np.arange(6000) / 30, 1)
    with pytest.raises(DataError, match=r"rounded to 100 ms, .* regular otherwise, at 30 Hz") as e:
        settle_clock(channel(times), ClockConfig())
    assert "is right within 100 ms" in str(e.value)


def test_a_wrong_clock_in_whole_milliseconds_is_still_wrong():
    """Samples at 20 Hz, labelled with stamps of a clock that drifts away and jumps."""
    rng = np.random.default_rng(0)
    steps = rng.choice([0.05, 0.075], 4000, p=[0.9, 0.1])
    times = np.round(np.concatenate([[0], np.cumsum(steps)]), 3)
    with pytest.raises(DataError, match="9% of the intervals are irregular") as error:
        settle_clock(channel(times), ClockConfig())
    assert "--believe-stamps" in str(error.value)
    believed = settle_clock(channel(times), ClockConfig(believe_stamps=True))
    np.testing.assert_array_equal(believed.times, times)
    with pytest.raises(DataError, match="are not ascending finite numbers"):
        settle_clock(channel(times[::-1]), ClockConfig(believe_stamps=True))
