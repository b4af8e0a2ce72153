"""Signals on latent variables: against statsmodels, and gains that are known."""

import dataclasses

import jax
import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

from accumbens.errors import ConfigError, DataError
from accumbens.models.dfq import DFQ
from accumbens.models.q_learning import QLearning
from accumbens.neural.model_signals import model_latents, signals_in_time, signals_on_latents
from accumbens.scoring.clustered import clustered_errors
from accumbens.simulation import simulate
from accumbens.tasks.bandits import DriftingBandit

GAIN, NOISE = 1.7, 0.8
AGENT = QLearning(learning_rate=0.3, inverse_temperature=3.0, gain=GAIN, offset=0.4)
USE = ("prediction_error", "Q_chosen")


@pytest.fixture(scope="module")
def trials():
    """25 sessions of 120 trials; some missed, some instructed, some without a signal."""
    made = simulate(
        AGENT, DriftingBandit(drift=0.1), n_sessions=25, n_trials=120, key=jax.random.key(2),
        signal_noise=NOISE,
    )  # fmt: skip
    rng = np.random.default_rng(0)
    choice, signal = made.choice.copy(), made.signal.copy()
    choice[rng.uniform(size=choice.shape) < 0.05] = -1
    signal[rng.uniform(size=choice.shape) < 0.1] = np.nan
    signal[:, :60, 0] += rng.normal(0, 0.5, (25, 1))  # sessions differ
    instructed = rng.uniform(size=choice.shape) < 0.05
    return dataclasses.replace(made, choice=choice, signal=signal, instructed=instructed)


def test_fit_is_that_of_statsmodels(trials):
    latents = model_latents(AGENT, trials)
    fit = signals_on_latents(trials, latents, USE).fits["dopamine"]
    kept = trials.scored & np.isfinite(trials.signal[..., 0])
    x = sm.add_constant(np.stack([latents[name][kept] for name in USE], axis=1))
    y, session = trials.signal[..., 0][kept], np.nonzero(kept)[0]
    its = sm.OLS(y, x).fit()
    np.testing.assert_allclose(fit.weights, its.params, rtol=1e-8)
    errors = clustered_errors(x, np.asarray(its.resid), session)
    np.testing.assert_allclose(fit.standard_error**2, np.diag(errors.covariance), rtol=1e-8)
    p = 2 * stats.t.sf(np.abs(fit.weights / fit.standard_error), errors.freedom())
    np.testing.assert_allclose(fit.p, p, rtol=1e-6, atol=1e-300)
    assert (fit.unit, fit.by_animal) == ("session", {})
    robust = sm.OLS(y, x).fit(cov_type="cluster", cov_kwds={"groups": session})
    np.testing.assert_allclose(fit.standard_error, robust.bse, rtol=0.1)  # 25 sessions
    assert fit.r2 == pytest.approx(its.rsquared, rel=1e-8)
    assert (fit.n, fit.n_sessions) == (kept.sum(), 25)
    for k in (1, 2):
        less = sm.OLS(y, np.delete(x, k, axis=1)).fit().ssr
        assert fit.partial_r2[k - 1] == pytest.approx((less - its.ssr) / less, rel=1e-6)


@pytest.mark.parametrize("name", ["q", "dfq"])
def test_gain_comes_back(trials, name):
    """Dopamine = gain x prediction error + noise, of a Q-learner and of a DFQ agent."""
    if name == "dfq":
        model = DFQ(0.3, 0.2, 3.0, 1.0)
        made = simulate(model, DriftingBandit(drift=0.1), n_sessions=25, n_trials=120,
                        key=jax.random.key(5))  # fmt: skip
        error = model_latents(model, made)["prediction_error"]
        noise = np.random.default_rng(1).normal(0, NOISE, error.shape)
        made = made.with_signals((GAIN * error + noise)[..., None], ("dopamine",))
    else:
        model, made = AGENT, trials
    latents = model_latents(model, made)
    fit = signals_on_latents(made, latents, USE).fits["dopamine"]
    # four standard errors of the fit, itself checked above; a value beside it gets nothing
    assert fit.weights[1] == pytest.approx(GAIN, abs=4 * fit.standard_error[1])
    assert fit.weights[2] == pytest.approx(0, abs=4 * fit.standard_error[2])
    assert fit.standard_error[1] < 0.1
    frame = signals_on_latents(made, latents, USE).to_frame()
    assert frame["latent"].tolist() == list(USE)
    assert frame["partial_r2"][0] > 10 * frame["partial_r2"][1]


@pytest.fixture(scope="module")
def animals(trials):
    """The same sessions as five animals, whose slopes differ by 1 between animals."""
    subject = np.repeat(np.arange(5), 5)
    names = dataclasses.replace(trials.names, subjects=tuple("abcde"))
    return dataclasses.replace(trials, subject=subject, names=names)


def test_from_three_animals_on_slopes_are_of_each_and_t_over_them(animals):
    latents = model_latents(AGENT, animals)
    rng = np.random.default_rng(0)
    slopes = rng.normal(0.0, 1.0, 5)
    noise = rng.normal(0, NOISE, animals.choice.shape)
    signal = slopes[animals.subject][:, None] * latents["prediction_error"] + noise
    made = animals.with_signals(signal[..., None], ("x",))
    found = signals_on_latents(made, latents, USE)
    fit = found.fits["x"]
    own = []
    for s in range(5):
        kept = made.scored & np.isfinite(signal) & (made.subject == s)[:, None]
        x = sm.add_constant(np.stack([latents[name][kept] for name in USE], axis=1))
        own.append(sm.OLS(signal[kept], x).fit().params)
    np.testing.assert_allclose(np.stack(list(fit.by_animal.values())), own, rtol=1e-6)
    theirs = stats.ttest_1samp(np.array(own), 0.0)
    np.testing.assert_allclose(fit.p, theirs.pvalue, rtol=1e-6)
    ends = theirs.confidence_interval(0.95)
    np.testing.assert_allclose((fit.low, fit.high), (ends.low, ends.high), rtol=1e-6)
    assert fit.unit == "animal"
    by_session = signals_on_latents(made, latents, USE, unit="session").fits["x"]
    assert by_session.standard_error[1] < fit.standard_error[1]
    frame = found.slopes_to_frame()
    assert frame["coefficient"].iloc[0] == fit.by_animal["a"][1] == pytest.approx(own[0][1])
    assert found.to_frame()["animals"].tolist() == [5, 5]


def test_animals_with_too_few_trials_have_no_slopes(animals):
    latents = model_latents(AGENT, animals)
    signal = animals.signal.copy()
    signal[animals.subject == 2, 3:] = np.nan
    signal[11:15] = np.nan
    made = animals.with_signals(signal, ("x",))
    fit = signals_on_latents(made, latents, USE).fits["x"]
    assert (fit.left_out, list(fit.by_animal)) == (("c",), ["a", "b", "d", "e"])
    alone = np.where((animals.subject == 0)[:, None, None], signal, np.nan)
    with pytest.raises(DataError, match="has slopes of 1 animal: t over animals needs two, each"):
        signals_on_latents(made.with_signals(alone, ("x",)), latents, USE, unit="animal")
    with pytest.raises(ConfigError, match="unit is 'mouse'; choose auto, animal or session"):
        signals_on_latents(made, latents, USE, unit="mouse")


def test_bootstrap_agrees_with_the_sandwich(trials):
    """25 sessions: the two differ by little more than the SD of an SE, 1 / sqrt(2 x 24) = 14 %."""
    latents = model_latents(AGENT, trials)
    cluster = signals_on_latents(trials, latents, USE).fits["dopamine"]
    boot = signals_on_latents(
        trials, latents, USE, standard_errors="bootstrap", rng=np.random.default_rng(0)
    ).fits["dopamine"]
    np.testing.assert_array_equal(boot.weights, cluster.weights)
    np.testing.assert_allclose(boot.standard_error, cluster.standard_error, rtol=0.3)


def test_in_time_is_the_fit_at_each_time(trials):
    """A response that rises and falls, its height the prediction error."""
    time = np.arange(-0.5, 2.0, 0.25)
    shape = np.where(time >= 0, np.exp(-time), 0.0)
    latents = model_latents(AGENT, trials)
    inside = trials.in_session
    error = np.nan_to_num(latents["prediction_error"][inside])
    rng = np.random.default_rng(4)
    values = GAIN * error[:, None] * shape + rng.normal(0, 0.5, (len(error), len(time)))
    values[:, -1] = np.nan
    found = signals_in_time(trials, time, values, latents, USE)
    good = slice(0, -1)
    z = (found.coefficient[0] - GAIN * shape)[good] / found.standard_error[0, good]
    assert np.abs(z).max() < 4
    assert np.isnan(found.coefficient[:, -1]).all()
    signal = np.full(trials.choice.shape, np.nan)
    signal[inside] = values[:, 3]
    alone = signals_on_latents(trials.with_signals(signal[..., None], ("x",)), latents, USE)
    np.testing.assert_allclose(found.coefficient[:, 3], alone.fits["x"].weights[1:], rtol=1e-12)
    np.testing.assert_allclose(
        found.standard_error[:, 3], alone.fits["x"].standard_error[1:], rtol=1e-12
    )
    assert len(found.to_frame()) == 2 * len(time)


def test_errors(trials):
    latents = model_latents(AGENT, trials)
    assert np.isnan(latents["Q_0"][~trials.scored]).all()
    with pytest.raises(ConfigError, match=r"The latent variables \['Q_9'\] cannot be regressed"):
        signals_on_latents(trials, latents, ["Q_9"])
    with pytest.raises(ConfigError, match=r"named twice: \['Q_0', 'Q_0'\]"):
        signals_on_latents(trials, latents, ["Q_0", "Q_0"])
    with pytest.raises(ConfigError, match="standard_errors is 'hc3'; choose cluster or"):
        signals_on_latents(trials, latents, standard_errors="hc3")
    with pytest.raises(ConfigError, match="The bootstrap of sessions needs rng"):
        signals_on_latents(trials, latents, standard_errors="bootstrap")
    one = trials.select_sessions([0])
    few = model_latents(AGENT, one)
    with pytest.raises(DataError, match=r"signal dopamine was measured on .* at least two sess"):
        signals_on_latents(one, few)
    with pytest.raises(DataError, match="Q_0, twice do not vary, or are collinear"):
        signals_on_latents(trials, latents | {"twice": 2 * latents["Q_0"]}, ["Q_0", "twice"])
    bare = trials.with_signals(np.zeros((*trials.choice.shape, 0)), ())
    with pytest.raises(DataError, match="have no signal to regress on"):
        signals_on_latents(bare, latents)
    with pytest.raises(DataError, match="10 rows and 4 columns, but there are 3000 trials and 4"):
        signals_in_time(trials, np.arange(4.0), np.zeros((10, 4)), latents)
    unknown = latents | {"gone": np.full_like(latents["Q_0"], np.nan)}
    with pytest.raises(DataError, match="gone is not a finite number on some scored"):
        signals_on_latents(trials, unknown, ["gone"])
    with pytest.raises(DataError, match="not measured on enough trials of two sessions at"):
        signals_in_time(trials, np.arange(2.0), np.full((3000, 2), np.nan), latents)
