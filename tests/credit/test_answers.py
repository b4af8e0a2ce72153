"""Two answers of one test, named: in these animals, and in animals like these."""

import numpy as np
import pytest
from scipy import stats

from accumbens.credit.answers import answers_to_frame, in_words, two_answers
from accumbens.credit.randomization import RandomizationTest


def a_test(effects, null_mean=0.5, seed=0, resamples=400):
    """Animals with the given effects above null distributions of SD 0.1 and the stated mean."""
    n = len(effects)
    null = np.random.default_rng(seed).normal(null_mean, 0.1, (resamples, n))
    names = tuple(f"M{i}" for i in range(n))
    return RandomizationTest("a > b", names, np.asarray(effects) + null_mean, null, 0)


def test_animals_like_these_are_compared_with_their_own_null():
    test = a_test([0.3, 0.5, 0.2, 0.4])
    found = two_answers(test)
    theirs = stats.ttest_1samp(test.observed - test.null.mean(0), 0.0)
    assert found.like_these.p == pytest.approx(theirs.pvalue)
    assert found.like_these.weighted is not None
    assert found.these.p_one_sided == test.group_p_value() == 1 / 401
    assert found.these.null_mean == pytest.approx(0.5, abs=0.01)
    first, second = in_words(found)
    assert first.startswith("In these animals: 0.85, where no animal has the effect 0.50")
    assert f"over 4 animals; t(3) = {theirs.statistic:.2f}, p = " in second


def test_one_strong_animal_is_not_animals_like_these():
    found = two_answers(a_test([1.0, 0.0, -0.05, 0.05, 0.0]))
    assert found.these.p_one_sided == 1 / 401
    assert found.like_these.p_greater > 0.15


def test_one_animal_has_no_second_answer():
    found = two_answers(a_test([1.0]))
    assert found.like_these is None
    assert found.why_not.startswith("There is one animal (M0), so nothing is known of how animals")
    assert in_words(found)[1] == found.why_not
    row = answers_to_frame([found]).iloc[0]
    assert row["p_one_sided"] == found.these.p_one_sided
    assert np.isnan(row["effect"])
    assert row["animals"] == 0


def test_an_animal_with_nothing_to_redraw_says_nothing():
    test = a_test([0.3, 0.5, 0.2])
    null = test.null.copy()
    null[:, 2] = test.observed[2]
    found = two_answers(test._replace(null=null))
    assert found.like_these.n == 2
    null[:, 1] = test.observed[1]
    found = two_answers(test._replace(null=null))
    assert found.like_these is None
    assert found.why_not.startswith("Rewards could be redrawn in 1 of 3 animals, so there is no")


def test_their_table_has_both():
    found = two_answers(a_test([0.3, 0.5, 0.2, 0.4]))
    row = answers_to_frame([found]).iloc[0]
    assert (row["animals"], row["effect"]) == (4, found.like_these.mean)
    assert row["weighted_tau"] == found.like_these.weighted.tau
    assert row["like_these_p_one_sided"] == found.like_these.p_greater
