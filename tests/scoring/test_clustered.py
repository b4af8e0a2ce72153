"""Clustered errors computed among the weights, against matrices of trials by trials."""

import numpy as np
import pytest
import statsmodels.api as sm

from accumbens.credit.history.newton import fit_logistic
from accumbens.scoring.clustered import clustered_errors


def dense(design, residual, cluster, w):
    """CR2 and Satterthwaite's degrees of freedom with the hat matrix of all trials."""
    x, e = design * np.sqrt(w)[:, None], residual / np.sqrt(w)
    inverse = np.linalg.inv(x.T @ x)
    hat = x @ inverse @ x.T
    meat, pulls = np.zeros_like(inverse), []
    for g in np.unique(cluster):
        here = cluster == g
        values, vectors = np.linalg.eigh(np.eye(here.sum()) - hat[np.ix_(here, here)])
        left = values > 1e-8
        adjust = (vectors[:, left] / np.sqrt(values[left])) @ vectors[:, left].T
        score = x[here].T @ adjust @ e[here]
        meat += np.outer(score, score)
        pulls.append((np.eye(len(x)) - hat)[here].T @ adjust @ x[here] @ inverse)
    pulls = np.array(pulls)  # cluster, trial, weight
    freedom = []
    for k in range(x.shape[1]):
        p = pulls[..., k] @ pulls[..., k].T
        freedom.append(np.trace(p) ** 2 / (p**2).sum())
    return inverse @ meat @ inverse, np.array(freedom)


def logistic(n_clusters, seed=0, n=150):
    rng = np.random.default_rng(seed)
    cluster = np.sort(rng.integers(0, n_clusters, n))
    design = np.column_stack([np.ones(n), rng.normal(size=(n, 3))])
    design[:, 1] += 0.3 * cluster
    y = (rng.random(n) < 1 / (1 + np.exp(-design @ [-0.5, 0.3, 0.2, 0.0]))).astype(float)
    p = 1 / (1 + np.exp(-design @ fit_logistic(design, y).weights))
    return design, y - p, cluster, p * (1 - p)


@pytest.mark.parametrize("n_clusters", [2, 5, 11])
def test_they_are_those_of_the_hat_matrix(n_clusters):
    design, residual, cluster, w = logistic(n_clusters)
    found = clustered_errors(design, residual, cluster[:], trial_weight=w)
    covariance, freedom = dense(design, residual, cluster, w)
    np.testing.assert_allclose(found.covariance, covariance, rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(found.freedom(), freedom, rtol=1e-8)
    error, of_sum = found.error(np.array([0.0, 1.0, -1.0, 0.0]))
    c = np.array([0.0, 1.0, -1.0, 0.0])
    assert error == pytest.approx((c @ covariance @ c) ** 0.5)
    assert 1 <= of_sum <= n_clusters


def test_trials_may_be_in_any_order():
    design, residual, cluster, w = logistic(4)
    order = np.random.default_rng(1).permutation(len(w))
    one = clustered_errors(design, residual, cluster, trial_weight=w)
    other = clustered_errors(
        design[order], residual[order], 10 - cluster[order], trial_weight=w[order]
    )
    np.testing.assert_allclose(one.covariance, other.covariance)


def test_a_mean_over_equal_clusters_is_student_t():
    """The mean of all trials, clusters of one size: the t interval over the clusters' means."""
    rng = np.random.default_rng(0)
    y = rng.normal(size=(6, 20)) + rng.normal(size=(6, 1))
    cluster = np.repeat(np.arange(6), 20)
    found = clustered_errors(np.ones((120, 1)), (y - y.mean()).ravel(), cluster)
    error = y.mean(1).std(ddof=1) / 6**0.5
    assert found.error(np.ones(1)) == (pytest.approx(error), pytest.approx(5.0))


def test_with_many_clusters_they_are_those_of_statsmodels():
    design, residual, cluster, w = logistic(200, n=4000)
    found = clustered_errors(design, residual, cluster, trial_weight=w)
    y = (residual > 0).astype(float)  # 1 - p or -p
    theirs = sm.Logit(y, design).fit(
        disp=0, cov_type="cluster", cov_kwds={"groups": cluster, "use_correction": False}
    )
    np.testing.assert_allclose(np.sqrt(np.diag(found.covariance)), theirs.bse, rtol=0.03)


def test_a_direction_that_one_cluster_alone_determines_is_left_out():
    """A column that is 0 outside one session: nothing is left of its residual there."""
    rng = np.random.default_rng(0)
    cluster = np.repeat(np.arange(4), 30)
    design = np.column_stack([np.ones(120), (cluster == 0).astype(float)])
    y = rng.normal(size=120)
    residual = y - design @ np.linalg.lstsq(design, y, rcond=None)[0]
    found = clustered_errors(design, residual, cluster)
    covariance, freedom = dense(design, residual, cluster, np.ones(120))
    np.testing.assert_allclose(found.covariance, covariance, atol=1e-12)
    assert np.isfinite(found.covariance).all()
    np.testing.assert_allclose(found.freedom(), freedom, rtol=1e-6)
