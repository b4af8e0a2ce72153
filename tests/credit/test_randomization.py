"""Exact tests: p-values are uniform under the null hypothesis, whatever the animal does."""

import jax
import numpy as np
import pytest
from scipy import stats

from accumbens.cohort import simulate_cohort
from accumbens.credit.contingency import contingency, contingency_warnings
from accumbens.credit.history import history_data
from accumbens.credit.randomization import (
    distractor_test,
    p_value,
    structure_test,
)
from accumbens.credit.redrawing import redraw_labels
from accumbens.credit.schedule import Schedule, schedule_of
from accumbens.errors import ConfigError, DataError
from accumbens.models.structured import StructureMixture, StructureNaive, StructureSavvy
from accumbens.simulation import simulate
from accumbens.tasks.distractor import DistractorRewards
from accumbens.trials import TrialNames, trials_from_arrays

N_COHORTS = 300


def small(agent, seed, n_sessions=N_COHORTS * 4):
    return simulate(
        agent, DistractorRewards(), n_sessions=n_sessions, n_trials=120, key=jax.random.key(seed)
    )


def null_p_values(test, agent, n_cohorts=N_COHORTS, seed=0):
    """p of many cohorts of two animals with two sessions each."""
    trials = small(agent, seed, n_cohorts * 4)
    found = []
    for first in range(0, n_cohorts * 4, 4):
        cohort = trials.select_sessions(range(first, first + 4))
        cohort = trials_from_arrays(
            cohort.choice, cohort.outcome, context=cohort.context, subject=np.array([0, 0, 1, 1]),
            names=TrialNames(
                outcomes=cohort.names.outcomes, contexts=cohort.names.contexts, subjects=("a", "b")
            ),
        )  # fmt: skip
        result = test(cohort, schedule_of(cohort), seed=first, n_lags=2, resamples=199)
        found.append(result.group_p_value())
    return np.array(found)


@pytest.mark.parametrize(
    ("test", "agent"),
    [(distractor_test, StructureSavvy(0.4, 4.0)), (structure_test, StructureNaive(0.4, 4.0))],
)
def test_p_values_are_uniform_when_the_hypothesis_holds(test, agent):
    """p takes the values k / 200, each as likely: at most 5 % in 5 % of cohorts, and
    Kolmogorov-Smirnov finds nothing (p > 0.001, so once in 1,000 times this fails by chance)."""
    p = null_p_values(test, agent)
    spread = (0.05 * 0.95 / len(p)) ** 0.5
    assert abs((p <= 0.05).mean() - 0.05) < 3.3 * spread
    assert stats.kstest(p - np.random.default_rng(0).random(len(p)) / 200, "uniform").pvalue > 1e-3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("test", "agent"),
    [(distractor_test, StructureSavvy(0.4, 4.0)), (structure_test, StructureNaive(0.4, 4.0))],
)
def test_of_1000_null_cohorts_5_percent_are_significant(test, agent):
    p = null_p_values(test, agent, n_cohorts=1000, seed=1)
    assert 0.035 <= (p <= 0.05).mean() <= 0.065


def test_each_test_finds_what_it_looks_for():
    agent = StructureMixture(0.4, 4.0, 0.5)
    few = null_p_values(structure_test, agent, n_cohorts=40)
    trials = small(agent, 3, n_sessions=16)
    for test in (distractor_test, structure_test):
        found = test(trials, schedule_of(trials), seed=0, n_lags=3, resamples=999)
        assert found.group_p_value() == 0.001
        assert found.group_p_value("less") == 1.0
        assert found.group_p_value("two-sided") == 0.002
    assert 0.1 < (few <= 0.05).mean() < 1.0


def test_a_subject_is_tested_the_same_in_any_company():
    agents = [StructureMixture(0.4, 4.0, 0.5), StructureNaive(0.3, 3.0)]
    task = DistractorRewards()
    both = simulate_cohort(agents, task, n_sessions=2, n_trials=100, key=jax.random.key(0))
    options = {"seed": 3, "n_lags": 2, "resamples": 50}
    together = structure_test(both, schedule_of(both), **options)
    one = both.select_sessions(np.flatnonzero(both.subject == 1))
    alone = structure_test(one, schedule_of(one), **options)
    assert alone.subjects == ("mouse_02",)
    np.testing.assert_array_equal(together.null[:, 1], alone.null[:, 0])
    assert together.observed[1] == alone.observed[0]
    np.testing.assert_array_equal(
        together.p_values(), [p_value(o, n) for o, n in zip(together.observed, together.null.T,
                                                            strict=True)]
    )  # fmt: skip


def test_redrawn_labels_have_their_conditional_probability():
    """Against Bayes' rule by enumeration of the four outcomes."""
    trials = small(StructureNaive(0.4, 4.0), 5, n_sessions=2)
    schedule = schedule_of(trials)
    data = history_data(trials, 2)
    redraw = redraw_labels(data, schedule.after(trials.choice), 0, 1)
    for position in np.flatnonzero(data.trial >= 0):
        s, t = data.session[position], data.trial[position]
        c, d = schedule.probability[s, t, :, trials.choice[s, t]]
        chance = {1: c * (1 - d), 2: (1 - c) * d}
        if data.type[position] in chance:
            assert (redraw.type_a[position], redraw.type_b[position]) == (1, 2)
            expected = chance[1] / (chance[1] + chance[2])
            np.testing.assert_allclose(redraw.probability[position], expected, rtol=1e-6)
        else:
            assert redraw.type_a[position] == redraw.type_b[position] == data.type[position]


def test_p_values_count_ties_and_themselves():
    assert p_value(1.0, np.array([0.0, 1.0, 2.0])) == 0.75
    assert type(p_value(1.0, np.array([0.0, 1.0, 2.0]))) is float
    assert p_value(1.0, np.array([0.0, 1.0, 2.0]), "less") == 0.75
    assert p_value(5.0, np.array([0.0, 1.0, 2.0]), "two-sided") == 0.5


def test_swapped_columns_are_noticed():
    trials = small(StructureMixture(0.4, 4.0, 0.5), 7, n_sessions=20)
    assert contingency_warnings(trials) == ()
    assert contingency(trials, 0).z > 10
    assert abs(contingency(trials, 1).z) < 4
    swapped = trials_from_arrays(
        trials.choice, trials.outcome[..., ::-1], names=TrialNames(outcomes=("c", "d"))
    )
    first, second = contingency_warnings(swapped)
    assert "distractor column 'd' depends on the choice" in first
    assert "controllable column 'c' does not depend on the choice" in second
    assert "swapped?" in first
    assert "%" in first


def test_impossible_schedules_are_refused():
    trials = small(StructureNaive(0.4, 4.0), 5, n_sessions=2)
    good = schedule_of(trials)
    options = {"seed": 0, "n_lags": 1, "resamples": 1}
    names, never = good.outcomes, good.probability * [[1.0], [0.0]]
    with pytest.raises(DataError, match=r"distractor contradicts its probability on \d+ trials"):
        distractor_test(trials, Schedule(never, names), **options)
    with pytest.raises(DataError, match="probability of controllable is missing or outside"):
        structure_test(trials, Schedule(good.probability * np.nan, names), **options)
    with pytest.raises(DataError, match=r"shape \(1, 120, 2, 2\) .*, but these trials need \(2, "):
        distractor_test(trials, Schedule(good.probability[:1], names), **options)
    with pytest.raises(ConfigError, match="resamples is 0; it must be at least 1"):
        distractor_test(trials, good, seed=0, resamples=0)
    one = trials_from_arrays(trials.choice, trials.outcome[..., :1])
    with pytest.raises(DataError, match="tests of credit need at least two outcome columns"):
        structure_test(one, good, **options)
    with pytest.raises(DataError, match="The trials do not hold the schedule"):
        schedule_of(one)
