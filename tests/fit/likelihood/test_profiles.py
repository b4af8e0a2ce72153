"""Profile intervals and tests of bounds: against scipy on a plain-Python likelihood, and how often
they hold the truth."""

import functools
import inspect

import jax
import numpy as np
import pytest
import scipy.optimize
import scipy.stats

from accumbens.errors import ConfigError
from accumbens.fit.likelihood.likelihood_ratio import likelihood_ratio_test
from accumbens.fit.likelihood.maximum_likelihood import fit_datasets, fit_maximum_likelihood
from accumbens.fit.likelihood.profiles import BoundTest
from accumbens.fit.likelihood.recovery import recover
from accumbens.models.bias import BiasOnly
from accumbens.models.dfq import DFQ
from accumbens.models.q_learning import QLearning
from accumbens.models.rflr import RFLR
from accumbens.simulation import simulate
from accumbens.tasks.bandits import DriftingBandit
from accumbens.trials import trials_from_arrays
from helpers import oracles

KEY = jax.random.key(2)
CRITICAL = scipy.stats.chi2.isf(0.05, 1)


def simulated(model, n_sessions=8, n_trials=40, seed=3):
    key = jax.random.key(seed)
    return simulate(model, DriftingBandit(), n_sessions=n_sessions, n_trials=n_trials, key=key)


@functools.cache
def forgets_little():
    """Trials of an agent that nearly forgets nothing, and its fit with all profiles."""
    trials = simulated(DFQ(0.4, 0.03, 2.0, 0.5))
    return trials, fit_maximum_likelihood(DFQ, trials, key=KEY, n_starts=6, intervals="profile")


def plain_log_likelihood(trials, **parameters):
    value = 0.0
    for choice, outcome in zip(trials.choice, trials.outcome[..., 0], strict=True):
        p, _ = oracles.dfq(choice, outcome, **parameters)
        value += np.log(p[np.arange(len(p)), choice]).sum()
    return value


def plain_statistic(trials, fit, name, value):
    """2 (log L - log L with one parameter held), all others fitted by scipy in plain Python."""
    others = [other for other in DFQ.parameters if other != name]

    def cost(theta):
        return -plain_log_likelihood(
            trials, **dict(zip(others, theta, strict=True)), **{name: value}
        )

    best = {other: fit.parameters[other].estimate for other in others}
    inside = {"learning_rate": 0.4, "forgetting_rate": 0.05, "no_reward_strength": 0.0}
    bounds = [(p.low + 1e-9, p.high) for p in (DFQ.parameters[other] for other in others)]
    found = [
        scipy.optimize.minimize(cost, list(start.values()), method="L-BFGS-B", bounds=bounds).fun
        for start in (best, {other: inside.get(other, 1.0) for other in others})
    ]
    return 2 * (fit.log_likelihood + min(found))


@pytest.mark.parametrize("name", DFQ.parameters)
def test_ends_lie_where_a_plain_likelihood_ratio_is_critical_or_at_a_bound(name):
    trials, fit = forgets_little()
    estimate = fit.parameters[name]
    assert estimate.interval == "profile"
    assert estimate.low < estimate.estimate < estimate.high
    for end in (estimate.low, estimate.high):
        statistic = plain_statistic(trials, fit, name, end)
        if end in (0.0, 1.0):
            assert name == "forgetting_rate"
            assert end == 0.0
            assert statistic < CRITICAL
        else:
            assert statistic == pytest.approx(CRITICAL, abs=0.02)


@pytest.mark.parametrize("name", ["learning_rate", "forgetting_rate"])
def test_the_test_of_the_bound_is_that_of_the_plain_likelihood(name):
    trials, fit = forgets_little()
    found = fit.parameters[name].bound
    assert found.bound == 0.0
    assert found.statistic == pytest.approx(plain_statistic(trials, fit, name, 0.0), abs=0.01)
    half = scipy.stats.chi2.sf(found.statistic, 1) / 2
    if name == "learning_rate":  # at 0 the strengths mean nothing
        half = np.nan
    assert found.p == pytest.approx(half, rel=1e-9, nan_ok=True)
    assert fit.parameters["reward_strength"].bound is None


def test_without_others_to_fit_the_interval_is_that_of_the_binomial_likelihood():
    choice = np.array([[1, 1, 0, 1, 1, 0, 1, 1, 1, 1]])
    trials = trials_from_arrays(choice, np.ones((1, 10, 1)))
    found = fit_maximum_likelihood(BiasOnly, trials, key=KEY, intervals="profile").parameters[
        "bias"
    ]

    def beyond(bias):
        log_l = [scipy.stats.binom.logpmf(8, 10, 1 / (1 + np.exp(-b))) for b in (np.log(4), bias)]
        return 2 * (log_l[0] - log_l[1]) - CRITICAL

    expected = [scipy.optimize.brentq(beyond, *span) for span in ((-9, 1.3), (1.4, 9))]
    np.testing.assert_allclose([found.low, found.high], expected, atol=4e-3)


def test_an_end_without_a_bound_may_be_infinite():
    """Who always chooses one side may have any larger bias."""
    trials = trials_from_arrays(np.ones((1, 30), int), np.ones((1, 30, 1)))
    found = fit_maximum_likelihood(BiasOnly, trials, key=KEY, intervals="profile").parameters[
        "bias"
    ]
    assert found.high == np.inf
    p = np.exp(-CRITICAL / 2 / 30)  # p^30 is then that much below 1
    assert found.low == pytest.approx(np.log(p / (1 - p)), abs=0.01)


@functools.cache
def at_the_bound():
    """The fit of an agent that forgets nothing to one data set where the estimate is 0."""
    for seed in range(9):
        trials = simulated(DFQ(0.4, 0.0, 2.0, 0.5), seed=seed)
        fit = fit_maximum_likelihood(DFQ, trials, key=KEY, n_starts=6)
        if any("forgetting_rate is at its bound" in warning for warning in fit.warnings):
            return trials, fit
    raise AssertionError("no estimate at the bound")


def test_an_estimate_at_its_bound_has_an_interval_that_includes_it():
    trials, fit = at_the_bound()
    found = fit.parameters["forgetting_rate"]
    assert (found.low, found.interval, found.bound) == (0.0, "profile", BoundTest(0.0, 0.0, 1.0))
    assert np.isnan(found.standard_error)
    assert 0.0 < found.high < 0.3
    assert plain_statistic(trials, fit, "forgetting_rate", found.high) == pytest.approx(
        CRITICAL, abs=0.02
    )
    assert fit.parameters["learning_rate"].interval == "curvature"
    without = fit_maximum_likelihood(DFQ, trials, key=KEY, n_starts=6, intervals="curvature")
    assert np.isnan(without.parameters["forgetting_rate"].low)
    assert without.warnings == fit.warnings


def test_repr_frame_and_record_name_the_test_of_the_bound():
    _, fit = at_the_bound()
    assert "0: p = 1" in repr(fit)
    assert "at its bound?" in repr(fit)
    row = fit.to_frame().set_index("parameter").loc["forgetting_rate"]
    assert (row["interval"], row["bound"], row["bound_p"]) == ("profile", 0.0, 1.0)
    record = fit.parameters["forgetting_rate"].as_dict()
    assert record["bound"] == {"bound": 0.0, "statistic": 0.0, "p": 1.0}
    sure = fit_maximum_likelihood(BiasOnly, simulated(BiasOnly(0.5)), key=KEY, n_starts=2)
    assert "at its bound?" not in repr(sure)


def test_far_from_its_bounds_an_estimate_keeps_the_interval_of_the_curvature():
    trials = simulated(DFQ(0.5, 0.4, 2.0, 0.5), n_sessions=30)
    found = fit_maximum_likelihood(DFQ, trials, key=KEY, n_starts=6).parameters
    assert {one.interval for one in found.values()} == {"curvature"}
    assert all(one.bound is None for one in found.values())


def test_profiles_are_the_same_whatever_the_company():
    short, fit = forgets_little()
    long = simulated(DFQ(0.4, 0.0, 2.0, 0.5), n_sessions=12, n_trials=60, seed=1)
    both = fit_datasets(DFQ, [long, short], key=KEY, n_starts=6, intervals="profile")
    for name, found in both[1].parameters.items():
        np.testing.assert_allclose(found[1:4], fit.parameters[name][1:4], rtol=1e-3, atol=1e-6)


def test_no_p_where_other_parameters_mean_nothing_at_the_bound():
    """Without an inverse temperature, learning leaves no trace."""
    trials, held = simulated(QLearning(0.3, 0.6)), {"initial_value": 0.5}
    fit = fit_maximum_likelihood(
        QLearning, trials, key=KEY, n_starts=6, fixed=held, intervals="profile"
    )
    found = fit.parameters["inverse_temperature"]
    assert found.low == 0.0
    assert found.bound.bound == 0.0
    assert np.isnan(found.bound.p)
    assert "0: p unknown" in repr(fit)


def test_a_maximum_that_was_missed_is_said():
    trials = simulated(DFQ(0.4, 0.03, 2.0, 0.5))
    fit = fit_maximum_likelihood(
        DFQ, trials, key=KEY, n_starts=1, max_evaluations=3, intervals="profile"
    )
    assert any("nats better than this one, which is thus not at" in w for w in fit.warnings)


def test_profiles_of_a_model_of_evidence_hold_where_a_bound_has_no_finite_value():
    """A time constant of 0 divides by 0; its profile must come near without falling over."""
    trials = simulated(RFLR(0.5, 1.5, 2.0))
    found = fit_maximum_likelihood(RFLR, trials, key=KEY, n_starts=4, intervals="profile")
    constant = found.parameters["time_constant"]
    assert 0 < constant.low < constant.estimate < constant.high


def test_the_ratio_of_two_fits_and_its_mixture():
    trials, fit = forgets_little()
    found = likelihood_ratio_test(DFQ, trials, {"forgetting_rate": 0.0}, key=KEY, n_starts=6)
    assert (found.degrees, found.at_bound) == (1, 1)
    assert found.statistic == pytest.approx(
        fit.parameters["forgetting_rate"].bound.statistic, abs=1e-3
    )
    assert found.p == pytest.approx(fit.parameters["forgetting_rate"].bound.p, abs=1e-3)
    inner = likelihood_ratio_test(DFQ, trials, {"no_reward_strength": 0.0}, key=KEY, n_starts=6)
    assert (inner.degrees, inner.at_bound) == (1, 0)
    assert inner.statistic == pytest.approx(
        plain_statistic(trials, fit, "no_reward_strength", 0.0), abs=0.01
    )
    assert inner.p == pytest.approx(scipy.stats.chi2.sf(inner.statistic, 1))
    assert "an even mixture of chi-square with 0 and 1 degrees of freedom" in repr(found)


def test_parts_defaults_and_ties_can_be_tested():
    trials, _ = forgets_little()

    def tested(null, **options):
        return likelihood_ratio_test(QLearning, trials, null, key=KEY, n_starts=2, **options)

    both = tested({"side_bias": 0.0, "perseveration": 0.0})
    assert (both.degrees, both.at_bound) == (2, 0)
    assert both.p == pytest.approx(scipy.stats.chi2.sf(both.statistic, 2))
    mixed = tested({"negative_learning_rate": "learning_rate", "forgetting_rate": 0.0})
    halves = [scipy.stats.chi2.sf(mixed.statistic, n) for n in (1, 2)]
    assert (mixed.degrees, mixed.at_bound) == (2, 1)
    assert mixed.p == pytest.approx(np.mean(halves))
    assert {"negative_learning_rate", "forgetting_rate"} <= mixed.full.parameters.keys()


@pytest.mark.parametrize(
    ("null", "options", "message"),
    [
        ({}, {}, "null is empty. Name at least one parameter"),
        ({"learning_rate": 0.5}, {"fixed": {"learning_rate": 0.5}}, "full model does not fit"),
        ({"inverse_temperature": 0.0}, {}, "With inverse_temperature held at 0.0, other"),
        ({"forgetting_rate": 0.0, "learning_rate": 1.0}, {}, "more than one parameter is at a"),
        ({"learning_rat": 0.5}, {}, "no parameter 'learning_rat'"),
    ],
)  # fmt: skip
def test_what_has_no_known_distribution_is_refused(null, options, message):
    trials, _ = forgets_little()
    with pytest.raises(ConfigError, match=message):
        likelihood_ratio_test(QLearning, trials, null, key=KEY, n_starts=2, **options)


def test_what_intervals_there_are():
    trials, _ = forgets_little()
    with pytest.raises(ConfigError, match="intervals is 'wald'; choose one of auto, profile, curv"):
        inspect.unwrap(fit_datasets)(DFQ, [trials], key=KEY, intervals="wald")


def assert_calibrated(found, name, n, level=False):
    """Coverage of 90 to 99 % of 200 cohorts, and as near as chance allows of fewer."""
    covered = found.covered.mean(0)
    slack = 0 if n >= 200 else 3 * np.sqrt(0.05 * 0.95 / n) - 0.04
    assert (covered >= 0.90 - slack).all(), found.to_frame()
    k = found.parameters.index(name)
    assert covered[k] <= 0.99 + max(slack, 0), found.to_frame()
    if level:
        rejected = np.mean(found.bound_p[:, k] < 0.05)
        # 3.3 standard errors about 5 %; 400 repeats tell 3.5 to 6.5 % no better than that
        assert abs(rejected - 0.05) < 3.3 * np.sqrt(0.05 * 0.95 / n), rejected


def test_intervals_hold_a_truth_at_the_bound():
    """100 data sets of an agent that forgets nothing: 0.1.0 never held the truth."""
    model = DFQ(0.4, 0.0, 2.0, 0.0)
    found = recover(
        model, DriftingBandit(), key=jax.random.key(4), n_repeats=100, n_sessions=15, n_starts=1
    )
    assert_calibrated(found, "forgetting_rate", 100, level=True)


@pytest.mark.slow
@pytest.mark.parametrize("forgetting", [0.0, 0.01, 0.03, 0.1, 0.3])
def test_intervals_hold_truths_at_near_and_far_from_the_bound(forgetting):
    model = DFQ(0.4, forgetting, 2.0, 0.0)
    found = recover(
        model, DriftingBandit(), key=jax.random.key(6), n_repeats=400, n_sessions=30, n_starts=2
    )
    assert_calibrated(found, "forgetting_rate", 400, level=forgetting == 0)
