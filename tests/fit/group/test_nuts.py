"""Hierarchical fits by Markov chains, against integrals on a grid."""

import dataclasses
import sys

import jax
import numpy as np
import pytest

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
