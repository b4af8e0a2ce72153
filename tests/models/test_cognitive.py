"""Parameters, special cases and refusals of the cognitive models."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from accumbens.errors import ConfigError
from accumbens.models.belief import BeliefAgent
from accumbens.models.bias import BiasOnly
from accumbens.models.catalogue import cognitive
from accumbens.models.cognitive import CognitiveModel
from accumbens.models.dfq import DFQ
from accumbens.models.gru import GRU
from accumbens.models.meta_learning import MetaLearning
from accumbens.models.parts.composed import with_parts
from accumbens.models.pearce_hall import PearceHall
from accumbens.models.q_learning import QLearning
from accumbens.models.rflr import RFLR
from accumbens.trials import TrialNames, trials_from_arrays
from accumbens.unrolling import unroll
from helpers.table import example_trials

ENTRIES = cognitive()
NOT_PARAMETERS = {
    "gain", "offset", "n_choices", "reward", "controllable", "distractor", "reward_range",
}  # fmt: skip


def at_start(kind: type[CognitiveModel], **more):
    """The model in the middle of its starting ranges."""
    values = {name: np.mean(p.start) for name, p in kind.parameters.items()}
    return kind(**values | more)


@pytest.mark.parametrize("name", ENTRIES)
def test_parameters_are_described_as_the_fields_they_are(name):
    kind = ENTRIES[name].model_class
    fields = {field.name: field for field in dataclasses.fields(kind)}
    own = [name for name in fields if name not in NOT_PARAMETERS]
    assert list(kind.parameters) == own
    for name, parameter in kind.parameters.items():
        assert parameter.low <= parameter.start[0] < parameter.start[1] <= parameter.high
        if parameter.default is None:  # always fitted, though an agent may have a usual value
            assert fields[name].default is dataclasses.MISSING or name == "initial_value"
        elif isinstance(parameter.default, str):  # equal to another unless given
            assert parameter.default in kind.parameters
            assert fields[name].default is None
        else:
            assert parameter.default == fields[name].default
        assert parameter.meaning
    for ties in kind.variants.values():
        assert ties.keys() <= kind.parameters.keys()
        for value in ties.values():
            assert value in kind.parameters or kind.parameters[next(iter(ties))].low <= value


@pytest.mark.parametrize("name", ENTRIES)
def test_models_are_built_from_plain_or_traced_numbers(name):
    kind = ENTRIES[name].model_class
    trials = example_trials(2, 1, n_outcomes=ENTRIES[name].n_outcomes)
    names = list(kind.parameters)

    def built(values, gain):
        return kind(**dict(zip(names, values, strict=True)), gain=gain, offset=0.0)

    values = np.array([np.mean(kind.parameters[name].start) for name in names])
    traced = jax.jit(jax.vmap(built))(jnp.stack([values, values * 0.9]), jnp.ones(2))
    assert traced.n_signals == 1
    for i, factor in enumerate((1.0, 0.9)):
        one = unroll(jax.tree.map(lambda x, i=i: x[i], traced), trials)
        plain = unroll(built([float(x) for x in values * factor], 1.0), trials)
        np.testing.assert_allclose(one.choice_logits, plain.choice_logits, rtol=1e-5)
        np.testing.assert_allclose(one.signals, plain.signals, rtol=1e-5, atol=1e-6)


def test_signals_need_a_gain_and_an_offset_each():
    assert at_start(DFQ).n_signals == 0
    assert at_start(DFQ, gain=[1, 2, 3], offset=np.zeros(3)).n_signals == 3
    with pytest.raises(
        ConfigError, match=r"QLearning has 2 gains but 1 offsets\. Give one of each"
    ):
        QLearning(0.1, 1.0, gain=[1.0, 2.0], offset=0.0)


def test_dfq_without_forgetting_and_aversion_is_q_learning_from_zero():
    trials = example_trials(2, 0)
    fixed = DFQ.variants["q"]
    dfq = unroll(DFQ(0.3, reward_strength=2.0, **fixed), trials)
    q = unroll(QLearning(0.3, 2.0, 0.0), trials)
    np.testing.assert_allclose(dfq.choice_logits, q.choice_logits, atol=1e-5)
    np.testing.assert_allclose(
        dfq.latents["prediction_error"], 2.0 * q.latents["prediction_error"], atol=1e-5
    )


def test_rflr_is_dfq_that_forgets_as_fast_as_it_learns():
    """And the last choice, as a kernel of one step."""
    trials = example_trials(2, 0)
    rflr = unroll(RFLR(0.6, 1.5, 2.0), trials)
    lost = 1 - np.exp(-1 / 2.0)
    same = with_parts(DFQ(lost, lost, 1.5 / lost, 0.0), perseveration=0.6)
    dfq = unroll(same, trials)
    np.testing.assert_allclose(rflr.choice_logits, dfq.choice_logits, atol=1e-5)
    np.testing.assert_allclose(
        rflr.latents["prediction_error"], lost * dfq.latents["prediction_error"], atol=1e-5
    )


def test_learning_rates_that_follow_nothing_are_fixed_ones():
    trials = example_trials(2, 0)
    q = unroll(QLearning(0.6, 3.0, 0.2, 0.3, 0.15), trials)
    fixed = MetaLearning(0.6, 0.3, 0.5, 0.0, 0.15, 3.0, 0.2)
    np.testing.assert_allclose(unroll(fixed, trials).choice_logits, q.choice_logits, atol=1e-5)
    q = unroll(QLearning(0.6, 3.0, 0.2, forgetting_rate=0.15), trials)
    fixed = PearceHall(0.6, 0.0, 3.0, 0.2, 0.15)
    np.testing.assert_allclose(unroll(fixed, trials).choice_logits, q.choice_logits, atol=1e-5)


def test_a_belief_of_certain_ends_stays_finite():
    """Rewards that cannot be, and a world that never changes: nothing is impossible."""
    trials = example_trials(2, 0)
    result = unroll(BeliefAgent(1.0, 0.0, 0.0, 3.0), trials)
    for values in (result.choice_logits, result.latents["belief_0"]):
        assert np.isfinite(values).all()


def test_fq_forgets_as_fast_as_it_learns():
    assert DFQ.variants["fq"] == {"forgetting_rate": "learning_rate"}


def test_naive_signal_is_one_mean_for_each_kind_of_outcome():
    trials = example_trials(2, 0)
    model = BiasOnly(0.0, gain=1.5, offset=-0.5)
    signal = unroll(model, trials).signals[..., 0]
    reward = trials.outcome[..., 0]
    assert (signal[trials.valid & (reward == 1)] == 1.0).all()
    assert (signal[trials.valid & (reward == 0)] == -0.5).all()


def test_reward_can_be_any_outcome_column():
    trials = example_trials(2, 0)
    doubled = trials_from_arrays(
        trials.choice,
        np.concatenate([np.zeros_like(trials.outcome), trials.outcome], axis=2),
        length=trials.length,
        names=TrialNames(outcomes=("distractor", "reward")),
    )
    one, two = unroll(DFQ(0.3, 0.1, 2, 1), trials), unroll(DFQ(0.3, 0.1, 2, 1, reward=1), doubled)
    np.testing.assert_array_equal(one.choice_logits, two.choice_logits)
    with pytest.raises(ConfigError, match="DFQ takes outcome column 1 as the reward, but the out"):
        unroll(DFQ(0.3, 0.1, 2, 1, reward=1), trials)


def test_bias_has_one_number_for_each_choice_but_the_first():
    assert BiasOnly([0.3]).choice_logits(()).tolist() == BiasOnly(0.3).choice_logits(()).tolist()
    with pytest.raises(
        ConfigError, match=r"bias of shape \(\) for 3 choices\. Give 2 numbers, one for each"
    ):
        BiasOnly(0.3, n_choices=3)
    with pytest.raises(
        ConfigError, match=r"bias of shape \(3,\) for 2 choices\. Give one number\."
    ):
        BiasOnly([0.3, 0.1, 0.2])


def test_gru_sizes_must_make_sense():
    with pytest.raises(ConfigError, match="GRU: hidden is 0; it must be at least 1"):
        GRU(hidden=0, key=jax.random.key(0))
