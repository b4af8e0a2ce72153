"""Parts beside a model: what they add, what they leave alone, and how they are named."""

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array, Float

from accumbens.cohort import draw_agents
from accumbens.errors import ConfigError
from accumbens.fit.likelihood.maximum_likelihood import fit_maximum_likelihood
from accumbens.models.cognitive import Parameter, real
from accumbens.models.dfq import DFQ
from accumbens.models.parts.choice_kernel import ChoiceKernel
from accumbens.models.parts.composed import WithParts, with_parts
from accumbens.models.parts.part import Part
from accumbens.models.parts.side_bias import SideBias
from accumbens.models.q_learning import QLearning
from accumbens.simulation import simulate
from accumbens.tasks.bandits import DriftingBandit
from accumbens.unrolling import unroll
from helpers.table import example_trials

CORE = DFQ(0.4, 0.2, 2.0, 0.5, gain=[0.7], offset=[0.1])


def test_parts_act_on_choices_alone():
    trials = example_trials(2, 1)
    alone = unroll(CORE, trials)
    whole = unroll(with_parts(CORE, side_bias=0.3, perseveration=0.8), trials)
    np.testing.assert_array_equal(whole.signals, alone.signals)
    for name, latent in alone.latents.items():
        np.testing.assert_array_equal(whole.latents[name], latent)
    assert list(whole.latents) == ["Q_0", "Q_1", "kernel_0", "kernel_1", "prediction_error"]
    assert np.abs(whole.choice_logits - alone.choice_logits).max() > 0.5


def test_parts_of_no_strength_change_nothing():
    trials = example_trials(2, 1)
    silent = with_parts(CORE, side_bias=0.0, perseveration=0.0, perseveration_rate=0.3)
    np.testing.assert_array_equal(
        unroll(silent, trials).choice_logits, unroll(CORE, trials).choice_logits
    )


def test_a_kernel_of_rate_1_knows_the_last_choice_alone():
    trials = example_trials(2, 0)
    added = unroll(with_parts(DFQ(0.4, 0.2, 0.0, 0.0), perseveration=0.8), trials).choice_logits
    odds = added[..., 1] - added[..., 0]
    for session, length in enumerate(trials.length):
        made = trials.choice[session, :length]
        for t in range(length):
            before = made[:t][made[:t] != -1]
            expected = 0.0 if before.size == 0 else 0.8 * (1 if before[-1] == 1 else -1)
            assert odds[session, t] == pytest.approx(expected)


def test_parameters_of_all_are_found_by_name():
    model = with_parts(CORE, side_bias=0.3, perseveration=0.8)
    names = [*DFQ.parameters, "side_bias", "perseveration", "perseveration_rate"]
    assert list(model.parameters) == names
    values = [float(getattr(model, name)) for name in names]
    np.testing.assert_allclose(values, [0.4, 0.2, 2.0, 0.5, 0.3, 0.8, 1.0], rtol=1e-6)
    assert (model.gain.tolist(), model.model.n_signals) == (CORE.gain.tolist(), 0)
    assert model.name == "DFQ with SideBias, ChoiceKernel"
    assert (model.variants, model.scale_parameter) == (DFQ.variants, DFQ.scale_parameter)
    with pytest.raises(AttributeError, match="WithParts has no 'side_bios'"):
        _ = model.side_bios


def test_parts_are_added_to_parts():
    once = with_parts(CORE, perseveration=0.8)
    twice = with_parts(once, side_bias=0.3)
    assert [type(part) for part in twice.parts] == [ChoiceKernel, SideBias]
    assert isinstance(twice.model, DFQ)
    np.testing.assert_array_equal(twice.gain, CORE.gain)


def test_a_cohort_varies_in_parts_too():
    medians = {"learning_rate": 0.3, "inverse_temperature": 3.0, "side_bias": 0.2,
               "perseveration": 0.5}  # fmt: skip
    agents = draw_agents(QLearning, medians, 4, 0.5, key=jax.random.key(0), gain=1.0, offset=0.0)
    assert len({float(agent.side_bias) for agent in agents}) == 4
    assert all(agent.perseveration_rate == 1.0 and agent.n_signals == 1 for agent in agents)
    plain = {name: medians[name] for name in ("learning_rate", "inverse_temperature")}
    for alone, whole in zip(
        draw_agents(QLearning, plain, 4, 0.5, key=jax.random.key(0)), agents, strict=True
    ):
        assert alone.learning_rate == whole.learning_rate


class RelativeKernel(Part):
    """A part of a user's own: perseveration in units of reward, not of log-odds."""

    parameters: ClassVar = {
        "relative_perseveration": Parameter(0.0, 1.0, (0.05, 0.9), "gain of the last choice"),
    }

    relative_perseveration: Float[Array, ""] = eqx.field(converter=real)

    def initial_state(self, n_choices):
        return jnp.zeros(n_choices)

    def choice_logits(self, state, logits, model):
        return logits + model.inverse_temperature * self.relative_perseveration * state

    def update(self, state, choice, outcome):
        return jnp.where(jnp.arange(len(state)) == choice, jnp.ones_like(state), 0.0)


def test_a_part_of_ones_own_is_simulated_and_fitted():
    model = WithParts(QLearning(0.4, 3.0), [RelativeKernel(0.3)])
    trials = simulate(model, DriftingBandit(), n_sessions=40, n_trials=100, key=jax.random.key(1))
    same = with_parts(QLearning(0.4, 3.0), perseveration=0.9)
    np.testing.assert_allclose(
        unroll(model, trials).choice_logits, unroll(same, trials).choice_logits, rtol=1e-5
    )
    fit = fit_maximum_likelihood(model, trials, key=jax.random.key(2), n_starts=2)
    found = fit.parameters["relative_perseveration"]
    assert abs(found.estimate - 0.3) < 4 * found.standard_error < 0.3


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: with_parts(CORE, bias=0.3),
            "No part has a parameter bias; parameters of parts are side_b",
        ),
        (
            lambda: with_parts(CORE, perseveration_rate=0.3),
            "perseveration_rate has no effect without perseveration",
        ),
        (
            lambda: with_parts(with_parts(CORE, side_bias=0.1), side_bias=0.2),
            "DFQ with these parts has side_bias more than once. Leave a part out",
        ),
        (
            lambda: with_parts(CORE, side_bias=[0.1, 0.2]),
            r"parts\.0: side_bias has shape \(2,\) for 2 choices\. Give one number\.",
        ),
        (
            lambda: with_parts(QLearning(0.3, 3.0, n_choices=3), side_bias=0.1),
            r"side_bias has shape \(\) for 3 choices\. Give 2 numbers, one for each choice but",
        ),
    ],
)
def test_what_cannot_be_is_refused(make, message):
    with pytest.raises(ConfigError, match=message):
        make()
