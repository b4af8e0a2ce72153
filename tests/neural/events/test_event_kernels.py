"""Event kernels: the dense regression as oracle, and overlapping responses come apart."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from accumbens.errors import ConfigError, DataError
from accumbens.figures.neural.event_kernels import draw_event_kernels, event_kernels_data
from accumbens.neural.events.event_kernels import (
    Binned,
    EventKernelConfig,
    bin_spikes,
    bin_trace,
    fit_event_kernels,
)
from accumbens.recordings import Trace, units_from_arrays

CONFIG = EventKernelConfig((-0.5, 1.5), 0.1)


def choices_and_rewards(seed=0, n=150):
    """Rewards follow choices by 0.2 to 1.2 s, in two of three trials."""
    rng = np.random.default_rng(seed)
    choice = 5 + 6.0 * np.arange(n) + rng.uniform(0, 2, n)
    reward = (choice + rng.uniform(0.2, 1.2, n))[rng.random(n) < 0.67]
    return {"choice": choice, "reward": reward}, rng


def kernels_true(time):
    return np.stack(
        [np.exp(-np.square((time - 0.2) / 0.2)), np.where(time > 0, 2 * np.exp(-time / 0.5), 0)]
    )


def made(seed=0, noise=0.5):
    events, rng = choices_and_rewards(seed)
    truth = kernels_true((CONFIG.lags + 0.5) * CONFIG.bin)
    values = 3 + rng.normal(0, noise, 9200)
    for kernel, times in zip(truth, events.values(), strict=True):
        for place in np.floor(times / 0.1 + 1e-6).astype(int):
            values[place + CONFIG.lags] += kernel
    return Binned(0.0, values[:, None], ("da",)), events, truth


def test_overlapping_responses_come_apart():
    """150 choices, 100 rewards, noise of 0.5: each lag of a kernel has an error near 0.05."""
    binned, events, truth = made()
    fit = fit_event_kernels(binned, events, CONFIG)
    assert np.abs(fit.kernel[:, 0] - truth).max() < 0.25
    assert np.sqrt(np.mean(np.square(fit.kernel[:, 0] - truth))) < 0.08
    covered = np.abs(fit.kernel[:, 0] - truth) < 2 * fit.standard_error[:, 0] + 0.05
    assert covered.mean() > 0.85
    assert fit.offset[0] == pytest.approx(3, abs=0.05)
    average = np.mean(
        [binned.values[int(t / 0.1) + 5 : int(t / 0.1) + 10] for t in events["choice"]]
    )
    assert average - 3 > 3 * truth[0, 10:15].mean()


def test_the_fit_is_that_of_the_dense_regression():
    binned, events, _ = made(1)
    values = binned.values[:3000].copy()
    values[100:140] = np.nan
    lags = CONFIG.lags
    x = np.zeros((3000, 2 * len(lags)))
    for k, times in enumerate(events.values()):
        for t in times:
            for j, lag in enumerate(lags):
                at = int(np.floor(t / 0.1 + 1e-6)) + lag
                if 0 <= at < 3000:
                    x[at, k * len(lags) + j] += 1
    known = np.isfinite(values[:, 0])
    a, b = x[known], values[known]
    errors, null = [], 0.0
    config = EventKernelConfig((-0.5, 1.5), 0.1, 4, (0.01, 1.0, 100.0))

    def ridge(a, b, penalty):
        ac, bc = a - a.mean(0), b - b.mean(0)
        gram = ac.T @ ac
        unit = np.trace(gram) / len(gram)
        w = np.linalg.solve(gram + penalty * unit * np.eye(len(gram)), ac.T @ bc)
        return w, b.mean(0) - a.mean(0) @ w

    blocks = np.array_split(np.arange(len(a)), 4)
    for penalty in config.penalties:
        total = null = 0.0
        for rows in blocks:
            rest = np.setdiff1d(np.arange(len(a)), rows)
            w, c = ridge(a[rest], b[rest], penalty)
            total += np.square(b[rows] - a[rows] @ w - c).sum()
            null += np.square(b[rows] - b[rest].mean(0)).sum()
        errors.append(total)
    best = int(np.argmin(errors))
    w, c = ridge(a, b, config.penalties[best])
    fit = fit_event_kernels(Binned(0.0, values, ("da",)), events, config)
    assert fit.penalty[0] == config.penalties[best]
    np.testing.assert_allclose(fit.kernel[:, 0].ravel(), w[:, 0], rtol=1e-6, atol=1e-9)
    assert fit.offset[0] == pytest.approx(c[0])
    assert fit.r2[0] == pytest.approx(1 - errors[best] / null)


def test_an_event_that_does_nothing_adds_nothing():
    binned, events, _ = made(2)
    rng = np.random.default_rng(9)
    fit = fit_event_kernels(binned, events | {"lick": rng.uniform(0, 900, 300)}, CONFIG)
    assert fit.unique[0, 0] > 0.03
    assert fit.unique[1, 0] > 0.1
    assert abs(fit.unique[2, 0]) < 0.01
    noise = Binned(0.0, rng.normal(size=(9200, 2)), ("a", "b"))
    assert (np.abs(fit_event_kernels(noise, events, CONFIG).r2) < 0.01).all()


def test_weights_scale_events():
    events, rng = choices_and_rewards(3)
    weight = rng.normal(size=len(events["reward"]))
    values = rng.normal(0, 0.1, 9200)
    for place, w in zip((events["reward"] / 0.1).astype(int), weight, strict=True):
        values[place : place + 5] += 2 * w
    fit = fit_event_kernels(
        Binned(0.0, values[:, None], ("da",)), {"rpe": events["reward"]}, CONFIG,
        weights={"rpe": weight},
    )  # fmt: skip
    after = (fit.time > 0) & (fit.time < 0.5)
    assert fit.kernel[0, 0, after] == pytest.approx(2, abs=0.06)
    assert fit.kernel[0, 0, ~after] == pytest.approx(0, abs=0.06)


def test_traces_and_spikes_are_binned():
    trace = Trace(
        "G", 2 + np.arange(11) / 20, np.array([1, 3, 5, np.nan, *[np.nan] * 2, 7, 9.0, 1, 1, 1])
    )
    binned = bin_trace(trace, EventKernelConfig((0.0, 1.0), 0.1))
    np.testing.assert_array_equal(binned.values[:, 0], [2, 5, np.nan, 8, 1, 1])
    with pytest.raises(DataError, match=r"a sample every 0\.05 s, so some bins of 0\.01 s would"):
        bin_trace(trace, EventKernelConfig((0.0, 1.0), 0.01))
    units = units_from_arrays(np.array([1.0, 1.05, 1.31, 2.0]), np.array([1, 1, 2, 2]))
    rates = bin_spikes(units, EventKernelConfig((0.0, 1.0), 0.1), np.array([[1.0, 1.6]]))
    assert rates.names == ("1", "2")
    np.testing.assert_allclose(rates.values[:6], [[20, 0], [0, 0], [0, 0], [0, 10], [0, 0], [0, 0]])
    assert np.isnan(rates.values[6:]).all()
    with pytest.raises(DataError, match="the spikes span less than a bin of 5 s"):
        bin_spikes(units, EventKernelConfig((0.0, 9.0), 5.0))


def test_spike_kernels():
    rng = np.random.default_rng(4)
    events = 2 + 3.0 * np.arange(200)
    extra = np.concatenate([e + rng.uniform(0, 0.5, rng.poisson(5)) for e in events])
    times = np.concatenate([rng.uniform(0, 602, 3000), extra, rng.uniform(0, 602, 3000)])
    clusters = np.repeat([0, 1], [3000 + len(extra), 3000])
    units = units_from_arrays(times, clusters, sort=True)
    fit = fit_event_kernels(bin_spikes(units, CONFIG), {"reward": events}, CONFIG)
    after = (fit.time > 0.1) & (fit.time < 0.45)  # the event's own bin holds part of the response
    assert fit.kernel[0, 0, after].mean() == pytest.approx(10, abs=1)
    assert abs(fit.kernel[0, 1, after].mean()) < 1
    assert fit.r2[0] > 0.15
    assert abs(fit.r2[1]) < 0.01


def test_the_figure_draws_each_kernel():
    binned, events, _ = made(5)
    fit = fit_event_kernels(binned, events, CONFIG)
    data = event_kernels_data(fit, unit="z-score")
    fig = Figure()
    draw_event_kernels(data, fig)
    fig.draw_without_rendering()
    for k, ax in enumerate(fig.axes):
        np.testing.assert_array_equal(ax.lines[0].get_xdata(), fit.time)
        np.testing.assert_array_equal(ax.lines[0].get_ydata(), fit.kernel[k, 0])
    assert len(data.table()) == 2 * len(CONFIG.lags)
    with pytest.raises(ConfigError, match="There is no signal 'x'; the signals are da"):
        event_kernels_data(fit, "x")


def test_what_cannot_be_fitted():
    binned, events, _ = made(6)
    with pytest.raises(ConfigError, match="Name at least one kind of event"):
        fit_event_kernels(binned, {}, CONFIG)
    with pytest.raises(DataError, match="No event 'late' lies in the recording"):
        fit_event_kernels(binned, {"late": np.array([1e6])}, CONFIG)
    with pytest.raises(ConfigError, match="There are 1 events 'a', but 2 weights"):
        fit_event_kernels(binned, {"a": np.array([9.0])}, CONFIG, weights={"a": np.ones(2)})
    blank = binned._replace(values=np.full((9200, 1), np.nan))
    with pytest.raises(DataError, match="Only 0 bins were measured in all signals, for 40 coeffi"):
        fit_event_kernels(blank, events, CONFIG)
    with pytest.raises(
        ConfigError, match=r"window is \(1\.0, 0\.0\) s and bin is 0\.05 s; the wind"
    ):
        EventKernelConfig((1.0, 0.0))
    with pytest.raises(ConfigError, match=r"folds is 1 and penalties is .* at least two folds"):
        EventKernelConfig(folds=1)
