"""The steps of several devices that divide the sessions are those of one that has all.

Devices are the places of an axis under `vmap` here; two processes are in `test_distributed`.
"""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from accumbens.fit.disrnn.config import DisRNNStageConfig
from accumbens.fit.disrnn.objectives import (
    JointData,
    ReadOutData,
    joint_objective,
    signal_objective,
)
from accumbens.fit.disrnn.paths import STAGE, Path, path_steps, rising
from accumbens.fit.disrnn.preparation import (
    all_parts,
    initial_disrnn,
    latents_before,
    learning_rates,
    signal_parts,
)
from accumbens.fit.disrnn.shrinkage import SoftChoices, soft_targets
from accumbens.fit.gradient.batches import mini_batches
from accumbens.fit.gradient.division import AXIS, Division
from accumbens.fit.gradient.stage import Pace
from accumbens.fit.gradient.training import gradient_steps, initial_state
from accumbens.models.disrnn import DisRNNConfig, Penalties
from accumbens.models.q_learning import QLearning
from accumbens.simulation import simulate
from accumbens.tasks.bandits import DriftingBandit
from accumbens.trials import trials_from_arrays

KEY = jax.random.key(3)
SMALL = DisRNNConfig(
    latents=2, update_units=4, update_layers=1, choice_layers=1, subject_embedding=1,
    signal_subject_embedding=1,
)  # fmt: skip
N_STEPS = 3


@pytest.fixture(scope="module")
def trials():
    """Eleven sessions of unequal length, with missed and instructed trials, the signal not always
    measured."""
    agent = QLearning(0.3, 3.0, gain=1.0, offset=0.0)
    plain = simulate(agent, DriftingBandit(), n_sessions=11, n_trials=20, key=jax.random.key(0))
    rng = np.random.default_rng(1)
    shape = plain.choice.shape
    return trials_from_arrays(
        np.where(rng.uniform(size=shape) < 0.1, -1, plain.choice), plain.outcome,
        signal=np.where(rng.uniform(size=(*shape, 1)) < 0.2, np.nan, plain.signal),
        instructed=rng.uniform(size=shape) < 0.3, length=rng.integers(5, 21, shape[0]),
        subject=np.array([0] * 6 + [1] * 5),
        names=dataclasses.replace(plain.names, subjects=("a", "b"), contexts=()),
    )  # fmt: skip


@pytest.fixture(scope="module")
def model(trials):
    return initial_disrnn(trials, SMALL, jax.random.key(1))


def assert_divided_is_alone(function, arguments, batches):
    """With three devices. batches: mini-batches or None."""
    of_batches = {}
    if batches is not None:
        sessions = jnp.asarray(batches.of_steps(0, N_STEPS))
        of_batches = {"sessions": sessions, "counts": batches.counts}
    alone = eqx.filter_jit(function)(*arguments, **of_batches)
    n = 3

    def on_each(_):
        return function(*arguments, **of_batches, division=Division(n))

    divided = jax.jit(jax.vmap(on_each, axis_name=AXIS, axis_size=n))(jnp.arange(n))
    before = jax.tree.leaves(arguments[0][0])
    after = jax.tree.leaves(alone)[: len(before)]  # what is trained comes first
    moved = [float(jnp.abs(a - b).max(initial=0)) for a, b in zip(after, before, strict=True)]
    assert max(moved) > 1e-4
    for one, each in zip(*map(jax.tree.leaves, (alone, divided)), strict=True):
        np.testing.assert_array_equal(each, np.broadcast_to(each[0], each.shape))
        np.testing.assert_allclose(each[0], one, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("size", [None, 60])
@pytest.mark.parametrize("kind", [pytest.param("joint", marks=pytest.mark.slow), "signal"])
def test_steps_of_a_stage(trials, model, kind, size):
    batch = jax.tree.map(jnp.asarray, trials.batch())
    if kind == "joint":
        data, objective, parts = JointData(batch, jnp.asarray(0.5)), joint_objective, all_parts
    else:
        data = ReadOutData.of_valid_trials(batch, latents_before(model, batch))
        objective, parts = signal_objective, signal_parts
    stage = DisRNNStageConfig(steps=100)
    rates = learning_rates(model, parts, stage)
    batches = None if size is None else mini_batches(data.batch, size, key=KEY)
    state = initial_state(model, rates, stage, averaged=size is not None)
    frozen = eqx.partition(model, jax.tree.map(lambda r: r is not None, rates,
                           is_leaf=lambda r: r is None))[1]  # fmt: skip

    def steps(trained, **more):
        return gradient_steps(
            trained[0], state.adam, frozen, data, Penalties().weights(), rates, KEY,
            jnp.float32(1), Pace.of(stage), jnp.int32(0), jnp.int32(100), jnp.float32(1),
            objective, N_STEPS, trained[1], **more,
        )  # fmt: skip

    assert_divided_is_alone(steps, ((state.trained, state.average),), batches)


@pytest.mark.parametrize("size", [None, 60])
def test_steps_of_a_path(trials, model, size):
    data = SoftChoices(
        jax.tree.map(jnp.asarray, trials.batch()), jnp.asarray(soft_targets(trials, None, 0.0))
    )
    path = Path.beginning(model, data, KEY)
    weights = {kind: jnp.float32(weight) for kind, weight in Penalties().weights().items()}
    schedule = rising(150 + np.arange(N_STEPS), 600, 1.0, 0.5)

    def steps(trained, **more):
        return path_steps(
            trained[0], path.adam, path.average, path.frozen, data, path.rates, KEY, weights,
            Pace.of(STAGE), schedule, **more,
        )  # fmt: skip

    batches = None if size is None else mini_batches(data.batch, size, key=KEY)
    assert_divided_is_alone(steps, ((path.trained,),), batches)
