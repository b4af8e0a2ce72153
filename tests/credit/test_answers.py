"""Two answers of one test, named: in these animals, and in animals like these."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats
from statsmodels.genmod.bayes_mixed_glm import BinomialBayesMixedGLM

from accumbens.credit.answers import answers_to_frame, in_words, two_answers
from accumbens.credit.history.fitting import fit_history
from accumbens.credit.history.indices import index_contrasts
from accumbens.credit.randomization import RandomizationTest, distractor_test
from accumbens.credit.schedule import schedule_of
from accumbens.models.history import HistoryRegression
from accumbens.scoring.animals import across_animals
from accumbens.simulation import simulate
from accumbens.tasks.distractor import DistractorRewards


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


@pytest.mark.slow
def test_animals_like_these_is_right_where_effects_vary_about_zero():
    """Of 300 cohorts of 5 animals whose distractor weights vary about 0, the one-sided t rejects in
    5 +- 1.3 %: 4 to 27 of them (all but once in 1,000); "in these animals" rejects more."""
    n, size = 300, 5
    weights = np.zeros((n * size, 4, 1), np.float32)
    weights[:, [1, 3]] = 1.0
    weights[:, 2:, 0] += 0.5 * np.random.default_rng(0).normal(size=(n * size, 1))
    model = HistoryRegression(jnp.zeros(n * size), jnp.asarray(weights))
    trials = simulate(
        model, DistractorRewards(), n_sessions=n * size, n_trials=300, key=jax.random.key(0),
        subject=list(range(n * size)),
    )  # fmt: skip
    these = like = 0
    for first in range(0, n * size, size):
        mine = trials.select_sessions(np.arange(first, first + size))
        test = distractor_test(
            mine, schedule_of(mine), seed=first, n_lags=1, resamples=99, trust_schedule=True
        )
        found = two_answers(test)
        these += found.these.p_one_sided <= 0.05
        like += found.like_these.p_greater <= 0.05
    assert 4 <= like <= 27
    assert these > 27


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Laplace fitting did not converge")  # gradients of 1.2e-4
def test_means_over_animals_are_those_of_a_mixed_logistic_model():
    """Of 20 cohorts of 4 to 12 animals, the mean index lies within a fifth of its interval's width
    of that of a mixed model with slopes of each animal (statsmodels), and has its sign, in 95 %."""
    agree = []
    for seed, size in itertools.product(range(5), (4, 6, 8, 12)):
        rng = np.random.default_rng(seed)
        weights = np.zeros((size, 4, 1), np.float32)
        weights[:, [1, 3]] = 1.0
        weights[:, 2:, 0] += 0.5 + 0.3 * rng.normal(size=(size, 1))
        bias = jnp.asarray(0.3 * rng.normal(size=size), jnp.float32)
        model = HistoryRegression(bias, jnp.asarray(weights))
        trials = simulate(
            model, DistractorRewards(), n_sessions=size, n_trials=600, key=jax.random.key(seed),
            subject=list(range(size)),
        )  # fmt: skip
        fits = fit_history(trials, 1)
        design = np.concatenate([fit.data.design() for fit in fits])
        choice = np.concatenate([fit.data.response for fit in fits])
        who = np.repeat(np.arange(size), [fit.n_scored for fit in fits])
        own = np.concatenate([(who == s)[:, None] * design for s in range(size)], axis=1)
        mixed = BinomialBayesMixedGLM(choice, design, own, np.tile(np.arange(5), size)).fit_map()
        for contrast in index_contrasts(fits[0].data).values():
            found = across_animals(np.array([fit.weights @ contrast for fit in fits]))
            theirs = float(mixed.fe_mean @ contrast)
            near = abs(found.mean - theirs) <= (found.high - found.low) / 5
            agree.append(near and found.mean * theirs > 0)
    assert np.mean(agree) >= 0.95
