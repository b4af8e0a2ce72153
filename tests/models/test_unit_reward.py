"""The coding of rewards changes nothing: 0 and 1, -1 and 1, or microlitres."""

import jax
import numpy as np
import pytest

from accumbens.errors import DataError
from accumbens.fit.likelihood.maximum_likelihood import fit_maximum_likelihood
from accumbens.models.actor_critic import ActorCritic
from accumbens.models.belief import BeliefAgent
from accumbens.models.dfq import DFQ
from accumbens.models.meta_learning import MetaLearning
from accumbens.models.parts.composed import with_parts
from accumbens.models.pearce_hall import PearceHall
from accumbens.models.q_learning import QLearning
from accumbens.models.reward_habit import RewardHabit
from accumbens.models.rflr import RFLR
from accumbens.models.structured import StructureMixture
from accumbens.models.two_process import TwoProcess
from accumbens.simulation import simulate
from accumbens.tasks.bandits import DriftingBandit
from accumbens.tasks.distractor import DistractorRewards
from accumbens.trials import TrialNames, trials_from_arrays
from accumbens.unrolling import unroll

UNIT = {
    "belief": BeliefAgent(0.8, 0.3, 0.1, 3.0),
    "rflr": RFLR(0.6, 1.5, 2.0),
    "reward_habit": RewardHabit(0.6, 1.2, 0.2, 1.0),
    "pearce_hall": PearceHall(0.7, 0.4, 3.0),
    "meta_learning": MetaLearning(0.5, 0.3, 0.2, 0.4, 0.1, 3.0),
    "belief_with_parts": with_parts(BeliefAgent(0.8, 0.3, 0.1, 3.0), side_bias=0.2),
    "structure_mixture": StructureMixture(0.3, 3.0, 0.6),
    "two_process": TwoProcess(0.5, 1.5, 0.8, 0.1, -0.4, 0.1, 1.0),
}
AFFINE = {
    "q_learning": QLearning(0.3, 3.0),
    "dfq": DFQ(0.4, 0.2, 2.0, 0.5),
    "actor_critic": ActorCritic(0.8, 0.1, 0.3),
}


def sessions(model, n_sessions=4):
    task = DistractorRewards() if hasattr(model, "distractor") else DriftingBandit()
    return simulate(model, task, n_sessions=n_sessions, n_trials=60, key=jax.random.key(0))


def recoded(trials, none, full):
    return trials_from_arrays(
        trials.choice, none + (full - none) * trials.outcome, names=trials.names
    )


QUICK = ("belief", "two_process", "structure_mixture")
"""The others are slow tests: each compiles four fits."""


@pytest.mark.parametrize(
    "name", [n if n in QUICK else pytest.param(n, marks=pytest.mark.slow) for n in UNIT]
)
def test_models_of_full_and_no_rewards_fit_any_two_values_alike(name):
    model = UNIT[name]
    trials = sessions(model)
    options = {"key": jax.random.key(1), "n_starts": 1}
    plain = fit_maximum_likelihood(model, trials, **options)
    for none, full in ((-1.0, 1.0), (0.0, 0.5), (2.0, 10.0)):
        other = recoded(trials, none, full)
        fit = fit_maximum_likelihood(model, other, **options)
        assert fit.log_likelihood == pytest.approx(plain.log_likelihood, abs=1e-6)
        np.testing.assert_allclose(
            unroll(fit.model, other).choice_logits, unroll(plain.model, trials).choice_logits,
            atol=1e-4,
        )  # fmt: skip


@pytest.mark.parametrize("name", AFFINE)
def test_models_of_any_reward_reach_the_same_likelihood_in_any_coding(name):
    trials = sessions(AFFINE[name], 12)
    plain = fit_maximum_likelihood(type(AFFINE[name]), trials, key=jax.random.key(1))
    for none, full in ((-1.0, 1.0), (2.0, 4.0)):
        fit = fit_maximum_likelihood(
            type(AFFINE[name]), recoded(trials, none, full), key=jax.random.key(1)
        )
        assert fit.log_likelihood == pytest.approx(plain.log_likelihood, abs=1e-3)


def graded(values):
    choice = np.tile([0, 1, 1, 0, -1], (1, 4))
    reward = np.resize(values, choice.shape).astype(float)
    reward[choice == -1] = np.nan
    names = TrialNames(subjects=("rat",), sessions=("one",))
    return trials_from_arrays(choice, reward[..., None], names=names)


def test_graded_rewards_lie_from_0_to_1():
    model = UNIT["belief"]
    fine = graded([0.0, 0.25, 1.0])
    assert fit_maximum_likelihood(
        model, fine, key=jax.random.key(0), n_starts=1
    ).model.reward_range == (0.0, 1.0)
    wrong = graded([0.0, 0.25, 5.0])
    message = (
        r"BeliefAgent takes rewards from 0 \(none\) to 1 \(full\), but outcome reward is 5 in "
        r"session rat/one, trial 2\. Scale the column"
    )
    with pytest.raises(DataError, match=message):
        fit_maximum_likelihood(type(model), wrong, key=jax.random.key(0))
    with pytest.raises(DataError, match=message):
        unroll(model, wrong)


def test_a_stated_coding_is_kept():
    model = BeliefAgent(0.8, 0.3, 0.1, 3.0, reward_range=(0.0, 4.0))
    fit = fit_maximum_likelihood(model, graded([0.0, 2.0]), key=jax.random.key(0), n_starts=1)
    assert fit.model.reward_range == (0.0, 4.0)
    with pytest.raises(DataError, match=r"rewards from 0 .none. to 4 .full., but .* is 5"):
        fit_maximum_likelihood(model, graded([0.0, 5.0]), key=jax.random.key(0))
