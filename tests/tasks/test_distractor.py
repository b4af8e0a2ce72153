"""The distractor-rewards task against plain Python, and against what it promises."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from accumbens.errors import ConfigError
from accumbens.models.bias import BiasOnly
from accumbens.simulation import simulate
from accumbens.tasks.bandits import DriftingBandit, ReversalBandit
from accumbens.tasks.distractor import DistractorRewards

TASKS = {
    "blocks": DistractorRewards(),
    "hazard": DistractorRewards(ReversalBandit(0.7, 0.1, hazard=0.1), 0.3),
    "three_arms": DistractorRewards(ReversalBandit(n_arms=3), 0.8),
    "drifting": DistractorRewards(DriftingBandit(), 0.25),
}

every_task = pytest.mark.parametrize("task", TASKS.values(), ids=TASKS.keys())


def sessions(task):
    model = BiasOnly(jnp.linspace(-0.5, 0.5, task.n_choices)[1:], n_choices=task.n_choices)
    return simulate(model, task, n_sessions=300, n_trials=60, key=jax.random.key(0))


def test_task_equals_a_plain_loop():
    task = DistractorRewards(ReversalBandit(0.75, 0.25, block_length=(2, 4)), 0.4)
    choices = np.random.default_rng(0).integers(0, 2, 60)
    draws = np.random.default_rng(1).random((61, task.n_draws), np.float32)
    state = task.init(tuple(jnp.asarray(draws[0])))
    _, _, left, best = draws[0].astype(float)
    left, best = 2 + int(left * 3), int(best * 2)
    reversals = 0
    for choice, uniform in zip(choices, draws[1:], strict=True):
        context = task.context(state)
        outcome, state = task.step(state, jnp.asarray(choice), tuple(jnp.asarray(uniform)))
        p = [0.75 if arm == best else 0.25 for arm in range(2)]
        distracted, paid, length, _ = uniform.astype(float)
        np.testing.assert_allclose(context, [*p, 0.4], rtol=1e-6)
        assert outcome.tolist() == [float(paid < p[choice]), float(distracted < 0.4)]
        left -= 1
        if left == 0:
            best, left, reversals = 1 - best, 2 + int(length * 3), reversals + 1
    assert reversals > 10


@every_task
def test_both_rewards_come_with_their_reported_probabilities(task):
    trials = sessions(task)
    made = trials.choice[..., None].astype(int)
    controllable = np.take_along_axis(trials.context[..., :-1], made, axis=2)[..., 0]
    for column, p in enumerate((controllable, trials.context[..., -1])):
        assert set(np.unique(trials.outcome[..., column])) == {0.0, 1.0}
        spread = np.sqrt((p * (1 - p)).sum())
        assert abs((trials.outcome[..., column] - p).sum()) < 4.5 * spread


@every_task
def test_the_distractor_depends_on_nothing(task):
    trials = sessions(task)
    distractor = trials.outcome[..., 1]
    assert len(np.unique(trials.context[..., -1])) == 1
    before = (trials.choice[:, 1:], trials.outcome[:, 1:, 0], distractor[:, :-1])
    for other in (*before, trials.context[:, 1:, 0] > 0.5, trials.outcome[:, :-1, 0]):
        table = stats.contingency.crosstab(distractor[:, 1:].ravel(), np.ravel(other)).count
        assert stats.chi2_contingency(table).pvalue > 1e-4


@every_task
def test_trials_say_what_they_hold(task):
    names = sessions(task).names
    assert names.outcomes == ("controllable", "distractor")
    n = task.n_choices
    by_choice = tuple(f"controllable_probability_{i}" for i in range(n))
    assert names.contexts == (*by_choice, "distractor_probability")


def test_schedule_is_that_of_the_papers_figure_unless_another_is_given():
    trials = simulate(BiasOnly(0.0), DistractorRewards(), n_sessions=200, n_trials=300,
                      key=jax.random.key(1))  # fmt: skip
    np.testing.assert_allclose(np.unique(trials.context[..., :2]), [0.2, 0.8], rtol=1e-6)
    np.testing.assert_allclose(trials.context[..., :2].sum(2), 1.0, rtol=1e-6)
    assert (trials.context[..., 2] == 0.5).all()
    ends = [np.flatnonzero(np.diff(session)) + 1 for session in trials.context[..., 0]]
    lengths = np.concatenate([np.diff([0, *end]) for end in ends])
    assert (lengths.min(), lengths.max()) == (20, 60)


def test_new_probabilities_do_not_compile_anew():
    traces = []

    class Counting(DistractorRewards):
        def step(self, state, choice, uniform):
            traces.append(1)
            return super().step(state, choice, uniform)

    for high, distractor in ((0.8, 0.5), (0.7, 0.3)):
        task = Counting(ReversalBandit(high, 0.1), distractor)
        simulate(BiasOnly(0.0), task, n_sessions=2, n_trials=5, key=jax.random.key(0))
        if distractor == 0.5:
            once = len(traces)
    assert once == len(traces) > 0


@pytest.mark.parametrize("distractor", [-0.1, 1.5, float("nan")])
def test_impossible_distractors_are_refused(distractor):
    with pytest.raises(
        ConfigError, match=f"distractor is {distractor}; it must lie between 0 and 1"
    ):
        DistractorRewards(distractor=distractor)


def test_impossible_schedules_are_refused():
    with pytest.raises(ConfigError, match=r"high is 1\.5; it must lie between 0 and 1"):
        DistractorRewards(ReversalBandit(high=1.5))
    with pytest.raises(
        ConfigError, match=r"block_length is \(9, 3\); it must be the shortest and the"
    ):
        DistractorRewards(ReversalBandit(block_length=(9, 3)))
