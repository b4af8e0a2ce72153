"""Tasks against plain Python, their distributions against what they promise."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from accumbens.credit.reversals.rules import CountedReversals
from accumbens.errors import ConfigError
from accumbens.models.bias import BiasOnly
from accumbens.simulation import simulate
from accumbens.tasks.bandits import DriftingBandit, ReversalBandit
from accumbens.tasks.base import integer, standard_normal
from accumbens.tasks.distractor import DistractorRewards
from accumbens.tasks.earned import EarnedReversals

TASKS = {
    "drifting": DriftingBandit(),
    "drifting_three_arms": DriftingBandit(0.02, n_arms=3),
    "reversal_blocks": ReversalBandit(block_length=(2, 4)),
    "reversal_hazard": ReversalBandit(0.8, 0.3, hazard=0.1),
    "earned_reversals": EarnedReversals(0.7, 0.2, after=2, last=3),
    "reversal_three_arms": ReversalBandit(block_length=(1, 3), n_arms=3),
}

every_task = pytest.mark.parametrize("task", TASKS.values(), ids=TASKS.keys())


def along(task, choices, seed):
    """Contexts and outcomes trial by trial, and the numbers that were drawn for them."""
    draws = np.random.default_rng(seed).random((len(choices) + 1, task.n_draws), np.float32)
    state = task.init(tuple(jnp.asarray(draws[0])))
    contexts, outcomes = [], []
    step = jax.jit(lambda *args: task.step(*args))
    for choice, uniform in zip(choices, draws[1:], strict=True):
        contexts.append(np.asarray(task.context(state)))
        outcome, state = step(state, jnp.asarray(choice), tuple(jnp.asarray(uniform)))
        outcomes.append(np.asarray(outcome))
    return np.array(contexts), np.array(outcomes), draws.astype(np.float64)


def sessions(task, n_sessions=400, n_trials=50, seed=0):
    model = BiasOnly(jnp.zeros(task.n_choices - 1), n_choices=task.n_choices)
    return simulate(model, task, n_sessions=n_sessions, n_trials=n_trials, key=jax.random.key(seed))


@every_task
def test_rewards_come_with_the_reported_probability_of_the_chosen_arm(task):
    trials = sessions(task)
    p = np.take_along_axis(trials.context, trials.choice[..., None].astype(int), axis=2)
    assert set(np.unique(trials.outcome)) == {0.0, 1.0}
    spread = np.sqrt((p * (1 - p)).sum())
    assert abs((trials.outcome - p).sum()) < 4.5 * spread


@every_task
def test_columns_have_names(task):
    contexts, outcomes, _ = along(task, [0, 1, 0], 0)
    assert contexts.shape[1] == len(task.context_names)
    assert task.context_names[0] == "reward_probability_0"
    assert outcomes.shape[1] == len(task.outcome_names) == 1


def test_drifting_bandit_equals_a_plain_loop():
    task = DriftingBandit(0.3)
    choices = np.random.default_rng(0).integers(0, 2, 60)
    contexts, outcomes, draws = along(task, choices, 1)
    p = draws[0, 1:]
    for trial, choice in enumerate(choices):
        np.testing.assert_allclose(contexts[trial], p, atol=1e-5)
        assert outcomes[trial, 0] == float(draws[trial + 1, 0] < p[choice])
        p = np.clip(p + 0.3 * stats.norm.ppf(draws[trial + 1, 1:]), 0, 1)
    assert (contexts == 0).any()
    assert (contexts == 1).any()


def test_drift_starts_uniform_and_steps_are_normal_between_the_bounds():
    trials = sessions(DriftingBandit(0.02, n_arms=3), n_sessions=500)
    assert stats.kstest(trials.context[:, 0].ravel(), "uniform").pvalue > 1e-4
    now, after = trials.context[:, :-1], trials.context[:, 1:]
    inside = np.abs(now - 0.5) < 0.35
    steps = (after - now)[inside] / 0.02
    assert stats.kstest(steps, "norm").pvalue > 1e-4
    assert trials.context.min() >= 0
    assert trials.context.max() <= 1


def test_reversal_bandit_equals_a_plain_loop():
    task = ReversalBandit(0.75, 0.25, block_length=(2, 4), n_arms=3)
    choices = np.random.default_rng(3).integers(0, 3, 60)
    contexts, outcomes, draws = along(task, choices, 4)
    best = int(draws[0, 2] * 3)
    left = 2 + int(draws[0, 1] * 3)
    for trial, choice in enumerate(choices):
        p = [0.75 if arm == best else 0.25 for arm in range(3)]
        np.testing.assert_allclose(contexts[trial], p)
        paid, length, arm = draws[trial + 1]
        assert outcomes[trial, 0] == float(paid < p[choice])
        left -= 1
        if left == 0:
            best = [other % 3 for other in range(best + 1, best + 3)][int(arm * 2)]
            left = 2 + int(length * 3)
    assert len(set(contexts.argmax(1))) == 3


def blocks(trials):
    """Lengths of all blocks but each session's last, which the session's end cut short."""
    best = trials.context.argmax(2)
    lengths = []
    for session in best:
        edges = np.flatnonzero(np.diff(session)) + 1
        lengths += list(np.diff([0, *edges]))
    return np.array(lengths)


def test_block_lengths_are_uniform_between_their_bounds():
    lengths = blocks(sessions(ReversalBandit(block_length=(3, 6)), n_sessions=100, n_trials=400))
    count = np.bincount(lengths, minlength=7)
    assert count[:3].sum() == 0
    assert stats.chisquare(count[3:]).pvalue > 1e-4


def test_hazard_is_the_probability_of_a_change_on_each_trial():
    trials = sessions(ReversalBandit(hazard=0.15), n_sessions=200, n_trials=100)
    changes = np.diff(trials.context.argmax(2), axis=1) != 0
    assert stats.binomtest(int(changes.sum()), changes.size, 0.15).pvalue > 1e-4
    early, late = changes[:, :49].sum(), changes[:, 50:].sum()
    assert stats.binomtest(int(early), int(early + late), 0.5).pvalue > 1e-4


def test_every_arm_begins_and_takes_over_as_often_as_the_others():
    trials = sessions(ReversalBandit(block_length=(1, 1), n_arms=3), n_sessions=1000, n_trials=20)
    best = trials.context.argmax(2)
    assert stats.chisquare(np.bincount(best[:, 0], minlength=3)).pvalue > 1e-4
    moves = (np.diff(best, axis=1) % 3).ravel()
    assert set(moves) == {1, 2}
    assert stats.chisquare(np.bincount(moves)[1:]).pvalue > 1e-4


def test_numbers_become_normal_ones_and_integers():
    uniform = np.concatenate([np.linspace(0.001, 0.999, 999), [2.0**-24, 1 - 2.0**-24]])
    np.testing.assert_allclose(
        standard_normal(jnp.asarray(uniform, jnp.float32)),
        stats.norm.ppf(uniform.astype(np.float32)),
        rtol=2e-5,
        atol=1e-6,
    )
    drawn = jax.vmap(lambda u: integer(u, 5, 8))(jnp.asarray(uniform, jnp.float32))
    np.testing.assert_array_equal(np.unique(drawn), [5, 6, 7, 8])


def test_impossible_tasks_are_refused():
    with pytest.raises(ConfigError, match=r"drift is -0\.1; it is an SD and must be at least 0"):
        DriftingBandit(-0.1)
    with pytest.raises(ConfigError, match="n_arms is 1; it must be at least 2"):
        ReversalBandit(n_arms=1)
    with pytest.raises(ConfigError, match=r"hazard is 1\.5; it must lie between 0 and 1"):
        ReversalBandit(hazard=1.5)
    with pytest.raises(ConfigError, match=r"block_length is \(4, 3\); it must be the shortest and"):
        ReversalBandit(block_length=(4, 3))


def test_earned_reversals_follow_the_rewards_of_the_last_trials():
    """Against a list of past rewards in plain Python."""
    task = TASKS["earned_reversals"]
    trials, changes = sessions(task, n_sessions=20, n_trials=60), 0
    assert 4 <= (trials.context[:, 0, 0] > 0.5).sum() <= 16
    for p, rewards in zip(trials.context, trials.outcome[..., 0], strict=True):
        better, past = int(p[0].argmax()), []
        for t in range(len(p)):
            assert (p[t].argmax(), p[t].max()) == (better, np.float32(0.7))
            past = [*past, rewards[t]][-3:]
            if sum(past) >= 2:
                better, past, changes = 1 - better, [], changes + 1
    assert changes > 100


RULES = [
    CountedReversals(4),
    CountedReversals(2, of=1, last=3, name="distractor"),
    CountedReversals(3, of="rewards", last=2, name="rewards"),
    CountedReversals(6, of="rewards", name="rewards"),
    CountedReversals(4, of="correct", last=5, at_least=8, name="correct"),
    CountedReversals(2, last=3, probability=0.4),
]


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_earned_reversals_follow_every_rule_that_the_tests_of_credit_know(rule):
    """Against the rule itself, asked trial by trial in plain Python."""
    bandit = EarnedReversals(
        0.7, 0.2, rule.after, rule.last, rule.of, rule.at_least, rule.probability
    )
    trials = sessions(DistractorRewards(bandit, 0.4), n_sessions=10, n_trials=100)
    could = changed = 0
    for p, choices, outcomes in zip(trials.context, trials.choice, trials.outcome, strict=True):
        better, state = p[:, :2].argmax(1), rule.start
        for t in range(len(better) - 1):
            outcome = tuple(int(x) for x in outcomes[t])
            state, chance = rule.step(state, bool(choices[t] == better[t]), outcome)
            moved = better[t + 1] != better[t]
            assert moved or chance < 1
            assert chance > 0 or not moved
            could, changed = could + (chance > 0), changed + moved
            state = rule.start if moved else state
    assert changed > 30
    assert abs(changed / could - rule.probability) < 0.12


def test_a_bandit_alone_has_no_second_outcome_to_count():
    with pytest.raises(ConfigError, match="of is 1, the second outcome, but the bandit has a"):
        sessions(EarnedReversals(after=1, of=1), n_sessions=1, n_trials=2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"of": "tones"}, "of is 'tones'; count the outcome 0 or 1, 'rewards' or 'correct'"),
        ({"at_least": -1}, "at_least is -1; it is a number of trials from 0 up"),
        ({"probability": 2.0}, "probability is 2.0; it must lie between 0 and 1"),
        ({"high": 1.2}, "high is 1.2; it must lie between 0 and 1"),
        ({"after": 16}, "after is 16, last is 15 and n_arms is 2; give two arms, and 1 to 30"),
        ({"last": 31}, "after is 10, last is 31"),
        ({"n_arms": 3}, "n_arms is 3; give two arms"),
    ],
)
def test_impossible_counts_of_earned_reversals_are_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        EarnedReversals(**options)
