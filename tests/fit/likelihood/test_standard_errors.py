"""Covariances against closed forms."""

import numpy as np

from accumbens.fit.likelihood.standard_errors import (
    Covariance,
    observed_information_covariance,
    two_step_covariance,
)


def curved(n, seed=0):
    """A positive definite matrix with very different scales."""
    root = np.random.default_rng(seed).normal(size=(n, 2 * n))
    scale = np.logspace(-3, 3, n)
    return (root @ root.T) * np.outer(scale, scale)


def test_covariance_is_the_inverse_of_the_information():
    hessian = curved(4)
    found = observed_information_covariance(hessian)
    np.testing.assert_allclose(found.matrix @ hessian, np.eye(4), atol=1e-9)
    assert found.identified.all()


def test_known_parameters_are_left_out():
    hessian = curved(4)
    found = observed_information_covariance(hessian, np.array([False, True, False, False]))
    rest = np.ix_([0, 2, 3], [0, 2, 3])
    np.testing.assert_allclose(found.matrix[rest], np.linalg.inv(hessian[rest]), rtol=1e-8)
    np.testing.assert_array_equal(found.matrix[1], 0)
    everything = observed_information_covariance(hessian, np.ones(4, bool))
    np.testing.assert_array_equal(everything.matrix, 0)


def test_a_flat_direction_takes_only_its_own_parameters_along():
    """Two of four parameters enter as their sum only."""
    jacobian = np.array([[1.0, 0, 0, 0], [0, 1, 1, 0], [0, 0, 0, 1]])
    inner = curved(3)
    found = observed_information_covariance(jacobian.T @ inner @ jacobian)
    np.testing.assert_array_equal(found.identified, [True, False, False, True])
    variance = np.diag(np.linalg.inv(inner))
    np.testing.assert_allclose(np.diag(found.matrix)[[0, 3]], variance[[0, 2]], rtol=1e-6)
    assert np.isnan(found.matrix[1]).all()


def test_where_it_is_no_minimum_nothing_is_identified():
    found = observed_information_covariance(np.array([[2.0, 0.0], [0.0, -1.0]]))
    np.testing.assert_array_equal(found.identified, [True, False])
    found = observed_information_covariance(np.array([[2.0, np.nan], [np.nan, 1.0]]))
    assert not found.identified.any()
    assert np.isnan(found.matrix).all()


def test_two_steps_of_a_regression_on_an_estimate():
    """z ~ N(a, 1) n times estimates a; y ~ N(b + c a, 1) m times then estimates b.

    b = mean(y) - c mean(z), so its variance is 1/m + c^2/n.
    """
    n, m, c = 20, 50, 3.0
    first = observed_information_covariance(np.array([[float(n)]]))
    found = two_step_covariance(first, np.array([[float(m)]]), np.array([[m * c]]))
    np.testing.assert_allclose(found.matrix, [[1 / m + c**2 / n]])


def test_what_depends_on_an_unidentified_first_step_is_not_identified():
    first = Covariance(np.array([[np.nan, np.nan], [np.nan, 2.0]]), np.array([False, True]))
    cross = np.array([[1.0, 0.0], [0.0, 1.0]])
    found = two_step_covariance(first, np.eye(2), cross)
    np.testing.assert_array_equal(found.identified, [False, True])
    assert np.isnan(found.matrix[0, 0])
    np.testing.assert_allclose(found.matrix[1, 1], 3.0)
