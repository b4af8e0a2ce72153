"""What holds in animals like these: against scipy, enumeration, and plain random effects."""

import itertools

import numpy as np
import pytest
from scipy import optimize, stats

from accumbens.errors import DataError
from accumbens.scoring.animals import MAX_EXACT, across_animals, random_effects, sign_flips


@pytest.mark.parametrize("n", [2, 3, 7, 12])
def test_t_is_that_of_scipy(n):
    effects = np.random.default_rng(n).normal(0.4, 1.0, n)
    found = across_animals(effects)
    theirs = stats.ttest_1samp(effects, 0.0)
    assert (found.t, found.p) == pytest.approx((theirs.statistic, theirs.pvalue))
    assert found.p_greater == pytest.approx(
        stats.ttest_1samp(effects, 0.0, alternative="greater").pvalue
    )
    ends = theirs.confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((ends.low, ends.high))
    assert found.weighted is None


def test_sign_flips_are_an_enumeration():
    effects = np.random.default_rng(0).normal(0.5, 1.0, 9)
    signs = np.array(list(itertools.product([1, -1], repeat=9)))
    expected = np.mean(np.abs(signs @ effects) >= abs(effects.sum()) - 1e-9)
    assert sign_flips(effects) == pytest.approx(expected)
    assert sign_flips(np.array([0.4, 0.1, 0.2])) == 2 / 8
    assert sign_flips(np.zeros(4)) == 1.0


def test_many_animals_are_flipped_at_random():
    """Against t for a normal sample of 40, where both agree to the error of 100,000 flips."""
    effects = np.random.default_rng(3).normal(0.35, 1.0, 40)
    assert len(effects) > MAX_EXACT
    p = stats.ttest_1samp(effects, 0.0).pvalue
    found = sign_flips(effects, np.random.default_rng(0))
    assert found == pytest.approx(p, abs=0.1 * p + 0.002)
    assert sign_flips(effects, np.random.default_rng(0)) == found
    assert np.isnan(sign_flips(effects))  # nothing is drawn from a generator that nobody gave
    assert np.isnan(across_animals(effects).p_flips)


def test_random_effects_are_their_equations():
    effects, errors = np.array([0.9, -0.2, 0.4, 1.6, 0.1]), np.array([0.1, 0.4, 0.2, 0.3, 0.15])
    found = random_effects(effects, errors)

    def excess(tau):
        w = 1 / (tau**2 + errors**2)
        return (w * (effects - (w @ effects) / w.sum()) ** 2).sum() - 4

    tau = optimize.brentq(excess, 0, 10)
    w = 1 / (tau**2 + errors**2)
    mean = (w @ effects) / w.sum()
    half = stats.t.ppf(0.975, 4) * np.sqrt((w @ (effects - mean) ** 2) / 4 / w.sum())
    assert (found.mean, found.low, found.high) == pytest.approx((mean, mean - half, mean + half))
    assert found.tau == pytest.approx(tau)


def test_with_equal_precision_random_effects_are_student_t():
    effects = np.random.default_rng(1).normal(0.3, 2.0, 6)
    found = across_animals(effects, np.full(6, 0.2))
    assert found.weighted is not None
    pairs = zip(found.weighted[:3], (found.mean, found.low, found.high), strict=True)
    assert all(one == pytest.approx(other) for one, other in pairs)
    assert found.weighted.p == pytest.approx(found.p)


def test_animals_that_agree_by_chance_are_known_no_better_than_their_errors():
    found = random_effects(np.array([0.30, 0.31, 0.29]), np.full(3, 0.2))
    half = stats.t.ppf(0.975, 2) * 0.2 / 3**0.5
    assert (found.tau, found.high - found.mean) == (0.0, pytest.approx(half))


def test_precise_animals_count_more():
    found = across_animals(np.array([1.0, 1.1, 5.0]), np.array([0.1, 0.1, 8.0]))
    assert found.weighted is not None
    assert found.weighted.mean == pytest.approx(1.05, abs=0.02)
    assert found.mean == pytest.approx(7.1 / 3)


def test_effects_without_any_spread_have_no_doubt():
    found = across_animals(np.array([0.5, 0.5, 0.5]))
    assert (found.low, found.high, found.p) == (0.5, 0.5, 0.0)
    assert across_animals(np.zeros(3)).p == 1.0


def test_what_cannot_be_answered():
    with pytest.raises(DataError, match=r"There are 1 effects, of which 1 are finite\. What holds"):
        across_animals(np.array([1.0]))
    with pytest.raises(DataError, match="There are 3 effects, of which 2 are finite"):
        across_animals(np.array([1.0, np.nan, 2.0]))
    with pytest.raises(DataError, match="each with a finite standard error above 0; the errors"):
        random_effects(np.array([1.0, 2.0]), np.array([0.0, 1.0]))


@pytest.mark.slow
def test_its_interval_covers_with_unequal_precision():
    """Of 2,000 cohorts of 5 animals, the intervals of t and of random effects hold the mean in
    92 to 98 %; SD of the share 0.5 %."""
    rng, held = np.random.default_rng(0), np.zeros(2)
    for _ in range(2000):
        errors = rng.uniform(0.1, 1.0, 5)
        effects = 0.3 + 0.4 * rng.normal(size=5) + errors * rng.normal(size=5)
        found = across_animals(effects, errors)
        assert found.weighted is not None
        held += [found.low <= 0.3 <= found.high, found.weighted.low <= 0.3 <= found.weighted.high]
    assert ((held / 2000 > 0.92) & (held / 2000 < 0.98)).all(), held
