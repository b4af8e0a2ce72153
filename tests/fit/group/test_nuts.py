"""Hierarchical fits by Markov chains, against integrals on a grid."""

import dataclasses
import sys

import jax
import numpy as np
import pytest
from scipy import stats

from accumbens.cohort import simulate_cohort
from accumbens.errors import ConfigError, DivergedError
from accumbens.fit.group.hierarchical import fit_hierarchical, place_scales
from accumbens.fit.group.nuts import (
    MEAN_SD,
    SPREAD_SCALE,
    check_converged,
    sample_hierarchical,
)
from accumbens.fit.likelihood.parameter_space import parameter_space
from accumbens.models.bias import BiasOnly
from accumbens.models.q_learning import QLearning
from accumbens.tasks.bandits import DriftingBandit
from accumbens.unrolling import unroll
from helpers.group_grid import grid_posterior

KEY = jax.random.key(0)


@pytest.fixture(scope="module")
def trials():
    agents = [BiasOnly(bias) for bias in (-0.3, 0.2, 0.5, 1.3)]
    return simulate_cohort(agents, DriftingBandit(), n_sessions=1, n_trials=40, key=KEY)


@pytest.fixture(scope="module")
def found(trials):
    return sample_hierarchical(BiasOnly, trials, key=KEY, n_samples=2000)


def test_draws_have_the_moments_of_the_posterior(found, trials):
    """Within four standard errors, which the effective sample size gives."""
    space = parameter_space(BiasOnly, 2)
    centre, scale = float(space.middle()[0]), float(place_scales(space)[0])
    exact = grid_posterior(trials, centre, MEAN_SD * scale, SPREAD_SCALE * scale)
    draws, group = found.draws, found.group["bias"]
    error = 4 / np.sqrt(group.ess)
    assert draws.mean.mean() == pytest.approx(exact.mean, abs=error * exact.mean_sd)
    assert draws.mean.std() == pytest.approx(exact.mean_sd, rel=error)
    assert draws.spread.mean() == pytest.approx(exact.spread_mean, abs=error * exact.spread_sd)
    assert draws.spread.std() == pytest.approx(exact.spread_sd, rel=error)
    for i, (name, wanted) in enumerate(zip(found.subjects, exact.own, strict=True)):
        one = found.subjects[name]["bias"]
        sd = draws.of_subject[:, i, 0].std()
        assert draws.of_subject[:, i, 0].mean() == pytest.approx(wanted, abs=4 * sd / one.ess**0.5)
        assert one.low < one.estimate < one.high


def test_it_says_what_a_fit_by_empirical_bayes_says(found, trials):
    bayes = fit_hierarchical(BiasOnly, trials, key=KEY).group["bias"]
    group = found.group["bias"]
    assert bayes.mean == pytest.approx(group.mean, abs=0.2 * group.standard_error)
    assert bayes.spread == pytest.approx(group.spread, abs=0.3 * group.spread_error)
    assert bayes.spread_high == pytest.approx(group.spread_high, rel=0.15)
    assert float(found.model.of("stranger").bias) == pytest.approx(group.median, rel=1e-4)
    assert float(found.model.of("mouse_04").bias) == pytest.approx(
        found.subjects["mouse_04"]["bias"].estimate, rel=1e-4
    )
    assert "hierarchical by NUTS" in repr(found)
    assert list(found.to_frame().parameter) == ["bias"]
    assert len(found.subjects_to_frame()) == 4


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"r_hat": 1.02}, r"4 chains do not agree: R-hat of bias of mouse_02 is 1\.020.*n_warmup"),
        ({"r_hat": np.nan}, r"R-hat of bias of mouse_02 is nan"),
        ({"ess": 399.0}, r"those of bias of mouse_02 are worth 399 independent ones.*400"),
    ],
)
def test_chains_that_have_not_converged_are_refused(found, change, message):
    check_converged(found, 4, 1000, 1000)
    one = found.subjects["mouse_02"]["bias"]._replace(**change)
    wrong = dataclasses.replace(found, subjects=found.subjects | {"mouse_02": {"bias": one}})
    with pytest.raises(DivergedError, match=message):
        check_converged(wrong, 4, 1000, 1000)


def test_transitions_that_diverge_are_told_and_many_are_refused(found):
    wrong = dataclasses.replace(found, n_divergent=41)
    with pytest.raises(DivergedError, match=r"41 of 4,000 .* diverged, and 40 may at most"):
        check_converged(wrong, 4, 1000, 1000)


def test_without_numpyro_it_says_which_extra_is_missing(trials, monkeypatch):
    monkeypatch.setitem(sys.modules, "numpyro", None)
    with pytest.raises(ConfigError, match=r"needs numpyro.*pip install 'accumbens\[bayes\]'"):
        sample_hierarchical(BiasOnly, trials, key=KEY)


def test_one_chain_is_refused(trials):
    with pytest.raises(ConfigError, match=r"n_chains is 1.*at least 2 chains"):
        sample_hierarchical(BiasOnly, trials, key=KEY, n_chains=1)


@pytest.mark.slow
def test_gains_of_a_signal_have_the_moments_of_their_posterior():
    """Against least squares in each animal and a sum over a grid of the group's mean and spread.

    With 60 trials an animal says its gain as a normal likelihood, whatever offset and residual SD
    are: within a tenth of a posterior SD, and what draws are worth.
    """
    means, sds = (1.0, 0.2, 1.4), (0.4, 0.4, 0.3)  # of gain, offset and residual SD
    numbers = np.random.default_rng(1).normal(means, sds, (8, 3))
    known = {"learning_rate": 0.4, "inverse_temperature": 2.0, "initial_value": 0.5}
    agent = QLearning(**known, gain=1.0, offset=0.0)
    plain = simulate_cohort([agent] * 8, DriftingBandit(), n_sessions=2, n_trials=30, key=KEY)
    x = np.asarray(unroll(agent, plain).signals[..., 0])
    gain, offset, sd = numbers[plain.subject].T[..., None]
    noise = sd * np.random.default_rng(0).normal(size=x.shape)
    trials = plain.with_signals((gain * x + offset + noise)[..., None], ("dopamine",))
    found = sample_hierarchical(
        QLearning, trials, target="signal", key=KEY, fixed=known, n_samples=2000
    )
    assert set(found.group) == {"gain[dopamine]", "offset[dopamine]", "residual_sd[dopamine]"}
    own, errors = [], []
    for i in range(8):
        at = trials.signal_scored[..., 0] & (trials.subject == i)[:, None]
        fit = stats.linregress(x[at], trials.signal[..., 0][at])
        own.append(fit.slope)
        errors.append(fit.stderr)
    unit = trials.signal[trials.signal_scored].std()
    mean, spread = np.linspace(-3, 5, 401)[:, None], (np.arange(600) + 0.5) * 0.01
    log_p = stats.norm.logpdf(mean, 0, MEAN_SD * unit)
    log_p = log_p + stats.halfnorm.logpdf(spread, scale=SPREAD_SCALE * unit)
    for slope, error in zip(own, errors, strict=True):
        log_p = log_p + stats.norm.logpdf(slope, mean, np.hypot(spread, error))
    p = np.exp(log_p - log_p.max())
    p /= p.sum()
    exact = float((p * mean).sum())
    sd = float(np.sqrt((p * (mean - exact) ** 2).sum()))
    group = found.group["gain[dopamine]"]
    more = 4 / np.sqrt(group.ess)
    assert group.mean == pytest.approx(exact, abs=(0.1 + more) * sd)
    assert group.standard_error == pytest.approx(sd, rel=0.1 + more)
    middle = np.interp(0.5, np.cumsum(p.sum(0)), spread + 0.005)
    assert group.spread == pytest.approx(middle, rel=0.1 + more)
    for name, slope, error in zip(found.subjects, own, errors, strict=True):
        one = found.subjects[name]["gain[dopamine]"]
        weight = spread**2 / (spread**2 + error**2)
        drawn = weight * slope + (1 - weight) * mean
        middle = float((p * drawn).sum())
        own_sd = float(np.sqrt((p * (weight * error**2 + (drawn - middle) ** 2)).sum()))
        more = 4 / np.sqrt(one.ess)
        assert one.estimate == pytest.approx(middle, abs=(0.15 + more) * own_sd)
        assert (one.high - one.low) / 3.92 == pytest.approx(own_sd, rel=0.15 + more)
