"""Fits against scipy on a plain-Python likelihood, and what fits promise."""

import functools
import inspect
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize
from statsmodels.tools.numdiff import approx_hess

from accumbens.errors import ConfigError, DataError, DivergedError
from accumbens.fit.likelihood.maximum_likelihood import (
    fit_by_subject,
    fit_datasets,
    fit_maximum_likelihood,
)
from accumbens.models.bias import BiasOnly
from accumbens.models.dfq import DFQ
from accumbens.models.q_learning import QLearning
from accumbens.simulation import simulate
from accumbens.tasks.bandits import DriftingBandit
from accumbens.trials import trials_from_arrays
from accumbens.unrolling import choice_log_likelihood, unroll
from helpers import oracles
from helpers.table import example_trials

TRUTH = DFQ(0.4, 0.3, 2.5, 0.5, gain=[0.7, -2.0], offset=[0.1, 5.0])
KEY = jax.random.key(7)


@pytest.fixture(scope="module")
def trials():
    """12 sessions of 2 subjects, with two noisy signals."""
    return simulate(
        TRUTH,
        DriftingBandit(),
        n_sessions=12,
        n_trials=40,
        key=jax.random.key(3),
        subject=[0, 1] * 6,
        signal_noise=[1.0, 2.0],
        signal_names=["da", "ach"],
    )


@pytest.fixture(scope="module")
def fits(trials):
    """DFQ fitted to each target."""

    @functools.cache
    def fitted(target):
        return fit_maximum_likelihood(DFQ, trials, target=target, key=KEY, n_starts=6)

    return fitted


def plain_likelihood(trials, target):
    """-log L by loops, of DFQ's four parameters, then a signal's gain, offset, SD."""

    def minus_log_likelihood(theta):
        names = ("learning_rate", "forgetting_rate", "reward_strength", "no_reward_strength")
        value = 0.0
        for s in range(trials.n_sessions):
            p, errors = oracles.dfq(
                trials.choice[s],
                trials.outcome[s, :, 0],
                **dict(zip(names, theta[:4], strict=True)),
            )
            if target != "signal":
                value -= np.log(p[np.arange(len(p)), trials.choice[s]]).sum()
            if target != "choice":
                for i in range(2):
                    gain, offset, sd = theta[4 + 3 * i :][:3]
                    z = (trials.signal[s, :, i] - gain * errors - offset) / sd
                    value += (0.5 * z**2 + np.log(sd) + 0.5 * np.log(2 * np.pi)).sum()
        return value

    return minus_log_likelihood


def in_plain_order(fit):
    """Estimates and standard errors of a DFQ fit in the order of `plain_likelihood`."""
    names = ["learning_rate", "forgetting_rate", "reward_strength", "no_reward_strength"]
    names += [f"{p}[{s}]" for s in ("da", "ach") for p in ("gain", "offset", "residual_sd")]
    return np.array([fit.parameters[name][:2] for name in names]).T


@pytest.mark.parametrize("target", ["choice", "both"])
def test_maximum_and_standard_errors_are_those_of_the_plain_likelihood(target, trials, fits):
    fit = fits(target)
    estimate, error = in_plain_order(fit)
    n = 4 if target == "choice" else 10
    plain = plain_likelihood(trials, target)
    np.testing.assert_allclose(fit.log_likelihood, -plain(estimate), rtol=1e-8)

    # From the estimate, scipy's simplex finds nothing better; 1e-3 nats is 4 % of an error.
    simplex = estimate[:n] + np.vstack([np.zeros(n), np.diag(0.5 * error[:n])])
    best = scipy.optimize.minimize(
        lambda theta: plain(np.concatenate([theta, estimate[n:]])),
        estimate[:n],
        method="Nelder-Mead",
        options={"initial_simplex": simplex, "maxfev": 150},
    )
    assert fit.log_likelihood > -best.fun - 1e-3

    hessian = approx_hess(estimate[:n], lambda theta: plain(np.concatenate([theta, estimate[n:]])))
    expected = np.sqrt(np.diag(np.linalg.inv(hessian)))
    np.testing.assert_allclose(error[:n], expected, rtol=2e-3)


def test_regression_after_a_choice_fit_counts_the_choice_parameters_errors(trials, fits):
    """The errors of gain and offset by the same theory, with numerical derivatives."""
    estimate, error = in_plain_order(fits("choice"))
    first = approx_hess(estimate[:4], plain_likelihood(trials, "choice"))
    signal = approx_hess(estimate, plain_likelihood(trials, "signal"))
    own = np.linalg.inv(signal[4:, 4:])
    carried = own @ signal[4:, :4]
    expected = own + carried @ np.linalg.inv(first) @ carried.T
    np.testing.assert_allclose(error[4:], np.sqrt(np.diag(expected)), rtol=5e-3)
    gains = [4, 7]
    assert (error[gains] > 1.2 * np.sqrt(np.diag(own))[[0, 3]]).all()


def test_a_fit_to_the_signal_holds_the_scale_and_is_at_the_maximum(trials, fits):
    fit = fits("signal")
    assert fit.held == {"reward_strength": 1.0}
    names = ("learning_rate", "forgetting_rate", "no_reward_strength")
    theta = [fit.parameters[name].estimate for name in names]
    regressions = [
        fit.parameters[f"{p}[{s}]"].estimate
        for s in ("da", "ach")
        for p in ("gain", "offset", "residual_sd")
    ]
    plain = plain_likelihood(trials, "signal")

    def value(theta):
        return plain(np.array([*theta[:2], 1.0, theta[2], *theta[3:]]))

    at = np.array([*theta, *regressions])
    np.testing.assert_allclose(fit.log_likelihood, -value(at), rtol=1e-8)
    hessian = approx_hess(at, value)
    expected = np.sqrt(np.diag(np.linalg.inv(hessian)))[:3]
    np.testing.assert_allclose(
        [fit.parameters[name].standard_error for name in names], expected, rtol=2e-3
    )


@pytest.mark.parametrize("target", ["choice", "signal", "both"])
def test_the_fitted_model_is_the_reported_one(target, trials, fits):
    fit = fits(target)
    assert fit.model.n_signals == 2
    for name in fit.model.parameters:
        if name in fit.parameters:
            np.testing.assert_allclose(
                getattr(fit.model, name), fit.parameters[name].estimate, rtol=1e-6
            )
    found = unroll(fit.model, trials)
    error = trials.signal - found.signals
    for i, signal in enumerate(("da", "ach")):
        np.testing.assert_allclose(fit.model.gain[i], fit.parameters[f"gain[{signal}]"].estimate)
        sd = fit.parameters[f"residual_sd[{signal}]"].estimate
        np.testing.assert_allclose(np.sqrt((error[..., i] ** 2).mean()), sd, rtol=1e-5)
        np.testing.assert_allclose(error[..., i].mean(), 0, atol=1e-4)
    if target == "choice":
        log_p = choice_log_likelihood(jnp.asarray(found.choice_logits), trials.batch())
        np.testing.assert_allclose(np.sum(log_p, dtype=float), fit.log_likelihood, rtol=1e-5)


def test_counts_and_criteria(trials, fits):
    n = 12 * 40
    expected = {"choice": (4, n), "signal": (9, 2 * n), "both": (10, 3 * n)}
    for target, counts in expected.items():
        assert (fits(target).n_parameters, fits(target).n_observations) == counts
    fit = fits("both")
    assert fit.aic == 20 - 2 * fit.log_likelihood
    assert fit.bic == 10 * math.log(3 * n) - 2 * fit.log_likelihood


def test_every_start_is_reported_and_the_best_is_taken(fits):
    fit = fits("choice")
    assert fit.starts.converged.all()
    assert fit.starts.log_likelihood.max() == fit.log_likelihood
    assert np.ptp(fit.starts.log_likelihood) < 1e-3
    assert (fit.starts.evaluations < 60).all()
    assert fit.warnings == ()


def test_intervals_of_the_curvature_respect_bounds_and_are_the_stated_transforms(trials):
    fit = fit_maximum_likelihood(DFQ, trials, key=KEY, n_starts=6, intervals="curvature")
    for name, found in fit.parameters.items():
        assert found.low < found.estimate < found.high
        if name.endswith("_rate"):
            center = math.log(found.estimate / (1 - found.estimate))
            half = 1.959964 * found.standard_error / (found.estimate * (1 - found.estimate))
            expected = [1 / (1 + math.exp(-center - sign * half)) for sign in (-1, 1)]
            np.testing.assert_allclose([found.low, found.high], expected, rtol=1e-6)


def test_frame(fits):
    frame = fits("choice").to_frame()
    expected = "parameter estimate standard_error low high interval bound bound_p"
    assert list(frame.columns) == expected.split()
    assert len(frame) == 4 + 6


def test_each_subject_is_fitted_to_its_own_sessions_whatever_the_company(trials):
    by_subject = fit_by_subject(DFQ, trials, key=KEY, n_starts=6)
    assert list(by_subject) == list(trials.names.subjects)
    parts = [trials.select_sessions(np.flatnonzero(trials.subject == i)) for i in (1, 0)]
    for subject, fit in zip((1, 0), fit_datasets(DFQ, parts, key=KEY, n_starts=6), strict=True):
        together = by_subject[trials.names.subjects[subject]]
        assert together.parameters == fit.parameters
    estimate, _ = in_plain_order(fit)
    np.testing.assert_allclose(
        fit.log_likelihood, -plain_likelihood(parts[1], "choice")(estimate), rtol=1e-8
    )


def test_padding_of_other_datasets_changes_nothing(trials, fits):
    """A longer, larger data set beside it."""
    short = trials.select_sessions([0, 1, 2])
    both = fit_datasets(DFQ, [short, trials], key=KEY, n_starts=6)
    np.testing.assert_allclose(both[1].log_likelihood, fits("choice").log_likelihood, rtol=1e-9)
    assert both[0].n_observations == 120


def test_the_same_key_gives_the_same_fit(trials, fits):
    again = fit_maximum_likelihood(DFQ, trials, key=KEY, n_starts=6)
    assert again.parameters == fits("choice").parameters


def test_the_given_models_values_are_the_first_start(trials, fits):
    found = fits("choice").model
    start = DFQ(*(getattr(found, name) for name in DFQ.parameters))
    fit = fit_maximum_likelihood(start, trials, key=KEY, n_starts=6)
    assert fit.starts.evaluations[0] < fits("choice").starts.evaluations.min()
    assert fit.model.n_signals == 2
    np.testing.assert_allclose(fit.log_likelihood, fits("choice").log_likelihood, rtol=1e-9)


def test_what_the_target_does_not_depend_on_is_left_in_the_middle(trials):
    fit = fit_maximum_likelihood(QLearning, trials, target="signal", key=KEY, n_starts=6)
    assert fit.parameters["inverse_temperature"].estimate == pytest.approx(4.25)
    assert np.isnan(fit.parameters["inverse_temperature"].standard_error)
    assert np.isfinite(fit.parameters["learning_rate"].standard_error)
    assert fit.n_parameters == 2 + 6
    assert any("does not depend on inverse_temperature, which was left" in w for w in fit.warnings)


@pytest.mark.parametrize(
    "model", [BiasOnly, BiasOnly([0.0, 0.0], n_choices=3)], ids=["class", "model"]
)
def test_the_bias_is_the_log_odds_of_the_counts(model):
    trials = example_trials(3, 1)
    fit = fit_maximum_likelihood(model, trials, key=KEY, n_starts=2)
    counts = np.bincount(trials.choice[trials.scored])
    for i in (0, 1):
        found = fit.parameters[f"bias[{i}]"]
        np.testing.assert_allclose(found.estimate, np.log(counts[i + 1] / counts[0]), rtol=1e-4)
        expected = np.sqrt(1 / counts[i + 1] + 1 / counts[0])
        np.testing.assert_allclose(found.standard_error, expected, rtol=1e-4)


def test_nothing_to_fit_is_still_scored():
    trials = example_trials(2, 1)
    fit = fit_maximum_likelihood(BiasOnly, trials, variant="chance", key=KEY, n_starts=2)
    assert fit.n_parameters == 0
    np.testing.assert_allclose(fit.log_likelihood, trials.scored.sum() * np.log(0.5))
    assert np.isfinite(fit.parameters["gain[signal_0]"].standard_error)


def test_warnings_say_what_is_wrong_with_an_estimate():
    """Who overreacts to the last outcome, against the one before, learns faster than at rate 1."""
    rng = np.random.default_rng(0)
    reward = rng.integers(0, 2, (10, 80)) * 1.0
    stay = 4 * (reward[:, 1:-1] - 0.5) - 3 * (reward[:, :-2] - 0.5)
    switch = rng.random(stay.shape) > 1 / (1 + np.exp(-stay))
    choice = np.pad(np.cumsum(switch, axis=1) % 2, ((0, 0), (2, 0)))
    trials = trials_from_arrays(choice, reward[..., None])
    fit = fit_maximum_likelihood(DFQ, trials, key=KEY, n_starts=6)
    assert any("learning_rate is at its bound (1), so it has no" in w for w in fit.warnings)
    assert np.isnan(fit.parameters["learning_rate"].standard_error)
    assert np.isfinite(fit.parameters["reward_strength"].standard_error)
    hasty = fit_maximum_likelihood(DFQ, trials, key=KEY, n_starts=6, max_evaluations=3)
    assert any("had not converged after 3 evaluations" in w for w in hasty.warnings)
    assert any("Only 1 of 6 starts reached the maximum" in w for w in hasty.warnings)


def test_what_trials_cannot_tell_is_said_to_be_unidentified():
    """Without reward anywhere, how much reward strengthens a choice is anyone's guess."""
    switch = np.random.default_rng(0).random((10, 80)) < 0.7
    choice = np.cumsum(switch, axis=1) % 2
    trials = trials_from_arrays(choice, np.zeros((10, 80, 1)))
    fit = fit_maximum_likelihood(DFQ, trials, key=KEY, n_starts=6)
    assert any("does not depend on reward_strength" in w for w in fit.warnings)
    assert fit.n_parameters == 3


def test_what_cannot_be_fitted_is_refused(trials):
    with pytest.raises(ConfigError, match="n_starts is 0; it must be at least 1"):
        fit_maximum_likelihood(DFQ, trials, key=KEY, n_starts=0)
    with pytest.raises(ConfigError, match="target is 'signal', but these trials have no signal"):
        fit_maximum_likelihood(DFQ, trials.select_signals([]), target="signal", key=KEY)
    unmeasured = trials.with_signals(trials.signal * [1.0, np.nan], trials.names.signals)
    with pytest.raises(DataError, match="The signal ach has 0 values in the 12 session"):
        fit_maximum_likelihood(DFQ, unmeasured, key=KEY)
    constant = trials.with_signals(np.zeros_like(trials.signal), trials.names.signals)
    with pytest.raises(DataError, match=r"The signal da has 480 values .*, all the same"):
        fit_maximum_likelihood(DFQ, constant, key=KEY)
    with pytest.raises(ConfigError, match="target is 'choices'; choose one of choice, signal"):
        inspect.unwrap(fit_datasets)(DFQ, [trials], target="choices", key=KEY)


def test_trials_without_a_scored_choice_are_refused():
    trials = example_trials(2, 0)
    missed = trials.__class__(**{**vars(trials), "choice": np.full_like(trials.choice, -1)})
    with pytest.raises(DataError, match=r"no scored choice in the 4 sessions that begin with"):
        fit_maximum_likelihood(DFQ, missed, key=KEY)


def test_outcomes_without_a_finite_likelihood_are_refused(trials):
    huge = trials.__class__(**{**vars(trials), "outcome": np.full_like(trials.outcome, 1e308)})
    with pytest.raises(DivergedError, match="DFQ has no finite likelihood at any start"):
        fit_maximum_likelihood(DFQ, huge, key=KEY, n_starts=6)


def test_an_animal_that_counts_rewards_is_scored_as_it_was_fitted():
    """Its learning rate goes to 0 and its inverse temperature up; single precision must follow."""
    rng = np.random.default_rng(0)
    choice, reward, count = np.zeros(400, int), np.zeros((400, 1)), np.zeros(2)
    for t in range(400):
        choice[t] = rng.random() < 1 / (1 + np.exp(-0.4 * (count[1] - count[0])))
        reward[t] = rng.random() < 0.5
        count[choice[t]] += reward[t, 0] - 0.5
    trials = trials_from_arrays(choice[None], reward[None])
    fit = fit_maximum_likelihood(QLearning, trials, target="choice", key=KEY)
    assert fit.model.inverse_temperature > 99
    logits = jnp.asarray(unroll(fit.model, trials).choice_logits)
    said = np.asarray(choice_log_likelihood(logits, trials.batch())).sum()
    assert said == pytest.approx(fit.log_likelihood, abs=0.01)
    assert any("inverse_temperature is at its bound" in warning for warning in fit.warnings)
