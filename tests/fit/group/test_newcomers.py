"""Subjects that a model by subject was not fitted to, against SciPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import minimize

from accumbens.fit.group.means import MeansGroup, naive_by_subject, with_new_means
from accumbens.fit.group.newcomers import with_newcomers
from accumbens.fit.group.priors import PlacePrior, prior_over_subjects
from accumbens.models.by_subject import together
from accumbens.models.naive import Naive
from accumbens.models.parts.composed import with_parts
from accumbens.models.q_learning import QLearning
from accumbens.simulation import simulate
from accumbens.tasks.bandits import DriftingBandit
from accumbens.unrolling import choice_log_likelihood, unroll
from helpers import oracles

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


PRIOR = {
    "learning_rate": PlacePrior(-1.0, 0.4), "inverse_temperature": PlacePrior(-3.0, 0.2),
    "gain[dopamine]": PlacePrior(2.0, 0.3), "offset[dopamine]": PlacePrior(-0.5, 0.1),
    "residual_sd[dopamine]": PlacePrior(np.log(0.6), 0.2),
}  # fmt: skip
"""Of a group that is not that of the animals of `MODEL`: what is asked for decides."""


def measured():
    """Trials of a new animal with a noisy signal."""
    new = trials(0.7)
    noise = np.random.default_rng(1).normal(size=new.signal.shape)
    return new.with_signals(1.5 * new.signal + 0.5 * noise, ("dopamine",))


def costs(u, new):
    """Less the log likelihood of choices and of signals, and the distance to the prior (place),
    by the oracle."""
    rate, temperature = 1 / (1 + np.exp(-u[0])), 100 / (1 + np.exp(-u[1]))
    of_choice = of_signal = 0.0
    for i in range(new.n_sessions):
        choice, reward = new.choice[i], new.outcome[i, :, 0]
        p, error = oracles.q_learning(
            choice, reward, learning_rate=rate, inverse_temperature=temperature, initial_value=0.5
        )
        of_choice -= np.log(p[np.arange(len(choice)), choice]).sum()
        away = new.signal[i, :, 0] - u[2] * error - u[3]
        of_signal += (0.5 * (away / np.exp(u[4])) ** 2 + u[4]).sum()
    mean, spread = np.array(list(PRIOR.values())).T
    return of_choice, of_signal, 0.5 * ((u - mean) / spread) ** 2


@pytest.mark.parametrize("target", ["choice", "signal", "both"])
def test_parameters_and_signals_are_the_most_probable_under_the_groups_mean_and_spread(target):
    new = measured()
    model = with_newcomers(MODEL, list(new.names.subjects), new, prior=PRIOR, target=target)
    own = model.of(new.names.subjects[0])
    found = [own.learning_rate, own.inverse_temperature, own.gain[0], own.offset[0]]

    def cost(u):
        of_choice, of_signal, prior = costs(u, new)
        if target == "choice":
            return of_choice + prior[:2].sum()
        return of_signal + prior.sum() + (of_choice if target == "both" else 0.0)

    start = np.array([one.mean for one in PRIOR.values()])
    best = minimize(cost, start, method="BFGS").x
    if target == "choice":  # then the signals, with the parameters held

        def afterwards(x):
            _, of_signal, prior = costs(np.concatenate([best[:2], x]), new)
            return of_signal + prior[2:].sum()

        best = np.concatenate([best[:2], minimize(afterwards, start[2:], method="BFGS").x])
    wanted = [1 / (1 + np.exp(-best[0])), 100 / (1 + np.exp(-best[1])), best[2], best[3]]
    np.testing.assert_allclose(np.ravel(found), wanted, rtol=2e-3)
    far = with_newcomers(
        MODEL, list(new.names.subjects), new, target=target,
        prior={name: one._replace(spread=10 * one.spread) for name, one in PRIOR.items()},
    ).of(new.names.subjects[0])  # fmt: skip
    assert abs(float(far.gain[0]) - 2.0) > abs(float(own.gain[0]) - 2.0)


def test_sessions_that_do_not_count_and_numbers_without_a_spread():
    new = measured()
    name = new.names.subjects[0]
    prior = {**PRIOR, "gain[dopamine]": PlacePrior(2.0, np.nan)}
    first = with_newcomers(MODEL, [name], new, prior=prior, counted=np.array([True, False]))
    alone = with_newcomers(MODEL, [name], new.select_sessions([0]), prior=prior)
    both = with_newcomers(MODEL, [name], new, prior=prior)
    rates = [float(model.of(name).learning_rate) for model in (first, alone, both)]
    assert rates[0] == pytest.approx(rates[1], abs=1e-3)
    assert rates[0] != pytest.approx(rates[2], abs=1e-3)
    assert float(first.of(name).gain[0]) == 2.0
    none = with_newcomers(MODEL, [name], new, prior=prior, counted=np.zeros(2, bool))
    assert none is MODEL


def test_a_signal_that_was_not_measured_leaves_the_groups_gain():
    new = measured()
    new = new.with_signals(np.full_like(new.signal, np.nan), ("dopamine",))
    own = with_newcomers(MODEL, list(new.names.subjects), new, prior=PRIOR).of(
        new.names.subjects[0]
    )
    assert float(own.gain[0]) == pytest.approx(2.0)
    assert float(own.learning_rate) != pytest.approx(1 / (1 + np.exp(1.0)), abs=1e-3)


def test_the_prior_of_separate_estimates():
    found = prior_over_subjects(MODEL, {"dopamine": {"a": 0.5, "b": 0.7}})
    logs = np.log([0.5, 0.7])
    assert found["residual_sd[dopamine]"] == pytest.approx((logs.mean(), logs.std(ddof=1)))
    assert found["gain[dopamine]"] == pytest.approx((2.0, 0.01))  # of the others; all alike
    assert set(found) == {"learning_rate", *(f"{x}[dopamine]" for x in
                          ("gain", "offset", "residual_sd"))}  # fmt: skip
    assert set(prior_over_subjects(MODEL)) == {"learning_rate"}


@pytest.mark.parametrize("between", [0.04, np.inf])
def test_means_of_a_new_subject_are_drawn_to_those_of_the_group(between):
    new = measured()
    model, _ = naive_by_subject(new, shrink=False)
    model = together({"a": model.of(0)}, others=model.of(0))
    group = MeansGroup(np.full((3, 1), 0.25), np.full((3, 1), between))
    moved = new.with_signals(new.signal + 1.0, ("dopamine",))
    name, counted = new.names.subjects[0], np.array([True, False])
    own = with_new_means(model, [name], moved, group, counted).of(name)
    for k, reward in enumerate((0.0, 1.0)):
        values = moved.signal[0, moved.outcome[0, :, 0] == reward, 0]
        mean, n = float(model.of("a").pattern_signal[k, 0]), len(values)
        weight = 1.0 if np.isinf(between) else between / (between + 0.25 / n)
        wanted = mean + weight * (values.mean() - mean)
        assert float(own.pattern_signal[k, 0]) == pytest.approx(wanted, abs=1e-5)
    nothing = with_new_means(model, [name], moved, group, np.zeros(2, bool)).of(name)
    np.testing.assert_allclose(nothing.pattern_signal, model.of("a").pattern_signal, rtol=1e-6)
