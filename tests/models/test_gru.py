"""The GRU along many sessions at once, against the plain scan of its equations."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from accumbens.models.base import Model
from accumbens.models.gru import GRU
from accumbens.trials import TrialNames, trials_from_arrays


@pytest.fixture(scope="module")
def batch():
    """Five sessions of unequal length with missed trials, two outcomes, three choices."""
    rng = np.random.default_rng(0)
    choice = np.where(rng.random((5, 23)) < 0.2, -1, rng.integers(0, 3, (5, 23)))
    outcome = rng.normal(size=(5, 23, 2))
    signal = rng.normal(size=(5, 23, 2))
    names = TrialNames(
        choices=("l", "m", "r"), outcomes=("food", "light"), signals=("x", "y"),
        subjects=("a", "b", "c"),
    )  # fmt: skip
    trials = trials_from_arrays(
        choice, outcome, signal=signal, length=np.array([23, 1, 17, 20, 8]),
        subject=np.array([0, 2, 1, 0, 2]), names=names,
    )  # fmt: skip
    return trials.batch(np.float64)


@pytest.mark.parametrize("embedding", [0, 2])
def test_values_and_gradients_are_those_of_the_plain_scan(batch, embedding):
    """In double precision: what differs is the order of additions."""
    with jax.enable_x64(True):
        model = GRU(3, 2, 2, 4, 3, embedding, key=jax.random.key(0))
        keys = iter(jax.random.split(jax.random.key(1), 20))
        model = jax.tree.map(lambda x: 0.7 * jax.random.normal(next(keys), x.shape), model)

        def summed(model, unroll):
            """Every number that is said, each times a number of its own."""
            said = jax.tree.leaves(unroll(model, batch))
            return sum(
                jnp.vdot(jax.random.normal(jax.random.key(i), x.shape), x)
                for i, x in enumerate(said)
            )

        found, of_found = jax.jit(jax.value_and_grad(lambda m: summed(m, GRU.unroll)))(model)
        plain, of_plain = jax.jit(jax.value_and_grad(lambda m: summed(m, Model.unroll)))(model)
        np.testing.assert_allclose(found, plain, rtol=1e-10)
        for got, wanted in zip(jax.tree.leaves(of_found), jax.tree.leaves(of_plain), strict=True):
            np.testing.assert_allclose(got, wanted, rtol=1e-8, atol=1e-10)
