"""L-BFGS against scipy and on functions that try to break it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize

from accumbens.fit.likelihood.lbfgs import minimize_lbfgs


def rosenbrock(x):
    return jnp.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


@pytest.fixture(autouse=True)
def double_precision():
    with jax.enable_x64(True):
        yield


def minimize_all(function, starts, **options):
    options = {"tolerance": 1e-10} | options
    return jax.jit(jax.vmap(lambda x: minimize_lbfgs(function, x, **options)))(jnp.asarray(starts))


def test_finds_the_minimum_in_about_as_many_evaluations_as_scipy():
    starts = np.random.default_rng(0).normal(size=(20, 4))
    found = minimize_all(rosenbrock, starts)
    assert found.converged.all()
    value_and_gradient = jax.jit(jax.value_and_grad(rosenbrock))
    scipys = [
        scipy.optimize.minimize(
            lambda x: tuple(map(np.asarray, value_and_gradient(x))), x, jac=True, method="L-BFGS-B"
        )
        for x in starts
    ]
    # Rosenbrock's function in four dimensions has a second minimum: either counts, as scipy finds.
    assert (found.value < 1e-9).mean() >= np.mean([s.fun < 1e-6 for s in scipys]) - 0.1
    assert np.median(found.evaluations) < 1.5 * np.median([s.nfev for s in scipys])
    best = np.asarray(found.x)[np.asarray(found.value) < 1e-9]
    np.testing.assert_allclose(best, 1.0, atol=1e-4)


def test_a_lane_is_the_same_alone_and_in_company():
    starts = np.random.default_rng(1).normal(size=(5, 3))
    together = minimize_all(rosenbrock, starts)
    alone = minimize_all(rosenbrock, starts[2:3])
    np.testing.assert_allclose(together.x[2], alone.x[0], rtol=1e-6)
    assert together.evaluations[2] == alone.evaluations[0]


def test_badly_scaled_quadratic():
    scale = jnp.logspace(-2, 2, 6)
    found = minimize_all(lambda x: jnp.sum(scale * (x - 1.0) ** 2), np.zeros((1, 6)))
    assert found.converged.all()
    assert found.value[0] < 1e-9


def test_steps_into_the_infinite_are_shortened():
    def walled(x):
        return jnp.where(x[0] > 0, x[0] - jnp.log(x[0]), jnp.nan)

    found = minimize_all(walled, [[1e-6], [30.0]])
    assert found.converged.all()
    np.testing.assert_allclose(found.x, 1.0, atol=1e-4)


def test_a_start_without_a_finite_value_is_given_up_at_once():
    found = minimize_all(lambda x: jnp.sqrt(x[0]), [[-1.0]])
    assert not found.converged[0]
    assert not np.isfinite(found.value[0])
    assert found.evaluations[0] == 1


def test_a_start_at_the_minimum_and_no_variables_at_all_are_converged():
    assert minimize_all(lambda x: jnp.sum(x**2), np.zeros((1, 3))).converged[0]
    nothing = minimize_all(lambda x: jnp.sum(x**2) + 2.0, np.zeros((2, 0)))
    assert nothing.converged.all()
    np.testing.assert_array_equal(nothing.value, 2.0)


def test_a_minimum_at_infinity_is_approached_until_nothing_is_left_to_gain():
    found = minimize_all(lambda x: jnp.exp(-x[0]), [[0.0]], tolerance=1e-6)
    assert found.converged[0]
    assert found.value[0] < 1e-5


def test_running_out_of_evaluations_is_said():
    found = minimize_all(rosenbrock, np.full((1, 4), -3.0), max_evaluations=5)
    assert not found.converged[0]
    assert found.evaluations[0] == 5
