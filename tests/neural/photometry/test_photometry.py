"""Preprocessing of photometry: oracles for each step, and known amplitudes come back."""

import numpy as np
import pytest
import statsmodels.api as sm

from accumbens.errors import ConfigError, DataError
from accumbens.neural.events.config import WindowConfig
from accumbens.neural.events.windows import trial_responses
from accumbens.neural.photometry.bleaching import fit_double_exponential, slow_part
from accumbens.neural.photometry.config import PreprocessConfig
from accumbens.neural.photometry.preprocessing import align_control, preprocess
from accumbens.neural.regression import fit_line
from accumbens.recordings import Trace

RATE = 20.0


def synthetic(seed=0, n_events=120, noise=0.004, control_slope=0.7):
    """A recording of 30 min with known bleaching, movement and responses (in dF/F).

    F = (0.5 + 0.3 exp(-t/60) + 0.4 exp(-t/900)) (1 + response + movement) + noise; the control has
    bleaching of its own and the movement alone, so much stronger.
    """
    rng = np.random.default_rng(seed)
    t = np.arange(int(1800 * RATE)) / RATE
    events = 10 + np.arange(n_events) * 14.5 + rng.uniform(0, 1, n_events)
    size = rng.normal(0.05, 0.03, n_events)
    response = np.zeros(len(t))
    for event, a in zip(events, size, strict=True):
        since = t - event
        response += np.where(since >= 0, a * np.exp(-np.maximum(since, 0) / 1.0), 0)
    steps = rng.normal(size=len(t)) * (rng.random(len(t)) < 0.01)
    movement = np.convolve(steps, np.exp(-np.arange(100) / 30), "same") * 0.04
    base = 0.5 + 0.3 * np.exp(-t / 60) + 0.4 * np.exp(-t / 900)
    other = 0.8 + 0.5 * np.exp(-t / 200) + 0.1 * np.exp(-t / 1500)
    signal = base * (1 + response + movement) + rng.normal(0, noise, len(t))
    control = other * (1 + movement / control_slope) + rng.normal(0, noise, len(t))
    return Trace("G", t, signal), Trace("Iso", t, control), events, size, base


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("regression", ["robust", "least_squares"])
def test_known_amplitudes_come_back(regression, seed):
    """Mean of exp(-t) over 0 to 1 s is 1 - 1/e. 120 events, each with an error of its own.

    Seeds 0 to 19 gave, with either regression, slopes within 2.2 %, means within 0.08 % dF/F and
    errors of 0.30 to 0.43 % dF/F: the bounds are about those of the worst seed and half as much
    again (the slope's and the mean's twice as much).
    """
    signal, control, events, size, _ = synthetic(seed)
    config = PreprocessConfig(regression=regression, scale="dff")
    trace = preprocess(signal, control, config).trace
    found = trial_responses(trace, events, WindowConfig("reward")) / (100 * (1 - np.exp(-1)))
    slope = (found - found.mean()) @ (size - size.mean()) / np.square(size - size.mean()).sum()
    assert slope == pytest.approx(1, abs=0.05)
    assert found.mean() == pytest.approx(size.mean(), abs=0.002)
    assert np.sqrt(np.mean(np.square(found - size))) < 0.006
    without = preprocess(signal, None, config).trace
    worse = trial_responses(without, events, WindowConfig("reward")) / (100 * (1 - np.exp(-1)))
    assert np.std(found - size) < 0.5 * np.std(worse - size)


def test_the_same_amplitudes_with_a_high_pass_filter():
    signal, control, events, size, _ = synthetic(1)
    trace = preprocess(signal, control, PreprocessConfig(bleaching="high_pass", scale="dff")).trace
    found = trial_responses(trace, events, WindowConfig("reward")) / (100 * (1 - np.exp(-1)))
    slope = (found - found.mean()) @ (size - size.mean()) / np.square(size - size.mean()).sum()
    assert slope == pytest.approx(1, abs=0.05)


def test_bleaching_is_found_in_spite_of_responses():
    signal, _, _, _, base = synthetic(2)
    curve = fit_double_exponential(signal.times, signal.values).at(signal.times)
    assert np.abs(curve / base - 1).max() < 0.02


@pytest.mark.parametrize("seed", range(4))
def test_a_double_exponential_without_noise_is_found_exactly(seed):
    rng = np.random.default_rng(seed)
    t = np.arange(0, 1000, 0.5)
    fast, slow = rng.uniform(20, 80), rng.uniform(300, 900)
    values = rng.uniform(0.5, 2) + rng.uniform(0.2, 1) * np.exp(-t / fast) + np.exp(-t / slow)
    found = fit_double_exponential(t, values)
    np.testing.assert_allclose(found.at(t), values, rtol=2e-4)
    assert found.time[0] < found.time[1]


def test_the_robust_line_is_that_of_statsmodels():
    rng = np.random.default_rng(0)
    x = rng.normal(3, 2, 500)
    y = 0.4 * x - 1 + rng.normal(0, 0.3, 500) + 5 * (rng.random(500) < 0.1)
    found = fit_line(x, y)
    norm = sm.robust.norms.TukeyBiweight(c=4.685)
    theirs = sm.RLM(y, sm.add_constant(x), M=norm).fit(scale_est="mad", tol=1e-12, maxiter=500)
    assert found.converged
    assert found.slope == pytest.approx(0.4, abs=0.02)
    assert (found.offset, found.slope) == pytest.approx(tuple(theirs.params), abs=2e-3)
    plain = fit_line(x, y, robust=False)
    offset, slope = np.polynomial.Polynomial.fit(x, y, 1).convert().coef
    assert (plain.offset, plain.slope) == pytest.approx((offset, slope), rel=1e-9)
    assert abs(plain.offset + 1) > 5 * abs(found.offset + 1)


def test_a_filter_passes_what_is_slow_and_bridges_what_is_missing():
    t = np.arange(4000) / RATE
    slow, fast = np.sin(2 * np.pi * 0.05 * t), np.sin(2 * np.pi * 5 * t)
    mixed = slow + fast
    mixed[1000:1010] = np.nan
    found = slow_part(mixed, RATE, 0.5)
    assert np.isnan(found[1000:1010]).all()
    middle = np.r_[200:900, 1100:3800]
    assert np.abs(found - slow)[middle].max() < 0.03
    with pytest.raises(DataError, match=r"cutoff of the filter is 10 Hz; it must lie between 0"):
        slow_part(mixed, RATE, 10.0)
    with pytest.raises(
        DataError, match="Only 5 samples are not missing, which is too few to filter"
    ):
        slow_part(np.where(np.arange(100) < 5, 1.0, np.nan), RATE, 1.0)


def test_scales():
    signal, control, _, _, base = synthetic(3)
    raw = preprocess(signal, control, PreprocessConfig(scale="raw"))
    dff = preprocess(signal, control, PreprocessConfig(scale="dff"))
    z = preprocess(signal, control)
    np.testing.assert_allclose(dff.trace.values, 100 * raw.trace.values / raw.baseline)
    assert (z.trace.unit, dff.trace.unit) == ("z-score", "dF/F (%)")
    assert np.mean(z.trace.values) == pytest.approx(0, abs=1e-9)
    assert np.std(z.trace.values) == pytest.approx(1)
    assert z.correlation > 0.7
    assert dff.baseline == pytest.approx(base, rel=0.03)


def test_without_bleaching_correction_f0_is_the_fitted_control():
    signal, control, *_ = synthetic(4)
    config = PreprocessConfig(bleaching="none", regression="least_squares", scale="dff")
    found = preprocess(signal, control, config)
    slope, offset = np.polyfit(control.values, signal.values, 1)
    fitted = slope * control.values + offset
    np.testing.assert_allclose(found.trace.values, 100 * (signal.values / fitted - 1), atol=1e-6)
    alone = preprocess(signal, None, config)
    median = np.median(signal.values)
    np.testing.assert_allclose(alone.baseline, median)


def test_missing_samples_stay_missing():
    signal, control, *_ = synthetic(5)
    values = signal.values.copy()
    values[500:520] = np.nan
    found = preprocess(signal.with_values(values), control, PreprocessConfig(low_pass=5.0))
    assert np.flatnonzero(np.isnan(found.trace.values)).tolist() == list(range(500, 520))


def test_controls_on_other_clocks():
    signal, control, *_ = synthetic(6)
    half = Trace("Iso", control.times[::2] + 0.013, control.values[::2])
    aligned = align_control(signal, half)
    np.testing.assert_allclose(aligned, np.interp(signal.times, half.times, half.values))
    late = Trace("Iso", control.times + 500, control.values, source="a.nwb")
    with pytest.raises(DataError, match=r"from 500\.00 to 2,299\.95 s: only 72% overlap"):
        preprocess(signal, late)


def test_channels_that_say_nothing():
    t = np.arange(100) / RATE
    flat = Trace("G", t, np.ones(100), source="a.nwb")
    noise = Trace("Iso", t, np.random.default_rng(0).normal(size=100) + 9, source="a.nwb")
    with pytest.raises(DataError, match=r"a\.nwb: G does not vary\. Name another channel"):
        preprocess(flat)
    with pytest.raises(DataError, match=r"a\.nwb: G: The control channel does not vary"):
        preprocess(noise, flat, PreprocessConfig(bleaching="none"))
    with pytest.raises(DataError, match="the baseline F0 of Iso is not above 0 everywhere"):
        preprocess(noise.with_values(noise.values - 12))
    blank = noise.with_values(np.where(t < 0.2, 1.0, np.nan))
    with pytest.raises(DataError, match="only 4 of the 100 samples of Iso are not missing"):
        preprocess(blank)
    with pytest.raises(DataError, match=r"Only 4 samples are not missing, which is too few to fit"):
        fit_double_exponential(t, blank.values)
    with pytest.raises(ConfigError, match=r"low_pass is -1\.0; it must be a positive number"):
        PreprocessConfig(low_pass=-1.0)
