"""Subjects that a model by subject was not fitted to, against SciPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import minimize

from accumbens.fit.group.newcomers import with_newcomers
from accumbens.models.by_subject import together
from accumbens.models.naive import Naive
from accumbens.models.parts.composed import with_parts
from accumbens.models.q_learning import QLearning
from accumbens.simulation import simulate
from accumbens.tasks.bandits import DriftingBandit
from accumbens.unrolling import choice_log_likelihood, unroll

RATES = {"a": 0.2, "b": 0.4, "c": 0.3}
OTHERS = QLearning(0.3, 3.0, gain=2.0, offset=0.5)
MODEL = together(
    {name: QLearning(rate, 3.0, gain=1.0, offset=0.0) for name, rate in RATES.items()},
    others=OTHERS,
)


def trials(rate=0.9):
    return simulate(
        QLearning(rate, 3.0, gain=1.0, offset=0.0), DriftingBandit(), n_sessions=2, n_trials=80,
        key=jax.random.key(0),
    )  # fmt: skip


def log_likelihood(rate, of):
    model = QLearning(rate, 3.0, gain=2.0, offset=0.5)
    logits = jnp.asarray(unroll(model, of).choice_logits)
    return float(choice_log_likelihood(logits, of.batch()).sum())


def test_the_parameters_that_differ_are_the_most_probable_ones():
    new = trials()
    found = with_newcomers(MODEL, list(new.names.subjects), new)
    assert found.subjects == ("a", "b", "c", *new.names.subjects)
    logit = np.log(np.array(list(RATES.values())) / (1 - np.array(list(RATES.values()))))
    mean, sd = np.log(0.3 / 0.7), logit.std(ddof=1)

    def cost(u):
        return 0.5 * ((u[0] - mean) / sd) ** 2 - log_likelihood(1 / (1 + np.exp(-u[0])), new)

    wanted = minimize(cost, [mean], method="Nelder-Mead", options={"xatol": 1e-4}).x[0]
    own = found.of(new.names.subjects[0])
    assert float(own.learning_rate) == pytest.approx(1 / (1 + np.exp(-wanted)), abs=2e-3)
    assert 0.3 < float(own.learning_rate) < 0.9
    assert float(own.inverse_temperature) == pytest.approx(3.0)
    assert float(own.gain[0]) == pytest.approx(2.0)
    assert float(found.of("a").learning_rate) == pytest.approx(0.2)


def test_without_sessions_or_differences_it_stays_one_of_the_others():
    new = trials()
    assert float(MODEL.of("new").learning_rate) == pytest.approx(0.3)
    alike = together({"a": OTHERS, "b": OTHERS}, others=OTHERS)
    assert with_newcomers(alike, list(new.names.subjects), new) is alike
    naive = Naive(jnp.zeros((1, 1)), jnp.zeros((1, 1)), jnp.zeros(1))
    means = together({"a": naive}, others=naive)
    assert with_newcomers(means, list(new.names.subjects), new) is means


def test_parts_are_parameters_too():
    models = {
        name: with_parts(QLearning(rate, 3.0), side_bias=rate - 0.3) for name, rate in RATES.items()
    }
    model = together(models, others=with_parts(QLearning(0.3, 3.0), side_bias=0.0))
    new = trials()
    one = with_newcomers(model, list(new.names.subjects), new).of(new.names.subjects[0])
    assert float(one.side_bias) != 0.0
