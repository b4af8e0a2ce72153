"""The penalty path and its one-standard-error rule."""

import json

import jax
import numpy as np
import pytest

from accumbens.errors import ConfigError
from accumbens.fit.disrnn.config import DisRNNStageConfig, PenaltyPathConfig, RecipeConfig
from accumbens.fit.disrnn.penalty_path import one_standard_error_rule, penalty_path
from accumbens.fit.gradient.training import Trained
from accumbens.models.disrnn import DisRNNConfig
from accumbens.models.q_learning import QLearning
from accumbens.simulation import simulate
from accumbens.tasks.bandits import DriftingBandit
from helpers.progress import Recorded


def test_the_rule_takes_the_strongest_penalty_within_one_standard_error():
    """Four sessions of 10 trials; the error of each factor's difference by a plain loop."""
    n = np.full(4, 10)
    best = np.array([-5.0, -6.0, -4.0, -5.0])
    near = best + np.array([-0.3, 0.3, -0.2, 0.1])
    far = best - [1.0, 1.1, 0.9, 1.0]
    scores = np.stack([far, best, near, far], axis=1)
    path = one_standard_error_rule(np.array([0.1, 1, 3, 10.0]), scores, n, np.array([5, 3, 2, 0.0]))
    assert (path.best, path.chosen) == (1, 2)
    difference = near - best
    mean = difference.sum() / n.sum()
    error = np.sqrt(sum((d - mean * 10) ** 2 for d in difference) / 3) * np.sqrt(4) / n.sum()
    np.testing.assert_allclose(path.standard_error[2], error)
    np.testing.assert_allclose(path.log_likelihood, scores.sum(0) / 40)
    assert path.standard_error[1] == 0


def test_the_standard_error_is_that_of_repeated_sessions():
    """Over many sets of sessions, the spread of the mean difference; 5 % is 3 standard errors."""
    rng = np.random.default_rng(0)
    n_sets, n_sessions = 2000, 12
    errors, means = [], []
    for _ in range(n_sets):
        n = rng.integers(50, 150, n_sessions)
        scores = np.stack([np.zeros(n_sessions), -0.05 * n - rng.normal(0, 3, n_sessions)], axis=1)
        path = one_standard_error_rule(np.array([1.0, 2.0]), scores, n, np.zeros(2))
        errors.append(path.standard_error[1])
        means.append(path.log_likelihood[1])
    np.testing.assert_allclose(np.mean(errors), np.std(means), rtol=0.06)


def test_a_path_is_fitted_kept_and_not_fitted_again(tmp_path):
    agent = QLearning(0.3, 3.0)
    trials = simulate(agent, DriftingBandit(), n_sessions=6, n_trials=30, key=jax.random.key(0))
    recipe = RecipeConfig(
        disrnn=DisRNNConfig(latents=2, update_layers=1, update_units=4, choice_layers=1),
        warm_up=DisRNNStageConfig(steps=10),
    )
    config = PenaltyPathConfig(factors=(10.0, 0.1), folds=2, steps=20)
    file, first = tmp_path / "path.json", Recorded()
    path = penalty_path(trials, recipe, config, key=jax.random.key(1), progress=first, results=file)
    np.testing.assert_array_equal(path.factors, [0.1, 10.0])
    assert np.isfinite(path.log_likelihood).all()
    kept = json.loads(file.read_text())
    assert [len(kept[fold]["n_scored"]) for fold in ("0", "1")] == [3, 3]
    assert first.seen[-1][:3] == ("penalty path: fold 2 of 2", 10 + 40, 10 + 40)
    second = Recorded()
    again = penalty_path(
        trials, recipe, config, key=jax.random.key(1), progress=second, results=file
    )
    assert not second.seen
    np.testing.assert_array_equal(again.log_likelihood, path.log_likelihood)
    with pytest.raises(ConfigError, match=r"path\.folds is 9 but there are 6 training sessions"):
        penalty_path(trials, recipe, PenaltyPathConfig((1.0,), folds=9), key=jax.random.key(1))


@pytest.mark.parametrize("factors", [(0.0, 1.0), (1.0, 1.0)])
def test_bad_factors_are_refused(factors):
    with pytest.raises(ConfigError, match=r"path\.factors is .*; give different numbers above 0"):
        PenaltyPathConfig(factors=factors)
    with pytest.raises(ConfigError, match=r"path\.folds is 1; it must be at least 2"):
        PenaltyPathConfig(folds=1)


def test_steps_of_a_path_see_mini_batches_too(monkeypatch):
    trials = simulate(
        QLearning(0.3, 3.0), DriftingBandit(), n_sessions=6, n_trials=30, key=jax.random.key(0)
    )
    recipe = RecipeConfig(disrnn=DisRNNConfig(latents=1), trials_per_step=30)
    seen = []

    def train(model, *_, batches, **__):
        seen.append(batches)
        return Trained(model, {})

    monkeypatch.setattr("accumbens.fit.disrnn.penalty_path.train", train)
    config = PenaltyPathConfig(factors=(1.0,), folds=2)
    penalty_path(trials, recipe, config, key=jax.random.key(1))
    assert [(batches.n, batches.n_places) for batches in seen] == [(3, 1)] * 4
