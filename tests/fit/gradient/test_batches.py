"""Mini-batches of sessions: dealt fairly, unbiased, averaged, and resumed to the bit."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from accumbens.errors import ConfigError
from accumbens.fit.disrnn.config import DisRNNStageConfig, RecipeConfig
from accumbens.fit.disrnn.objectives import (
    JointData,
    ReadOutData,
    choice_objective,
    joint_objective,
    signal_objective,
)
from accumbens.fit.disrnn.preparation import initial_disrnn, latents_before
from accumbens.fit.disrnn.recipe import fit_disrnn
from accumbens.fit.disrnn.shrinkage import SoftChoices, soft_choice_objective, soft_targets
from accumbens.fit.gradient.batches import AVERAGING, LARGE, TRIALS_PER_STEP, mini_batches
from accumbens.fit.gradient.checkpoints import CheckpointFile
from accumbens.fit.gradient.config import StageConfig
from accumbens.fit.gradient.training import decay_at, train
from accumbens.fit.gru.objective import gru_objective, initial_gru, learning_rates
from accumbens.models.disrnn import DisRNNConfig, Penalties
from accumbens.models.q_learning import QLearning
from accumbens.progress import Progress
from accumbens.simulation import simulate
from accumbens.tasks.bandits import DriftingBandit
from accumbens.trials import trials_from_arrays
from accumbens.unrolling import unroll
from helpers.progress import Recorded

AGENT = QLearning(0.3, 3.0, gain=1.0, offset=0.0)
KEY = jax.random.key(7)


@pytest.fixture(scope="module")
def trials():
    """Of three animals: sessions of unequal length, with missed and instructed trials, the signal
    not always measured."""
    plain = simulate(AGENT, DriftingBandit(), n_sessions=23, n_trials=40, key=jax.random.key(0))
    rng = np.random.default_rng(1)
    shape = plain.choice.shape
    names = dataclasses.replace(plain.names, subjects=("a", "b", "c"))
    return trials_from_arrays(
        np.where(rng.uniform(size=shape) < 0.1, -1, plain.choice), plain.outcome,
        signal=np.where(rng.uniform(size=(*shape, 1)) < 0.2, np.nan, plain.signal),
        context=plain.context, instructed=rng.uniform(size=shape) < 0.3,
        length=rng.integers(10, 41, shape[0]), subject=np.array([0] * 10 + [1] * 4 + [2] * 9),
        names=names,
    )  # fmt: skip


@pytest.fixture(scope="module")
def batch(trials):
    return jax.tree.map(jnp.asarray, trials.batch())


def test_each_epoch_deals_every_session_once_and_every_animal_evenly(trials, batch):
    batches = mini_batches(batch, 130, key=KEY)
    n = batches.n
    assert n == round(int(trials.valid.sum()) / 130) > 2
    dealt = batches.of_steps(0, 5 * n).reshape(5, n, -1)
    orders = set()
    for epoch in dealt:
        there = epoch[epoch >= 0]
        assert sorted(there) == list(range(23))
        assert np.ptp((epoch >= 0).sum(1)) <= 1
        for subject in range(3):
            per_step = [int((trials.subject[row[row >= 0]] == subject).sum()) for row in epoch]
            assert np.ptp(per_step) <= 1
        orders.add(tuple(frozenset(row) for row in epoch.tolist()))
        for row in epoch:
            last = [np.flatnonzero(trials.valid[s])[-1] if s >= 0 else -1 for s in row]
            assert last == sorted(last, reverse=True)
    assert len(orders) == 5, "another deal each epoch"
    again = mini_batches(batch, 130, key=KEY)
    np.testing.assert_array_equal(again.of_steps(n + 1, 4), batches.of_steps(0, 4 * n)[n + 1 :][:4])
    other = mini_batches(batch, 130, key=jax.random.key(8))
    assert (other.of_steps(0, n) != batches.of_steps(0, n)).any()


def test_averages_forget_the_start_and_then_reach_over_fifty_steps():
    assert float(decay_at(0)) == pytest.approx(0.1)
    assert float(decay_at(20)) == pytest.approx(0.7)
    assert float(decay_at(10_000)) == pytest.approx(AVERAGING) == 0.98


def test_what_is_held_out_is_not_dealt(trials, batch):
    held_out = np.isin(np.arange(23), [3, 4, 20])
    masked = batch._replace(valid=batch.valid & ~jnp.asarray(held_out)[:, None])
    dealt = mini_batches(masked, 130, key=KEY).of_steps(0, 40)
    assert set(np.unique(dealt)) - {-1} == set(np.flatnonzero(~held_out))


def test_small_data_and_single_sessions_have_none(batch):
    assert mini_batches(batch, None, key=KEY) is None
    assert mini_batches(batch, 10**6, key=KEY) is None
    assert mini_batches(jax.tree.map(lambda x: x[:1], batch), 5, key=KEY) is None
    assert mini_batches(batch, 1, key=KEY).n == 23, "sessions are not divided"


def test_beyond_a_hundred_thousand_trials_they_come_by_themselves():
    def shaped(n_sessions):
        choice = np.zeros((n_sessions, 1000), int)
        return trials_from_arrays(choice, np.zeros((*choice.shape, 1))).batch()

    assert mini_batches(shaped(LARGE // 1000), None, key=KEY) is None
    found = mini_batches(shaped(LARGE // 1000 + 50), None, key=KEY)
    assert (found.n, found.n_places) == (3, TRIALS_PER_STEP // 1000)


SMALL = DisRNNConfig(
    latents=2, update_units=4, update_layers=1, choice_layers=1, subject_embedding=2,
    signal_subject_embedding=2,
)  # fmt: skip


def cases(trials, batch):
    """Name, objective, model, data and weights of every objective of the package."""
    model = initial_disrnn(trials, SMALL, jax.random.key(1))
    weights = Penalties().weights()
    soft = SoftChoices(batch, jnp.asarray(soft_targets(trials, AGENT, 0.5)))
    joint = JointData(batch, jnp.asarray(0.5))
    read_out = ReadOutData.of_valid_trials(batch, latents_before(model, batch))
    gru = initial_gru(trials, trials.batch(), hidden=3, embedding=2, key=jax.random.key(1))
    return {
        "choice": (choice_objective, model, batch, weights),
        "soft": (soft_choice_objective, model, soft, weights),
        "joint": (joint_objective, model, joint, weights),
        "signal": (signal_objective, model, read_out, weights),
        "gru": (gru_objective, gru, batch, jnp.float32(1e-3)),
    }


@pytest.mark.parametrize(
    "name",
    [pytest.param("choice", marks=pytest.mark.slow), "soft",
     pytest.param("joint", marks=pytest.mark.slow), "signal", "gru"],
)  # fmt: skip
def test_the_gradients_of_an_epoch_average_to_that_of_all_sessions(trials, batch, name):
    """Fits, penalties per valid trial and L2; instructed and missed trials count as they should."""
    objective, model, data, weights = cases(trials, batch)[name]
    trained, frozen = eqx.partition(model, eqx.is_inexact_array)

    @jax.jit
    def value_and_gradient(trained, data):
        def charged(trained):
            """Penalties are terms even where no noise makes them part of the loss."""
            loss, terms = objective(eqx.combine(trained, frozen), data, weights, None)
            return loss + sum(v for k, v in terms.items() if k.startswith("penalty_"))

        return jax.value_and_grad(charged)(trained)

    of_sessions = data if not hasattr(data, "batch") else data.batch
    batches = mini_batches(of_sessions, 130, key=KEY)
    dealt = batches.of_steps(0, batches.n)
    parts = [value_and_gradient(trained, data.at(jnp.asarray(at), batches.counts)) for at in dealt]
    mean = jax.tree.map(lambda *x: sum(np.asarray(a, np.float64) for a in x) / len(x), *parts)
    whole = value_and_gradient(trained, data)
    for ours, theirs in zip(jax.tree.leaves(mean), jax.tree.leaves(whole), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=2e-4, atol=2e-6)
    alone = value_and_gradient(trained, data.at(jnp.asarray(dealt[0]), batches.counts))
    assert abs(float(alone[0] - whole[0])) > 1e-4, "one mini-batch is not all sessions"


def test_training_is_adam_along_the_mini_batches_and_its_model_their_average(trials, batch):
    """Against a loop that cuts the sessions out and weighs each step by its share of trials."""
    gru = initial_gru(trials, trials.batch(), hidden=3, embedding=2, key=jax.random.key(1))
    stage = StageConfig(steps=7, learning_rate=1e-2, warm_up=0, decay=0.0, clip=1e8)
    rates = learning_rates(gru)
    batches = mini_batches(batch, 130, key=KEY)
    found = train(
        gru, gru_objective, batch, jnp.float32(0.0), stage, noisy=False, rates=rates, key=KEY,
        batches=batches,
    )  # fmt: skip
    kinds = jax.tree.map(lambda rate: rate is not None, rates, is_leaf=lambda x: x is None)
    trained, frozen = eqx.partition(gru, kinds)
    adam = optax.adam(1e-2)
    state, average = adam.init(trained), trained

    @eqx.filter_jit
    def gradient(trained, seen, share, signal_share):
        def loss(trained):
            terms = gru_objective(eqx.combine(trained, frozen), seen, jnp.float32(0.0), None)[1]
            return share * terms["choice_nll"] + 0.5 * signal_share * terms["signal_mse"]

        return jax.grad(loss)(trained)

    n = batches.n
    for i, at in enumerate(batches.of_steps(0, 7)):
        decay = (1 + i) / (10 + i)
        seen = jax.tree.map(lambda x, at=at: x[at[at >= 0]], batch)
        share = n * seen.scored.sum() / batch.scored.sum()
        signal_share = n * seen.signal_scored.sum() / batch.signal_scored.sum()
        step, state = adam.update(gradient(trained, seen, share, signal_share), state)
        trained = eqx.apply_updates(trained, step)
        average = jax.tree.map(
            lambda a, p, d=decay: d * np.asarray(a) + (1 - d) * np.asarray(p), average, trained
        )
    ours = jax.tree.leaves(eqx.filter(found.model, kinds))
    start = jax.tree.leaves(eqx.filter(gru, kinds))
    assert max(float(abs(a - b).max()) for a, b in zip(ours, start, strict=True)) > 1e-3
    for one, other in zip(ours, jax.tree.leaves(average), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=2e-6)


RECIPE = RecipeConfig(
    disrnn=dataclasses.replace(SMALL, signal_subject_embedding=0),
    warm_up=DisRNNStageConfig(20, learning_rate=5e-3),
    choice_stage=DisRNNStageConfig(120, learning_rate=5e-3, penalty_ramp=0, settle=0),
    signal_stage=DisRNNStageConfig(60, learning_rate=5e-3, settle=0),
    trials_per_step=150,
)


@pytest.fixture(scope="module")
def fitted(trials):
    recorded = Recorded()
    return fit_disrnn(trials, RECIPE, key=KEY, progress=recorded), recorded


def test_a_fit_in_mini_batches_says_so_and_predicts(trials, fitted):
    fit, recorded = fitted
    labels = dict.fromkeys(report.label for report in recorded.seen)
    assert list(labels)[1] == "choice, mini-batches of 6 of 23 sessions"
    whole = fit_disrnn(trials, dataclasses.replace(RECIPE, trials_per_step=None), key=KEY)
    after = [float(f.history["choice"]["choice_nll"][-40:].mean()) for f in (fit, whole)]
    assert fit.history["warm_up"]["loss"][0] > after[0] + 0.01
    assert after[0] == pytest.approx(after[1], abs=0.02)
    assert np.isfinite(unroll(fit.model, trials).choice_logits).all()


@pytest.mark.parametrize("stop_at", [("choice", 50), ("signal", 50)])
def test_a_killed_fit_goes_on_through_the_same_mini_batches(
    trials, fitted, tmp_path, monkeypatch, stop_at
):
    monkeypatch.setattr("accumbens.fit.gradient.checkpoints.SECONDS_BETWEEN_SAVES", 0.0)
    file = CheckpointFile(tmp_path / "checkpoint.safetensors", "this fit")

    class Killer(Progress):
        reports = 0

        def changed(self, task):
            here = (task.label.split(",")[0], task.done) == stop_at
            self.reports += self.reports or here
            if self.reports == 2:  # the report comes before the save of the same dispatch
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit_disrnn(trials, RECIPE, key=KEY, progress=Killer(), checkpoint=file)
    recorded = Recorded()
    resumed = fit_disrnn(trials, RECIPE, key=KEY, progress=recorded, checkpoint=file)
    assert not any(r.label.startswith(stop_at[0]) and 0 < r.done < 50 for r in recorded.seen)
    ours, theirs = ((fit.model, fit.history) for fit in (fitted[0], resumed))
    for one, other in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
        np.testing.assert_array_equal(one, other)


def test_an_impossible_number_of_trials_is_refused():
    with pytest.raises(ConfigError, match="trials_per_step is 0; it must be at least 1"):
        RecipeConfig(trials_per_step=0)
