"""Compiled refits against plain NumPy ones; results do not depend on how the work was divided."""

import platform

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from accumbens.compiled import libraries, place
from accumbens.compiled.place import Reason
from accumbens.credit.history import (
    fit_history,
    history_data,
    index_contrasts,
    pooled_history,
    refit,
)
from accumbens.credit.history.indices import group_index, indices
from accumbens.credit.history.newton import fit_logistic
from accumbens.credit.history.refit import (
    Redraw,
    bootstrap_problem,
    observed,
    redraw_problem,
    redrawn_types,
    refit_numpy,
    refit_types,
    types_problem,
)
from accumbens.errors import ConfigError
from helpers.compilers import needs_compiler

from .test_regression import ragged


def a_problem(n_outcomes=2, n_lags=3, seed=0, ridge=0.0, p=0.4):
    data = history_data(ragged(n_outcomes, seed), n_lags)
    top = 1 << (n_outcomes - 1)
    drawn = Redraw(data.type | top, data.type & ~top, np.full(len(data.type), p))
    return redraw_problem(data, drawn, ridge=ridge)


@needs_compiler
@settings(max_examples=12)
@given(
    n_outcomes=st.integers(1, 3), n_lags=st.integers(1, 6), seed=st.integers(0, 99),
    ridge=st.sampled_from([0.0, 1.0, 30.0]), p=st.floats(0.05, 0.95),
)  # fmt: skip
def test_compiled_refits_are_the_plain_ones(n_outcomes, n_lags, seed, ridge, p):
    """To a thousandth of a standard error, which is where the steps end."""
    problem = a_problem(n_outcomes, n_lags, seed, ridge, p)
    compiled = refit.refit(problem, seed=seed, count=4, first=3)
    plain = refit_numpy(problem, seed=seed, count=4, first=3)
    error = np.sqrt(np.diag(np.linalg.inv(problem.hessian)))
    assert (np.abs(compiled - plain) / error).max() < 1e-3
    assert (np.abs(observed(problem) - fitted(problem)) / error).max() < 1e-3


@needs_compiler
@pytest.mark.parametrize("flag", ["-march=native", "-march=x86-64-v3", "-march=x86-64"])
@pytest.mark.parametrize(("n_outcomes", "n_lags"), [(1, 20), (2, 9), (3, 5), (4, 1)])
def test_every_way_of_looking_weights_up_is_the_plain_one(monkeypatch, flag, n_outcomes, n_lags):
    """A table of weights in one register, in two or in memory; lags in one vector or several."""
    if flag != "-march=native" and platform.machine() != "x86_64":
        pytest.skip("other processors have no such flags")
    if flag == "-march=x86-64-v3" and "avx2" not in place.processor():
        pytest.skip("this processor cannot run it")
    monkeypatch.setattr(libraries, "THIS_MACHINE", (flag,))
    monkeypatch.setattr(libraries, "_built", libraries._built.__wrapped__)
    problem = a_problem(n_outcomes, n_lags, ridge=1.0)
    error = np.sqrt(np.diag(np.linalg.inv(problem.hessian)))
    compiled = refit.refit(problem, seed=1, count=5)
    assert any(flag in how for name, how in libraries.builds().items() if name.startswith("refit"))
    assert (np.abs(compiled - refit_numpy(problem, seed=1, count=5)) / error).max() < 1e-3


def fitted(problem):
    plain = problem._replace(redraw=Redraw.observed(problem.data))
    return refit_numpy(plain, seed=0, count=1)[0]


@needs_compiler
def test_batches_change_nothing(monkeypatch):
    problem = a_problem()
    whole = refit.refit(problem, seed=5, count=100)
    parts = [refit.refit(problem, seed=5, count=n, first=f) for f, n in ((0, 1), (1, 60), (61, 39))]
    np.testing.assert_array_equal(whole, np.concatenate(parts))
    monkeypatch.setattr("os.cpu_count", lambda: 7)
    np.testing.assert_array_equal(whole, refit.refit(problem, seed=5, count=100))
    assert (whole != refit.refit(problem, seed=6, count=100)).any()


@needs_compiler
def test_a_rare_outcome_does_not_break_the_refit():
    """With "both" almost never there, weights are held finite by the smallest ridge."""
    problem = a_problem(n_lags=4, p=0.004)
    compiled = refit.refit(problem, seed=0, count=8)
    np.testing.assert_allclose(compiled, refit_numpy(problem, seed=0, count=8), atol=2e-3)
    assert np.isfinite(compiled).all()


def test_redraws_have_their_probability_and_are_independent():
    data = history_data(ragged(), 3)
    p = np.linspace(0, 1, len(data.type))
    redraw = Redraw(np.ones_like(data.type), np.zeros_like(data.type), p)
    drawn = np.stack([redrawn_types(redraw, 11, r) for r in range(2000)])
    z = (drawn.mean(0) - p)[1:-1] / np.sqrt(p * (1 - p) / 2000)[1:-1]
    assert np.abs(z).max() < 4.8  # of about 900 normal numbers
    assert abs((z**2).mean() - 1) < 4 * np.sqrt(2 / len(z))
    assert (drawn[:, 0] == 0).all()
    assert (drawn[:, -1] == 1).all()
    even = drawn[:, 1:-1] - p[1:-1]
    neighbours = (even[:, 1:] * even[:, :-1]).mean() / (even**2).mean()
    assert abs(neighbours) < 4 / np.sqrt(even.size)
    apart = (even[1:] * even[:-1]).mean() / (even**2).mean()
    assert abs(apart) < 4 / np.sqrt(even.size)


def test_bootstrap_refits_weigh_sessions():
    """Against fits to the drawn sessions, each as often as it was drawn."""
    fit = fit_history(ragged(), 2)[0]
    sessions, member = np.unique(fit.data.session, return_inverse=True)
    counts = np.random.default_rng(0).multinomial(4, np.full(4, 0.25), size=5)
    drawn = refit.refit(bootstrap_problem(fit, member, counts.astype(float)), seed=0, count=5)
    rows = [np.flatnonzero(fit.data.response_session == session) for session in sessions]
    for found, count in zip(drawn, counts, strict=True):
        again = np.concatenate([np.tile(r, n) for r, n in zip(rows, count, strict=True)])
        expected = fit_logistic(
            fit.data.design()[again], fit.data.response[again], ridge=refit.MIN_RIDGE
        )
        np.testing.assert_allclose(found, expected.weights, atol=2e-3)


def test_an_index_is_the_stated_sum_with_a_t_interval_over_sessions():
    """Against the weights, and plain refits of the same draws."""
    fits = fit_history(ragged(), 2)
    found = [indices(fit, n_draws=60, rng=np.random.default_rng(s)) for s, fit in enumerate(fits)]
    for s, (fit, of) in enumerate(zip(fits, found, strict=True)):
        by_type = fit.by_type.sum(1)
        assert of[0].value == pytest.approx(by_type[1] - by_type[0])
        assert of[1].value == pytest.approx(by_type[2] - by_type[0])
        sessions, member = np.unique(fit.data.session, return_inverse=True)
        m = len(sessions)
        drawn = np.random.default_rng(s).multinomial(m - 1, np.full(m, 1 / m), 60) * (m / (m - 1))
        draws = refit_numpy(bootstrap_problem(fit, member, drawn), seed=0, count=60)
        for index, contrast in zip(of, index_contrasts(fit.data).values(), strict=True):
            error = (draws.astype(float) @ contrast).std(ddof=1)
            assert index.standard_error == pytest.approx(error, rel=1e-3)
            half = stats.t.ppf(0.975, m - 1) * error
            ends = (index.value - half, index.value + half)
            assert (index.low, index.high) == pytest.approx(ends, rel=1e-3)


def test_the_group_has_a_t_interval_over_subjects():
    fits = fit_history(ragged(), 2)
    of = [indices(fit, n_draws=0, rng=np.random.default_rng(0))[0] for fit in fits]
    group = group_index("controllable", of)
    values = np.array([index.value for index in of])
    expected = stats.ttest_1samp(values, 0.0).confidence_interval(0.95)
    assert group.value == pytest.approx(values.mean())
    assert (group.low, group.high) == pytest.approx((expected.low, expected.high))
    assert group.standard_error == pytest.approx(stats.sem(values))
    alone = group_index("controllable", of[:1])
    assert np.isnan([alone.standard_error, alone.low, alone.high]).all()


def test_with_few_sessions_an_index_has_errors_without_refits():
    """Two sessions: CR2 of its sum of weights; one: those of independent trials, no interval."""
    trials, rng = ragged(), np.random.default_rng(0)
    two = pooled_history(trials.select_sessions([0, 2]), 1)
    index = indices(two, n_draws=50, rng=rng)[0]
    c = index_contrasts(two.data)["controllable"]
    assert index.standard_error == pytest.approx((c @ two.clustered.covariance @ c) ** 0.5)
    half = stats.t.ppf(0.975, two.error(c)[1]) * index.standard_error
    assert (index.low, index.high) == pytest.approx((index.value - half, index.value + half))
    assert index.unit == "session"
    one = pooled_history(trials.select_sessions([0]), 1)
    index = indices(one, n_draws=50, rng=rng)[0]
    theirs = sm.Logit(one.data.response, one.data.design()).fit(disp=0, tol=1e-12)
    assert index.standard_error == pytest.approx(float(theirs.t_test(c).sd.item()), rel=1e-5)
    assert np.isnan([index.low, index.high]).all()
    assert index.unit == "trial"


def test_without_a_compiler_numpy_does_it_and_says_so(monkeypatch):
    problem = a_problem()
    monkeypatch.setattr(refit, "built", lambda _: Reason("no compiler today"))
    monkeypatch.setattr(refit, "_said", set())
    with pytest.warns(UserWarning, match=r"Refits run in NumPy, about a .* no compiler today"):
        plain = refit.refit(problem, seed=1, count=2)
    assert refit.refit_implementation() == "numpy"
    np.testing.assert_array_equal(plain, refit_numpy(problem, seed=1, count=2))
    refit.refit(problem, seed=1, count=1)  # says so once


def test_bad_counts_are_refused():
    with pytest.raises(ConfigError, match="count is -1 and first is 0; neither can be negative"):
        refit.refit(a_problem(), seed=0, count=-1)


def test_types_that_are_drawn_elsewhere_give_the_same_weights():
    """Those of `refit` from the same types, compiled and in NumPy."""
    problem = a_problem()
    types = np.stack([redrawn_types(problem.redraw, 7, r) for r in range(20)]).astype(np.uint8)
    expected = refit.refit(problem, seed=7, count=20)
    np.testing.assert_array_equal(refit_types(problem, types), expected)
    own = types_problem(problem.data, types[:3])
    np.testing.assert_allclose(refit_types(own, types), expected, atol=2e-3)
    in_numpy = refit_numpy(own, seed=0, count=20, types=types)
    np.testing.assert_allclose(in_numpy, expected, atol=2e-3)
