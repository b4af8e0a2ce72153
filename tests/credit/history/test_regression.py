"""The trial-history regression against statsmodels and against a table built trial by trial."""

import warnings

import jax
import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

from accumbens.credit.history import fit_history, history_data, index_contrasts, pooled_history
from accumbens.credit.history.fitted import as_model
from accumbens.credit.history.indices import indices
from accumbens.credit.history.newton import fit_logistic
from accumbens.errors import ConfigError, DataError
from accumbens.io.tables.trials import TableFormat, from_table
from accumbens.models.structured import StructureMixture
from accumbens.outcomes import outcome_types, type_names
from accumbens.scoring.clustered import clustered_errors
from accumbens.simulation import simulate
from accumbens.tasks.distractor import DistractorRewards
from accumbens.trials import TrialNames, trials_from_arrays
from accumbens.unrolling import unroll
from helpers.table import example_trials


def ragged(n_outcomes=2, seed=0):
    """Example trials with outcomes of 0 and 1 only, longer than usual."""
    rng = np.random.default_rng(seed)
    shape = (8, 120)
    choice = rng.integers(0, 2, shape)
    choice[rng.random(shape) < 0.1] = -1
    outcome = rng.integers(0, 2, (*shape, n_outcomes)).astype(float)
    return trials_from_arrays(
        choice, outcome, instructed=rng.random(shape) < 0.1,
        length=rng.integers(60, 121, 8), subject=np.arange(8) % 2,
        names=TrialNames(
            outcomes=("controllable", "distractor", "third", "fourth")[:n_outcomes],
            subjects=("a", "b"),
        ),
    )  # fmt: skip


def by_hand(trials, subject, n_lags):
    """Rows of the design matrix and responses, one trial after another."""
    rows, responses = [], []
    n_types = 2 ** len(trials.names.outcomes)
    for s in np.flatnonzero(trials.subject == subject):
        past = []  # (sign, type), latest first
        for t in range(trials.length[s]):
            choice = trials.choice[s, t]
            if choice == -1:
                continue
            row = np.zeros((n_types, n_lags))
            for lag, (sign, kind) in enumerate(past[:n_lags]):
                row[kind, lag] = sign
            if not trials.instructed[s, t]:
                rows.append([1.0, *row.ravel()])
                responses.append(float(choice))
            kind = sum(int(trials.outcome[s, t, k]) << k for k in range(trials.outcome.shape[2]))
            past.insert(0, (1.0 if choice == 1 else -1.0, kind))
    return np.array(rows), np.array(responses)


@pytest.mark.parametrize("n_outcomes", [1, 2])
def test_the_design_is_that_of_a_plain_loop(n_outcomes):
    trials = ragged(n_outcomes)
    for subject in (0, 1):
        data = history_data(trials, 3, np.flatnonzero(trials.subject == subject))
        rows, responses = by_hand(trials, subject, 3)
        np.testing.assert_array_equal(data.design(), rows)
        np.testing.assert_array_equal(data.response, responses)
    assert data.column_names[:2] == ("bias", "none lag 1")
    last = "both lag 3" if n_outcomes == 2 else "controllable lag 3"
    assert data.column_names[-1] == last
    assert len(data.column_names) == data.n_weights == rows.shape[1]


@pytest.mark.parametrize("n_outcomes", [1, 2])
def test_weights_and_standard_errors_are_those_of_statsmodels(n_outcomes):
    trials = ragged(n_outcomes)
    fits = fit_history(trials, 3)
    assert [fit.subject for fit in fits] == ["a", "b"]
    for subject, fit in enumerate(fits):
        rows, responses = by_hand(trials, subject, 3)
        theirs = sm.Logit(responses, rows).fit(disp=0, method="newton", tol=1e-12)
        np.testing.assert_allclose(fit.weights, theirs.params, atol=1e-6)
        np.testing.assert_allclose(fit.trial_covariance, theirs.cov_params(), atol=1e-6)
        assert fit.log_likelihood == pytest.approx(theirs.llf, abs=1e-6)
        assert not fit.warnings


def test_standard_errors_take_sessions_as_independent():
    """Those of a subject over its sessions, pooled ones over subjects; of one session, over trials.
    The errors themselves are compared with an oracle in `scoring`."""
    trials = ragged()
    (fit, _), pooled = fit_history(trials, 1), pooled_history(trials, 1)
    for found, unit, cluster in (
        (fit, "session", fit.data.response_session),
        (pooled, "subject", trials.subject[pooled.data.response_session]),
    ):
        design = found.data.design()
        p = 1 / (1 + np.exp(-design @ found.weights))
        theirs = clustered_errors(
            design, found.data.response - p, cluster, trial_weight=p * (1 - p)
        )
        np.testing.assert_allclose(found.standard_error**2, np.diag(theirs.covariance))
        np.testing.assert_allclose(found.freedom, np.maximum(theirs.freedom(), 1.0))
        frame = found.to_frame()
        assert set(frame["unit"]) == {unit}
        half = stats.t.ppf(0.975, found.freedom) * found.standard_error
        np.testing.assert_allclose(frame["high"] - frame["weight"], half)
    alone = pooled_history(trials.select_sessions([0]), 1)
    by_trial = np.sqrt(np.diag(alone.trial_covariance))
    np.testing.assert_allclose(alone.standard_error, by_trial)
    frame = alone.to_frame()
    assert set(frame["unit"]) == {"trial"}
    np.testing.assert_allclose(frame["high"] - frame["weight"], 1.959964 * by_trial, rtol=1e-6)


def test_pooled_is_the_regression_of_all_rows():
    trials = ragged()
    both = [by_hand(trials, subject, 2) for subject in (0, 1)]
    theirs = sm.Logit(
        np.concatenate([y for _, y in both]), np.concatenate([x for x, _ in both])
    ).fit(disp=0, tol=1e-12)
    fit = pooled_history(trials, 2)
    np.testing.assert_allclose(fit.weights, theirs.params, atol=1e-6)
    assert fit.n_sessions == 8
    assert fit.normalized_likelihood == pytest.approx(np.exp(theirs.llf / fit.n_scored))


def test_ridge_is_the_maximum_of_the_penalised_likelihood():
    import scipy.optimize

    x, y = by_hand(ragged(), 0, 2)
    fit = fit_logistic(x, y, ridge=3.0)

    def loss(w):
        return np.logaddexp(0, x @ w).sum() - y @ (x @ w) + 1.5 * (w[1:] ** 2).sum()

    best = scipy.optimize.minimize(loss, np.zeros(x.shape[1]), method="BFGS", tol=1e-9)
    np.testing.assert_allclose(fit.weights, best.x, atol=1e-5)
    assert fit.converged


def test_trial_weights_are_repeated_trials():
    x, y = by_hand(ragged(), 0, 2)
    count = np.random.default_rng(0).integers(0, 3, len(y))
    repeated = fit_logistic(np.repeat(x, count, axis=0), np.repeat(y, count))
    weighed = fit_logistic(x, y, trial_weight=count.astype(float))
    np.testing.assert_allclose(weighed.weights, repeated.weights, atol=1e-9)


def test_cross_validated_ridge_is_strong_for_noise_and_weak_for_signal():
    noise = pooled_history(ragged(), 5, ridge="cv")
    agent = StructureMixture(0.4, 5.0, 1.0)
    trials = simulate(
        agent, DistractorRewards(), n_sessions=20, n_trials=300, key=jax.random.key(0)
    )
    signal = pooled_history(trials, 5, ridge="cv")
    assert noise.ridge >= 30
    assert signal.ridge <= 10
    with pytest.raises(DataError, match=r"there is only one session\. Give a number"):
        pooled_history(trials.select_sessions([0]), 2, ridge="cv")


def test_as_a_model_it_says_what_the_regression_says():
    trials = ragged()
    fits = fit_history(trials, 3)
    logits = unroll(as_model(fits[::-1], trials.names.subjects), trials).choice_logits
    for subject, fit in enumerate(fits):
        where = trials.scored & (trials.subject == subject)[:, None]
        got = (logits[..., 1] - logits[..., 0])[where]
        np.testing.assert_allclose(got, fit.data.design() @ fit.weights, atol=1e-5)
    with pytest.raises(ConfigError, match="There are 2 fits, so the model must know whose"):
        as_model(fits)
    with pytest.raises(ConfigError, match="There is no fit of subject c; there are fits of a, b"):
        as_model(fits, ("a", "c"))


def test_a_fit_to_its_own_simulation_finds_its_weights():
    weights = np.array([-0.2, 0.6, 0.3, -0.3, -0.2, 0.1, 0.5, 0.4, 0.2])
    trials = ragged()
    fit = fit_history(trials.select_sessions([0]), 2)[0]
    model = as_model([fit])
    import jax.numpy as jnp

    model = type(model)(
        jnp.asarray(weights[:1]), jnp.asarray(weights[1:].reshape(1, 4, 2), jnp.float32)
    )
    simulated = simulate(
        model, DistractorRewards(), n_sessions=100, n_trials=200, key=jax.random.key(1)
    )
    found = pooled_history(simulated, 2)
    z = (found.weights - weights) / np.sqrt(np.diag(found.trial_covariance))
    assert np.abs(z).max() < 3.5
    assert (z**2).sum() < 27.9  # chi-square with 9 degrees of freedom, p = 0.001


def test_collinear_columns_are_named_and_left_out():
    trials = ragged(2)
    never = trials.outcome.copy()
    never[..., 1] = np.where(never[..., 0] == 1, 0.0, never[..., 1])  # "both" never comes
    trials = trials_from_arrays(
        trials.choice, never, length=trials.length, names=TrialNames(outcomes=("c", "d"))
    )
    with pytest.warns(
        UserWarning, match=r"constant or collinear with others and were left out: .*both lag 1"
    ):
        fit = pooled_history(trials, 2)
    assert np.isnan(fit.by_type[3]).all()
    assert np.isfinite(fit.weights[:-2]).all()
    assert len(fit.to_frame()) == fit.data.n_weights


def test_separation_is_named():
    """An animal that always repeats a rewarded choice and leaves an unrewarded one."""
    rng = np.random.default_rng(0)
    reward = rng.integers(0, 2, (1, 200, 1)).astype(float)
    choice = np.zeros((1, 200), int)
    for t in range(1, 200):
        stay = reward[0, t - 1, 0] == 1
        choice[0, t] = choice[0, t - 1] if stay else 1 - choice[0, t - 1]
    trials = trials_from_arrays(choice, reward)
    with pytest.warns(UserWarning, match=r"predicted perfectly by .*none lag 1, reward lag 1"):
        fit = pooled_history(trials, 1)
    assert np.isnan(fit.standard_error[1:]).all()  # no finite maximum, so no interval either
    assert np.isnan(fit.to_frame()["low"][1:]).all()
    index = indices(fit, n_draws=5, rng=np.random.default_rng(0))[0]
    assert np.isnan([index.standard_error, index.low, index.high]).all()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.abs(pooled_history(trials, 1, ridge=1.0).weights).max() < 8


def test_bad_input_is_refused():
    trials = ragged()
    with pytest.raises(ConfigError, match="n_lags is 0; it must be at least 1"):
        fit_history(trials, 0)
    with pytest.raises(ConfigError, match=r"ridge is -1\.0; it must be a number of at least 0"):
        pooled_history(trials, 2, ridge=-1.0)
    with pytest.raises(DataError, match="needs two choices, but these trials have 3"):
        history_data(example_trials(3, 0), 2)
    with pytest.raises(DataError, match="outcomes of 0 and 1, but reward holds other numbers"):
        outcome_types(example_trials(2, 0))
    with pytest.raises(DataError, match="have no free choice to regress"):
        history_data(trials_from_arrays(np.full((1, 3), -1), np.zeros((1, 3, 1))), 1)
    with pytest.raises(DataError, match="need 1 to 4 outcome columns, but there are 5"):
        type_names(tuple("abcde"))


def test_types_have_names_and_indices_their_contrasts():
    assert type_names(("reward",)) == ("none", "reward")
    assert type_names(("controllable", "distractor")) == (
        "none", "controllable", "distractor", "both",
    )  # fmt: skip
    assert type_names(("a", "b", "c"))[3] == "a + b"
    contrasts = index_contrasts(history_data(ragged(), 2))
    assert list(contrasts) == ["controllable", "distractor"]
    np.testing.assert_array_equal(contrasts["controllable"], [0, -1, -1, 1, 1, 0, 0, 0, 0])
    np.testing.assert_array_equal(contrasts["distractor"], [0, -1, -1, 0, 0, 1, 1, 0, 0])


FILES = {
    "mouse_bandit_photometry.parquet": TableFormat(trial=None),
    "monkey_matching_pennies.parquet": None,
}


@pytest.mark.parametrize("name", FILES)
def test_real_animals_weights_are_those_of_statsmodels(name, shared_data):
    path = shared_data / name
    format = FILES[name]
    if format is None:
        columns = list(pd.read_parquet(path).columns)
        format = TableFormat(
            trial="trial" if "trial" in columns else None,
            subject="subject" if "subject" in columns else None,
        )
    trials = from_table(path, format)
    for fit in fit_history(trials, 5):
        design = fit.data.design()
        theirs = sm.Logit(fit.data.response, design).fit(disp=0, tol=1e-12, maxiter=100)
        np.testing.assert_allclose(fit.weights, theirs.params, atol=1e-6)
        by_trial = np.sqrt(np.diag(fit.trial_covariance))
        np.testing.assert_allclose(by_trial, theirs.bse, atol=1e-6)


@pytest.mark.slow
def test_index_intervals_cover():
    """Of 100 simulated mice with 8 sessions each, 95 +- 2.2 intervals hold the index that a very
    long experiment gives; fewer than 88 or more than 100 once in 1,000 times."""
    agent, task = StructureMixture(0.3, 3.0, 0.5), DistractorRewards()
    options = {"n_trials": 300, "key": jax.random.key(3)}
    long = pooled_history(simulate(agent, task, n_sessions=3000, **options), 5)
    truth = {name: long.weights @ c for name, c in index_contrasts(long.data).items()}
    mice = simulate(agent, task, n_sessions=800, n_trials=300, key=jax.random.key(4))
    held = dict.fromkeys(truth, 0)
    rng = np.random.default_rng(0)
    for first in range(0, 800, 8):
        fit = pooled_history(mice.select_sessions(range(first, first + 8)), 5)
        for index in indices(fit, n_draws=300, rng=rng):
            held[index.name] += index.low <= truth[index.name] <= index.high
    assert all(88 <= n <= 100 for n in held.values()), held
