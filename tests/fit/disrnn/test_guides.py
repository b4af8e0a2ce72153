"""Guides: the best cognitive model on held-out trials, for all subjects or for each its own."""

import dataclasses
import zlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize

from accumbens.errors import ConfigError
from accumbens.fit.disrnn import guides
from accumbens.fit.disrnn.guides import (
    best_guide,
    guide_of_all,
    most_probable_values,
    subjects_can_be_told_apart,
)
from accumbens.fit.folds import TOLERANCE, folds_of
from accumbens.fit.likelihood.parameter_space import parameter_space
from accumbens.models.actor_critic import ActorCritic
from accumbens.models.bias import BiasOnly
from accumbens.models.by_subject import BySubject
from accumbens.models.parts.composed import with_parts
from accumbens.models.q_learning import QLearning
from accumbens.models.rflr import RFLR
from accumbens.simulation import simulate
from accumbens.tasks.bandits import DriftingBandit
from accumbens.trials import concatenate
from accumbens.unrolling import choice_log_likelihood, unroll

AGENT = QLearning(0.4, 4.0)
SOME = ("bias", "q_learning", "dfq")


def simulated(agent, n_sessions, seed, name="a"):
    trials = simulate(
        agent, DriftingBandit(), n_sessions=n_sessions, n_trials=80, key=jax.random.key(seed)
    )
    return dataclasses.replace(trials, names=dataclasses.replace(trials.names, subjects=(name,)))


@pytest.fixture(scope="module")
def trials():
    return simulated(AGENT, 8, 1)


def log_likelihood(model, trials):
    logits = jnp.asarray(unroll(model, trials).choice_logits)
    return np.asarray(choice_log_likelihood(logits, trials.batch())).sum()


def test_the_best_cognitive_model_is_the_one_that_predicts_what_folds_held_out(trials):
    guide = best_guide(trials, folds_of(trials, 2), key=jax.random.key(0), guides=SOME)
    assert set(guide.held_out) == set(SOME)
    assert len(guide.models) == 3
    assert guide.held_out["q_learning"].sum() > guide.held_out["bias"].sum()
    best = max(x.sum() for x in guide.held_out.values())
    assert guide.name == "q_learning"
    assert guide.held_out["q_learning"].sum() > best - TOLERANCE * trials.scored.sum()
    assert guide.apart is None  # there is one
    assert guide.name_for(2) == guide.name
    whole = [log_likelihood(guide.models[-1], trials), log_likelihood(AGENT, trials)]
    assert whole[0] > whole[1] - 1.0  # fitted to these very trials


@pytest.mark.parametrize(
    ("behind", "taken"),
    [
        ({"dfq": 0.0, "rflr": 0.9, "q_learning": 2.0, "bias": 400.0}, "rflr"),  # the fewest as good
        ({"dfq": 0.0, "rflr": 1.1, "q_learning": 2.0, "bias": 400.0}, "dfq"),
        ({"dfq": 0.9, "rflr": 0.0, "q_learning": 0.0, "bias": 400.0}, "rflr"),
        ({"dfq": 0.0, "rflr": 0.9, "q_learning": 2.0, "bias": 5.0}, "bias"),  # within 1 SE
        ({"dfq": 0.0, "rflr": 0.9, "q_learning": 2.0, "bias": 10.0}, "rflr"),
    ],
)
def test_of_guides_that_are_as_good_the_one_with_the_fewest_parameters_is_taken(
    trials, behind, taken
):
    """behind: the best one, in units of the tolerance. Sessions differ from one another."""
    n_scored = trials.scored.sum(1)
    of_session = np.where(np.arange(8) % 2, 1.0, -1.0)  # their differences cancel
    held_out = {
        name: -n_scored * (0.5 + TOLERANCE * (x + (20.0 * of_session if name == "bias" else 0.0)))
        for name, x in behind.items()
    }
    n_parameters = {"dfq": 4, "rflr": 2, "q_learning": 3, "bias": 1}
    assert guides._taken(held_out, n_parameters, trials) == taken


@pytest.mark.parametrize(("n_sessions", "n_starts"), [(1, 4), (16, 4), (20, 5), (100, 16)])
def test_richer_data_have_more_starts(trials, n_sessions, n_starts):
    many = trials.select_sessions(np.arange(n_sessions) % 8)  # of 80 trials each
    assert guides.starts_for(many) == n_starts


def test_rflr_of_rewards_alone_has_no_choice_weight(trials):
    agent = RFLR(0.0, 1.5, 3.0)
    made = simulated(agent, 8, 2)
    guide = best_guide(made, folds_of(made, 2), key=jax.random.key(0), guides=("bias", "rflr"))
    assert guide.name == "rflr"
    fitted = [model for model in guide.models if isinstance(model, RFLR)]
    assert [float(model.choice_weight) for model in fitted] == [0.0] * 3
    assert log_likelihood(guide.models[-1], made) > log_likelihood(agent, made)


def test_a_guide_of_a_part_is_fitted_again_to_all_sessions(trials):
    part = trials.select_sessions(range(4))
    guide = best_guide(part, folds_of(part, 2), key=jax.random.key(0), guides=("q_learning",))
    again = guide_of_all(guide, trials, by_subject=False, key=jax.random.key(0))
    whole = best_guide(trials, folds_of(trials, 2), key=jax.random.key(0), guides=("q_learning",))
    likelihoods = [log_likelihood(m, trials) for m in (again, whole.models[-1], guide.models[-1])]
    assert likelihoods[0] == pytest.approx(likelihoods[1], abs=0.01)
    assert likelihoods[0] > likelihoods[2]


@pytest.mark.parametrize(("spread", "name"), [(0.2, "q_learning"), (2.0, "bias")])
def test_a_guide_must_be_ahead_of_a_bias_by_a_standard_error(trials, monkeypatch, spread, name):
    """Of eight sessions, the first has gained and the second lost so much, on top of 0.1 each."""
    gained = 0.1 + spread * np.array([1, -1, 1, -1, 1, -1, 1, -1.0])
    assert (gained.mean() > gained.std(ddof=1) / np.sqrt(8)) == (name != "bias")

    def held_out(models, *_):
        return -50.0 + (0.0 if isinstance(models[0], BiasOnly) else 1.0) * gained

    monkeypatch.setattr(guides, "_held_out", held_out)
    folds = folds_of(trials, 2)
    guide = best_guide(trials, folds, key=jax.random.key(0), guides=("bias", "q_learning"))
    assert guide.name == name
    assert set(guide.held_out) == {"bias", "q_learning"}


def test_habits_are_seen(trials):
    habitual = with_parts(QLearning(0.4, 2.0), perseveration=3.0, perseveration_rate=0.15)
    trials = simulated(habitual, 20, 2)
    tried = ("q_learning", "q_learning_habits")
    guide = best_guide(trials, folds_of(trials, 2), key=jax.random.key(0), guides=tried)
    assert guide.name == "q_learning_habits"
    assert guide.held_out[guide.name].sum() > guide.held_out["q_learning"].sum() + 20.0


def test_guides_that_do_not_suit_the_trials_are_left_out(trials):
    tried = ("structure_mixture", "bias")
    guide = best_guide(trials, folds_of(trials, 2), key=jax.random.key(0), guides=tried)
    assert list(guide.held_out) == ["bias"]
    with pytest.raises(ConfigError, match=r"structure_mixture.*suits these trials: add bias"):
        best_guide(trials, folds_of(trials, 2), key=jax.random.key(0), guides=tried[:1])


def test_a_fit_without_a_fold_does_not_see_it(trials):
    fold = folds_of(trials, 2)[0]
    other = dataclasses.replace(
        trials, choice=np.where(fold, trials.number % 2, trials.choice).astype(np.int32)
    )
    counted = np.stack([~fold, np.ones_like(fold)])
    space = parameter_space(QLearning, 2)

    def parameters(of):
        with jax.enable_x64(True):
            starts = space.draw_starts(jax.random.key(0), 4)
            return np.asarray(most_probable_values(space, of.batch(np.float64), counted, starts))

    (without, everything), (without_too, everything_too) = parameters(trials), parameters(other)
    np.testing.assert_allclose(without, without_too, atol=1e-2)
    assert not np.allclose(everything, everything_too, atol=1e-1)


def test_parameters_are_most_probable_under_a_prior_that_makes_rates_uniform(trials):
    """SciPy's minimum of the likelihood written out in a loop, and the logistic's variance."""
    few = trials.select_sessions([0])
    space = parameter_space(QLearning, 2)
    assert space.names == ("learning_rate", "inverse_temperature", "initial_value")
    rate, temperature = (np.mean(place.start) for place in space.places[:2])
    middle = np.log([rate / (1 - rate), temperature / (100 - temperature)])
    quantiles = (np.arange(1e5) + 0.5) / 1e5
    variance = np.var(np.log(quantiles / (1 - quantiles)))

    def cost(u):
        rate, temperature = 1 / (1 + np.exp(-u[0])), 100 / (1 + np.exp(-u[1]))
        q, log_p = np.full(2, u[2]), 0.0
        for c, r in zip(few.choice[0], few.outcome[0, :, 0], strict=True):
            log_p += temperature * q[c] - np.logaddexp(*(temperature * q))
            q[c] += rate * (r - q[c])
        return ((u[:2] - middle) ** 2).sum() / (2 * variance) - log_p

    with jax.enable_x64(True):
        starts = space.draw_starts(jax.random.key(0), 4)
        counted = np.ones((1, *few.choice.shape), bool)
        (found,) = most_probable_values(space, few.batch(np.float64), counted, starts)
    begin = np.append(middle, 0.5)
    oracle = scipy.optimize.minimize(cost, begin, method="Nelder-Mead", tol=1e-8)
    np.testing.assert_allclose(found, oracle.x, atol=5e-3)
    assert cost(np.asarray(found)) < oracle.fun + 1e-4


def test_few_trials_do_not_make_a_guide_that_is_far_below_chance_elsewhere():
    """The most likely critic hardly learns in these sessions, so that its actor runs away wherever
    rewards stay out for long: its likelihood is 0.24 in sessions that it has not seen."""
    agent, key = ActorCritic(1.153, 0.057, 0.284), jax.random.key(zlib.crc32(b"actor_critic"))
    both = simulate(
        agent, DriftingBandit(0.081), n_sessions=10, n_trials=100, key=jax.random.fold_in(key, 2)
    )
    seen, new = (both.select_sessions(range(i, 10, 2)) for i in (0, 1))
    guide = best_guide(seen, folds_of(seen, 4), key=jax.random.key(0), guides=("actor_critic",))
    likelihood = np.exp(log_likelihood(guide.models[-1], new) / new.scored.sum())
    assert likelihood > 0.6


def test_subjects_that_differ_get_parameters_of_their_own():
    names = ["a", "b", "c", "d"]
    agents = [QLearning(rate, 5.0) for rate in (0.05, 0.1, 0.7, 0.9)]
    trials = concatenate([
        simulated(agent, 6, 10 + i, name)
        for i, (agent, name) in enumerate(zip(agents, names, strict=True))
    ])  # fmt: skip
    guide = best_guide(trials, folds_of(trials, 3), key=jax.random.key(0), guides=SOME)
    assert guide.name_for(0) == guide.name
    assert guide.name_for(2) == f"{guide.name}, by subject"
    assert guide.held_out[guide.name_for(2)].sum() > guide.held_out[guide.name].sum() + 20
    assert guide.apart is not None
    assert all(isinstance(model, BySubject) for model in guide.models_for(2))
    assert not any(isinstance(model, BySubject) for model in guide.models_for(0))
    target = [unroll(guide.apart[-1], trials.select_sessions([s])) for s in (0, 23)]
    assert target[0].choice_logits.shape == target[1].choice_logits.shape


def test_subjects_with_one_session_each_are_not_told_apart():
    """What a single session has of its own may be the session's."""
    agents = [QLearning(rate, 5.0) for rate in (0.05, 0.1, 0.7, 0.9)]
    trials = concatenate([simulated(a, 1, 20 + i, str(i)) for i, a in enumerate(agents)])
    assert not subjects_can_be_told_apart(trials)
    guide = best_guide(trials, folds_of(trials, 2), key=jax.random.key(0), guides=("q_learning",))
    assert list(guide.held_out) == ["q_learning"]
    twice = concatenate([simulated(a, 2, 20 + i, str(i)) for i, a in enumerate(agents[:2])])
    assert subjects_can_be_told_apart(twice)
