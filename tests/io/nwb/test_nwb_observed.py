"""When units and series were observed: `obs_intervals`, `invalid_times`, counted by hand."""

import datetime

import numpy as np
import pytest

from accumbens.io.nwb.channels import read_nwb_channels, read_nwb_units
from accumbens.neural.events.event_kernels import EventKernelConfig, bin_spikes
from accumbens.neural.units.responses import unit_responses, window_rates
from accumbens.recordings import units_from_arrays
from accumbens.recordings.stretches import covered, joined, length, without


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """Two units over 100 s; the second was observed from 40 to 60 and 70 to 100 s; 80 to 85 s are
    invalid. A series at 10 Hz."""
    pynwb = pytest.importorskip("pynwb")
    start = datetime.datetime(2024, 5, 1, tzinfo=datetime.UTC)
    file = pynwb.NWBFile("a test", "id", start, session_id="1")
    first = np.arange(0.25, 100, 0.5)
    second = np.concatenate([np.arange(40.05, 60, 0.1), np.arange(70.05, 100, 0.1)])
    file.add_unit(spike_times=first, obs_intervals=[[0.0, 100.0]])
    file.add_unit(spike_times=second, obs_intervals=[[40.0, 60.0], [70.0, 100.0]])
    file.add_acquisition(pynwb.TimeSeries(name="g", data=np.arange(1000.0), rate=10.0, unit="V"))
    file.add_invalid_time_interval(start_time=80.0, stop_time=85.0)
    path = tmp_path_factory.mktemp("nwb") / "a.nwb"
    with pynwb.NWBHDF5IO(str(path), "w") as io:
        io.write(file)
    return path, (first, second)


STRETCHES = ([(0, 80), (85, 100)], [(40, 60), (70, 80), (85, 100)])


def test_rates_are_over_the_time_observed(recorded):
    path, spikes = recorded
    units = read_nwb_units(path)
    assert units.span == (0.0, 100.0)
    for i, times in enumerate(spikes):
        inside = sum(1 for t in times for a, b in STRETCHES[i] if a <= t <= b)
        seconds = sum(b - a for a, b in STRETCHES[i])
        assert units.rates()[i] == pytest.approx(inside / seconds)
    assert units.rates()[1] == pytest.approx(10.0, rel=0.01)


def test_what_was_not_observed_is_blank_and_not_0(recorded):
    path, spikes = recorded
    units = read_nwb_units(path)
    events = np.array([5.0, 39.5, 45.0, 59.5, 65.0, 75.0, 79.5, 82.0, 90.0, 99.5, np.nan])
    rates = window_rates(units, events, (0.0, 1.0))
    for i, times in enumerate(spikes):
        for rate, event in zip(rates[:, i], events, strict=True):
            known = any(a <= event and event + 1 <= b for a, b in STRETCHES[i])
            count = sum(event <= t < event + 1 for t in times)
            assert rate == count if known else np.isnan(rate)
    chosen = units.select([1])
    np.testing.assert_array_equal(window_rates(chosen, events, (0.0, 1.0)), rates[:, 1:])


def test_mean_responses_and_bins_leave_them_out(recorded):
    units = read_nwb_units(recorded[0])
    events = np.array([5.0, 15.0, 25.0, 45.0, 50.0, 55.0, 88.0, 92.0])
    means = unit_responses(units, events).rate[0, 1]
    seen = unit_responses(units, events[3:]).rate[0, 1]
    np.testing.assert_allclose(means, seen)
    bins = bin_spikes(units, EventKernelConfig(bin=1.0)).values
    assert np.isnan(bins[:40, 1]).all()
    assert np.isfinite(bins[:80, 0]).all()
    assert np.isnan(bins[80:85]).all()


def test_invalid_samples_are_missing(recorded):
    values = read_nwb_channels(recorded[0])["g"].values
    times = np.arange(1000) / 10
    np.testing.assert_array_equal(np.isnan(values), (times >= 80) & (times <= 85))


def test_bounds_and_rates_do_not_depend_on_which_units_are_chosen():
    """A unit that falls silent at half time, among others: chosen alone it keeps its zeros."""
    rng = np.random.default_rng(0)
    silent, other = np.sort(rng.uniform(0, 50, 200)), np.sort(rng.uniform(0, 100, 300))
    times, of = np.concatenate([silent, other]), np.repeat([1, 2], [200, 300])
    units = units_from_arrays(times, of)
    alone = units_from_arrays(times, of, keep=[1])
    events = np.arange(5.0, 95, 10)
    both = window_rates(units, events, (0.0, 1.0))[:, 0]
    np.testing.assert_array_equal(window_rates(units.select([0]), events, (0.0, 1.0))[:, 0], both)
    np.testing.assert_array_equal(window_rates(alone, events, (0.0, 1.0))[:, 0], both)
    assert (both[5:] == 0).all()
    assert alone.rates()[0] == units.rates()[0] == pytest.approx(200 / (times.max() - times.min()))


def test_stretches_against_seconds_counted_one_by_one():
    rng = np.random.default_rng(1)
    for _ in range(50):
        some, gaps = (np.sort(rng.integers(0, 40, (rng.integers(0, 6), 2))) for _ in range(2))
        second = np.arange(40)

        def inside(rows, second=second):
            return np.any([(second >= a) & (second < b) for a, b in rows] or [second < 0], axis=0)

        left = without(some.astype(float), gaps.astype(float))
        expected = inside(some) & ~inside(gaps)
        np.testing.assert_array_equal(inside(left), expected)
        assert length(left) == expected.sum()
        np.testing.assert_array_equal(joined(left), left)
        starts = rng.integers(0, 38, 30).astype(float)
        whole = [expected[int(a) : int(a) + 2].all() for a in starts]
        np.testing.assert_array_equal(covered(starts, starts + 2, left), whole)
