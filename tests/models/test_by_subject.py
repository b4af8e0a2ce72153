"""One model with parameters of each subject's own, against each subject's model by itself."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from accumbens.errors import ConfigError, DataError
from accumbens.io.models import load_model, save_model
from accumbens.models.by_subject import BySubject, together
from accumbens.models.dfq import DFQ
from accumbens.models.parts.composed import with_parts
from accumbens.models.q_learning import QLearning
from accumbens.simulation import simulate
from accumbens.tasks.bandits import DriftingBandit
from accumbens.unrolling import unroll

AGENTS = {
    "q_learning": [
        QLearning(rate, 3.0, gain=g, offset=0.1) for rate, g in ((0.2, 1.0), (0.7, 2.0))
    ],
    "with parts": [
        with_parts(DFQ(rate, 0.2, 2.0, 0.5), side_bias=b, perseveration=0.5)
        for rate, b in ((0.2, -1.0), (0.7, 0.5))
    ],
}


@pytest.mark.parametrize("agents", AGENTS.values(), ids=AGENTS)
def test_every_session_is_its_subjects(agents):
    both = BySubject(jax.tree.map(lambda *x: jnp.stack(x), *agents))
    trials = simulate(
        both, DriftingBandit(), n_sessions=4, n_trials=30, subject=[0, 1, 1, 0],
        key=jax.random.key(0),
    )  # fmt: skip
    found = unroll(both, trials)
    for session, subject in enumerate([0, 1, 1, 0]):
        alone = unroll(agents[subject], trials.select_sessions([session]))
        np.testing.assert_allclose(found.choice_logits[session], alone.choice_logits[0], atol=1e-6)
        np.testing.assert_allclose(found.signals[session], alone.signals[0], atol=1e-6)
        assert list(found.latents) == list(alone.latents)
        for name, values in alone.latents.items():
            np.testing.assert_allclose(found.latents[name][session], values[0], atol=1e-6)


def test_a_subject_that_it_does_not_know_is_refused():
    both = BySubject(jax.tree.map(lambda *x: jnp.stack(x), *AGENTS["q_learning"]))
    assert (both.n_subjects, both.n_choices, both.n_signals) == (2, 2, 1)
    trials = simulate(
        AGENTS["q_learning"][0], DriftingBandit(), n_sessions=3, n_trials=5, subject=[0, 1, 2],
        key=jax.random.key(0),
    )  # fmt: skip
    with pytest.raises(DataError, match="has 2 subjects, but these trials have more"):
        unroll(both, trials)
    names = dataclasses.replace(trials.names, subjects=("a", "b"))
    unroll(both, dataclasses.replace(trials, names=names, subject=np.array([0, 1, 1], np.int32)))


def test_it_shows_the_parameters_of_all():
    both = BySubject(jax.tree.map(lambda *x: jnp.stack(x), *AGENTS["q_learning"]))
    assert repr(both).startswith("QLearning by subject: 2 choices, 1 signal, 2 subjects")
    assert "learning_rate" in repr(both)


def test_arrays_without_an_entry_per_subject_are_refused():
    rates = jnp.array([0.1, 0.5])
    with pytest.raises(ConfigError, match=r"QLearning do not all have the same first axis.*Stack"):
        BySubject(QLearning(rates, jnp.full(2, 3.0)))
    with pytest.raises(ConfigError, match="do not all have the same first axis"):
        BySubject(QLearning(0.1, 3.0))


NAMED = together({"a": QLearning(0.1, 3.0), "b": QLearning(0.9, 3.0)}, others=QLearning(0.5, 3.0))


def test_with_names_every_other_subject_has_the_model_of_the_others():
    assert (NAMED.n_subjects, NAMED.subjects) == (2, ("a", "b"))
    assert float(NAMED.of("b").learning_rate) == pytest.approx(0.9)
    for other in ("c", 2, -1, 17):
        assert float(NAMED.of(other).learning_rate) == pytest.approx(0.5)
    trials = simulate(
        QLearning(0.3, 3.0), DriftingBandit(), n_sessions=3, n_trials=9, subject=[0, 1, 2],
        key=jax.random.key(0),
    )  # fmt: skip
    trials = dataclasses.replace(
        trials, names=dataclasses.replace(trials.names, subjects=("c", "b", "a"))
    )
    found = unroll(NAMED, trials).choice_logits
    for session, name in enumerate(trials.names.subjects):
        alone = unroll(NAMED.of(name), trials.select_sessions([session]))
        np.testing.assert_allclose(found[session], alone.choice_logits[0], atol=1e-6)


def test_models_of_several_kinds_make_no_one_model():
    with pytest.raises(ConfigError, match="QLearning and DFQ are not of one kind"):
        together({"a": QLearning(0.1, 3.0)}, others=DFQ(0.1, 0.2, 2.0, 0.5))
    with pytest.raises(ConfigError, match="There is no model of any subject"):
        together({}, others=QLearning(0.1, 3.0))
    with pytest.raises(ConfigError, match="1 names of subjects and 3 models"):
        BySubject(NAMED.models, ("a",))
    with pytest.raises(ConfigError, match="Two subjects have one name: a, a"):
        BySubject(NAMED.models, ("a", "a"))


@pytest.mark.parametrize("agents", AGENTS.values(), ids=AGENTS)
@pytest.mark.parametrize("names", [(), ("x", "y")])
def test_saved_and_loaded(agents, names, tmp_path):
    models = [*agents, agents[0]] if names else agents
    both = BySubject(jax.tree.map(lambda *x: jnp.stack(x), *models), names)
    save_model(both, tmp_path / "both")
    again = load_model(tmp_path / "both")
    assert again.subjects == names
    assert jax.tree.structure(again) == jax.tree.structure(both)
    for old, new in zip(jax.tree.leaves(both), jax.tree.leaves(again), strict=True):
        np.testing.assert_array_equal(old, new)


def test_a_saved_model_whose_subjects_do_not_fit_together_is_damaged(tmp_path):
    save_model(NAMED, tmp_path / "named")
    text = (tmp_path / "named.json").read_text()
    (tmp_path / "named.json").write_text(text.replace('"value": "b"', '"value": "a"'))
    with pytest.raises(DataError, match=r"does not fit together .Two subjects have one name"):
        load_model(tmp_path / "named")
