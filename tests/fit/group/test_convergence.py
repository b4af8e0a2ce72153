"""R-hat and effective sample size, against plain formulas and chains of known correlation."""

import numpy as np
import pytest
from scipy.stats import norm

from accumbens.fit.group.convergence import convergence

RNG = np.random.default_rng(0)


def chains(correlation, n=20_000, m=4):
    """Autoregressive chains: n (1 - r) / (1 + r) draws of each are independent."""
    found = RNG.normal(size=(m, n)) * np.sqrt(1 - correlation**2)
    found[:, 0] = RNG.normal(size=m)
    for t in range(1, n):
        found[:, t] += correlation * found[:, t - 1]
    return found


def plain_r_hat(draws):
    """Of ranked values, half by half."""
    halves = [half for chain in draws for half in np.split(chain, 2)]
    every = np.sort(np.concatenate(halves))
    ranked = []
    for half in halves:
        ranks = np.searchsorted(every, half) + 1
        ranked.append(norm.ppf((ranks - 3 / 8) / (len(every) + 1 / 4)))
    n = len(ranked[0])
    within = np.mean([np.var(x, ddof=1) for x in ranked])
    between = n * np.var([np.mean(x) for x in ranked], ddof=1)
    return np.sqrt(((n - 1) / n * within + between / n) / within)


def test_effective_sample_size_of_correlated_chains():
    """The middle's is the smaller one where draws hang together: tails forget sooner."""
    for correlation in (0.0, 0.5, 0.9):
        draws = chains(correlation)
        wanted = draws.size * (1 - correlation) / (1 + correlation)
        assert convergence(draws).ess == pytest.approx(wanted, rel=0.1)


def test_r_hat_of_a_chain_that_lies_elsewhere():
    draws = RNG.normal(size=(4, 500))
    assert convergence(draws).r_hat < 1.01
    draws[3] += 1.0
    assert convergence(draws).r_hat == pytest.approx(plain_r_hat(draws))
    assert convergence(draws).r_hat > 1.05


def test_r_hat_sees_a_chain_that_is_wider_and_ignores_the_scale():
    draws = RNG.normal(size=(4, 500))
    draws[3] *= 3.0
    assert convergence(draws).r_hat > 1.05
    assert plain_r_hat(draws) < 1.02
    np.testing.assert_allclose(convergence(np.exp(draws)).ess, convergence(draws).ess, rtol=0.02)


def test_draws_that_do_not_move_are_worth_nothing():
    draws = np.stack([RNG.normal(size=(4, 200)), np.zeros((4, 200))], axis=-1)
    found = convergence(draws)
    assert found.r_hat.shape == found.ess.shape == (2,)
    assert found.r_hat[1] == np.inf
    assert found.ess[1] == 0
