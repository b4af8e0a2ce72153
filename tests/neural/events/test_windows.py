"""Numbers per trial, and traces aligned to events, against loops and pynapple."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from accumbens.errors import ConfigError, DataError
from accumbens.neural.events.aligned import align_trace, mean_curve
from accumbens.neural.events.windows import WindowConfig, trial_numbers
from accumbens.recordings import Trace

T = np.arange(2000) / 20
RNG = np.random.default_rng(0)
TRACE = Trace("G", T, RNG.normal(size=2000), "z-score", "a.nwb")
EVENTS = np.array([10.0, 14.31, np.nan, 50.0, 97.0])


def slow(statistic, window, baseline, event):
    if np.isnan(event):
        return np.nan
    inside = [v for t, v in zip(T, TRACE.values, strict=True)
              if event + window[0] <= t < event + window[1]]  # fmt: skip
    before = [v for t, v in zip(T, TRACE.values, strict=True)
              if event + baseline[0] <= t < event + baseline[1]]  # fmt: skip
    base = sum(before) / len(before)
    mean = sum(inside) / len(inside) - base
    return {"mean": mean, "peak": max(inside) - base, "trough": min(inside) - base,
            "area": mean * (window[1] - window[0])}[statistic]  # fmt: skip


@pytest.mark.parametrize("statistic", ["mean", "peak", "trough", "area"])
def test_numbers_are_those_of_a_loop(statistic):
    config = WindowConfig("e", 0.0, (0.1, 1.5), (-0.7, -0.1), statistic=statistic)
    found = trial_numbers(TRACE, EVENTS, config)
    expected = [slow(statistic, (0.1, 1.5), (-0.7, -0.1), event) for event in EVENTS]
    np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_the_baseline_can_belong_to_another_event():
    cues = EVENTS - 1.3
    found = trial_numbers(TRACE, EVENTS, WindowConfig("e", baseline_event="cue"), cues)
    for number, event, cue in zip(found, EVENTS, cues, strict=True):
        if np.isfinite(event):
            response = TRACE.values[(event <= T) & (event + 1 > T)].mean()
            before = TRACE.values[(cue - 1 <= T) & (cue > T)].mean()
            assert number == pytest.approx(response - before)
    assert np.isnan(found[2])


def test_events_are_shifted():
    shifted = trial_numbers(TRACE, EVENTS - 0.5, WindowConfig("e", 0.5))
    np.testing.assert_allclose(shifted, trial_numbers(TRACE, EVENTS, WindowConfig("e")))


def test_windows_hardly_measured_are_blank():
    values = TRACE.values.copy()
    values[200:212] = np.nan
    trace = TRACE.with_values(values)
    found = trial_numbers(trace, EVENTS, WindowConfig("e", baseline=None))
    assert np.isnan(found[0])
    assert np.isfinite(found[1])
    lenient = WindowConfig("e", baseline=None, min_coverage=0.3)
    assert trial_numbers(trace, EVENTS, lenient)[0] == pytest.approx(values[212:220].mean())


def test_events_outside_the_recording():
    late = np.array([10.0, 99.5, 150.0])
    with pytest.raises(DataError) as caught:
        trial_numbers(TRACE, late, WindowConfig("reward"))
    text = str(caught.value)
    assert "a.nwb: G: the windows of 2 of 3 events (reward) leave the recording" in text
    assert "it lasts from -0.02 to 99.97 s, they from 9.00 to 151.00 s" in text
    found = trial_numbers(TRACE, late, WindowConfig("reward", outside="blank"))
    assert np.isfinite(found).tolist() == [True, True, False]
    with pytest.raises(DataError, match=r"no window lies in the recording: .* different clocks"):
        trial_numbers(TRACE, late + 1e6, WindowConfig("reward", outside="blank"))
    with pytest.raises(DataError, match="event 'reward' is blank in every trial"):
        trial_numbers(TRACE, np.full(3, np.nan), WindowConfig("reward"))


def test_windows_that_overlap():
    close = np.array([10.0, 11.5, 20.0])
    with pytest.raises(DataError) as caught:
        trial_numbers(TRACE, close, WindowConfig("reward"))
    assert "1 of 3 windows reach into the next trial's, by up to 0.5 s" in str(caught.value)
    assert "one ends at 11.000 s, the next begins at 10.500 s" in str(caught.value)
    assert np.isfinite(trial_numbers(TRACE, close, WindowConfig("r", overlap="allow"))).all()
    assert np.isfinite(trial_numbers(TRACE, close, WindowConfig("r", baseline=(-0.5, 0.0)))).all()


def test_impossible_windows():
    for options in ({"window": (1.0, 1.0)}, {"window": (np.nan, 1.0)}, {"baseline": (0.0, -1.0)}):
        with pytest.raises(ConfigError, match="give its start, then its end, in s"):
            WindowConfig("e", **options)
    with pytest.raises(ConfigError, match=r"min_coverage is 0\.0; it is a share, up to 1"):
        WindowConfig("e", min_coverage=0.0)


@given(
    st.lists(st.floats(-20, 120) | st.just(float("nan")), min_size=1, max_size=8),
    st.floats(-2, 2), st.floats(0.01, 3),
)  # fmt: skip
def test_no_events_and_windows_break_it(events, start, length):
    config = WindowConfig("e", window=(start, start + length), outside="blank", overlap="allow")
    try:
        found = trial_numbers(TRACE, np.array(events), config)
    except DataError:
        return
    assert found.shape == (len(events),)


def test_aligned_traces_are_those_of_pynapple():
    import pynapple

    events = np.array([10.0, 20.0, 33.0])
    found = align_trace(TRACE, events, (-1.0, 2.0), baseline=None)
    theirs = pynapple.compute_perievent(TRACE.to_pynapple(), pynapple.Ts(events), (-1.0, 2.0))
    np.testing.assert_allclose(found.time, theirs.t, atol=1e-6)
    np.testing.assert_allclose(found.values, np.asarray(theirs.d).T, atol=1e-6)


def test_aligned_traces_between_samples_and_over_gaps():
    times = np.concatenate([T[:400], T[600:]])
    trace = Trace("G", times, 3 * times)
    found = align_trace(trace, np.array([5.013, 25.0, np.nan]), (-1.0, 1.0), baseline=None)
    np.testing.assert_allclose(found.values[0], 3 * (5.013 + found.time), rtol=1e-9)
    assert np.isnan(found.values[1:]).all()
    less = align_trace(trace, np.array([5.013]), (-1.0, 1.0), baseline=(-1.0, 0.0))
    before = less.values[0][(less.time >= -1) & (less.time < 0)]
    assert before.mean() == pytest.approx(0, abs=1e-9)
    with pytest.raises(DataError, match=r"none of 1 events lies in G, which lasts from 0\.00"):
        align_trace(trace, np.array([1e9]))
    with pytest.raises(ConfigError, match="lies outside the window"):
        align_trace(trace, np.array([5.0]), (0.0, 1.0))
    with pytest.raises(ConfigError, match=r"A window from 1\.0 to 0\.0 s"):
        align_trace(trace, np.array([5.0]), (1.0, 0.0))


def test_mean_curves_have_t_intervals():
    values = RNG.normal(size=(9, 4))
    values[2:, 1] = np.nan
    values[1:, 2] = np.nan
    values[:, 3] = np.nan
    curve = mean_curve(values)
    low, high = stats.t.interval(
        0.95, 8, values[:, 0].mean(), values[:, 0].std(ddof=1) / np.sqrt(9)
    )
    assert (curve.low[0], curve.high[0]) == pytest.approx((low, high))
    assert curve.n.tolist() == [9, 2, 1, 0]
    assert np.isfinite(curve.high).tolist() == [True, True, False, False]
    assert np.isnan(curve.mean).tolist() == [False, False, False, True]
