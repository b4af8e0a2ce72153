"""Hierarchical fits: against a plain expectation maximisation by SciPy, and simulated groups."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import minimize

from accumbens.fit.likelihood.empirical_bayes import most_probable_groups, subjects_apart
from accumbens.fit.likelihood.parameter_space import parameter_space
from accumbens.models.q_learning import QLearning
from accumbens.simulation import simulate
from accumbens.tasks.bandits import DriftingBandit
from accumbens.trials import concatenate

SPACE = parameter_space(QLearning, 2, fixed={"initial_value": 0.5})


def cohort(logits_of_rate, betas, n_sessions=3, n_trials=60, seed=0):
    parts = []
    for i, (logit, beta) in enumerate(zip(logits_of_rate, betas, strict=True)):
        trials = simulate(
            QLearning(1 / (1 + np.exp(-logit)), beta), DriftingBandit(), n_sessions=n_sessions,
            n_trials=n_trials, key=jax.random.key(100 * seed + i),
        )  # fmt: skip
        names = dataclasses.replace(trials.names, subjects=(f"m{i}",))
        parts.append(dataclasses.replace(trials, names=names))
    return concatenate(parts)


def negative_log_likelihood(u, choices, rewards):
    """Of one subject's sessions, by a plain loop; u: logit of the learning rate, then of
    inverse temperature / 100."""
    rate, beta = 1 / (1 + np.exp(-u[0])), 100 / (1 + np.exp(-u[1]))
    total = 0.0
    for session_choices, session_rewards in zip(choices, rewards, strict=True):
        q = np.array([0.5, 0.5])
        for c, r in zip(session_choices, session_rewards, strict=True):
            total += np.logaddexp(0, beta * (q[1 - c] - q[c]))
            q[c] += rate * (r - q[c])
    return total


def by_scipy(trials, start, n_steps):
    """The same expectation maximisation, with Hessians by differences."""
    subjects = range(len(trials.names.subjects))
    seen = [
        (trials.choice[trials.subject == i], trials.outcome[trials.subject == i, :, 0])
        for i in subjects
    ]
    mean, variance = np.array(start), np.full(2, 0.5)
    us = [mean.copy() for _ in subjects]

    def expect():
        errors = []
        for i, data in enumerate(seen):

            def cost(u, data=data):
                return negative_log_likelihood(u, *data) + 0.5 * ((u - mean) ** 2 / variance).sum()

            us[i] = minimize(cost, us[i], method="Nelder-Mead",
                             options={"xatol": 1e-5, "fatol": 1e-7}).x  # fmt: skip
            h, hessian = 1e-3, np.zeros((2, 2))
            for a in range(2):
                for b in range(2):
                    steps = [(s, t) for s in (1, -1) for t in (1, -1)]
                    values = [
                        s * t * cost(us[i] + h * (s * np.eye(2)[a] + t * np.eye(2)[b]))
                        for s, t in steps
                    ]
                    hessian[a, b] = sum(values) / (4 * h * h)
            errors.append(np.diag(np.linalg.inv(hessian)))
        return np.array(us), np.array(errors)

    for _ in range(n_steps):
        found, errors = expect()
        mean = found.mean(0)
        variance = ((found - mean) ** 2 + errors).mean(0)
    return mean, variance, *expect()


def fitted(trials, start, n_steps=20, counted=None):
    counted = np.ones((1, *trials.choice.shape), bool) if counted is None else counted
    with jax.enable_x64(True):
        batches = subjects_apart(trials, counted)
        starts = jnp.broadcast_to(jnp.asarray(start), (len(counted), len(start)))
        return jax.tree.map(np.asarray, most_probable_groups(SPACE, batches, starts, n_steps))


def test_against_a_plain_expectation_maximisation():
    trials = cohort([-1.0, 0.0, 1.0], [3.0, 4.0, 5.0], n_sessions=2, n_trials=40)
    start = [0.0, -3.0]
    mean, variance, us, errors = by_scipy(trials, start, 3)
    found = fitted(trials, start, 3)
    np.testing.assert_allclose(found.mean[0], mean, atol=5e-3)
    np.testing.assert_allclose(found.variance[0], variance, rtol=2e-2)
    np.testing.assert_allclose(found.of_subject[0], us, atol=1e-2)
    np.testing.assert_allclose(found.error[0], errors, rtol=2e-2)


def test_mean_and_spread_of_simulated_groups():
    """Over twelve groups of eight, the mean is recovered without bias, the spread nearly so."""
    rng = np.random.default_rng(0)
    means, spreads = [], []
    for seed in range(12):
        logits = rng.normal(-0.5, 0.8, 8)
        trials = cohort(logits, np.full(8, 4.0), n_sessions=5, n_trials=100, seed=seed)
        group = fitted(trials, [0.0, -3.0])
        means.append(group.mean[0, 0] - logits.mean())
        spreads.append(np.sqrt(group.variance[0, 0]) / logits.std())
    assert abs(np.mean(means)) < 3 * np.std(means, ddof=1) / np.sqrt(12) + 0.05
    assert 0.8 < np.mean(spreads) < 1.2


def test_subjects_all_alike_are_drawn_together():
    trials = cohort([0.0] * 5, [4.0] * 5, seed=3)
    group = fitted(trials, [0.0, -3.0], 60)
    assert group.variance[0].max() < 0.05
    assert np.ptp(group.of_subject[0], axis=0).max() < 0.3


def test_a_subject_without_trials_has_the_groups_mean():
    trials = cohort([-1.0, 0.0, 1.0], [4.0] * 3)
    everything = np.ones(trials.choice.shape, bool)
    without = everything & (trials.subject != 2)[:, None]
    group = fitted(trials, [0.0, -3.0], 20, np.stack([everything, without]))
    np.testing.assert_allclose(group.of_subject[1, 2], group.mean[1], atol=1e-2)
    two = trials.select_sessions(np.flatnonzero(trials.subject != 2))
    np.testing.assert_allclose(fitted(two, [0.0, -3.0]).mean[0], group.mean[1], atol=1e-3)


def test_shapes_of_batches_apart():
    trials = cohort([0.0, 0.0], [3.0, 3.0], n_sessions=2)
    trials = trials.select_sessions([0, 2, 3])
    batches = subjects_apart(trials, np.ones((4, *trials.choice.shape), bool))
    assert batches.choice.shape == (2, 2, 60)
    assert batches.scored.shape == (2, 4, 2, 60)
    assert batches.scored[0, 0].sum() == pytest.approx(60)
    np.testing.assert_array_equal(batches.choice[1], trials.choice[1:])
