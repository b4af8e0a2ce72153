"""Mean and variance over subjects, against the formulas in their plain form."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import brentq

from accumbens.fit.group.normal_group import (
    WEAK,
    Alone,
    Expansion,
    Held,
    NormalGroup,
    alone,
    fitted_group,
    mean_precision,
    posterior,
    spread_at,
)

RNG = np.random.default_rng(0)
N, P = 6, 3


@pytest.fixture
def x64():
    with jax.enable_x64(True):
        yield


def expansion():
    roots = RNG.normal(size=(N, P, P + 2)) * np.array([3.0, 1.0, 2.0])[:, None]
    return Expansion(
        jnp.asarray(RNG.normal(size=(N, P))), jnp.asarray(RNG.normal(size=(N, P))),
        jnp.asarray(roots @ np.moveaxis(roots, 1, 2)),
    )  # fmt: skip


def group(mean=(0.2, -0.1, 0.4), variance=(0.3, 0.6, 0.1)):
    return NormalGroup(jnp.asarray(mean), jnp.asarray(variance), jnp.zeros(P), jnp.ones(P))


def normal_data(near):
    """What the expansions say: an estimate of each subject, and its covariance."""
    covariance = np.linalg.inv(near.information)
    return np.asarray(near.at) + np.einsum("ipq,iq->ip", covariance, near.score), covariance


def test_posterior_and_mean_are_those_of_a_normal_model(x64):
    near, known = expansion(), group()
    value, error = normal_data(near)
    prior = np.diag(known.variance)
    mean, covariance = posterior(known, near)
    for i in range(N):
        share = prior @ np.linalg.inv(prior + error[i])
        np.testing.assert_allclose(mean[i], known.mean + share @ (value[i] - known.mean))
        np.testing.assert_allclose(covariance[i], prior - share @ prior, atol=1e-12)
    weights = np.linalg.inv(prior + error)
    precision = weights.sum(0) + np.eye(P) / WEAK**2
    np.testing.assert_allclose(mean_precision(known, near), precision)


def test_each_subject_alone_is_the_data_with_the_other_parameters_integrated_out(x64):
    near, known = expansion(), group()
    value, error = normal_data(near)
    found = alone(known, near)
    for j in range(P):
        others = [k for k in range(P) if k != j]
        for i in range(N):
            total = error[i] + np.diag(np.where(np.arange(P) == j, 0, known.variance))
            weight = np.linalg.inv(total)
            e2 = 1 / weight[j, j]
            y = value[i, j] + e2 * weight[j, others] @ np.asarray(value[i] - known.mean)[others]
            assert found.error[i, j] == pytest.approx(e2, rel=1e-6)
            assert found.value[i, j] == pytest.approx(y, rel=1e-6)


def test_the_group_is_at_its_fixed_point(x64):
    """The mean is the weighted one, and Q is n - 1 at each variance above 0."""
    near = expansion()
    found = fitted_group(group(), near, 300)
    value, error = normal_data(near)
    weights = np.linalg.inv(np.diag(found.variance) + error)
    precision = weights.sum(0) + np.eye(P) / WEAK**2
    mean = np.linalg.solve(precision, np.einsum("ipq,iq->p", weights, value))
    np.testing.assert_allclose(found.mean, mean, atol=1e-8)
    own = alone(found, near)
    for j in range(P):
        y, e2, c = (np.asarray(x[:, j]) for x in own)

        def excess(variance, y=y, e2=e2, c=c):
            w = c / (variance + e2)
            return (w * (y - (w * y).sum() / w.sum()) ** 2).sum() - c.sum() + 1

        if excess(0.0) > 0:
            assert found.variance[j] == pytest.approx(brentq(excess, 0, 100), rel=1e-4)
        else:
            assert found.variance[j] == pytest.approx(1e-4)


def test_errors_that_explain_the_differences_leave_no_spread(x64):
    value = jnp.array([[0.0], [1.0], [-1.0], [0.5]])
    many = Alone(value, jnp.full((4, 1), 4.0), jnp.ones((4, 1)))
    few = many._replace(error=jnp.full((4, 1), 1e-9))
    wanted = jnp.array([3.0])
    assert float(spread_at(many, wanted)[0]) == 0
    assert float(spread_at(few, wanted)[0]) == pytest.approx(float(np.var(value, ddof=1)))


def test_subjects_that_say_nothing_leave_the_group_where_it_began(x64):
    nothing = Expansion(jnp.ones((N, P)), jnp.zeros((N, P)), jnp.zeros((N, P, P)))
    known = group()._replace(start=jnp.array([0.2, -0.1, 0.4]))
    found = fitted_group(known, nothing)
    np.testing.assert_allclose(found.mean, known.start, atol=1e-8)
    np.testing.assert_allclose(found.variance, 1e-4)


def test_a_mean_that_is_held_is_what_the_spread_is_about(x64):
    """Held means stay; Q about a held mean is as large as there are subjects; a held variance is
    the smallest, and what a further mean has cost is taken off."""
    near = expansion()
    flag = jnp.array([True, False, False])
    held = Held(flag, jnp.array([False, True, False]), jnp.array([1.0, 1.0, 2.0]))
    start = jnp.array([0.3, -0.1, 0.4])
    found = fitted_group(group()._replace(start=start, held=held), near, 300)
    assert found.mean[0] == start[0]
    assert found.variance[1] == pytest.approx(1e-4)
    own = alone(found, near)
    for place, (wanted, known) in enumerate(((0.0, 0.3), (None, None), (2.0, None))):
        if wanted is None:
            continue
        value, error, counts = (np.asarray(x)[:, place] for x in own)

        def too_far(variance, value=value, error=error, counts=counts, known=known, n=wanted):
            weight = counts / (variance + error)
            centre = (weight * value).sum() / weight.sum() if known is None else known
            return (weight * (value - centre) ** 2).sum() - (counts.sum() - n)

        expected = brentq(too_far, 1e-9, 100)
        assert found.variance[place] == pytest.approx(expected, rel=1e-4)
