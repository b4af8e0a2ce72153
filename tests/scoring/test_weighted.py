"""Weighted squares against loops, in NumPy and under JAX."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from accumbens.scoring.weighted import about_weighted_mean

Y = np.array([[0.2, 1.0], [1.1, -3.0], [0.4, 2.5]])
W = np.array([[1.0, 0.1], [4.0, 2.0], [0.5, 0.0]])


def test_squares_are_about_the_weighted_mean():
    mean, squares = about_weighted_mean(Y, W)
    for k in range(2):
        expected = sum(w * y for w, y in zip(W[:, k], Y[:, k], strict=True)) / sum(W[:, k])
        q = sum(w * (y - expected) ** 2 for w, y in zip(W[:, k], Y[:, k], strict=True))
        assert (mean[k], squares[k]) == pytest.approx((expected, q))


def test_they_may_be_about_a_centre_that_is_known():
    known = np.array([0.5, np.nan])
    found = jax.jit(lambda y, w: about_weighted_mean(
        y, w, lambda mean: jnp.where(jnp.isnan(known), mean, known)
    ))  # fmt: skip
    mean, squares = found(Y, W)
    plain_mean, plain = about_weighted_mean(Y, W)
    np.testing.assert_allclose(mean, plain_mean, rtol=1e-6)
    assert float(squares[0]) == pytest.approx(float((W[:, 0] * (Y[:, 0] - 0.5) ** 2).sum()))
    assert float(squares[1]) == pytest.approx(plain[1])
