"""Spikes around events against loops and pynapple; real sessions; figures."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from scipy import stats

from accumbens.errors import ConfigError, DataError
from accumbens.figures.neural.population import draw_population, population_data
from accumbens.figures.neural.rasters import draw_raster, raster_data
from accumbens.io.spikes.files import read_units
from accumbens.neural.units.responses import (
    ResponseConfig,
    active_units,
    by_region,
    count_spikes,
    unit_responses,
    window_rates,
)
from accumbens.recordings import units_from_arrays
from helpers.python_calls import python_calls


def poisson_units(seed=0, n_units=6, duration=400.0, events=None, gain=0.0):
    """Units of 5 spikes/s; the first `gain` spikes/s more for 0.5 s after each event."""
    rng = np.random.default_rng(seed)
    times, clusters = [], []
    for u in range(n_units):
        spikes = rng.uniform(0, duration, rng.poisson(5 * duration))
        if u == 0 and events is not None:
            extra = [e + rng.uniform(0, 0.5, rng.poisson(gain / 2)) for e in events]
            spikes = np.concatenate([spikes, *extra])
        times.append(np.sort(spikes))
        clusters.append(np.full(len(spikes), 10 + u))
    regions = {str(10 + u): ("M2", "NAc", "")[u % 3] for u in range(n_units)}
    return units_from_arrays(np.concatenate(times), np.concatenate(clusters), regions=regions)


UNITS = poisson_units()
EVENTS = np.arange(5.0, 395.0, 7.3)


@given(st.lists(st.floats(-5, 410) | st.just(float("nan")), min_size=1, max_size=5))
def test_counts_are_those_of_a_loop(events):
    edges = np.array([-0.5, 0.0, 0.25, 1.5])
    found = count_spikes(UNITS, np.array(events), edges)
    for e, event in enumerate(events):
        for u in (0, 5):
            for j in range(3):
                low, high = event + edges[j], event + edges[j + 1]
                expected = sum(1 for t in UNITS.spikes(u) if low <= t < high)
                assert found[e, u, j] == expected


def test_responses_are_means_with_t_intervals():
    labels = ["a" if i % 3 else "b" for i in range(len(EVENTS))]
    config = ResponseConfig((-0.5, 1.0), 0.25, baseline=(-0.5, 0.0))
    found = unit_responses(UNITS, EVENTS, labels, config)
    assert found.conditions == ("b", "a")
    rows = [i for i, label in enumerate(labels) if label == "a"]
    assert found.n == (len(EVENTS) - len(rows), len(rows))
    for j in range(6):
        low = -0.5 + 0.25 * j
        since = [UNITS.spikes(2) - EVENTS[i] - low for i in rows]
        counts = [np.sum((t >= 0) & (t < 0.25)) for t in since]
        rates = np.array(counts) / 0.25
        assert found.rate[1, 2, j] == pytest.approx(rates.mean())
        error = rates.std(ddof=1) / np.sqrt(len(rates))
        ends = stats.t.interval(0.95, len(rates) - 1, rates.mean(), error)
        assert (found.low[1, 2, j], found.high[1, 2, j]) == pytest.approx(ends)
    before = found.rate[:, 2, :2]
    spread = np.sqrt(np.mean(np.square(before - before.mean(1, keepdims=True))))
    np.testing.assert_allclose(
        found.z[1, 2], (found.rate[1, 2] - before[1].mean()) / spread, rtol=1e-9
    )


def test_counts_are_those_of_pynapple():
    import pynapple

    group = UNITS.to_pynapple()
    theirs = pynapple.compute_perievent(group, pynapple.Ts(EVENTS), (-0.5, 1.0))
    ours = count_spikes(UNITS, EVENTS, np.array([-0.5, 1.0]))[:, :, 0]
    for u in range(len(UNITS)):
        assert [len(theirs[u][e]) for e in range(len(EVENTS))] == ours[:, u].tolist()
    assert group.get_info("region").tolist() == list(UNITS.regions)


def test_rates_in_windows():
    events = np.array([10.0, np.nan, -3.0, 399.9])
    found = window_rates(UNITS, events, (0.0, 2.0))
    spikes = UNITS.spikes(3)
    assert found[0, 3] == np.sum((spikes >= 10) & (spikes < 12)) / 2
    assert np.isnan(found[1:]).all()


def test_an_added_response_is_found_where_it_was_added():
    units = poisson_units(1, events=EVENTS, gain=20.0)
    config = ResponseConfig((-1.0, 1.0), 0.1)
    found = unit_responses(units, EVENTS, None, config)
    after = (found.time > 0) & (found.time < 0.5)
    assert found.rate[0, 0, after].mean() == pytest.approx(25, abs=3)
    assert found.rate[0, 1:, after].mean() == pytest.approx(5, abs=0.5)
    assert found.z[0, 0, after].mean() > 10 * np.abs(found.z[0, 1:, after].mean())


def test_units_and_conditions_that_are_too_few_are_left_out():
    labels = ["rare"] * 3 + [""] * 5 + ["often"] * (len(EVENTS) - 8)
    found = unit_responses(UNITS, EVENTS, labels)
    assert found.conditions == ("often",)
    with pytest.raises(DataError, match=r"no condition has 90 events in the recording \(min_tr"):
        unit_responses(UNITS, EVENTS, labels, ResponseConfig(min_trials=90))
    with pytest.raises(
        DataError, match=r"none of the 6 units fires at 50 spikes/s or more; the most"
    ):
        active_units(UNITS, 50.0)
    with pytest.raises(
        DataError, match=r"the window of no event lies in the recording\. Its spikes"
    ):
        unit_responses(UNITS, EVENTS + 1e6)
    with pytest.raises(ConfigError, match=r"There are 54 events, but conditions for 1"):
        unit_responses(UNITS, EVENTS, ["a"])
    with pytest.raises(ConfigError, match=r"bin is 5\.0 s; it must be above 0 and fit into"):
        ResponseConfig(bin=5.0)
    with pytest.raises(
        ConfigError, match=r"smooth is -1\.0, min_rate 0\.1 and min_trials 5; smooth"
    ):
        ResponseConfig(smooth=-1.0)
    with pytest.raises(
        ConfigError, match=r"window is \(1\.0, 0\.0\); it must be a start and a later"
    ):
        ResponseConfig((1.0, 0.0))
    with pytest.raises(ConfigError, match="holds 0 bins of the window"):
        unit_responses(UNITS, EVENTS, None, ResponseConfig(baseline=(5.0, 6.0)))


def test_regions_are_summarised():
    found = unit_responses(UNITS, EVENTS, None, ResponseConfig((-1.0, 1.0), 0.1))
    table = by_region(found)
    assert table["region"].tolist() == ["M2", "NAc", ""]
    assert table["units"].tolist() == [2, 2, 2]
    inside = found.time >= 0
    mine = [i for i, r in enumerate(found.regions) if r == "NAc"]
    assert table["z"][1] == pytest.approx(found.z[0, mine][:, inside].mean())
    with pytest.raises(ConfigError, match=r"The window \(9\.0, 10\.0\) holds no bin"):
        by_region(found, (9.0, 10.0))


def test_every_spike_of_a_raster_is_at_its_place():
    labels = ["a" if i % 2 else "b" for i in range(len(EVENTS))]
    data = raster_data(UNITS, EVENTS, "cue", labels, chosen=["12", "10"])
    assert data.ids == ("12", "10")
    order = [*range(0, len(EVENTS), 2), *range(1, len(EVENTS), 2)]
    times, rows = data.spikes[1]
    expected = [
        (t - EVENTS[i], row)
        for row, i in enumerate(order)
        for t in UNITS.spikes(0)
        if EVENTS[i] - 1 <= t < EVENTS[i] + 2
    ]
    np.testing.assert_allclose(np.column_stack([times, rows]), expected)
    with pytest.raises(ConfigError, match="There is no unit 99 among the 6 units"):
        raster_data(UNITS, EVENTS, "cue", chosen=["99"])


def test_the_figures_draw_what_the_data_say():
    """Marks and lines of the rasters and cells of the population, read back from the figures."""
    config = ResponseConfig((-1.0, 1.0), 0.1)
    for labels in (None, ["a" if i % 2 else "b" for i in range(len(EVENTS))]):
        responses = unit_responses(UNITS, EVENTS, labels, config)
        rasters = raster_data(UNITS, EVENTS, "cue", labels, config=config)
        fig = Figure()
        draw_raster(rasters, fig)
        fig.draw_without_rendering()
        by_unit = {ax.get_title(): i for i, ax in enumerate(fig.axes) if ax.get_title()}
        for unit, (times, _) in zip(rasters.ids, rasters.spikes, strict=True):
            title = next(t for t in by_unit if t.split(",")[0] == f"unit {unit}")
            marks = [
                segment[0, 0]
                for lines in fig.axes[by_unit[title]].collections
                if isinstance(lines, LineCollection)
                for segment in lines.get_segments()
                if len(segment)
            ]
            np.testing.assert_allclose(np.sort(marks), np.sort(times))
        drawn = {tuple(np.asarray(line.get_ydata())) for ax in fig.axes for line in ax.lines}
        for unit in rasters.ids:
            for rate in responses.rate[:, responses.ids.index(unit)]:
                assert tuple(rate) in drawn
        population = population_data(responses, "cue")
        fig = Figure()
        draw_population(population, fig)
        fig.draw_without_rendering()
        for ax, z in zip(fig.axes, population.z, strict=False):
            np.testing.assert_array_equal(np.asarray(ax.collections[0].get_array()), z)
        rows = population.table().query("unit == '12'")
        place = population.ids.index("12")
        np.testing.assert_array_equal(rows["z"], population.z[:, place].ravel())
    assert [name for name, _ in population.regions] == ["M2", "NAc", ""]
    inside = population.time >= 0
    size = population.z[:, :2][:, :, inside].mean((0, 2))
    assert size[0] >= size[1]
    assert population.ids[-1] in ("12", "15")


def test_spikes_cost_no_python():
    """Ten times the spikes of each unit call no more of Python: every loop over spikes is one of
    NumPy."""
    calls = []
    for duration in (200.0, 2000.0):
        units = poisson_units(duration=duration)
        events = np.linspace(5, 195, 30)
        unit_responses(units, events)  # what is imported once is not counted
        calls.append(python_calls(lambda u=units, e=events: unit_responses(u, e)))
    assert len(units.times) > 50_000
    assert calls[1] < 1.02 * calls[0]


def test_a_probe_of_289_clusters(shared_data):
    units = read_units(shared_data / "probe_spikes.npz")
    with np.load(shared_data / "probe_spikes.npz") as arrays:
        events = arrays["event_times"].astype(float)
        groups = [f"group {int(g)}" for g in arrays["event_groups"]]
    found = unit_responses(units, events, groups, ResponseConfig(min_rate=0.0))
    assert len(units) == 289
    assert len(units.times) == 124_905
    assert found.rate.shape == (2, 289, 60)
    assert found.n == (9, 9)
    raw = np.load(shared_data / "probe_spikes.npz")
    some = raw["spike_times"][raw["spike_clusters"] == 359]
    mine = [np.sum((some >= e) & (some < e + 0.05)) / 0.05
            for e, g in zip(events, groups, strict=True) if g == "group 0"]  # fmt: skip
    assert found.rate[0, found.ids.index("359"), 20] == pytest.approx(np.mean(mine))


def test_reward_responses_of_the_rat(shared_data):
    """Unit 6122 fires less, and 6119 more, after rewarded movements: known from the raw spikes."""
    units = read_units(shared_data / "rat_units_spikes.npz")
    trials = pd.read_csv(shared_data / "rat_units_trials.csv")
    assert (len(units), len(units.times), len(trials)) == (4, 394_758, 338)
    events = trials["movement_s"].to_numpy(float)
    labels = ["rewarded" if r else "unrewarded" for r in trials["reward"]]
    rates = window_rates(units, events, (0.5, 3.0))
    rewarded = trials["reward"].to_numpy() == 1
    for unit, sign in (("6122", -1), ("6119", 1)):
        x = rates[:, units.ids.index(unit)]
        test = stats.ttest_ind(x[rewarded], x[~rewarded], equal_var=False)
        assert sign * test.statistic > 5
    data = raster_data(units, events, "movement", labels)
    assert data.conditions == ("rewarded", "unrewarded")
    assert data.each == (58, 27)  # every 4th is drawn
    assert data.rows["n"].unique().tolist() == [232, 106]
    assert "4 units, 338 events" in data.caption
    assert "every 4th is drawn" in data.caption
