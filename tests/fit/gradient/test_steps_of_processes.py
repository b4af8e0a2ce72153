"""What is sent between processes comes back as it was, and nothing else is run."""

import os
import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from accumbens.fit.gradient import processes
from accumbens.fit.gradient.division import ALONE, Division
from accumbens.fit.gradient.processes import Crew, divisible, steps_on_all_devices
from accumbens.models.disrnn import DisRNNConfig

KEY = jax.random.key(0)


@divisible
def scaled(tree, key, times, division: Division = ALONE):
    """Numbers of a tree, and of a key, inside of a trace."""
    noise = jax.random.normal(key, ())
    return jax.tree.map(lambda x: division.n * times * x + noise, tree)


class Loud:
    """Pickles to a call of the system."""

    def __reduce__(self):
        return os.system, ("true",)


@pytest.fixture
def crew(monkeypatch):
    """Of one device; a message may name what this file holds."""
    found = processes._Unpickler.find_class
    monkeypatch.setattr(
        processes._Unpickler, "find_class",
        lambda self, module, name: scaled if name == "scaled" else found(self, module, name),
    )  # fmt: skip
    return Crew(None)


def test_a_function_gets_what_it_was_called_with(crew):
    large = jnp.arange(processes.LARGE / 4, dtype=jnp.float32)
    tree = {"small": np.float32(2.0), "large": large, "none": None}
    for times in (3, 5):
        out = crew.call(scaled, (tree, KEY, times))
        wanted = scaled(tree, KEY, times)
        assert out.keys() == wanted.keys()
        for name in ("small", "large"):
            np.testing.assert_allclose(out[name], wanted[name], rtol=1e-6)
    assert crew.calls == 2


def test_large_arrays_are_sent_once_for_a_training(crew, monkeypatch):
    sent = []
    monkeypatch.setattr(
        jax, "make_array_from_process_local_data",
        lambda where, x, shape, make=jax.make_array_from_process_local_data: (
            sent.append(shape), make(where, x, shape),
        )[1],
    )  # fmt: skip
    large = jnp.ones(processes.LARGE)
    for _ in range(3):
        crew.call(scaled, ({"a": large, "b": large, "c": jnp.ones(3)}, KEY, 2))
    assert sent == [large.shape]
    crew.forget()
    crew.call(scaled, ({"a": large}, KEY, 2))
    assert sent == [large.shape] * 2


def test_one_program_serves_all_calls_of_the_same_shapes(crew):
    for number in range(3):
        crew.call(scaled, ({"a": jnp.full(4, number)}, jax.random.key(number), 2))
    assert len(crew._programs) == 1


def test_messages_name_data_and_steps_of_the_package_alone():
    config = DisRNNConfig(latents=3)
    assert processes._unpickled(pickle.dumps(config)) == config
    for code in (Loud(), os.system, np.load, processes.join, processes.Crew):
        with pytest.raises(pickle.UnpicklingError, match="a message may not name"):
            processes._unpickled(pickle.dumps(code))


def test_without_a_crew_steps_are_taken_alone():
    with steps_on_all_devices(scaled, len) as steps:
        assert steps is len
