"""Structure apart from liking: against scipy's Welch test of flipped groups."""

from typing import Any

import numpy as np
import pytest
from scipy import stats

from accumbens.credit.flavour import balanced_over_flavours
from accumbens.credit.randomization import RandomizationTest
from accumbens.errors import DataError


def effects_in(effects):
    null = np.zeros((19, len(effects))) + np.linspace(0.2, 0.4, 19)[:, None]
    names = tuple(f"M{i}" for i in range(len(effects)))
    return RandomizationTest("c > d", names, np.asarray(effects) + 0.3, null, 0)


def test_it_is_welchs_test_with_one_group_flipped():
    effects = np.random.default_rng(0).normal(0.2, 1, 9)
    kinds = {f"M{i}": "cherry" if i < 4 else "grape" for i in range(9)}
    found, why = balanced_over_flavours(effects_in(effects), kinds)
    oracle: Any = stats.ttest_ind(effects[:4], -effects[4:], equal_var=False, alternative="greater")
    assert found is not None
    np.testing.assert_allclose(found.p_greater, oracle.pvalue)
    np.testing.assert_allclose(found.df, oracle.df)
    two = stats.ttest_ind(effects[:4], -effects[4:], equal_var=False).confidence_interval()
    np.testing.assert_allclose([found.low, found.high], [two.low / 2, two.high / 2])
    np.testing.assert_allclose(found.liking, (effects[:4].mean() - effects[4:].mean()) / 2)
    assert why == ""
    assert "cherry controllable in 4 animals, grape in 5" in found.in_words


def test_liking_alone_is_not_structure():
    rejected = 0
    for seed in range(400):
        liking = np.random.default_rng(seed).normal(1.0, 0.5, 8)
        effects = np.where(np.arange(8) < 4, liking, -liking)
        kinds = {f"M{i}": "cherry" if i < 4 else "grape" for i in range(8)}
        found, _ = balanced_over_flavours(effects_in(effects), kinds)
        assert found is not None
        rejected += found.p_greater <= 0.05
    assert rejected <= 34  # 5 % of 400, and three standard errors


def test_flavours_that_cannot_be_balanced():
    effects = [0.1, 0.2, 0.3]
    same: dict[str, str] = dict.fromkeys(("M0", "M1", "M2"), "grape")
    found, why = balanced_over_flavours(effects_in(effects), same)
    assert found is None
    assert "grape in all animals, so structure cannot be told from liking grape" in why
    _, why = balanced_over_flavours(effects_in(effects), same | {"M0": "cherry"})
    assert "two animals or more with each" in why
    _, why = balanced_over_flavours(
        effects_in([0.0] * 4), same | {"M0": "a", "M1": "a", "M3": "grape"}
    )
    assert "are the same" in why
    with pytest.raises(DataError, match="flavour of the controllable reward of M2 is not stated"):
        balanced_over_flavours(effects_in(effects), {"M0": "a", "M1": "b"})
    with pytest.raises(DataError, match="There are 3 controllable flavours"):
        balanced_over_flavours(effects_in(effects), {"M0": "a", "M1": "b", "M2": "c"})
