"""Models in the animals' sessions: what stays as recorded, and whether p is honest."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from accumbens.credit.predictive.check import predictive_check
from accumbens.credit.predictive.simulated import simulate_along
from accumbens.credit.schedule import Schedule, schedule_of
from accumbens.errors import ConfigError, DataError
from accumbens.models.bias import BiasOnly
from accumbens.models.by_subject import BySubject
from accumbens.models.q_learning import QLearning
from accumbens.simulation import simulate
from accumbens.tasks.bandits import DriftingBandit, ReversalBandit
from accumbens.trials import TrialNames, trials_from_arrays

AGENT, KEY = QLearning(0.5, 3.0), jax.random.key(0)


def simulated(agent=AGENT, n_sessions=6, n_trials=80, seed=0, task=None):
    return simulate(
        agent, task or ReversalBandit(), n_sessions=n_sessions, n_trials=n_trials,
        key=jax.random.key(seed), subject=[0, 1] * (n_sessions // 2),
    )  # fmt: skip


def with_gaps(trials, seed=0):
    """Some trials missed, some instructed, sessions of unequal length."""
    rng = np.random.default_rng(seed)
    missed = rng.random(trials.choice.shape) < 0.1
    length = rng.integers(40, 81, trials.n_sessions)
    inside = np.arange(80) < length[:, None]
    return trials_from_arrays(
        np.where(missed, -1, trials.choice), trials.outcome, context=trials.context,
        instructed=rng.random(trials.choice.shape) < 0.2, length=length, subject=trials.subject,
        names=TrialNames(contexts=trials.names.contexts, subjects=trials.names.subjects),
    ), inside  # fmt: skip


def test_sessions_misses_and_instructed_choices_stay_and_outcomes_follow_the_schedule():
    trials, _ = with_gaps(simulated())
    schedule = schedule_of(trials)
    certain = Schedule(np.round(schedule.probability), schedule.outcomes)
    for repeat in simulate_along(AGENT, trials, certain, key=KEY, n_repeats=3):
        np.testing.assert_array_equal(repeat.valid, trials.valid)
        np.testing.assert_array_equal(repeat.length, trials.length)
        forced = trials.instructed & trials.valid
        np.testing.assert_array_equal(repeat.choice[forced], trials.choice[forced])
        paid = certain.after(repeat.choice)[..., 0]
        np.testing.assert_array_equal(repeat.outcome[repeat.valid][:, 0], paid[repeat.valid])
        assert repeat.names == trials.names
        assert repeat.session_labels == trials.session_labels


def test_an_agent_along_its_own_sessions_behaves_as_in_the_task():
    trials = simulated(n_sessions=200)
    repeats = simulate_along(AGENT, trials, schedule_of(trials), key=KEY, n_repeats=3)
    for measure in (lambda x: x.outcome.mean(1)[:, 0], lambda x: (np.diff(x.choice) != 0).mean(1)):
        own = measure(trials)
        error = own.std(ddof=1) * np.sqrt(2 / 200)
        assert all(abs(measure(repeat).mean() - own.mean()) < 4 * error for repeat in repeats)
    assert not np.array_equal(repeats[0].choice, repeats[1].choice)
    again = simulate_along(AGENT, trials, schedule_of(trials), key=KEY, n_repeats=2)
    np.testing.assert_array_equal(again[1].choice, repeats[1].choice)


def test_each_subject_is_simulated_with_its_own_parameters_and_rewards_in_their_coding():
    trials = simulated(n_sessions=4)
    coded = dataclasses.replace(trials, outcome=2 * trials.outcome - 1)
    each = BiasOnly(9.0), BiasOnly(-9.0)
    biased = BySubject(jax.tree.map(lambda *leaves: jnp.stack(leaves), *each))
    (repeat,) = simulate_along(biased, coded, schedule_of(coded), key=KEY, n_repeats=1)
    assert repeat.choice.mean(1).round(1).tolist() == [1.0, 0.0, 1.0, 0.0]
    assert set(np.unique(repeat.outcome)) == {-1.0, 1.0}


def test_what_cannot_be_simulated_is_refused():
    trials = simulated()
    schedule = schedule_of(trials)
    with pytest.raises(ConfigError, match="n_repeats is 0; it must be at least 1"):
        simulate_along(AGENT, trials, schedule, key=KEY, n_repeats=0)
    gaps = schedule.probability.copy()
    gaps[1, 7, 0, 0] = np.nan
    missing = "reward after choice 0 is missing or outside .* in session subject_1/1, trial 7"
    with pytest.raises(DataError, match=missing):
        simulate_along(AGENT, trials, Schedule(gaps, ("reward",)), key=KEY)
    graded = dataclasses.replace(trials, outcome=np.random.default_rng(0).random((6, 80, 1)))
    with pytest.raises(DataError, match=r"The outcome reward has 480 values .* does not say which"):
        simulate_along(AGENT, graded, schedule, key=KEY)
    with pytest.raises(DataError, match=r"schedule is of the outcomes .*grape.* but the"):
        simulate_along(AGENT, trials, Schedule(schedule.probability, ("grape",)), key=KEY)
    with pytest.raises(ConfigError, match="There is no model to check"):
        predictive_check({}, trials, key=KEY)
    with pytest.raises(ConfigError, match="n_repeats is 1; it must be at least 2"):
        predictive_check({"agent": AGENT}, trials, key=KEY, n_repeats=1)


def test_p_is_uniform_where_the_model_is_the_animal():
    """p of k/20, each as likely: 40 data sets, three curves."""
    found = []
    for seed in range(40):
        trials = simulated(n_sessions=4, seed=seed)
        check = predictive_check({"itself": AGENT}, trials, key=jax.random.key(seed), n_repeats=19)
        found.append([one.p for one in check.models["itself"].values()])
    assert len(found[0]) == 3
    for p in np.transpose(found):
        spread = p - np.random.default_rng(0).random(40) / 20  # a continuous p from a discrete one
        assert scipy.stats.kstest(spread, "uniform").pvalue > 1e-3


def test_another_model_is_told_from_the_animal_and_the_table_says_where():
    trials = simulated(n_sessions=10)
    others = {"itself": AGENT, "bias": BiasOnly(0.0)}
    check = predictive_check(others, trials, key=KEY, n_repeats=19)
    assert check.models["bias"]["switching"].p == pytest.approx(0.05)
    far, near = (check.models[name]["switching"].distance for name in ("bias", "itself"))
    assert far > 2 * near
    alone = predictive_check({"bias": BiasOnly(0.0)}, trials, key=KEY, n_repeats=19)
    np.testing.assert_array_equal(
        alone.models["bias"]["switching"].cohorts, check.models["bias"]["switching"].cohorts
    )
    frame = check.to_frame()
    assert list(frame.columns) == ["curve", "point", "of", "subject", "value", "low", "high", "n"]
    own = frame.query("of == 'animals' and curve == 'switching' and point == 'AA'")
    assert own["subject"].tolist() == ["", "subject_0", "subject_1"]
    mean, *each = own["value"]
    assert mean == pytest.approx(np.mean(each))
    assert own["high"].iloc[0] - mean == pytest.approx(np.std(each, ddof=1) / np.sqrt(2))
    text = repr(check)
    assert text.startswith("Posterior predictive check of 2 models: 2 subjects, 10 sessions, 8")
    assert "bias" in text


def test_curves_that_cannot_be_computed_are_named_with_the_reason():
    trials = simulated(task=DriftingBandit())
    check = predictive_check({"itself": AGENT}, trials, key=KEY, n_repeats=3)
    assert list(check.animals) == ["switching", "history"]
    assert "no reversals between them" in check.notes["reversals"]
    assert "reversals: No curve. The probabilities change" in repr(check)
