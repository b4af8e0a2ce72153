"""Parameters come back from simulated sessions, within intervals as wide as they should be."""

import jax
import numpy as np
import pytest
from scipy import stats

from accumbens.errors import ConfigError
from accumbens.fit.likelihood.recovery import recover
from accumbens.models.catalogue import cognitive
from accumbens.models.dfq import DFQ
from accumbens.tasks.bandits import DriftingBandit
from accumbens.tasks.distractor import DistractorRewards

SIGNAL = {"gain": 0.8, "offset": -0.3}
TRUTH = {
    "dfq": {"reward_strength": 2.0},
    "actor_critic": {"actor_learning_rate": 0.8, "actor_forgetting_rate": 0.1,
                     "critic_learning_rate": 0.3},
    "bias": {"bias": 0.4},
    "structure_mixture": {"structure_weight": 0.6},
}  # fmt: skip
"""Where these are recovered, other than in the catalogue's examples."""
MODELS = {
    name: entry.model_class(**{**entry.example, **TRUTH.get(name, {}), **SIGNAL})
    for name, entry in cognitive().items()
}
TASKS = {
    name: DistractorRewards() if entry.task == "distractor" else DriftingBandit()
    for name, entry in cognitive().items()
}


def assert_recovered(found):
    """Of 200 intervals at 95 %, 190 +- 3.1 hold the truth: outside 90 to 99 % once in 600 times.

    Fewer may miss it as often as happens once in 10,000 times.
    The mean estimate lies within 4 of its standard errors of the truth, but for the bias of maximum
    likelihood, of order 1/n: a quarter of a standard error at 5,000 trials.
    """
    n = len(found.estimate)
    coverage = found.covered.mean(0)
    if n >= 200:
        assert ((coverage >= 0.90) & (coverage <= 0.99)).all(), found.to_frame()
    else:
        missed = (~found.covered).sum(0)
        assert (missed <= stats.binom.ppf(1 - 1e-4, n, 0.05)).all(), found.to_frame()
    error = found.standard_error.mean(0)
    assert (np.abs(found.estimate.mean(0) - found.truth) < (0.25 + 4 / n**0.5) * error).all()
    # An SD over n repeats has a relative standard error of 1 / sqrt(2 n).
    spread = found.estimate.std(0, ddof=1)
    np.testing.assert_allclose(spread, error, rtol=4 / np.sqrt(2 * n))


def test_dfq_is_recovered_from_choices():
    model = MODELS["dfq"]
    found = recover(model, DriftingBandit(), key=jax.random.key(0), signal_noise=0.5, n_starts=2)
    assert found.parameters[:4] == tuple(DFQ.parameters)
    assert found.parameters[4:] == ("gain[dopamine]", "offset[dopamine]", "residual_sd[dopamine]")
    assert_recovered(found)


@pytest.mark.slow
@pytest.mark.parametrize("target", ["choice", "both"])
@pytest.mark.parametrize("name", MODELS)
def test_every_cognitive_model_is_recovered(name, target):
    key = jax.random.key(1)
    found = recover(MODELS[name], TASKS[name], key=key, target=target, signal_noise=0.5)
    assert_recovered(found)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    ["bias", "meta_learning", "structure_naive", "structure_savvy", "structure_mixture",
     "two_process"],
)  # fmt: skip
def test_models_are_recovered_in_twenty_repeats(name):
    """A cheaper check than the test above and benchmarks/recovery.py, which take 200 of all."""
    model = MODELS[name]
    found = recover(
        model, TASKS[name], key=jax.random.key(3), n_repeats=20, signal_noise=0.5, n_starts=2
    )
    assert found.parameters[: len(model.parameters)] == tuple(model.parameters)
    assert_recovered(found)


@pytest.mark.slow
def test_dfq_is_recovered_from_the_signal_alone():
    model = DFQ(0.4, 0.2, 1.0, 0.25, **SIGNAL)
    key = jax.random.key(2)
    found = recover(model, DriftingBandit(), key=key, target="signal", signal_noise=0.5)
    assert "reward_strength" not in found.parameters
    assert_recovered(found)


def test_the_table_compares_truth_and_fits():
    found = recover(
        MODELS["bias"], DriftingBandit(), key=jax.random.key(0), n_repeats=10, n_sessions=4
    )
    frame = found.to_frame().set_index("parameter")
    assert frame.loc["bias", "truth"] == pytest.approx(0.4)
    assert frame.loc["bias", "coverage"] == found.covered[:, 0].mean()
    assert frame.loc["bias", "sd_of_estimates"] == found.estimate[:, 0].std(ddof=1)


def test_what_tells_nothing_is_refused():
    with pytest.raises(ConfigError, match="n_repeats is 1; it must be at least 2"):
        recover(MODELS["dfq"], DriftingBandit(), key=jax.random.key(0), n_repeats=1)
    with pytest.raises(ConfigError, match="holds reward_strength at 1, but the model has another"):
        recover(MODELS["dfq"], DriftingBandit(), key=jax.random.key(0), target="signal")
