"""Log likelihood, score and information of subjects, against plain loops and differences."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from accumbens.cohort import simulate_cohort
from accumbens.fit.group.terms import RegressionTerms, SignalScales, TrialTerms, predictions_along
from accumbens.fit.likelihood.parameter_space import parameter_space
from accumbens.models.q_learning import QLearning
from accumbens.tasks.bandits import DriftingBandit

SPACE = parameter_space(QLearning, 2, fixed={"initial_value": 0.5})
SCALES = SignalScales(*(jnp.array([x]) for x in (2.0, 3.0, 0.7)))
U = np.array([[-0.5, -3.0, 0.4, 0.1, 0.2], [0.3, -3.5, -0.3, 0.05, -0.1]])
"""Of two subjects: logit of the learning rate and of inverse temperature / 100, gain, offset and
log residual SD in their scales."""


@pytest.fixture(scope="module")
def trials():
    agents = [QLearning(rate, 4.0, gain=1.5, offset=0.3) for rate in (0.2, 0.6)]
    found = simulate_cohort(
        agents, DriftingBandit(), n_sessions=[1, 2], n_trials=25, key=jax.random.key(0),
        signal_noise=0.5,
    )  # fmt: skip
    signal = found.signal.copy()
    signal[1, 3:6] = np.nan
    return found.with_signals(signal, found.names.signals)


def of_trials(u, trials, subject):
    """Log p of each choice and each signal of a subject, by a plain loop."""
    rate, beta = 1 / (1 + np.exp(-u[0])), 100 / (1 + np.exp(-u[1]))
    gain, offset, sd = u[2] * 2.0, u[3] * 3.0, 0.7 * np.exp(u[4])
    choices, signals = [], []
    for s in np.flatnonzero(trials.subject == subject):
        q = np.array([0.5, 0.5])
        for t in range(trials.length[s]):
            c, r, y = trials.choice[s, t], trials.outcome[s, t, 0], trials.signal[s, t, 0]
            choices.append(-np.logaddexp(0, beta * (q[1 - c] - q[c])))
            if np.isfinite(y):
                residual = y - gain * (r - q[c]) - offset
                signals.append(-0.5 * np.log(2 * np.pi * sd**2) - residual**2 / (2 * sd**2))
            q[c] += rate * (r - q[c])
    return np.array(choices), np.array(signals)


def terms(trials, target, u):
    with jax.enable_x64(True):
        found = TrialTerms(SPACE, trials.batch(np.float64), SCALES, 2, target)
        return jax.tree.map(np.asarray, found(jnp.asarray(u)))


@pytest.mark.parametrize("target", ["choice", "signal", "both"])
def test_log_likelihood_and_score(trials, target):
    n = 2 if target == "choice" else 5

    def total(u, subject):
        parts = of_trials(np.concatenate([u, U[subject, n:]]), trials, subject)
        return sum(p.sum() for p, t in zip(parts, ("choice", "signal"), strict=True)
                   if target in (t, "both"))  # fmt: skip

    found = terms(trials, target, U[:, :n])
    for i in range(2):
        assert found.log_p[i] == pytest.approx(total(U[i, :n], i), rel=1e-6)
        slope = [(total(U[i, :n] + h, i) - total(U[i, :n] - h, i)) / 2e-5 for h in 1e-5 * np.eye(n)]
        np.testing.assert_allclose(found.score[i], slope, rtol=1e-4, atol=1e-4)


def test_information_is_that_of_each_trial_given_the_past(trials):
    """Of a choice with two options: p (1 - p) times the squared slope of its log-odds."""
    found, h = terms(trials, "choice", U[:, :2]), 1e-5
    for i in range(2):
        slopes = []
        for step in h * np.eye(5)[:2]:
            up, down = (np.exp(of_trials(U[i] + s * step, trials, i)[0]) for s in (1, -1))
            slopes.append((np.log(up / (1 - up)) - np.log(down / (1 - down))) / (2 * h))
        p = np.exp(of_trials(U[i], trials, i)[0])
        wanted = np.einsum("at,bt,t->ab", slopes, slopes, p * (1 - p))
        np.testing.assert_allclose(found.information[i], wanted, rtol=1e-4, atol=1e-6)


def test_information_of_signals_is_the_mean_curvature(trials):
    """Gauss-Newton: second differences where the residuals are 0, and 2 n for the log SD."""
    with jax.enable_x64(True):
        batch = trials.batch(np.float64)
        own = jnp.take(jnp.asarray(U), batch.subject, axis=0).T
        _, x = predictions_along(SPACE, own[:2], batch)
        fitted = np.asarray(own[2] * 2.0 * x + own[3] * 3.0).T[..., None]
        exact = np.where(batch.signal_scored, fitted, np.nan)
    perfect = trials.with_signals(exact, trials.names.signals)
    found, h = terms(perfect, "signal", U), 1e-3
    for i in range(2):

        def total(u, i=i):
            return of_trials(u, perfect, i)[1].sum()

        for a, step_a in enumerate(h * np.eye(5)[:4]):
            for b, step_b in enumerate(h * np.eye(5)[:4]):
                second = sum(
                    s * t * total(U[i] + s * step_a + t * step_b)
                    for s in (1, -1) for t in (1, -1)
                ) / (4 * h**2)  # fmt: skip
                assert found.information[i, a, b] == pytest.approx(-second, rel=1e-3, abs=1e-2)
        n = np.isfinite(perfect.signal[perfect.subject == i]).sum()
        assert found.information[i, 4, 4] == pytest.approx(2 * n, rel=1e-6)


def test_the_regression_alone_has_the_terms_of_known_errors(trials):
    whole = terms(trials, "signal", U)
    with jax.enable_x64(True):
        batch = trials.batch(np.float64)
        own = jnp.take(jnp.asarray(U), batch.subject, axis=0).T
        _, x = predictions_along(SPACE, own[:2], batch)
        alone = RegressionTerms(x, batch, SCALES, 2)(jnp.asarray(U[:, 2:]))
    np.testing.assert_allclose(alone.log_p, whole.log_p)
    np.testing.assert_allclose(alone.score, whole.score[:, 2:])
    np.testing.assert_allclose(alone.information, whole.information[:, 2:, 2:])


def test_a_subject_without_sessions_says_nothing(trials):
    with jax.enable_x64(True):
        batch = trials.select_sessions([0]).batch(np.float64)
        found = TrialTerms(SPACE, batch, SCALES, 2, "both")(jnp.asarray(U))
    assert float(found.log_p[1]) == 0
    assert not np.asarray(found.score[1]).any()
    assert not np.asarray(found.information[1]).any()
