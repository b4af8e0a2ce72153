"""Exact tests against their definition: every arrangement in a plain loop."""

import itertools
import math

import numpy as np
import pytest

from accumbens.fit.group.contrast.exchange import exact_test, exchanged, flips

RNG = np.random.default_rng(0)
NAMES = ["a", "b", "c"]
TOLD = np.ones(3, bool)


def plainly(values, observed, others):
    """p of each parameter, and of the family step by step, by counting."""
    rms = [math.sqrt(np.mean([sum(x * values[:, j]) ** 2 for x in others])) for j in range(3)]

    def t(x, j):
        return abs(sum(x * values[:, j])) / rms[j]

    p = [np.mean([t(x, j) >= t(observed, j) - 1e-9 for x in others]) for j in range(3)]
    left, family, before = [0, 1, 2], {}, 0.0
    while left:
        first = max(left, key=lambda j: t(observed, j))
        above = [max(t(x, j) for j in left) >= t(observed, first) - 1e-9 for x in others]
        before = family[first] = max(before, np.mean(above))
        left.remove(first)
    return [*p, *(family[j] for j in range(3))]


def found(values, arrangements):
    test = exact_test("null", "animals", NAMES, values, TOLD, arrangements)
    return [*test.p.values(), *test.p_family.values()]


def test_signs_are_all_gone_through():
    values = RNG.normal(size=(6, 3)) + np.array([0.8, 0.0, 0.4])
    others = [np.array(x) for x in itertools.product((1, -1), repeat=6)]
    assert found(values, flips(6, RNG)) == pytest.approx(plainly(values, np.ones(6), others))


@pytest.mark.parametrize("block", [[0] * 7, [0, 0, 0, 1, 1, 1, 1]])
def test_levels_are_exchanged_within_blocks_in_every_way(block):
    level, block = np.array([1, 0, 0, 1, 0, 1, 1]), np.array(block)
    values = RNG.normal(size=(7, 3)) + level[:, None] * np.array([1.0, 0.0, 0.5])
    means = np.array([level[block == b].mean() for b in block])
    others = [
        np.array(x) - means
        for x in itertools.product((0, 1), repeat=7)
        if all(np.array(x)[block == b].sum() == level[block == b].sum() for b in set(block))
    ]
    arrangements = exchanged(level, block, RNG)
    assert arrangements.number == len(others)
    expected = plainly(values, level - means, others)
    assert found(values, arrangements) == pytest.approx(expected)


def test_the_smallest_p_is_said_and_reached():
    strong = np.ones((5, 3))
    test = exact_test("", "", NAMES, strong, TOLD, flips(5, RNG))
    assert test.smallest_p == 2 / 32
    assert set(test.p_family.values()) == {2 / 32}
    balanced, uneven = np.array([0, 0, 0, 1, 1, 1]), np.array([0, 0, 0, 0, 1, 1])
    for level, smallest in ((balanced, 2 / 20), (uneven, 1 / 15)):
        arrangements = exchanged(level, np.zeros(6, int), RNG)
        strong = level[:, None] + np.zeros((6, 3))
        test = exact_test("", "", NAMES, strong, TOLD, arrangements)
        assert test.smallest_p == pytest.approx(smallest)
        assert test.p["a"] == pytest.approx(smallest)


def test_of_too_many_arrangements_some_are_drawn():
    values = RNG.normal(size=(16, 3)) + 0.4
    assert len(np.unique(flips(16, RNG).x, axis=0)) == 2**16  # as in every test by sign flips
    drawn = flips(17, np.random.default_rng(1))
    assert drawn.number == 2**17
    assert len(drawn.x) == 100_001
    few = values[:10]
    every = found(few, flips(10, RNG))
    some = flips(10, RNG)._replace(x=np.vstack([np.ones(10), RNG.choice([-1, 1], (9999, 10))]))
    assert found(few, some) == pytest.approx(every, abs=0.02)
    block = np.repeat(np.arange(4), 8)
    level = np.tile([0, 0, 0, 1, 1, 1, 1, 1], 4)
    many = exchanged(level, block, RNG)
    assert many.number == math.comb(8, 3) ** 4
    np.testing.assert_allclose(many.x.reshape(-1, 4, 8).sum(2), 0, atol=1e-9)
    assert len(np.unique(many.x, axis=0)) > 9_000


def test_parameters_of_which_nothing_is_told_are_no_part_of_the_family():
    values = RNG.normal(size=(6, 3)) + 0.5
    test = exact_test("", "", NAMES, values, np.array([True, False, True]), flips(6, RNG))
    assert np.isnan(test.p_family["b"])
    alone = exact_test("", "", ["a", "c"], values[:, [0, 2]], TOLD[:2], flips(6, RNG))
    assert test.p_family["a"] == alone.p_family["a"]
