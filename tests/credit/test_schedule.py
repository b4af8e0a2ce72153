"""The schedule by outcome and choice: where it comes from, and what contradicts the trials."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from accumbens.credit.history import history_data
from accumbens.credit.randomization import distractor_test, redraw_labels, structure_test
from accumbens.credit.schedule import (
    Schedule,
    check_schedule,
    depends_on_choice,
    known_probabilities,
    label_probability,
    schedule_from_columns,
    schedule_of,
)
from accumbens.errors import DataError
from accumbens.models.naive import Naive
from accumbens.models.structured import StructureMixture
from accumbens.simulation import simulate
from accumbens.tasks.bandits import DriftingBandit, ReversalBandit
from accumbens.tasks.distractor import DistractorRewards
from accumbens.trials import MISSED, TrialNames, trials_from_arrays

TASKS = (
    DriftingBandit(drift=0.1),
    ReversalBandit(),
    DistractorRewards(distractor=0.3),
    DistractorRewards(ReversalBandit(n_arms=3)),
)


def three_outcomes(seed=0, *, shape=(4, 300), tone=0.25):
    """Trials of an animal that credits its choices with the controllable reward and half as much
    with the distractor, and a tone that it does not credit. The tone comes with probability `tone`
    after the first choice and twice that after the second."""
    agent = StructureMixture(0.4, 4.0, 0.5)
    two = simulate(agent, DistractorRewards(), n_sessions=shape[0], n_trials=shape[1],
                   key=jax.random.key(seed))  # fmt: skip
    rng = np.random.default_rng(seed)
    p = np.where(two.choice == 1, 2 * tone, tone)
    outcome = np.concatenate([two.outcome, (rng.random(shape) < p)[..., None]], axis=-1)
    names = TrialNames(
        outcomes=(*two.names.outcomes, "tone"), contexts=two.names.contexts,
        subjects=("a", "b"),
    )  # fmt: skip
    subject = np.arange(shape[0]) % 2
    trials = trials_from_arrays(
        two.choice, outcome, context=two.context, subject=subject, names=names
    )
    columns = {
        "controllable": ("controllable_probability_0", "controllable_probability_1"),
        "distractor": ("distractor_probability",),
        "tone": (tone, 2 * tone),
    }
    return trials, schedule_from_columns(trials, columns)


@pytest.mark.parametrize("task", TASKS)
def test_the_schedule_of_a_task_is_what_it_draws_from(task):
    """Each outcome comes at the rate that the schedule states for the choice made: within 4
    standard errors after each choice, where it is likely and where it is not."""
    n_outcomes = len(task.outcome_names)
    model = Naive(
        jnp.zeros((0, n_outcomes)), jnp.zeros((0, 0)), jnp.zeros(0), n_choices=task.n_choices
    )
    trials = simulate(model, task, n_sessions=20, n_trials=400, key=jax.random.key(1))
    schedule = schedule_of(trials)
    check_schedule(trials, schedule)
    assert schedule.outcomes == task.outcome_names
    assert schedule.probability.shape == (20, 400, n_outcomes, task.n_choices)
    for k, choice in itertools.product(range(n_outcomes), range(task.n_choices)):
        p = schedule.probability[:, :, k, choice]
        for where in ((trials.choice == choice) & (p > 0.5), (trials.choice == choice) & (p < 0.5)):
            surplus = (trials.outcome[where, k] - p[where]).sum()
            assert abs(surplus) <= 4 * np.sqrt((p * (1 - p))[where].sum())
        assert ((trials.choice == choice) & (p != 0.5)).sum() > 1000 or k == 1


def test_roles_and_the_choice_made():
    trials, schedule = three_outcomes()
    np.testing.assert_array_equal(schedule.controllable, schedule.of("controllable"))
    np.testing.assert_array_equal(schedule.distractor, schedule.probability[:, :, 1])
    assert [depends_on_choice(schedule.of(name)) for name in schedule.outcomes] == [
        True, False, True,
    ]  # fmt: skip
    choice = trials.choice.copy()
    choice[0, 3] = MISSED
    after = schedule.after(choice)
    assert np.isnan(after[0, 3]).all()
    for s, t, k in itertools.product(range(4), (0, 7, 200), range(3)):
        assert after[s, t, k] == schedule.probability[s, t, k, choice[s, t]]
    blank = np.where(np.arange(300)[None, :, None] < 290, schedule.distractor, np.nan)
    assert not depends_on_choice(blank)


def test_probabilities_come_from_columns_or_numbers():
    trials, schedule = three_outcomes()
    first = trials.names.contexts.index("controllable_probability_0")
    np.testing.assert_array_equal(schedule.controllable[..., 0], trials.context[..., first])
    assert np.unique(schedule.distractor).tolist() == [0.5]
    assert np.unique(schedule.of("tone")[..., 1]).tolist() == [0.5]
    assert set(known_probabilities(trials)) == {"controllable", "distractor"}
    with pytest.raises(DataError, match="no context column has the probability of tone"):
        schedule_of(trials)
    with pytest.raises(DataError, match="No probability is stated for the outcome tone"):
        schedule_from_columns(trials, {"controllable": (0.5,), "distractor": (0.5,)})
    columns = {"controllable": ("left", "right"), "distractor": (0.5,), "tone": (0.5,)}
    with pytest.raises(DataError, match="of 'controllable' cannot be read from the column 'left'"):
        schedule_from_columns(trials, columns)
    columns["controllable"] = (0.1, 0.2, 0.3)
    with pytest.raises(DataError, match="'controllable' has 3 probabilities; give one, or one for"):
        schedule_from_columns(trials, columns)
    with pytest.raises(DataError, match=r"probabilities of 3 outcomes, but 1 names for them"):
        Schedule(schedule.probability, ("reward",))
    with pytest.raises(DataError, match="The schedule has no outcome 'light'; its outcomes are"):
        schedule.of("light")
    alone = Schedule(schedule.probability[:, :, :1], ("reward",))
    with pytest.raises(DataError, match="no distractor: its only outcome is reward"):
        _ = alone.distractor


def test_a_label_is_redrawn_with_the_other_outcomes_held():
    """Against enumeration of the eight ways in which three outcomes can come."""
    trials, schedule = three_outcomes(shape=(2, 80))
    data, p = history_data(trials, 2), schedule.after(trials.choice)
    redraw = redraw_labels(data, p, 0, 2)
    swapped = 0
    for position in np.flatnonzero(data.trial >= 0):
        chance = p[data.session[position], data.trial[position]]
        kind = int(data.type[position])
        ways = {
            way: np.prod([q if way >> k & 1 else 1 - q for k, q in enumerate(chance)])
            for way in range(8)
            if way & 2 == kind & 2 and (way & 1) + (way >> 2) == (kind & 1) + (kind >> 2)
        }
        if len(ways) == 1:
            assert redraw.type_a[position] == redraw.type_b[position] == kind
            continue
        swapped += 1
        first, second = redraw.type_a[position], redraw.type_b[position]
        assert {int(first), int(second)} == set(ways)
        expected = ways[int(first)] / sum(ways.values())
        np.testing.assert_allclose(redraw.probability[position], expected, rtol=1e-12)
    assert swapped > 40


def test_each_of_several_distractors_is_tested():
    trials, schedule = three_outcomes(shape=(4, 700))
    options = {"seed": 0, "n_lags": 2, "resamples": 299}
    credited = distractor_test(trials, schedule, **options)
    assert credited.name == "distractor index > 0"
    assert credited.group_p_value() == 1 / 300
    ignored = distractor_test(trials, schedule, distractor="tone", **options)
    assert ignored.name == "tone index > 0"
    assert ignored.group_p_value() > 0.02
    structure = structure_test(trials, schedule, distractor="tone", **options)
    assert structure.name == "controllable index > tone index"
    assert structure.group_p_value() == 1 / 300
    with pytest.raises(DataError, match="no distractor 'controllable': after the controllable"):
        distractor_test(trials, schedule, distractor="controllable", **options)


def test_two_outcomes_are_tested_the_same_beside_a_third_that_never_comes():
    """A third outcome of probability 0 changes no redraw, so the statistics stay the same."""
    two, _ = three_outcomes(shape=(2, 200))
    pair = trials_from_arrays(
        two.choice, two.outcome[..., :2], context=two.context, subject=two.subject,
        names=TrialNames(outcomes=two.names.outcomes[:2], contexts=two.names.contexts,
                         subjects=two.names.subjects),
    )  # fmt: skip
    schedule = schedule_of(pair)
    silent = trials_from_arrays(
        two.choice, np.concatenate([pair.outcome, 0 * pair.outcome[..., :1]], -1),
        subject=two.subject, names=TrialNames(outcomes=two.names.outcomes, subjects=("a", "b")),
    )  # fmt: skip
    p = np.concatenate([schedule.probability, 0 * schedule.probability[:, :, :1]], axis=2)
    beside = Schedule(p, silent.names.outcomes)
    for test in (distractor_test, structure_test):
        alone = test(pair, schedule, seed=1, n_lags=2, resamples=20)
        three = test(silent, beside, seed=1, n_lags=2, resamples=20)
        np.testing.assert_allclose(three.observed, alone.observed, atol=0.02)
        np.testing.assert_allclose(three.null, alone.null, atol=0.02)


def test_label_probability_of_certain_outcomes():
    one, other = np.array([1.0, 0.0, 1.0, 0.3]), np.array([0.0, 0.0, 1.0, 0.3])
    np.testing.assert_array_equal(label_probability(one, other), [1.0, 0.0, 0.0, 0.5])


def test_schedules_that_contradict_the_trials_are_refused():
    trials, schedule = three_outcomes()
    p = schedule.probability
    with pytest.raises(DataError, match=r"of the outcomes \('a', 'b', 'c'\), but the trials have"):
        check_schedule(trials, Schedule(p, ("a", "b", "c")))
    with pytest.raises(DataError, match=r"shape \(4, 300, 3, 3\) .*, but these trials need \(4, 3"):
        check_schedule(trials, Schedule(p[..., [0, 1, 1]], trials.names.outcomes))
    late = p.copy()
    late[2, 5:] = np.nan
    words = r"probability of controllable is missing .* on 295 trials .* first in session a/2, tri"
    with pytest.raises(DataError, match=words + "al 5"):
        check_schedule(trials, Schedule(late, trials.names.outcomes))
    never = p.copy()
    never[:, :, 2] = 0
    n = int(trials.outcome[..., 2].sum())
    with pytest.raises(DataError, match=rf"outcome tone contradicts its probability on {n} trials"):
        check_schedule(trials, Schedule(never, trials.names.outcomes))
    elsewhere = p.copy()  # what the other choice would have brought may be unknown
    np.put_along_axis(elsewhere, (1 - trials.choice)[..., None, None], np.nan, axis=-1)
    check_schedule(trials, Schedule(elsewhere, trials.names.outcomes))
