"""What describes a new subject to a network: most probable numbers, nothing else changed."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize

from accumbens.errors import ConfigError, DataError
from accumbens.fit.new_subjects import SMALLEST_SD, Newcomers, describe_new_subjects
from accumbens.models.by_subject import BySubject
from accumbens.models.disrnn import DisRNN, DisRNNConfig
from accumbens.models.gru import GRU
from accumbens.models.q_learning import QLearning
from accumbens.scoring.metrics import predict, session_sums
from accumbens.simulation import simulate
from accumbens.tasks.bandits import DriftingBandit

WEIGHT = np.array([0.5, 0.3, 0.0, 0.2])
"""The third subject was never fitted; its numbers count for nothing."""


def plain_spread(numbers):
    """Weighted mean and unbiased SD of the known subjects' numbers, by a loop."""
    mean = sum(w * row for w, row in zip(WEIGHT, numbers, strict=True))
    squares = sum(w * (row - mean) ** 2 for w, row in zip(WEIGHT, numbers, strict=True))
    return mean, np.sqrt(squares / (1 - sum(WEIGHT**2)))


def disrnn(key, *, signals=("dopamine",)):
    """Two numbers a subject, which matter: large, and read through open bottlenecks."""
    config = DisRNNConfig(
        latents=2, update_layers=1, update_units=4, choice_layers=1, subject_embedding=2,
        signal_subject_embedding=1,
    )  # fmt: skip
    model = DisRNN.initial(config, signal_names=signals, n_subjects=4, key=key)
    rows = 2.0 * jax.random.normal(jax.random.fold_in(key, 1), (4, 2))
    return eqx.tree_at(
        lambda m: [m.core.embedding, m.signal_networks.embedding], model, [rows, rows[:, :1]]
    )


def gru(key):
    model = GRU(n_signals=1, hidden=3, n_subjects=4, embedding=2, key=key)
    rows = 2.0 * jax.random.normal(jax.random.fold_in(key, 1), (4, 2))
    return eqx.tree_at(lambda m: m.embedding, model, rows)


def sessions(subjects, n_sessions=2):
    """Sessions of new subjects alone, by number."""
    trials = simulate(
        QLearning(0.5, 4.0, gain=1.0, offset=0.0), DriftingBandit(), n_trials=60,
        n_sessions=n_sessions * len(subjects), key=jax.random.key(9),
    )  # fmt: skip
    names = dataclasses.replace(trials.names, subjects=tuple("abcdefg"[: max(subjects) + 1]))
    subject = np.repeat(np.array(subjects, np.int32), n_sessions)
    return dataclasses.replace(trials, subject=subject, names=names)


def cost(model, trials, choices, signals):
    """Of the docstring, without the prior, through the model's scores."""
    sums = session_sums(predict(model, trials), trials)
    return 0.5 * signals * sums.squared_error.sum() - choices * sums.log_likelihood.sum()


def plainly_fitted(model, where, trials, choices, signals):
    """The most probable numbers of subject 4, alone, by a simplex begun anew from its end."""
    mean, sd = plain_spread(np.asarray(where(model), np.float64)[:4])

    def total(x):
        rows = jnp.asarray(np.vstack([np.asarray(where(model))[:4], mean + sd * x]), jnp.float32)
        described = eqx.tree_at(where, model, rows)
        return cost(described, trials, choices, signals) + 0.5 * (x**2).sum()

    x = np.zeros(len(mean))
    for _ in range(3):  # a simplex may collapse; a new one at its end goes on
        options = {"xatol": 1e-3, "fatol": 1e-4}
        found = scipy.optimize.minimize(total, x, method="Nelder-Mead", options=options)
        x = found.x
    return mean + sd * found.x, found.fun, total


def without_sessions(n_subjects=5, numbers=(4,)):
    return Newcomers(np.array(numbers), n_subjects, WEIGHT, None)


def core(model):
    return model.core.embedding


def of_signals(model):
    return model.signal_networks.embedding


def of_gru(model):
    return model.embedding


@pytest.mark.parametrize(("make", "where"), [(disrnn, core), (disrnn, of_signals), (gru, of_gru)])
def test_without_sessions_the_mean_of_the_known_subjects(make, where):
    model = make(jax.random.key(2))
    described = describe_new_subjects(model, without_sessions(6, (4, 5)))
    mean, _ = plain_spread(np.asarray(where(model), np.float64))
    np.testing.assert_allclose(where(described)[4:], [mean, mean], rtol=1e-5)
    np.testing.assert_array_equal(where(described)[:4], where(model))
    assert described.n_subjects == 6
    again = describe_new_subjects(model, without_sessions(4, (2,)))  # a row that it has
    np.testing.assert_allclose(where(again)[2], mean, rtol=1e-5)


@pytest.mark.parametrize(
    ("make", "where", "choices", "signals"),
    [(disrnn, core, 1, 0), (gru, of_gru, 1, 1), (disrnn, of_signals, 0, 1)],
    ids=["core", "gru", "signals"],
)
def test_sessions_give_the_most_probable_numbers(make, where, choices, signals):
    """As a simplex search finds them, to what it can tell; nothing else changes."""
    model = make(jax.random.key(2))
    trials = sessions([4])
    described = describe_new_subjects(model, Newcomers(np.array([4]), 5, WEIGHT, trials))
    # the core's numbers come first, and signals are read from the latents that they lead to
    base = described if where is of_signals else model
    rows, lowest, total = plainly_fitted(base, where, trials, choices, signals)
    mean, sd = plain_spread(np.asarray(where(model), np.float64))
    found = np.asarray(where(described)[4], np.float64)
    assert total((found - mean) / sd) < lowest + 2e-3
    np.testing.assert_allclose((found - mean) / sd, (rows - mean) / sd, atol=0.05)
    assert np.abs((found - mean) / sd).max() > 0.2  # these sessions do say something
    np.testing.assert_array_equal(where(described)[:4], where(model))
    cut = eqx.tree_at(where, described, where(model))
    others = [w for w in (core, of_signals) if w is not where] if make is disrnn else []
    for other in others:
        cut = eqx.tree_at(other, cut, other(model))
    assert eqx.tree_equal(cut, model)


def test_new_subjects_are_fitted_apart():
    """Each as if it were alone, and known ones stay."""
    model, trials = gru(jax.random.key(2)), sessions([4, 5])
    both = describe_new_subjects(model, Newcomers(np.array([4, 5]), 6, WEIGHT, trials))
    for number in (4, 5):
        alone = trials.select_sessions(np.flatnonzero(trials.subject == number))
        one = describe_new_subjects(model, Newcomers(np.array([number]), 6, WEIGHT, alone))
        _, sd = plain_spread(np.asarray(model.embedding, np.float64))
        difference = np.asarray(one.embedding - both.embedding)[number] / sd
        np.testing.assert_allclose(difference, 0.0, atol=0.05)
    np.testing.assert_array_equal(both.embedding[:4], model.embedding)


def test_only_sessions_that_count_count():
    model, trials = gru(jax.random.key(2)), sessions([4], 3)
    who = Newcomers(np.array([4]), 5, WEIGHT, trials, np.array([True, False, True]))
    assert who.trials is not None
    assert who.trials.names.sessions == ("0", "2")
    alone = who._replace(sessions=who.trials, counted=None)
    _, sd = plain_spread(np.asarray(model.embedding, np.float64))
    both = [describe_new_subjects(model, one).embedding[4] / sd for one in (who, alone)]
    np.testing.assert_allclose(*both, atol=0.02)
    assert np.abs(both[0] - describe_new_subjects(
        model, who._replace(counted=None)).embedding[4] / sd).max() > 0.05  # fmt: skip
    nothing = who._replace(counted=np.zeros(3, bool))
    assert nothing.trials is None
    mean = describe_new_subjects(model, without_sessions()).embedding
    np.testing.assert_array_equal(describe_new_subjects(model, nothing).embedding, mean)


def test_where_known_subjects_are_alike_so_are_new_ones():
    model = gru(jax.random.key(2))
    model = eqx.tree_at(lambda m: m.embedding, model, jnp.ones((4, 2)))
    found = describe_new_subjects(model, Newcomers(np.array([4]), 5, WEIGHT, sessions([4])))
    np.testing.assert_allclose(found.embedding[4], 1.0, atol=10 * SMALLEST_SD)


def test_models_without_subjects_stay_as_they_are():
    model = QLearning(0.3, 3.0)
    assert describe_new_subjects(model, without_sessions()) is model
    plain = DisRNN.initial(DisRNNConfig(latents=2), n_subjects=4, key=jax.random.key(0))
    described = describe_new_subjects(plain, without_sessions())
    assert described.n_subjects is None
    assert described.core.embedding.shape == (5, 0)


def test_what_cannot_be_described_says_so():
    each = BySubject(jax.tree.map(lambda *x: jnp.stack(x), *[QLearning(0.3, 3.0)] * 4))
    with pytest.raises(
        ConfigError, match=r"The model BySubject has parameters for each of its sub"
    ):
        describe_new_subjects(each, without_sessions())
    nobody = Newcomers(np.array([4]), 5, np.zeros(4), None)
    with pytest.raises(DataError, match=r"No subject of the run was fitted, so nothing describes"):
        describe_new_subjects(gru(jax.random.key(0)), nobody)
