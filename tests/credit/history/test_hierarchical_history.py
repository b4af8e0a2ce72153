"""The history regression under a group: its fixed point in plain form, and what it is good for."""

import numpy as np
import pytest

from accumbens.credit.history.fitting import fit_history, pooled_history
from accumbens.credit.history.hierarchical import (
    LEAST_SPREAD,
    WEAK,
    hierarchical_history,
)
from accumbens.credit.history.indices import indices
from accumbens.errors import DataError
from accumbens.figures.credit.history_weights import history_weights_data
from accumbens.trials import TrialNames, trials_from_arrays

MEAN = np.array([0.2, 0.3, 0.1, 1.2, 0.5])


def cohort(seed, spread=0.4, n=6, n_sessions=2, n_trials=120, p_reward=0.5):
    """Animals that choose by a history regression of two lags; and their weights."""
    rng = np.random.default_rng(seed)
    weights = MEAN + spread * rng.standard_normal((n, 5))
    choice = np.zeros((n * n_sessions, n_trials), int)
    reward = (rng.random(choice.shape) < p_reward).astype(int)
    for s in range(len(choice)):
        w = weights[s // n_sessions]
        for t in range(n_trials):
            past = [t - lag for lag in (1, 2)]
            log_odds = w[0] + sum(
                w[1 + 2 * reward[s, u] + i] * (2 * choice[s, u] - 1)
                for i, u in enumerate(past) if u >= 0
            )  # fmt: skip
            choice[s, t] = rng.random() < 1 / (1 + np.exp(-log_odds))
    names = TrialNames(subjects=tuple(f"m{i}" for i in range(n)))
    subject = np.arange(len(choice)) // n_sessions
    return trials_from_arrays(
        choice, reward[..., None].astype(float), subject=subject, names=names
    ), weights


@pytest.fixture(scope="module")
def found():
    trials, weights = cohort(0)
    return trials, weights, hierarchical_history(trials, 2)


def test_weights_mean_and_spreads_are_at_their_fixed_point(found):
    """Each animal at the maximum of its penalised likelihood, the mean by generalised least squares
    over what the animals say, and REML's equation for the spreads, all with full matrices."""
    _, _, fit = found
    kind = ["bias", "none", "none", "reward", "reward"]
    variance = np.array([max(fit.spread[k], LEAST_SPREAD) for k in kind]) ** 2
    d = np.diag(variance)
    values, errors = [], []
    for one in fit.fits:
        x, y = one.data.design(), one.data.response
        p = 1 / (1 + np.exp(-x @ one.weights))
        score = x.T @ (y - p)
        np.testing.assert_allclose(score, (one.weights - fit.mean) / variance, atol=2e-3)
        errors.append(np.linalg.inv(x.T @ np.diag(p * (1 - p)) @ x))
        values.append(one.weights + errors[-1] @ score)
    inverse = [np.linalg.inv(d + error) for error in errors]
    of_mean = np.linalg.inv(sum(inverse) + np.eye(5) / WEAK**2)
    mean = of_mean @ sum(v @ y for v, y in zip(inverse, values, strict=True))
    np.testing.assert_allclose(fit.mean, mean, atol=1e-3)
    np.testing.assert_allclose(fit.standard_error, np.sqrt(np.diag(of_mean)), rtol=1e-3)

    def restricted(log_variance):
        """Log likelihood of the spreads, the mean integrated out."""
        own = np.diag(np.exp(log_variance)[[0, 1, 1, 2, 2]])
        inverse = [np.linalg.inv(own + error) for error in errors]
        precision = sum(inverse) + np.eye(5) / WEAK**2
        mean = np.linalg.solve(precision, sum(v @ y for v, y in zip(inverse, values, strict=True)))
        away = [y - mean for y in values]
        fitted = sum(r @ v @ r for r, v in zip(away, inverse, strict=True))
        logs = sum(np.linalg.slogdet(v)[1] for v in inverse) - np.linalg.slogdet(precision)[1]
        return 0.5 * (logs - fitted - mean @ mean / WEAK**2)

    at = np.log(variance[[0, 1, 3]])
    for i in range(3):
        step = 1e-3 * np.eye(3)[i]
        slope = (restricted(at + step) - restricted(at - step)) / 2e-3
        assert abs(slope) < 2e-2 or (fit.spread[["bias", "none", "reward"][i]] == 0 and slope < 0)


def test_it_is_closer_to_the_truth_than_separate_or_pooled_fits():
    far = []
    for seed in range(8):
        trials, weights = cohort(seed, n_trials=60)
        apart = np.stack([fit.weights for fit in fit_history(trials, 2)])
        whole = pooled_history(trials, 2).weights
        group = np.stack([fit.weights for fit in hierarchical_history(trials, 2).fits])
        far.append([((w - weights) ** 2).mean() for w in (group, apart, whole)])
    group, apart, whole = np.mean(far, 0)
    assert group < 0.8 * apart
    assert group < 0.9 * whole


def test_animals_all_alike_come_to_the_pooled_fit():
    trials, _ = cohort(3, spread=0.0, n_trials=200)
    fit, whole = hierarchical_history(trials, 2), pooled_history(trials, 2)
    assert max(fit.spread.values()) < 0.2
    np.testing.assert_allclose(fit.mean, whole.weights, atol=0.1)


def test_a_posterior_is_no_fit_by_itself():
    trials, _ = cohort(1, n=3)
    found = hierarchical_history(trials, 2)
    assert {fit.unit for fit in found.fits} == {"group"}
    with pytest.raises(DataError, match="have no index by refits"):
        indices(found.fits[0], rng=np.random.default_rng(0))
    caption = history_weights_data({"M": [found.fits[0]]}).caption
    assert "Bars: 95 % interval of the posterior under the group." in caption


def test_intervals_hold_the_truth():
    held, of_animals = [], []
    for seed in range(20, 40):
        trials, weights = cohort(seed, n=8)
        frame = hierarchical_history(trials, 2).to_frame()
        low, high = (frame[name].to_numpy().reshape(9, 5) for name in ("low", "high"))
        held.append((low[-1] <= MEAN) & (high[-1] >= MEAN))
        of_animals.append((low[:-1] <= weights) & (weights <= high[:-1]))
    assert np.mean(held) >= 0.87
    assert 0.88 <= np.mean(of_animals) <= 0.98


def test_a_weight_that_one_animal_does_not_tell_is_the_groups():
    """An animal that was never rewarded has the group's weights of rewards."""
    trials, _ = cohort(1)
    outcome = np.where((trials.subject == 2)[:, None, None], 0.0, trials.outcome)
    never = trials_from_arrays(trials.choice, outcome, subject=trials.subject, names=trials.names)
    fit = hierarchical_history(never, 2)
    np.testing.assert_allclose(fit.fits[2].weights[3:], fit.mean[3:], atol=0.15)
    error = fit.fits[2].standard_error
    assert (error[3:] > fit.fits[1].standard_error[3:]).all()


def test_choices_that_are_predicted_perfectly_have_finite_weights():
    trials, _ = cohort(2)
    choice = np.where((trials.subject == 0)[:, None], 1, trials.choice)
    fit = hierarchical_history(
        trials_from_arrays(choice, trials.outcome, subject=trials.subject, names=trials.names), 2
    )
    assert np.isfinite(fit.fits[0].weights).all()
    assert np.abs(fit.fits[0].weights).max() < 10


def test_one_animal_is_refused(found):
    trials, _, _ = found
    with pytest.raises(DataError, match=r"at least 2 subjects, and these trials have 1\."):
        hierarchical_history(trials.select_sessions([0, 1]), 2)


def test_it_is_a_model_and_a_table(found):
    _, _, fit = found
    frame = fit.to_frame()
    assert len(frame) == 7 * 5
    assert frame["subject"].iloc[-1] == "group"
    np.testing.assert_allclose(frame["weight"].to_numpy()[:5], fit.fits[0].weights)
    assert fit.model.weights.shape == (6, 2, 2)
    assert "hierarchical" in repr(fit)
