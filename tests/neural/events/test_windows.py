"""Numbers per trial, and traces aligned to events, against loops and pynapple."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from accumbens.errors import ConfigError, DataError
from accumbens.neural.events.aligned import align_trace, mean_curve
from accumbens.neural.events.config import WindowConfig
from accumbens.neural.events.windows import trial_responses
from accumbens.recordings import Trace

T = np.arange(2000) / 20
RNG = np.random.default_rng(0)
TRACE = Trace("G", T, RNG.normal(size=2000), "z-score", "a.nwb")
GAPPY = TRACE.with_values(np.where(RNG.random(2000) < 0.45, np.nan, TRACE.values))
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
    found = trial_responses(TRACE, EVENTS, config)
    expected = [slow(statistic, (0.1, 1.5), (-0.7, -0.1), event) for event in EVENTS]
    np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_the_baseline_can_belong_to_another_event():
    cues = EVENTS - 1.3
    found = trial_responses(TRACE, EVENTS, WindowConfig("e", baseline_event="cue"), cues)
    for number, event, cue in zip(found, EVENTS, cues, strict=True):
        if np.isfinite(event):
            response = TRACE.values[(event <= T) & (event + 1 > T)].mean()
            before = TRACE.values[(cue - 1 <= T) & (cue > T)].mean()
            assert number == pytest.approx(response - before)
    assert np.isnan(found[2])


def test_events_are_shifted():
    shifted = trial_responses(TRACE, EVENTS - 0.5, WindowConfig("e", 0.5))
    np.testing.assert_allclose(shifted, trial_responses(TRACE, EVENTS, WindowConfig("e")))


def test_windows_hardly_measured_are_blank():
    values = TRACE.values.copy()
    values[200:212] = np.nan
    trace = TRACE.with_values(values)
    found = trial_responses(trace, EVENTS, WindowConfig("e", baseline=None))
    assert np.isnan(found[0])
    assert np.isfinite(found[1])
    lenient = WindowConfig("e", baseline=None, min_coverage=0.3)
    assert trial_responses(trace, EVENTS, lenient)[0] == pytest.approx(values[212:220].mean())


def test_events_outside_the_recording():
    late = np.array([10.0, 99.5, 150.0])
    with pytest.raises(DataError) as caught:
        trial_responses(TRACE, late, WindowConfig("reward"))
    text = str(caught.value)
    assert "a.nwb: G: the windows of 2 of 3 events (reward) are not inside the recording" in text
    assert "from -0.02 to 99.97 s; the windows are from 9.00 to 151.00 s" in text
    found = trial_responses(TRACE, late, WindowConfig("reward", outside="blank"))
    assert np.isfinite(found).tolist() == [True, True, False]
    with pytest.raises(DataError, match=r"no window lies in the recording, .* different clocks"):
        trial_responses(TRACE, late + 1e6, WindowConfig("reward", outside="blank"))
    with pytest.raises(DataError, match="event 'reward' is blank in every trial"):
        trial_responses(TRACE, np.full(3, np.nan), WindowConfig("reward"))


def test_windows_that_overlap():
    close = np.array([10.0, 11.5, 20.0])
    with pytest.raises(DataError) as caught:
        trial_responses(TRACE, close, WindowConfig("reward"))
    assert "1 of 3 windows overlap with that of the next trial, by up to 0.5 s" in str(caught.value)
    assert "one ends at 11.000 s, the next begins at 10.500 s" in str(caught.value)
    assert np.isfinite(trial_responses(TRACE, close, WindowConfig("r", overlap="allow"))).all()
    assert np.isfinite(trial_responses(TRACE, close, WindowConfig("r", baseline=(-0.5, 0.0)))).all()


def test_impossible_windows():
    for options in ({"window": (1.0, 1.0)}, {"window": (np.nan, 1.0)}, {"baseline": (0.0, -1.0)}):
        with pytest.raises(ConfigError, match="it must be a start and a later end, in s"):
            WindowConfig("e", **options)
    with pytest.raises(ConfigError, match=r"min_coverage is 0\.0; it must be a share above 0"):
        WindowConfig("e", min_coverage=0.0)


@given(
    st.lists(st.floats(-20, 120) | st.just(float("nan")), min_size=1, max_size=8),
    st.floats(-2, 2), st.floats(0.01, 3),
)  # fmt: skip
def test_any_events_and_windows_give_the_numbers_of_a_loop(events, start, length):
    """Blank where the event is, and where less than half of either window was measured, of a trace
    that lacks every other sample or so; refused where no window lies in the recording."""
    window, baseline = (start, start + length), (-1.0, 0.0)
    config = WindowConfig("e", 0.0, window, baseline, outside="blank", overlap="allow")

    def measured(event, low, high):
        inside = GAPPY.values[(event + low <= T) & (event + high > T)]
        inside = inside[np.isfinite(inside)]
        enough = max(1, 0.5 * np.floor((high - low) / GAPPY.interval))
        return inside if len(inside) >= enough else np.array([np.nan])

    expected = [measured(e, *window).mean() - measured(e, *baseline).mean() for e in events]
    low, high = min(start, -1.0), max(start + length, 0.0)
    half = GAPPY.interval / 2
    if any(T[0] - half <= e + low and e + high <= T[-1] + half for e in events):
        found = trial_responses(GAPPY, np.array(events), config)
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
    else:
        with pytest.raises(DataError, match=r"no window lies in the rec|is blank in every trial"):
            trial_responses(GAPPY, np.array(events), config)


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
    with pytest.raises(DataError, match=r"none of the 1 events lies in G, which lasts from 0\.00"):
        align_trace(trace, np.array([1e9]))
    with pytest.raises(ConfigError, match=r"baseline \(-1\.0, 0\.0\) holds no time of the window"):
        align_trace(trace, np.array([5.0]), (0.0, 1.0))
    with pytest.raises(ConfigError, match=r"window is \(1\.0, 0\.0\) s and step is 0\.05"):
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
