"""What the agents of the distractor-rewards task credit, exactly, and how it shows in choices."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import statsmodels.api as sm

from accumbens.errors import ConfigError
from accumbens.models.cognitive import CognitiveModel
from accumbens.models.structured import StructureMixture, StructureNaive, StructureSavvy
from accumbens.models.two_process import TwoProcess
from accumbens.simulation import simulate
from accumbens.tasks.distractor import DistractorRewards
from accumbens.trials import TrialNames, trials_from_arrays
from accumbens.unrolling import unroll
from helpers.table import example_trials

SIGNAL = {"gain": 0.7, "offset": -0.2}
NAIVE = StructureNaive(0.3, 3.0, **SIGNAL)
SAVVY = StructureSavvy(0.3, 3.0, **SIGNAL)
MIXED = StructureMixture(0.3, 3.0, 0.6, **SIGNAL)
TWO_PROCESS = TwoProcess(0.5, 1.5, 0.8, 0.1, -0.4, 0.1, 1.0, **SIGNAL)
AGENTS = {"naive": NAIVE, "savvy": SAVVY, "mixture": MIXED, "two_process": TWO_PROCESS}


def binary_trials(seed=0, n_sessions=20, n_trials=60):
    """Random choices, missed trials among them, with all four outcomes equally likely."""
    rng = np.random.default_rng(seed)
    choice = rng.integers(0, 2, (n_sessions, n_trials))
    choice[rng.random(choice.shape) < 0.1] = -1
    outcome = rng.integers(0, 2, (*choice.shape, 2)).astype(float)
    names = TrialNames(outcomes=("controllable", "distractor"), signals=("dopamine",))
    return trials_from_arrays(choice, outcome, names=names)


def with_outcome(trials, outcome):
    return dataclasses.replace(trials, outcome=outcome)


def relabelled(trials):
    """Half of the single rewards become the other kind."""
    single = trials.outcome.sum(2) == 1
    swap = single & (np.random.default_rng(1).random(single.shape) < 0.5)
    assert swap.any()
    return with_outcome(
        trials, np.where(swap[..., None], trials.outcome[..., ::-1], trials.outcome)
    )


def redrawn_distractors(trials):
    distractor = np.random.default_rng(2).integers(0, 2, trials.choice.shape).astype(float)
    return with_outcome(trials, np.stack([trials.outcome[..., 0], distractor], axis=-1))


def same(first, second):
    return all(
        np.array_equal(a, b, equal_nan=True)
        for a, b in zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True)
    )


@pytest.mark.parametrize("name", AGENTS)
@pytest.mark.parametrize("change", [relabelled, redrawn_distractors])
def test_only_the_naive_agent_is_blind_to_labels_and_only_the_savvy_to_distractors(name, change):
    """To the last bit, in choices, signals and latent variables."""
    blind = {("naive", relabelled), ("savvy", redrawn_distractors)}
    trials = binary_trials()
    model = AGENTS[name]
    before, after = unroll(model, trials), unroll(model, change(trials))
    assert same(before, after) == ((name, change) in blind)


def test_graded_rewards_keep_both_rules():
    trials = example_trials(2, 1, n_outcomes=2)
    exchanged = with_outcome(trials, trials.outcome[..., ::-1])
    assert same(unroll(NAIVE, trials), unroll(NAIVE, exchanged))
    assert same(unroll(SAVVY, trials), unroll(SAVVY, redrawn_distractors(trials)))


@pytest.mark.parametrize(("variant", "agent"), [("naive", NAIVE), ("savvy", SAVVY)])
def test_the_mixture_ends_in_the_pure_agents(variant, agent):
    trials = binary_trials()
    mixture = StructureMixture(0.3, 3.0, **StructureMixture.variants[variant], **SIGNAL)
    assert same(unroll(mixture, trials), unroll(agent, trials))


@pytest.mark.parametrize("weight", [0.0, 0.25, 0.6, 1.0])
def test_the_mixture_weighs_the_targets_of_both(weight):
    mixture = StructureMixture(0.3, 3.0, weight)
    for outcome in ([0, 0], [1, 0], [0, 1], [1, 1]):
        x = jnp.array(outcome, float)
        expected = weight * SAVVY.credit(x) + (1 - weight) * NAIVE.credit(x)
        np.testing.assert_allclose(mixture.credit(x), expected, rtol=1e-6)


@pytest.mark.parametrize("name", AGENTS)
def test_rewards_are_found_by_their_columns(name):
    trials, model = binary_trials(), AGENTS[name]
    turned = dataclasses.replace(model, controllable=2, distractor=0)
    nothing = np.zeros_like(trials.outcome[..., :1])
    three = trials_from_arrays(
        trials.choice,
        np.concatenate([trials.outcome[..., 1:], nothing, trials.outcome[..., :1]], axis=2),
        names=TrialNames(outcomes=("distractor", "water", "controllable"), signals=("dopamine",)),
    )
    assert same(unroll(model, trials), unroll(turned, three))
    with pytest.raises(ConfigError, match=rf"{type(model).__name__} takes outcome columns 2 and 0"):
        unroll(turned, trials)


def test_two_process_utilities_are_one_for_both_and_given_for_the_others():
    for outcome, worth in (([0, 0], -0.4), ([1, 0], 0.8), ([0, 1], 0.1), ([1, 1], 1.0)):
        assert float(TWO_PROCESS.utility(jnp.array(outcome, float))) == pytest.approx(worth)


def test_a_habit_at_the_learning_rate_is_a_shift_of_all_utilities():
    """c = beta_H / 2 beta: u + c over 1 + c, at beta (1 + c); why the two rates must differ."""
    trials = binary_trials()
    c = 0.6 / (2 * 1.5)
    utilities = [(u + c) / (1 + c) for u in (0.8, 0.1, -0.4)]
    habit = unroll(TwoProcess(0.4, 1.5, 0.8, 0.1, -0.4, 0.4, 0.6), trials).choice_logits
    shifted = unroll(TwoProcess(0.4, 1.5 * (1 + c), *utilities, 0.4, 0.0), trials).choice_logits
    np.testing.assert_allclose(np.diff(habit), np.diff(shifted), atol=1e-5)


def test_habits_follow_choices_whatever_came():
    trials = binary_trials()
    before = unroll(TWO_PROCESS, trials).latents
    after = unroll(TWO_PROCESS, redrawn_distractors(relabelled(trials))).latents
    assert np.array_equal(before["H_0"], after["H_0"])
    assert np.array_equal(before["H_1"], after["H_1"])
    assert not np.array_equal(before["Q_0"], after["Q_0"])


def weights_by_outcome(model: CognitiveModel, n_lags=5):
    """Sums over lags of the history regression's weights, and their standard errors: statsmodels.

    Outcomes in the order none, controllable, distractor, both.
    """
    trials = simulate(
        model, DistractorRewards(), n_sessions=40, n_trials=500, key=jax.random.key(0)
    )
    sign = 2.0 * trials.choice - 1.0
    kind = trials.outcome[..., 0] + 2 * trials.outcome[..., 1]
    columns = [
        (sign * (kind == i))[:, n_lags - lag : 500 - lag].ravel()
        for i in range(4)
        for lag in range(1, n_lags + 1)
    ]
    design = sm.add_constant(np.stack(columns, axis=1))
    fit = sm.Logit(trials.choice[:, n_lags:].ravel(), design).fit(disp=0)
    sums = np.hstack([np.zeros((4, 1)), np.kron(np.eye(4), np.ones(n_lags))])
    return sums @ fit.params, np.sqrt(np.diag(sums @ fit.cov_params() @ sums.T))


@pytest.mark.parametrize(
    ("model", "signs"),
    [(NAIVE, [-1, 1, 1, 1]), (SAVVY, [-1, 1, -1, 1])],
    ids=["naive", "savvy"],
)
def test_regression_weights_have_the_signs_of_figure_2(model, signs):
    """Signs alone: the naive agent's weights of the two single rewards are alike, not equal.

    Past choices and outcomes are not the agent's rule, and the two kinds of reward differ in what
    they tell of the block: the difference of their sums is 0.3 with 5 lags, -0.3 with 20, though
    the agent cannot tell them apart. A test must draw its null distribution, not assume 0.
    """
    weight, error = weights_by_outcome(model)
    assert (signs * weight > 5 * error).all(), (weight, error)


def test_a_savvy_agents_weights_do_not_depend_on_the_distractor():
    """A coin that the agent ignores is exchangeable, so these weights do have equal means."""
    weight, error = weights_by_outcome(SAVVY)
    for without, with_distractor in ((0, 2), (1, 3)):
        spread = np.hypot(error[without], error[with_distractor])
        assert abs(weight[without] - weight[with_distractor]) < 4.5 * spread


def test_a_mixed_agent_credits_the_distractor_in_part():
    (none, controllable, distractor, _), error = weights_by_outcome(MIXED)
    assert controllable - distractor > 5 * error.max()
    assert distractor - none > 5 * error.max()
