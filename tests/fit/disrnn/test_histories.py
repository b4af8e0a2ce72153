"""Histories that are made for copying: what they are made of, and what they are good for."""

import dataclasses

import jax
import numpy as np
import pytest

from accumbens.fit.disrnn import histories
from accumbens.fit.disrnn.config import RecipeConfig, SelectionConfig
from accumbens.fit.disrnn.histories import made_histories, n_made
from accumbens.fit.disrnn.selection import select_disrnn
from accumbens.models.disrnn import DisRNNConfig
from accumbens.models.q_learning import QLearning
from accumbens.simulation import simulate
from accumbens.tasks.bandits import DriftingBandit
from accumbens.trials import MISSED, Trials
from accumbens.unrolling import unroll
from helpers.small_selections import sessions_of


@pytest.fixture(scope="module")
def trials():
    """Two subjects, three sessions each; every outcome is a number of its own."""
    made = sessions_of()
    outcome = np.arange(300.0).reshape(6, 50, 1)
    length = np.array([50, 50, 40, 50, 50, 50], np.int32)
    names = dataclasses.replace(made.names, subjects=("a", "b"))
    choice = np.where(np.arange(50) < length[:, None], made.choice, MISSED)
    choice[1, 7] = MISSED
    return dataclasses.replace(
        made, choice=choice.astype(np.int32), outcome=outcome, length=length, names=names,
        subject=np.array([0, 0, 0, 1, 1, 1], np.int32),
    )  # fmt: skip


def test_as_many_sessions_are_made_as_trials_are_missing(trials):
    assert n_made(trials, 0) == n_made(trials, int(trials.scored.sum())) == 0
    assert n_made(trials, int(trials.scored.sum()) + 1) == 1
    assert n_made(trials, int(trials.scored.sum()) + 101) == 3


def sources(made: Trials) -> np.ndarray:
    """Session and trial that each trial was taken from, as its outcome says."""
    return np.stack(np.divmod(made.outcome[..., 0].astype(int), 50), -1)


def test_histories_are_blocks_of_what_is_seen_of_one_subject(trials):
    seen = trials.in_session & (np.arange(6)[:, None] != 4)
    seen[0, 20:30] = False
    made = made_histories(trials, seen, 40, jax.random.key(0))
    assert made.choice.shape == (40, 50)
    of = sources(made)
    session, trial = of[..., 0], of[..., 1]
    assert seen[session, trial].all()
    assert (trials.subject[session] == made.subject[:, None]).all()
    assert set(np.unique(session)) == {0, 1, 2, 3, 5}
    np.testing.assert_array_equal(made.choice, trials.choice[session, trial])
    assert (made.choice == MISSED).any()  # a missed trial is kept where it is
    follows = (np.diff(trial) == 1) & (np.diff(session) == 0)
    blocks = 40 * 50 / (40 + (~follows).sum())
    assert 9 < blocks < histories.BLOCK  # sessions and gaps end some early


def test_a_subject_of_whom_nothing_is_seen_has_none_made(trials):
    seen = trials.in_session & (trials.subject == 1)[:, None]
    assert set(made_histories(trials, seen, 20, jax.random.key(0)).subject) == {1}


def test_the_same_key_makes_the_same_histories(trials):
    one, same, other = (
        made_histories(trials, trials.in_session, 5, jax.random.key(k)) for k in (0, 0, 1)
    )
    np.testing.assert_array_equal(one.outcome, same.outcome)
    assert not np.array_equal(one.outcome, other.outcome)


def test_a_copy_of_few_trials_is_nearer_to_its_guide_in_new_sessions():
    agent = QLearning(0.4, 4.0)
    few, new = (
        simulate(agent, DriftingBandit(), n_sessions=n, n_trials=40, key=jax.random.key(n))
        for n in (4, 50)
    )
    recipe = RecipeConfig(
        disrnn=DisRNNConfig(latents=2, update_units=4, update_layers=1, choice_layers=1)
    )
    divergence = {}
    for n in (0, 2000):
        config = SelectionConfig(
            shares=(1.0,), starts=1, folds=2, steps=600, relaxing=150, guides=("q_learning",),
            histories=n,
        )  # fmt: skip
        found = select_disrnn(few, recipe, config, key=jax.random.key(0))
        log_p, log_q = (
            np.asarray(jax.nn.log_softmax(unroll(m, new).choice_logits))
            for m in (found.guide.models[-1], found.model)
        )
        divergence[n] = float((np.exp(log_p) * (log_p - log_q)).sum(-1).mean())
    assert divergence[2000] < 0.5 * divergence[0]
