"""Hierarchical fits by Markov chains, against integrals on a grid."""

import dataclasses
import sys

import jax
import numpy as np
import pytest
from scipy import stats
from scipy.special import expit, logsumexp

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
from accumbens.tasks.bandits import DriftingBandit

KEY = jax.random.key(0)


@pytest.fixture(scope="module")
def trials():
    agents = [BiasOnly(bias) for bias in (-0.3, 0.2, 0.5, 1.3)]
    return simulate_cohort(agents, DriftingBandit(), n_sessions=1, n_trials=40, key=KEY)


@pytest.fixture(scope="module")
def found(trials):
    return sample_hierarchical(BiasOnly, trials, key=KEY)


def on_a_grid(trials):
    """Posterior weight of each mean and spread, and each subject's mean, by sums over grids."""
    space = parameter_space(BiasOnly, 2)
    centre, scale = float(space.middle()[0]), float(place_scales(space)[0])
    mean = centre + scale * np.linspace(-5, 5, 161)[:, None, None]
    spread = scale * np.linspace(0.005, 5, 160)[:, None]
    u = np.linspace(-8, 8, 641)
    log_p = stats.norm.logpdf(mean, centre, MEAN_SD * scale)[..., 0]
    log_p = log_p + stats.halfnorm.logpdf(spread, scale=SPREAD_SCALE * scale)[:, 0]
    prior = stats.norm.logpdf(u, mean, spread)
    prior = prior - logsumexp(prior, axis=-1, keepdims=True)
    own = []
    for i in range(4):
        right = np.sum(trials.choice[trials.subject == i] == 1)
        data = stats.binom.logpmf(right, 40, expit(u))
        joint = prior + data
        total = logsumexp(joint, axis=-1)
        own.append((np.exp(joint - total[..., None]) * u).sum(-1))
        log_p = log_p + total
    p = np.exp(log_p - logsumexp(log_p))
    return mean[:, 0, 0], spread[:, 0], p, [(p * each).sum() for each in own]


def test_draws_have_the_moments_of_the_posterior(found, trials):
    """Within four standard errors, which the effective sample size gives."""
    mean, spread, p, own = on_a_grid(trials)
    draws, group = found.draws, found.group["bias"]
    for values, chained in ((mean[:, None], draws.mean), (spread, draws.spread)):
        middle = (p * values).sum()
        sd = np.sqrt((p * (values - middle) ** 2).sum())
        assert chained.mean() == pytest.approx(middle, abs=4 * sd / np.sqrt(group.ess))
        assert chained.std() == pytest.approx(sd, rel=4 / np.sqrt(group.ess))
    for i, (name, wanted) in enumerate(zip(found.subjects, own, strict=True)):
        one = found.subjects[name]["bias"]
        sd = draws.of_subject[:, i, 0].std()
        assert draws.of_subject[:, i, 0].mean() == pytest.approx(wanted, abs=4 * sd / one.ess**0.5)
        assert one.low < one.estimate < one.high


def test_it_says_what_a_fit_by_empirical_bayes_says(found, trials):
    bayes = fit_hierarchical(BiasOnly, trials, key=KEY).group["bias"]
    group = found.group["bias"]
    assert abs(group.mean - bayes.mean) < 0.2 * group.standard_error
    assert group.spread_low < bayes.spread < group.spread_high
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
