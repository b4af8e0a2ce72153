import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.random import threefry_2x32
from scipy import stats

from accumbens.threefry import _unit_interval, threefry, uniforms


def words(rng, n):
    return jnp.asarray(rng.integers(0, 2**32, n, dtype=np.uint32))


def test_threefry_is_the_generator_of_jax():
    rng = np.random.default_rng(0)
    for _ in range(5):
        key, x, y = words(rng, 2), words(rng, 7), words(rng, 7)
        expected = threefry_2x32(key, jnp.concatenate([x, y]))
        np.testing.assert_array_equal(jnp.concatenate(threefry((key[0], key[1]), (x, y))), expected)


def test_numbers_lie_inside_the_open_interval():
    ends = _unit_interval(jnp.array([0, 2**32 - 1], jnp.uint32))
    np.testing.assert_array_equal(ends, np.float32([2.0**-24, 1 - 2.0**-24]))


def test_numbers_are_uniform_and_independent():
    rng = np.random.default_rng(1)
    draws = np.stack(uniforms((words(rng, 20_000), words(rng, 20_000)), jnp.uint32(3), 5))
    assert draws.shape == (5, 20_000)
    for row in draws:
        assert stats.kstest(row, "uniform").pvalue > 1e-4
    between = np.corrcoef(draws)[np.triu_indices(5, 1)]
    assert (np.abs(between) * np.sqrt(20_000) < 4.5).all()


def test_a_number_depends_on_its_address_only():
    rng = np.random.default_rng(2)
    first, second = words(rng, 10), words(rng, 10)
    many = uniforms((first, second), jnp.uint32(8), 4)
    few = uniforms((first[3], second[3]), jnp.uint32(8), 3)
    np.testing.assert_array_equal([row[3] for row in many[:3]], few)
    other = uniforms((first[3], second[3]), jnp.uint32(9), 3)
    assert not jax.tree.all(jax.tree.map(lambda a, b: bool(a == b), few, other))
