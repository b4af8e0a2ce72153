"""The figures of credit: their numbers against plain computations, and the files they leave."""

import dataclasses
import itertools
import statistics

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from scipy.stats import t as student

from accumbens.credit.answers import two_answers
from accumbens.credit.history.fitting import fit_history
from accumbens.credit.history.indices import Index
from accumbens.credit.randomization import RandomizationTest
from accumbens.credit.schedule import Schedule
from accumbens.errors import ConfigError, DataError
from accumbens.figures.credit.all import FIGURES, draw_credit_figures
from accumbens.figures.credit.history_weights import (
    draw_history_weights,
    history_weights_data,
    outcome_words,
)
from accumbens.figures.credit.indices import credit_indices_data, draw_credit_indices
from accumbens.figures.credit.null_distributions import (
    draw_null_distributions,
    null_distributions_data,
    p_words,
)
from accumbens.figures.credit.power_curves import draw_power_curves, power_curves_data
from accumbens.figures.credit.session import credit_session_data, draw_credit_session

TESTS = ("distractor index > 0", "controllable index > distractor index")


@pytest.fixture(scope="module")
def trials(make_trials):
    return make_trials(
        outcomes=("controllable", "distractor"), n_subjects=3, codes=("L", "R"), n_sessions=9,
        n_trials=120,
    )  # fmt: skip


@pytest.fixture(scope="module")
def fits(trials):
    return fit_history(trials, 2)


@pytest.fixture(scope="module")
def schedule(trials):
    rng = np.random.default_rng(3)
    p = rng.random((*trials.outcome.shape, 2))
    p[:, :, 1] = p[:, :, 1, :1]
    return Schedule(p, trials.names.outcomes)


@pytest.fixture(scope="module")
def indices():
    rng = np.random.default_rng(4)
    return [
        Index(subject, name, value, 0.2, value - 0.3, value + 0.5)
        for subject in ("mouse 0", "mouse 1", "mouse 2", "group")
        for name, value in zip(("controllable", "distractor"), rng.normal(1, 1, 2), strict=True)
    ]


@pytest.fixture(scope="module")
def tests():
    rng = np.random.default_rng(5)
    subjects = ("mouse 0", "mouse 1", "mouse 2")
    return [
        RandomizationTest(name, subjects, rng.normal(1, 1, 3), rng.normal(0, 1, (99, 3)), seed)
        for seed, name in enumerate(TESTS)
    ]


@pytest.fixture(scope="module")
def power():
    rows = [
        (weight, mice, sessions, test, p, max(p - 0.1, 0.0), min(p + 0.1, 1.0))
        for weight in (0.25, 0.5)
        for test in TESTS
        for mice, powers in ((4, (0.1, 0.3, 0.5)), (12, (0.5, 0.9, 1.0)))
        for sessions, p in zip((2, 8, 16), powers, strict=True)
    ]
    columns = ["weight", "mice", "sessions", "test", "power", "low", "high"]
    return pd.DataFrame(rows[::-1], columns=columns)


def check_apart(fig):
    """No two texts lie on each other."""
    hidden = [label for ax in fig.axes for label in _hidden_labels(ax)]
    shown = [
        text for text in fig.findobj(Text)
        if text.get_visible() and text.get_text().strip() and text not in hidden
    ]  # fmt: skip
    boxes = [(text, text.get_window_extent()) for text in shown]
    for (one, box), (other, against) in itertools.combinations(boxes, 2):
        across = min(box.x1, against.x1) - max(box.x0, against.x0)
        up = min(box.y1, against.y1) - max(box.y0, against.y0)
        assert across < 1 or up < 1, f"'{one.get_text()}' lies on '{other.get_text()}'"


def _hidden_labels(ax):
    """Labels of ticks outside the axis, which are not drawn."""
    hidden = []
    for axis in (ax.xaxis, ax.yaxis):
        low, high = sorted(axis.get_view_interval())
        for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
            inside = low <= tick.get_loc() <= high
            hidden += [] if inside and axis.get_visible() else [tick.label1, tick.label2]
    return hidden


def whole(data, draw, check_drawn):
    fig = Figure()
    draw(data, fig)
    check_drawn(fig)
    check_apart(fig)
    return fig


def test_running_share_is_the_mean_of_the_nearest_choices(trials):
    data = credit_session_data(trials, 2, window=5)
    made = [c for c in trials.choice[2, : trials.length[2]] if c >= 0]
    expected = []
    for i in range(len(made)):
        near = made[max(0, i - 2) : i + 3]
        expected.append(sum(near) / len(near))
    table = data.table()
    shown = table["choice"] != ""
    np.testing.assert_allclose(table["running_share"][shown], expected)
    assert table["running_share"][~shown].isna().all()
    assert (~shown).sum() == (trials.choice[2, : trials.length[2]] < 0).sum() > 0


def test_session_has_the_choices_outcomes_and_probabilities(trials, schedule):
    data = credit_session_data(trials, 1, schedule=schedule, max_trials=50)
    assert data.schedule == (
        "controllable after left", "controllable after right", "distractor probability",
    )  # fmt: skip
    table = data.table()
    assert len(table) == 50
    for i, row in table.iterrows():
        choice = trials.choice[1, i]
        assert row["choice"] == ("" if choice < 0 else ("left", "right")[choice])
        assert row["controllable after left"] == schedule.controllable[1, i, 0]
        assert row["controllable after right"] == schedule.controllable[1, i, 1]
        assert row["distractor probability"] == schedule.distractor[1, i, 0]
        for k, name in enumerate(("controllable", "distractor")):
            came = trials.outcome[1, i, k]
            assert np.isnan(row[name]) if choice < 0 else row[name] == came
    assert f"50 trials (of {trials.length[1]})" in data.caption


def test_a_distractor_that_depends_on_the_choice_has_two_lines(trials, schedule, check_drawn):
    swapped = Schedule(schedule.probability[:, :, ::-1], trials.names.outcomes)
    data = credit_session_data(trials, 1, schedule=swapped, max_trials=50)
    assert data.schedule == (
        "controllable after left", "controllable after right", "distractor after left",
        "distractor after right",
    )  # fmt: skip
    table = data.table()
    for i, label in enumerate(("left", "right")):
        np.testing.assert_array_equal(
            table[f"distractor after {label}"], schedule.controllable[1, :50, i]
        )
    whole(data, draw_credit_session, check_drawn)


def test_probabilities_are_found_in_the_context_that_tasks_make(make_trials):
    contexts = ("controllable_probability_0", "distractor_probability", "other_probability",
                "controllable_probability_1")  # fmt: skip
    trials = make_trials(outcomes=("controllable", "distractor"), contexts=contexts)
    data = credit_session_data(trials, 0)
    n = trials.length[0]
    for column, at in (("controllable after choice 0", 0), ("controllable after choice 1", 3),
                       ("distractor probability", 1)):  # fmt: skip
        np.testing.assert_array_equal(data.table()[column], trials.context[0, :n, at])
    assert credit_session_data(make_trials(), 0).schedule == ()


def test_the_session_of_the_median_reward_rate(trials):
    rates = []
    for s in range(trials.n_sessions):
        made = trials.choice[s, : trials.length[s]] >= 0
        rates.append(trials.outcome[s, : trials.length[s], 0][made].mean())
    middle = rates.index(statistics.median_low(rates))
    data = credit_session_data(trials)
    assert data.label == trials.session_labels[middle]
    assert "median controllable rate" in data.caption


def test_what_a_session_cannot_show(trials, make_trials):
    with pytest.raises(ConfigError, match="There is no session number 9; the 9 sessions are"):
        credit_session_data(trials, 9)
    with pytest.raises(ConfigError, match="window is 0; it must be at least 1"):
        credit_session_data(trials, 0, window=0)
    with pytest.raises(DataError, match="needs trials with two choices, but these have 3"):
        credit_session_data(make_trials(n_choices=3))


def test_mean_weights_have_students_interval_over_subjects(fits):
    data = history_weights_data({"mice": fits})
    mean = data.rows[data.rows["subject"] == ""]
    assert len(mean) == 4 * 2
    for row in mean.itertuples():
        kind = data.outcomes.index(row.outcome)
        each = [float(fit.by_type[kind, row.lag - 1]) for fit in fits]
        half = student.ppf(0.975, 2) * statistics.stdev(each) / 3**0.5
        assert row.weight == pytest.approx(statistics.mean(each))
        assert row.low == pytest.approx(statistics.mean(each) - half)
        assert row.high == pytest.approx(statistics.mean(each) + half)
        assert row.n_subjects == 3
    own = data.rows[data.rows["subject"] == "mouse 1"]
    np.testing.assert_array_equal(own["weight"], fits[1].weights[1:])
    n = sum(fit.n_scored for fit in fits)
    assert f"3 subjects, 9 sessions, {n:,} free choices" in data.caption


def test_weights_left_out_of_a_fit_are_left_out_of_the_mean(fits):
    gone = fits[0].weights.copy()
    gone[3] = np.nan
    some = (dataclasses.replace(fits[0], weights=gone), *fits[1:])
    rows = history_weights_data({"mice": some}).rows
    row = rows[(rows["subject"] == "")].iloc[2]
    assert row["n_subjects"] == 2
    assert row["weight"] == pytest.approx((fits[1].weights[3] + fits[2].weights[3]) / 2)


def test_a_single_subject_has_the_interval_of_its_fit(fits):
    data = history_weights_data({"one": fits[:1], "all": fits})
    one = data.rows[(data.rows["group"] == "one") & (data.rows["subject"] == "")]
    np.testing.assert_allclose(one["low"], fits[0].to_frame()["low"][1:])
    assert fits[0].unit == "session"
    assert "of a single subject, the fit's own" in data.caption


def test_groups_that_cannot_stand_side_by_side(fits, make_trials):
    other = fit_history(make_trials(n_sessions=4, n_trials=100), 2)
    with pytest.raises(ConfigError, match="different outcomes"):
        history_weights_data({"a": fits, "b": other})
    with pytest.raises(ConfigError, match="at least one group"):
        history_weights_data({"a": ()})
    assert outcome_words(other[0].data.type_names) == ("no reward", "reward")


def test_indices_are_paired_by_subject(indices, tests):
    data = credit_indices_data(indices[::-1], tests, x="distractor", y="controllable")
    table = data.table().set_index("subject")
    assert len(table) == 4
    for index in indices:
        axis = {"controllable": "y", "distractor": "x"}[index.name]
        found = [table.loc[index.subject, axis + end] for end in ("", "_low", "_high")]
        assert found == [index.value, index.low, index.high]
    for (name, p, like), test in zip(data.tests, tests, strict=True):
        assert like == pytest.approx(two_answers(test).like_these.p_greater)
        above = sum(row.mean() >= test.observed.mean() for row in test.null)
        assert (name, p) == (test.name, (1 + above) / 100)
    assert credit_indices_data(indices).names == ("distractor", "controllable")


def test_indices_that_cannot_be_paired(indices):
    with pytest.raises(ConfigError, match=r"needs two indices, but there are 1: \['control"):
        credit_indices_data(indices[:1])
    with pytest.raises(ConfigError, match=r"missing \(subject: index\): mouse 1: distractor"):
        credit_indices_data([i for n, i in enumerate(indices) if n != 3])
    with pytest.raises(ConfigError, match=r"There is no index both; the indices are"):
        credit_indices_data(indices, x="both")


def test_null_distributions_are_counted_and_ranked(tests):
    data = null_distributions_data(tests, n_bins=7)
    for test in tests:
        rows = data.summary[data.summary["test"] == test.name].set_index("subject")
        columns = {"mean over subjects": (test.observed.mean(), test.null.mean(1))}
        columns |= {s: (test.observed[i], test.null[:, i]) for i, s in enumerate(test.subjects)}
        assert list(rows.index) == list(columns)
        for subject, (observed, null) in columns.items():
            row = rows.loc[subject]
            assert row["observed"] == observed
            assert row["p"] == (1 + sum(value >= observed for value in null)) / 100
            assert (row["resamples"], row["seed"]) == (99, test.seed)
            within = ((null >= row["null_low"]) & (null <= row["null_high"])).sum()
            assert within in (93, 94, 95)
        bins = data.histogram[data.histogram["test"] == test.name]
        assert bins["count"].sum() == 99
        group = test.null.mean(1)
        for b in bins.iloc[:-1].itertuples():
            assert b.count == ((group >= b.bin_low) & (group < b.bin_high)).sum()
    assert len(data.table()) == 2 * (4 + 7)
    with pytest.raises(ConfigError, match="different names"):
        null_distributions_data([tests[0], tests[0]])


@pytest.mark.parametrize(
    ("p", "words"),
    [(1.0, "1.00"), (0.314, "0.31"), (0.0312, "0.031"), (1 / 10_001, "0.0001"), (0.002, "0.002")],
)
def test_p_values_in_words(p, words):
    assert p_words(p) == f"p = {words}"


def test_enough_sessions_for_the_wanted_power(power):
    data = power_curves_data(power, wanted=0.8)
    enough = data.enough().set_index(["weight", "test", "mice"])["sessions"]
    assert len(enough) == 8
    for (_, _, mice), sessions in enough.items():
        assert np.isnan(sessions) if mice == 4 else sessions == 8
    assert list(data.rows["sessions"][:6]) == [2, 2, 8, 8, 16, 16]
    with pytest.raises(ConfigError, match=r"lacks the columns \['low'\]"):
        power_curves_data(power.drop(columns="low"))
    with pytest.raises(ConfigError, match="no rows"):
        power_curves_data(power.iloc[:0])
    with pytest.raises(ConfigError, match="wanted is 80; it must lie between 0 and 1"):
        power_curves_data(power, wanted=80.0)
    with pytest.raises(ConfigError, match="The table has powers outside 0 to 1"):
        power_curves_data(power.assign(power=1.2))


def test_every_figure_is_drawn_whole(trials, fits, schedule, indices, tests, power, check_drawn):
    counts = "Data: 3 subjects, 9 sessions, 900 trials with a choice."
    whole(credit_session_data(trials, schedule=schedule), draw_credit_session, check_drawn)
    groups = {"naive agent": fits[:1], "savvy agent": fits[1:], "mice": fits, "more mice": fits}
    whole(history_weights_data(groups), draw_history_weights, check_drawn)
    fig = whole(credit_indices_data(indices, tests, counts), draw_credit_indices, check_drawn)
    (ax,) = fig.axes
    assert ax.get_xlim() == ax.get_ylim()
    assert counts in " ".join(fig.get_supxlabel().split())
    whole(null_distributions_data(tests, counts), draw_null_distributions, check_drawn)
    whole(null_distributions_data(tests[:1]), draw_null_distributions, check_drawn)
    whole(power_curves_data(power), draw_power_curves, check_drawn)


def test_three_outcomes_and_missing_intervals_are_drawn(make_trials, indices, check_drawn):
    trials = make_trials(outcomes=("a", "b", "c"), n_sessions=8, n_trials=200)
    fits = fit_history(trials, 1)
    whole(history_weights_data({"$": fits}), draw_history_weights, check_drawn)
    whole(credit_session_data(trials), draw_credit_session, check_drawn)
    bare = [index._replace(low=np.nan, high=np.nan) for index in indices]
    whole(credit_indices_data(bare[:-2]), draw_credit_indices, check_drawn)


def test_files_of_two_rewards(trials, fits, schedule, indices, tests, power, tmp_path):
    drawn = draw_credit_figures(
        trials, fits, indices, tests[:1], tmp_path, schedule, beside={"agent": fits[:1]},
        power=power[:6],
    )  # fmt: skip
    assert set(drawn) == {figure.name for figure in FIGURES}
    for name, png in drawn.items():
        assert png == tmp_path / f"{name}.png"
        assert png.read_bytes().startswith(b"\x89PNG")
        assert png.with_suffix(".pdf").read_bytes().startswith(b"%PDF")
        assert len(pd.read_csv(png.with_suffix(".csv")))
    groups = pd.read_csv(tmp_path / "history_weights.csv")["group"]
    assert list(groups.unique()) == ["agent", "all subjects"]


def test_files_of_one_reward(make_trials, tmp_path):
    trials = make_trials(n_sessions=4, n_trials=100)
    fits = fit_history(trials, 2)
    only = [Index("mouse 0", "reward", 1.0, 0.1, 0.8, 1.2)]
    drawn = draw_credit_figures(trials, fits, only, [], tmp_path)
    assert {"credit_session", "history_weights"} <= drawn.keys()
    assert not {"null_distributions", "power_curves"} & drawn.keys()
    assert len(list(tmp_path.iterdir())) == 3 * len(drawn)
