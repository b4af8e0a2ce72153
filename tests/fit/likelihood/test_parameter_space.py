"""Parameters as a free vector, and back; what is held and tied."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from accumbens.errors import ConfigError
from accumbens.fit.likelihood.parameter_space import parameter_space
from accumbens.models.actor_critic import ActorCritic
from accumbens.models.bias import BiasOnly
from accumbens.models.cognitive import CognitiveModel
from accumbens.models.dfq import DFQ
from accumbens.models.parts.composed import WithParts, with_parts
from accumbens.models.q_learning import QLearning

NO_SIGNAL = (jnp.zeros(0), jnp.zeros(0))


class Pairs(QLearning):
    """A model of a user's own, of two choices alone."""

    def __check_init__(self):
        if self.n_choices != 2:
            raise ConfigError("Pairs is made for two choices.")


@pytest.mark.parametrize("model", [QLearning, DFQ, ActorCritic, BiasOnly])
def test_any_real_vector_is_a_model_within_its_bounds(model):
    space = parameter_space(model, 2)
    for u in np.random.default_rng(0).normal(0, 3, size=(20, len(space.names))):
        built = space.build(jnp.asarray(u, jnp.float32), *NO_SIGNAL)
        natural = space.natural(jnp.asarray(u, jnp.float32))
        for name, value in zip(space.names, natural, strict=True):
            known = model.parameters[name]
            assert known.low < value < known.high
            np.testing.assert_array_equal(getattr(built, name), value)
        np.testing.assert_allclose(space.unconstrained(natural), u, rtol=1e-3, atol=1e-3)


def test_transforms_are_the_stated_ones():
    space = parameter_space(ActorCritic, 2, free=["initial_value"])
    assert space.names == (
        "actor_learning_rate", "actor_forgetting_rate", "critic_learning_rate", "initial_value",
    )  # fmt: skip
    u = np.array([0.3, -1.0, 2.0, -0.7])
    expected = [np.exp(0.3), 1 / (1 + np.exp(1.0)), 1 / (1 + np.exp(-2.0)), -0.7]
    np.testing.assert_allclose(space.natural(jnp.asarray(u)), expected, rtol=1e-6)


def test_starts_lie_in_the_stated_range_and_depend_on_the_key():
    space = parameter_space(DFQ, 2)
    u = space.draw_starts(jax.random.key(0), 200)
    starts = np.asarray(jax.vmap(space.natural)(u))
    for name, column in zip(space.names, starts.T, strict=True):
        low, high = DFQ.parameters[name].start
        assert low <= column.min() < low + 0.1 * (high - low)
        assert high - 0.1 * (high - low) < column.max() <= high
    assert (u != space.draw_starts(jax.random.key(1), 200)).all()


def test_parameters_with_a_default_are_held_at_it_or_at_the_given_models_value():
    space = parameter_space(QLearning, 2)
    assert space.names == ("learning_rate", "inverse_temperature", "initial_value")
    same = {"negative_learning_rate": "learning_rate"}
    assert space.held_values() == same | {"forgetting_rate": 0.0}
    own = parameter_space(QLearning(0.1, 2.0, forgetting_rate=0.25), 2)
    assert own.held_values() == same | {"forgetting_rate": 0.25}
    assert "forgetting_rate" in parameter_space(QLearning, 2, free=["forgetting_rate"]).names


def test_a_parameter_equal_to_another_by_default_follows_it_until_it_is_free():
    space = parameter_space(QLearning, 2, fixed={"initial_value": 0.5})
    built = space.build(jnp.array([0.4, 1.0]), *NO_SIGNAL)
    assert built.negative_learning_rate == built.learning_rate
    known = {"learning_rate": 0.25}
    assert parameter_space(QLearning, 2, fixed=known).held_values() == {
        "learning_rate": 0.25, "negative_learning_rate": 0.25, "forgetting_rate": 0.0,
    }  # fmt: skip
    free = parameter_space(QLearning(0.1, 2.0), 2, free=["negative_learning_rate"])
    assert "negative_learning_rate" in free.names
    np.testing.assert_allclose(free.natural(free.own_values()), [0.1, 2.0, 0.5, 0.1], rtol=1e-5)
    own = parameter_space(QLearning(0.1, 2.0, negative_learning_rate=0.3), 2)
    assert own.held_values()["negative_learning_rate"] == pytest.approx(0.3)


def test_parameters_of_parts_put_the_part_beside_the_model():
    space = parameter_space(DFQ, 2, free=["perseveration"], fixed={"side_bias": 0.3})
    assert space.names == (*DFQ.parameters, "perseveration")
    held = {"side_bias": pytest.approx(0.3), "perseveration_rate": 1.0}
    assert space.held_values() == held
    built = space.build(jnp.zeros(5), *NO_SIGNAL)
    assert (built.side_bias, built.perseveration, built.learning_rate) == (
        pytest.approx(0.3), 0.0, 0.5,
    )  # fmt: skip
    free = ("perseveration_rate", "perseveration", "side_bias")
    assert parameter_space(DFQ, 3, free=free).names[4:] == (
        "side_bias[0]", "side_bias[1]", "perseveration", "perseveration_rate",
    )  # fmt: skip


def test_parts_that_are_there_are_fitted_and_not_added_again():
    model = with_parts(DFQ(0.4, 0.2, 2.0, 0.5), perseveration=0.6, perseveration_rate=0.25)
    space = parameter_space(model, 2)
    assert space.names == (*DFQ.parameters, "perseveration")
    assert space.held_values() == {"perseveration_rate": 0.25}
    assert parameter_space(model, 2, free=["perseveration_rate"]).names[-1] == "perseveration_rate"
    both = parameter_space(model, 2, free=["side_bias"], variant="fq")
    assert [type(part).__name__ for part in both.template.parts] == ["ChoiceKernel", "SideBias"]
    assert both.held_values()["forgetting_rate"] == "learning_rate"


def test_variants_fix_and_tie():
    space = parameter_space(DFQ, 2, variant="fq")
    assert space.names == ("learning_rate", "reward_strength", "no_reward_strength")
    assert space.held_values() == {"forgetting_rate": "learning_rate"}
    built = space.build(jnp.array([0.4, 2.0, 1.0]), *NO_SIGNAL)
    assert built.forgetting_rate == built.learning_rate
    space = parameter_space(DFQ, 2, variant="q", fixed={"no_reward_strength": 0.5})
    built = space.build(jnp.array([0.4, 2.0]), *NO_SIGNAL)
    assert (built.forgetting_rate, built.no_reward_strength) == (0.0, 0.5)


def test_a_vector_takes_as_many_places_as_it_has_entries():
    space = parameter_space(BiasOnly([0.1, -2.0], n_choices=3), 3)
    assert space.names == ("bias[0]", "bias[1]")
    np.testing.assert_allclose(space.own_values(), [0.1, -2.0], rtol=1e-6)
    np.testing.assert_array_equal(space.build(jnp.arange(2.0), *NO_SIGNAL).bias, [0.0, 1.0])


def test_own_values_at_a_bound_are_just_inside():
    space = parameter_space(DFQ(0.0, 1.0, 2.0, -30.0), 2)
    np.testing.assert_allclose(space.own_values(), [-10.0, 10.0, 2.0, -30.0])


def test_bounds_are_noticed():
    space = parameter_space(DFQ, 2)
    near = np.array([1e-4, 1 - 1e-4, 0.0, -500.0])
    np.testing.assert_array_equal(space.at_bound(near), [True, True, False, False])
    inside = np.array([0.01, 0.99, 0.0, 0.0])
    assert not space.at_bound(inside).any()


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        (DFQ, {"variant": "qf"}, "DFQ has no variant 'qf'; there are fq, q. Did you mean"),
        (DFQ, {"fixed": {"lerning_rate": 0.1}}, "no parameter 'lerning_rate'.*'learning_rate'"),
        (DFQ, {"free": ["beta"]}, "DFQ has no parameter 'beta'; there are learning_rate"),
        (DFQ, {"free": ["bias"]}, "no_reward_strength, side_bias, pers.*Did you mean 'side_bias'"),
        (
            DFQ,
            {"free": ["side_bias"], "fixed": {"side_bias": 1.0}},
            "side_bias cannot be both free",
        ),
        (DFQ, {"fixed": {"learning_rate": 1.5}}, r"fixed at 1.5; it must lie in \[0.0, 1.0\]"),
        (DFQ, {"fixed": {"learning_rate": "rate"}}, "learning_rate cannot be tied: DFQ has no"),
        (
            DFQ,
            {"fixed": {"learning_rate": "forgetting_rate", "forgetting_rate": 0.1}},
            "learning_rate is tied to forgetting_rate, which is not free",
        ),
        (
            DFQ,
            {"variant": "q", "free": ["forgetting_rate"]},
            r"forgetting_rate cannot be both free and fixed \(variant: q\)",
        ),
        (QLearning(0.1, 2.0), {}, r"model has 2 choices but the trials have 3\. Give a model"),
        (Pairs, {}, r"Pairs cannot be built for 3 choices from single numbers\. Give .* a model"),
    ],
)
def test_what_cannot_be_is_refused(model, options, message):
    with pytest.raises(ConfigError, match=message):
        parameter_space(model, 3 if not options else 2, **options)


@pytest.mark.parametrize("n_choices", [2, 3, 4])
@pytest.mark.parametrize("options", [{}, {"variant": "chance"}, {"fixed": {"bias": 0.3}}])
def test_a_class_with_a_number_for_each_choice_is_built_for_any_number_of_choices(
    n_choices, options
):
    space = parameter_space(BiasOnly, n_choices, **options)
    names = ("bias",) if n_choices == 2 else tuple(f"bias[{i}]" for i in range(n_choices - 1))
    assert space.names == (() if options else names)
    built = space.build(jnp.arange(len(space.names)) + 1.0, *NO_SIGNAL)
    held = 0.0 if "variant" in options else 0.3
    expected = [held] * (n_choices - 1) if options else range(1, n_choices)
    np.testing.assert_allclose(built.choice_logits(()), [0.0, *expected])


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (WithParts, r"The class WithParts does not say which parameters it has\. Give a model"),
        (CognitiveModel, r"The class CognitiveModel does not say which parameters it has"),
    ],
)
def test_a_class_that_does_not_know_its_parameters_is_refused(model, message):
    with pytest.raises(ConfigError, match=message):
        parameter_space(model, 2)
