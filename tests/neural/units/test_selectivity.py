"""Selectivity of units: false positives at the stated rate in spite of drifts, and power."""

import dataclasses
import itertools

import numpy as np
import pytest
import statsmodels.stats.multitest as multitest
from scipy import stats

from accumbens.credit.schedule import Schedule
from accumbens.errors import ConfigError, DataError
from accumbens.neural.units.partial import less_given
from accumbens.neural.units.selectivity import unit_selectivity
from accumbens.trials import TrialNames, trials_from_arrays

N_UNITS = 60
OUTCOMES = ("controllable", "distractor")


def drifting(rng, shape, units, steps=0.15):
    """Rates of 5 spikes/s with noise of 1 that wander like a slow random walk."""
    walk = np.cumsum(rng.normal(0, steps, (*shape, units)), axis=1)
    return 5 + walk - walk.mean(1, keepdims=True) + rng.normal(size=(*shape, units))


def cohort(seed, *, n_sessions=2, n_trials=400, effect=0.0, units=N_UNITS):
    """Rewards in blocks, choices that follow them; the first ten units respond to the controllable,
    the next ten to the distractor, with `effect` spikes/s."""
    rng = np.random.default_rng(seed)
    shape = (n_sessions, n_trials)
    better = (np.arange(n_trials) // 40 + np.arange(n_sessions)[:, None]) % 2
    choice = np.where(rng.random(shape) < 0.8, better, 1 - better)
    p = np.stack([np.where(better == c, 0.8, 0.2) for c in (0, 1)], axis=-1)
    schedule = Schedule(np.stack([p, np.full(p.shape, 0.4)], axis=2), OUTCOMES)
    chance = np.take_along_axis(p, choice[..., None], -1)[..., 0]
    outcome = np.stack([rng.random(shape) < chance, rng.random(shape) < 0.4], -1).astype(float)
    rate = drifting(rng, shape, units)
    rate[..., :10] += effect * outcome[..., :1]
    rate[..., 10:20] += effect * outcome[..., 1:]
    names = TrialNames(outcomes=OUTCOMES, signals=tuple(f"unit_{u}" for u in range(units)))
    trials = trials_from_arrays(choice.astype(np.int32), outcome, signal=rate, names=names)
    return trials, schedule


def binomial_bound(n, p=0.05, tail=1e-4):
    """So many false positives of n tests at p are exceeded once in 10,000 runs."""
    return stats.binom.ppf(1 - tail, n, p)


@pytest.mark.parametrize("test", ["schedule", "linear_shift"])
def test_false_positives_at_the_stated_rate_in_spite_of_drifts(test):
    trials, schedule = cohort(0)
    table = unit_selectivity(
        trials,
        test=test,
        rng=np.random.default_rng(1),
        schedule=schedule,
        resamples=500,
        max_shift=40,
    )
    for contrast, here in table.groupby("contrast"):
        assert (here["p"] <= 0.05).sum() <= binomial_bound(N_UNITS), contrast
    assert table["selective"].sum() <= 3
    assert list(table["contrast"].unique()) == [*OUTCOMES, "controllable - distractor"]


@pytest.mark.parametrize("test", ["schedule", "linear_shift"])
def test_units_that_respond_are_found(test):
    trials, schedule = cohort(2, effect=1.5, units=40, n_trials=800, n_sessions=1)
    table = unit_selectivity(
        trials, test=test, rng=np.random.default_rng(1), schedule=schedule, resamples=2000,
        max_shift=200,
    )  # fmt: skip
    number = table["unit"].str.removeprefix("unit_").astype(int)
    responds = {"controllable": number < 10, "distractor": number.between(10, 19)}
    for contrast, mine in responds.items():
        here = table["contrast"] == contrast
        assert table.loc[here & mine, "selective"].mean() >= 0.8
        assert table.loc[here & mine, "effect"].mean() == pytest.approx(1.5, abs=0.2)
        assert table.loc[here & (number >= 20), "selective"].sum() <= 2
    both = table["contrast"] == "controllable - distractor"
    assert (np.sign(table.loc[both & (number < 10), "effect"]) == 1).all()
    assert (np.sign(table.loc[both & number.between(10, 19), "effect"]) == -1).all()


@pytest.mark.parametrize("test", ["schedule", "linear_shift", "session_permutation"])
def test_units_that_respond_to_any_reward_alike_do_not_tell_them_apart(test):
    """The two rewards differ in how they vary (0.16 against 0.24 here), which must not matter."""
    trials, schedule = cohort(6, n_trials=800)
    alike = trials.with_signals(
        trials.signal + 2.0 * trials.outcome.sum(-1, keepdims=True), trials.names.signals
    )
    if test == "session_permutation":  # 20 short sessions in place of two long ones
        alike = trials_from_arrays(
            alike.choice.reshape(20, 80), alike.outcome.reshape(20, 80, 2),
            signal=alike.signal.reshape(20, 80, N_UNITS), names=dataclasses.replace(
                alike.names, sessions=()
            ),
        )  # fmt: skip
    table = unit_selectivity(
        alike, test=test, rng=np.random.default_rng(1), resamples=300, max_shift=40,
        schedule=schedule if test == "schedule" else None,
    )  # fmt: skip
    apart = table[table["contrast"] == "controllable - distractor"]
    assert (apart["p"] <= 0.05).sum() <= binomial_bound(N_UNITS)
    if test == "schedule":
        assert (table.loc[table["contrast"] == "controllable", "p"] <= 0.05).mean() > 0.9


def streaky(seed, *, units, effect=0.0, n_sessions=24, n_trials=80):
    """Many short sessions in which both rewards come in streaks of some 40 trials and rates drift
    as slowly; the first third of the units respond to the controllable, the next to the distractor.
    """
    rng = np.random.default_rng(seed)
    shape = (n_sessions, n_trials)
    turns = (rng.random((2, *shape)) < 1 / 40).cumsum(-1)
    often = (turns + rng.integers(0, 2, (2, n_sessions, 1))) % 2
    outcome = np.moveaxis(rng.random((2, *shape)) < np.where(often, 0.85, 0.15), 0, -1) * 1.0
    rate = drifting(rng, shape, units, steps=0.5)
    third = units // 3
    rate[..., :third] += effect * outcome[..., :1]
    rate[..., third : 2 * third] += effect * outcome[..., 1:]
    names = TrialNames(outcomes=OUTCOMES, signals=tuple(f"unit_{u}" for u in range(units)))
    choice = rng.integers(0, 2, shape).astype(np.int32)
    p = np.where(often, 0.85, 0.15)
    schedule = Schedule(np.moveaxis([[p[0], p[1]]] * 2, (0, 1), (-1, -2)), OUTCOMES)
    return trials_from_arrays(choice, outcome, signal=rate, names=names), schedule


@pytest.mark.parametrize("test", ["schedule", "linear_shift"])
def test_tests_of_one_session_are_right_in_spite_of_drifts_and_streaks(test):
    """In seeds 9 to 28, of 9,000 tests 4.1 % (schedule) and 3.1 % (linear shift) rejected."""
    trials, schedule = streaky(9, units=150, n_sessions=1, n_trials=600)
    x, y = trials.outcome[0, :, 0], trials.signal[0]
    plain = [stats.pearsonr(x, y[:, u]).pvalue for u in range(150)]
    assert np.mean(np.array(plain) <= 0.05) > 0.2
    table = unit_selectivity(
        trials, test=test, rng=np.random.default_rng(1), schedule=schedule, resamples=399,
        max_shift=60,
    )  # fmt: skip
    for contrast, here in table.groupby("contrast"):
        assert (here["p"] <= 0.05).sum() <= binomial_bound(150), contrast


def test_session_permutation_is_right_in_spite_of_drifts_and_streaks():
    """The plain correlation of the same rates and rewards finds far too many units. In seeds 7 to
    12, 5.0 % of 2,700 permutation tests rejected."""
    trials, _ = streaky(7, units=150)
    x, y = (a - a.mean(1, keepdims=True) for a in (trials.outcome, trials.signal))
    plain = [stats.pearsonr(x[..., 0].ravel(), y[..., u].ravel()).pvalue for u in range(150)]
    assert np.mean(np.array(plain) <= 0.05) > 0.3
    table = unit_selectivity(
        trials, test="session_permutation", rng=np.random.default_rng(1), resamples=199
    )
    for contrast, here in table.groupby("contrast"):
        assert (here["p"] <= 0.05).sum() <= binomial_bound(150), contrast
    assert (table["p"] <= 0.05).sum() > 0  # it can reject
    assert table["selective"].sum() <= 3


def test_session_permutation_finds_units_that_respond():
    trials, _ = streaky(8, units=60, effect=1.5)
    table = unit_selectivity(
        trials, test="session_permutation", rng=np.random.default_rng(1), resamples=999
    )
    number = table["unit"].str.removeprefix("unit_").astype(int)
    for contrast, mine in zip(OUTCOMES, (number < 20, number.between(20, 39)), strict=True):
        here = table["contrast"] == contrast
        assert table.loc[here & mine, "selective"].mean() >= 0.9
        assert table.loc[here & mine, "effect"].mean() == pytest.approx(1.5, abs=0.2)
        assert table.loc[here & ~mine, "selective"].sum() <= 4


def test_session_permutation_of_one_signal():
    trials, _ = cohort(3, n_sessions=12, n_trials=80, effect=1.5, units=21)
    some = ("unit_0", "unit_15", "unit_20")
    table = unit_selectivity(
        trials, test="session_permutation", rng=np.random.default_rng(0), units=some, resamples=200
    )
    p = table.set_index(["unit", "contrast"])["p"]
    assert p["unit_0", "controllable"] < 0.02
    assert p["unit_15", "distractor"] < 0.02
    assert p["unit_20", "distractor"] > 0.02


def test_correction_is_that_of_statsmodels_over_all_units_and_contrasts():
    trials, schedule = cohort(2, effect=1.0, units=30)
    table = unit_selectivity(
        trials, test="schedule", rng=np.random.default_rng(0), schedule=schedule, resamples=100
    )
    np.testing.assert_allclose(table["q"], multitest.multipletests(table["p"], method="fdr_bh")[1])
    assert set(table["kind"]) == {"response"}


def less_the_past(series):
    """Each value minus the mean of those before it, with weights that fall by 5 % a trial."""
    before, less = [], []
    for value in series:
        w = 0.95 ** np.arange(len(before))[::-1]
        less.append(value - w @ before / w.sum() if before else 0.0)
        before.append(value)
    return np.array(less)


@pytest.mark.parametrize("test", ["schedule", "linear_shift", "session_permutation"])
def test_effect_and_correlation_are_on_the_trials_of_p(test):
    """By hand, of one unit: rates less their past; of the linear shift the middle of a session."""
    trials, schedule = cohort(3, n_sessions=3, n_trials=120, effect=1.5, units=1)
    table = unit_selectivity(
        trials, test=test, rng=np.random.default_rng(0), resamples=50, max_shift=20,
        schedule=schedule if test == "schedule" else None,
    ).set_index("contrast")  # fmt: skip
    xs, ys = [], []
    for s in range(3):
        came = trials.outcome[s, :, 0]
        if test == "schedule":
            xs.append(came - schedule.after(trials.choice)[s, :, 0])
        else:
            xs.append(less_the_past(came))
        ys.append(less_the_past(trials.signal[s, :, 0]))
    if test == "linear_shift":
        xs, ys = [xs[0][20:-20]], [ys[0][20:-20]]
    if test != "schedule":
        xs, ys = ([a - a.mean() for a in of] for of in (xs, ys))
    x, y = np.concatenate(xs), np.concatenate(ys)
    row = table.loc["controllable"]
    assert row["effect"] == pytest.approx(x @ y / (x @ x))
    u, v = (np.concatenate([a - a.mean() for a in of]) for of in (xs, ys))
    assert row["correlation"] == pytest.approx(u @ v / np.sqrt(u @ u * (v @ v)))
    assert row["trials"] == len(x)
    assert row["kind"] == ("response" if test == "schedule" else "association")


def value_units(seed, units=60, n_sessions=12, n_trials=150):
    """Units that code the value of the chosen side before the outcome, and noise; no response."""
    trials, schedule = cohort(seed, n_sessions=n_sessions, n_trials=n_trials, units=units)
    value = np.take_along_axis(schedule.probability[:, :, 0], trials.choice[..., None], -1)
    rng = np.random.default_rng(seed)
    rate = 5 + 3 * value + rng.normal(size=(*trials.choice.shape, units))
    return trials.with_signals(rate, trials.names.signals), schedule, value[..., 0]


@pytest.mark.parametrize("test", ["linear_shift", "session_permutation"])
def test_units_of_value_are_associated_with_rewards_but_not_given_the_value(test):
    trials, schedule, value = value_units(0)
    if test == "linear_shift":
        trials = dataclasses.replace(trials.select_sessions([0]))
        value, schedule = value[:1], Schedule(schedule.probability[:1], OUTCOMES)
    options = {"rng": np.random.default_rng(1), "resamples": 199, "max_shift": 30}
    reward = 'contrast == "controllable"'
    plain = unit_selectivity(trials, test=test, **options).query(reward)
    given = {"choice": trials.choice.astype(float), "value": value}
    held = unit_selectivity(trials, test=test, given=given, **options).query(reward)
    assert (plain["p"] <= 0.05).mean() > 0.25
    assert (held["p"] <= 0.05).sum() <= binomial_bound(60)
    asked = unit_selectivity(trials, test="schedule", schedule=schedule, **options)
    assert (asked.query(reward)["p"] <= 0.05).sum() <= binomial_bound(60)


def test_a_value_that_moves_slowly_is_held_with_its_past():
    """Rates lose their own past, which is that of the value; it goes with past rewards."""
    rejected = []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        value = np.zeros((8, 150))
        for t in range(1, 150):
            value[:, t] = 0.9 * value[:, t - 1] + rng.normal(size=8)
        p = 1 / (1 + np.exp(-value))
        came = (rng.random(p.shape) < p).astype(float)
        names = TrialNames(outcomes=("reward",), signals=tuple("abcde"))
        rate = 5 + value[..., None] + rng.normal(size=(*p.shape, 5))
        trials = trials_from_arrays(
            rng.integers(0, 2, p.shape), came[..., None], signal=rate, names=names
        )
        table = unit_selectivity(
            trials, test="session_permutation", given={"value": value}, rng=rng, resamples=199
        )
        rejected += (table["p"] <= 0.05).tolist()
    assert sum(rejected) <= binomial_bound(len(rejected))


def test_residuals_are_those_of_one_regression_within_sessions():
    rng = np.random.default_rng(0)
    z = [rng.normal(size=(30, 2)) + i for i in range(3)]
    y = [of @ [1.0, -2.0] + 5 * i + rng.normal(size=30) for i, of in enumerate(z)]
    centred = [np.concatenate([a - a.mean(0) for a in of]) for of in (z, y)]
    slopes = np.linalg.lstsq(*centred, rcond=None)[0]
    for left, its, of in zip(less_given(y, z), y, z, strict=True):
        np.testing.assert_allclose(left, its - (of - of.mean(0)) @ slopes)
    assert less_given(y, [np.zeros((30, 0))] * 3)[0] is y[0]


def test_what_is_given_must_fit():
    trials, schedule = cohort(5, units=2)
    rng, value = np.random.default_rng(0), np.zeros(trials.choice.shape)
    with pytest.raises(ConfigError, match="given is not for the schedule test: redrawn rewards"):
        unit_selectivity(
            trials, test="schedule", rng=rng, schedule=schedule, given={"value": value}
        )
    with pytest.raises(ConfigError, match="value, which the tests are given, has not the shape"):
        unit_selectivity(trials, test="linear_shift", rng=rng, given={"value": value[:1]})


def test_the_same_seed_gives_the_same_table():
    trials, schedule = cohort(4, units=3)
    one, two = (
        unit_selectivity(
            trials, test="schedule", rng=np.random.default_rng(5), schedule=schedule, resamples=50
        )
        for _ in range(2)
    )
    assert one.equals(two)


def test_what_cannot_be_tested():
    trials, schedule = cohort(5, units=2)
    rng = np.random.default_rng(0)
    with pytest.raises(ConfigError, match="The schedule test needs the probabilities"):
        unit_selectivity(trials, test="schedule", rng=rng)
    with pytest.raises(
        DataError, match="Unit unit_0 was measured in 800 trials with a choice, few"
    ):
        unit_selectivity(trials, test="linear_shift", rng=rng, min_trials=999)
    none = trials.with_signals(trials.signal[..., :0], ())
    with pytest.raises(ConfigError, match="These trials have no signals"):
        unit_selectivity(none, test="linear_shift", rng=rng)
    bad = Schedule(schedule.probability * 9, OUTCOMES)
    with pytest.raises(DataError, match="probability of controllable is missing or outside"):
        unit_selectivity(trials, test="schedule", rng=rng, schedule=bad, resamples=2)
    one = trials_from_arrays(
        trials.choice, trials.outcome[..., :1], signal=trials.signal,
        names=TrialNames(signals=trials.names.signals),
    )  # fmt: skip
    with pytest.raises(DataError, match=r"The schedule is of the outcomes .* but the trials have"):
        unit_selectivity(one, test="schedule", rng=rng, schedule=schedule, resamples=2)


def test_three_outcomes_are_tested_and_told_apart_in_pairs():
    """Units 0 to 9 respond to the first of three outcomes, 10 to 19 to the second; the third, drawn
    with probability 0.4, matters to none."""
    trials, schedule = cohort(8, effect=1.5, units=24, n_trials=600)
    extra = np.random.default_rng(80).random(trials.choice.shape) < 0.4
    three = trials_from_arrays(
        trials.choice, np.concatenate([trials.outcome, extra[..., None]], -1), signal=trials.signal,
        names=dataclasses.replace(trials.names, outcomes=(*OUTCOMES, "tone")),
    )  # fmt: skip
    p = np.concatenate([schedule.probability, schedule.probability[:, :, 1:]], axis=2)
    table = unit_selectivity(
        three, test="schedule", rng=np.random.default_rng(1), resamples=1000,
        schedule=Schedule(p, three.names.outcomes),
    )  # fmt: skip
    number = table["unit"].str.removeprefix("unit_").astype(int)
    group = number // 10
    pairs = {f"{a} - {b}": (i, j) for (i, a), (j, b) in itertools.combinations(
        enumerate(three.names.outcomes), 2)}  # fmt: skip
    assert list(table["contrast"].unique()) == [*three.names.outcomes, *pairs]
    for contrast, (i, j) in pairs.items():
        here = table["contrast"] == contrast
        n_one = int((three.outcome[..., i] != three.outcome[..., j]).sum())
        assert (table.loc[here, "trials"] == n_one).all()
        assert table.loc[here & (group == i), "effect"].median() == pytest.approx(1.5, abs=0.3)
        assert table.loc[here & group.isin([i, j]) & (group < 2), "selective"].mean() >= 0.8
        assert table.loc[here & ~group.isin([i, j]), "selective"].mean() <= 0.2
    assert table.loc[table["contrast"] == "tone", "selective"].sum() <= 1
