"""The posterior of a group from matched expansions, against sums over grids."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats
from scipy.special import expit, log_expit, softmax

from accumbens.cohort import simulate_cohort
from accumbens.fit.group.empirical_bayes import GroupFit
from accumbens.fit.group.hierarchical import fit_hierarchical
from accumbens.fit.group.matched import even_normal_points, matched, points_about
from accumbens.fit.group.means_and_spreads import means_and_spreads
from accumbens.fit.group.normal_group import WEAK, Expansion, NormalGroup, alone, posterior
from accumbens.models.bias import BiasOnly
from accumbens.tasks.bandits import DriftingBandit
from helpers.group_grid import grid_posterior

KEY = jax.random.key(0)


@pytest.mark.parametrize(
    "biases", [(-0.3, 0.2, 0.5, 1.3, 2.5), (0.4, 0.5, 0.6, 0.5, 0.4), (-2.0, 3.0, 0.5, 2.0, 1.0)]
)
def test_the_group_is_that_of_the_exact_posterior(biases):
    """Means within a tenth of their posterior SD, spreads within a fifth."""
    agents = [BiasOnly(bias) for bias in biases]
    trials = simulate_cohort(agents, DriftingBandit(), n_sessions=1, n_trials=30, key=KEY)
    found = fit_hierarchical(BiasOnly, trials, key=KEY, n_starts=1).group["bias"]
    exact = grid_posterior(trials, 0.5, mean_sd=5 * 0.8, spread_sd=2.5 * 0.8)
    assert found.mean == pytest.approx(exact.mean, abs=0.1 * exact.mean_sd)
    assert found.standard_error == pytest.approx(exact.mean_sd, rel=0.1)
    assert found.spread == pytest.approx(exact.spread, abs=0.2 * exact.spread_sd)
    assert found.low < found.median < found.high
    assert found.spread_low < found.spread < found.spread_high


def counts_of(n, right):
    """Log likelihood of subjects who chose right so many times of n."""

    def log_likelihood(u):
        return right * jax.nn.log_sigmoid(u[:, 0]) + (n - right) * jax.nn.log_sigmoid(-u[:, 0])

    return log_likelihood


def test_matched_expansions_have_the_moments_of_each_subject():
    """Two subjects with one choice more than none against them, one in the middle, one without
    data, whose expansion says nothing."""
    n, right = np.array([20.0, 20.0, 20.0, 0.0]), np.array([19.0, 1.0, 9.0, 0.0])
    at = np.log((right + 0.5) / (n - right + 0.5))
    p = expit(at)
    with jax.enable_x64(True):
        near = Expansion(*map(jnp.asarray, (at[:, None], (right - n * p)[:, None],
                                            (n * p * (1 - p))[:, None, None])))  # fmt: skip
        group = NormalGroup(*map(jnp.asarray, ([0.3], [1.5], [0.0], [1.0])))
        points = points_about(jax.tree_util.Partial(counts_of(n, right)), group, near, 60)
        found, few = matched(group, points)
        mean, covariance = posterior(group, found)
    assert not few.any()
    u = np.linspace(-12, 12, 20001)
    for i in range(4):
        log_p = right[i] * log_expit(u) + (n[i] - right[i]) * log_expit(-u)
        weight = softmax(log_p + stats.norm.logpdf(u, 0.3, np.sqrt(1.5)))
        middle = weight @ u
        assert mean[i, 0] == pytest.approx(middle, abs=0.01)
        assert covariance[i, 0, 0] == pytest.approx(weight @ (u - middle) ** 2, rel=0.03)
    assert float(found.information[3, 0, 0]) == pytest.approx(0.0, abs=1e-9)


def test_a_likelihood_that_the_points_miss_keeps_its_laplace_approximation():
    with jax.enable_x64(True):
        near = Expansion(*map(jnp.asarray, ([[0.0]], [[0.0]], [[[4.0]]])))
        group = NormalGroup(*map(jnp.asarray, ([0.0], [1.0], [0.0], [1.0])))

        def narrow(u):
            return -0.5 * ((u[:, 0] - 1.0) / 1e-4) ** 2

        points = points_about(jax.tree_util.Partial(narrow), group, near, 10)
        found, few = matched(group, points)
        said, was = posterior(group, found), posterior(group, near)
    assert few.all()
    np.testing.assert_allclose(said[0], was[0], atol=1e-9)
    np.testing.assert_allclose(said[1], was[1], atol=1e-9)


@pytest.mark.parametrize("n_places", [1, 3, 8])
def test_even_points_have_the_moments_of_a_normal(n_places):
    z = even_normal_points(512, n_places)
    np.testing.assert_allclose(z.mean(0), 0, atol=512**-0.5)
    np.testing.assert_allclose(np.cov(z.T), np.eye(n_places), atol=0.12)


def test_points_are_laid_anew_where_the_group_has_left_them():
    """Laplace approximations that say far too much: with the points of the first group, matched and
    unmatched expansions took turns for ever. The exact likelihood says nothing, so the posterior is
    the prior."""
    scale, y = 0.01, np.array([-4.0, -3.0, 4.0, -3.0, 3.0, 1.0, 4.0])[:, None]

    def flat(u):
        return -0.5 * ((u[:, 0] - y[:, 0]) / 20) ** 2

    with jax.enable_x64(True):
        at = jnp.asarray(y)
        near = Expansion(at, jnp.zeros_like(at), jnp.full((7, 1, 1), 1e6))
        zero = jnp.zeros(1)
        group = NormalGroup(zero, jnp.asarray([y.var()]), zero, jnp.asarray([scale]))
        covariance = posterior(group, near)[1]
        fit = GroupFit(
            group, at, covariance, covariance[0], alone(group, near), jnp.asarray(0.0),
            jnp.asarray(True), jnp.asarray(9), near,
        )  # fmt: skip
        found = means_and_spreads(fit, jax.tree_util.Partial(flat), 100)
    assert found.not_matched == ()
    assert found.mean[0] == pytest.approx(0.0, abs=0.1 * WEAK * scale)
    assert found.mean_error[0] == pytest.approx(WEAK * scale, rel=0.05)
    assert found.spread[0] == pytest.approx(stats.halfnorm.median() * 2.5 * scale, rel=0.05)
