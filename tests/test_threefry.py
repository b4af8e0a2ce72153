import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.random import threefry_2x32
from scipy import stats

from accumbens.threefry import (
    _cosine,
    _unit_interval,
    normal_deviates,
    normals,
    threefry,
    truncated_normals,
    uniforms,
)


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


def test_cosine_of_any_turn():
    words = np.random.default_rng(3).integers(0, 2**32, 100_000, dtype=np.uint32)
    words = np.concatenate([words, np.arange(8, dtype=np.uint32) << 29])
    exact = np.cos(2 * np.pi * words.astype(float) / 2**32)
    np.testing.assert_allclose(_cosine(jnp.asarray(words)), exact, atol=2e-7)


def test_deviates_are_normal_and_independent():
    n = 400_000
    x = np.asarray(normals(jax.random.key(4), (2, n)))
    assert stats.kstest(x.ravel(), "norm").pvalue > 1e-4
    for moment, expected, sd in ((1, 0, 1), (2, 1, 2**0.5), (3, 0, 15**0.5), (4, 3, 96**0.5)):
        assert abs((x**moment).mean() - expected) < 4.5 * sd / np.sqrt(2 * n)
    pairs = x.ravel().reshape(-1, 2)  # both numbers of each pair
    for power in (1, 2):
        between = np.corrcoef(pairs.T**power)[0, 1]
        assert abs(between) * np.sqrt(n) < 4.5


def test_a_pair_of_deviates_is_that_of_box_and_muller():
    key, counter = (jnp.uint32(1), jnp.uint32(2)), (jnp.arange(1000, dtype=jnp.uint32),) * 2
    x, y = threefry(key, counter)
    radius = np.sqrt(-2 * np.log(np.asarray(_unit_interval(x), float)))
    angle = 2 * np.pi * np.asarray(y).astype(float) / 2**32
    first, second = (normal_deviates(key, counter, jnp.uint32(i)) for i in (0, 1))
    np.testing.assert_allclose(first, radius * np.cos(angle), atol=2e-6)
    np.testing.assert_allclose(second, radius * np.sin(angle), atol=2e-6)


def test_truncated_normals_are_those_of_jax():
    keys = jax.random.split(jax.random.key(3), 3)
    shapes = ((2, 3, 4), (0, 5), (700,))
    for key, shape, found in zip(keys, shapes, truncated_normals(tuple(keys), shapes), strict=True):
        expected = jax.random.truncated_normal(key, -2.0, 2.0, shape)
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
