"""The recipe: stages train what they should, resume exactly, and survive divergence."""

import dataclasses
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save

from accumbens.compiled.place import cache_folder
from accumbens.errors import ConfigError, DataError, DivergedError
from accumbens.fit.disrnn.config import DisRNNStageConfig, RecipeConfig
from accumbens.fit.disrnn.objectives import ReadOutData, choice_objective, signal_objective
from accumbens.fit.disrnn.preparation import (
    all_parts,
    choice_parts,
    compile_loop_meanwhile,
    compile_signal_stage_meanwhile,
    initial_disrnn,
    learning_rates,
    longest_first,
    signal_parts,
)
from accumbens.fit.disrnn.recipe import fit_disrnn
from accumbens.fit.gradient.checkpoints import CheckpointFile
from accumbens.fit.gradient.config import StageConfig
from accumbens.fit.gradient.stage import Pace
from accumbens.fit.gradient.training import MAX_RETRIES, SETTLED, settled, train
from accumbens.fit.gru.config import GRUConfig
from accumbens.models.disrnn import DisRNNConfig, Penalties
from accumbens.models.q_learning import QLearning
from accumbens.noise import NoiseSource
from accumbens.progress import Progress, Stopped
from accumbens.simulation import simulate
from accumbens.tasks.bandits import DriftingBandit
from helpers.compilers import needs_kernel
from helpers.progress import Recorded

TINY = RecipeConfig(
    disrnn=DisRNNConfig(latents=2, update_layers=1, update_units=4, choice_layers=1),
    warm_up=DisRNNStageConfig(20, learning_rate=5e-3, decay=0.5),
    choice_stage=DisRNNStageConfig(120, learning_rate=5e-3, penalty_ramp=0, settle=0),
    signal_stage=DisRNNStageConfig(60, learning_rate=5e-3, bottleneck_rate=2.0, settle=0),
)


@pytest.fixture(scope="module")
def trials():
    agent = QLearning(0.3, 3.0, gain=1.0, offset=0.0)
    return simulate(agent, DriftingBandit(), n_sessions=8, n_trials=40, key=jax.random.key(0))


@pytest.fixture(scope="module")
def fitted(trials):
    return fit_disrnn(trials, TINY, key=jax.random.key(1))


def leaves(parts):
    return [np.asarray(leaf) for leaf in jax.tree.leaves(parts)]


def test_stages_lower_their_own_loss(fitted):
    assert list(fitted.history) == ["warm_up", "choice", "signal"]
    assert {k: len(v["loss"]) for k, v in fitted.history.items()} == {
        "warm_up": 20, "choice": 120, "signal": 60,
    }  # fmt: skip
    for stage, term in (("choice", "loss"), ("signal", "signal_mse")):
        values = fitted.history[stage][term]
        assert values[-20:].mean() < values[:20].mean()


def test_the_signal_stage_leaves_the_core_alone(trials, fitted):
    choices_only = fit_disrnn(trials.select_signals(()), TINY, key=jax.random.key(1))
    ours, theirs = (leaves(choice_parts(fit.model)) for fit in (fitted, choices_only))
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_same_key_gives_the_same_bits(trials, fitted):
    again = fit_disrnn(trials, TINY, key=jax.random.key(1))
    for ours, theirs in zip(
        jax.tree.leaves(fitted.model), jax.tree.leaves(again.model), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)
    other = fit_disrnn(trials, TINY, key=jax.random.key(2))
    assert not np.allclose(other.model.core.z_initial, fitted.model.core.z_initial)


@pytest.mark.parametrize("stop_at", [("warm_up", 20), ("choice", 50), ("signal", 50)])
def test_a_killed_fit_goes_on_to_the_same_bits(trials, fitted, tmp_path, monkeypatch, stop_at):
    monkeypatch.setattr("accumbens.fit.gradient.checkpoints.SECONDS_BETWEEN_SAVES", 0.0)
    path = tmp_path / "checkpoint.safetensors"

    class Killer(Progress):
        reports = 0

        def changed(self, task):
            # The report comes before the save of the same dispatch: die one report later.
            self.reports += self.reports or (task.label, task.done) == stop_at
            if self.reports == 2:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit_disrnn(trials, TINY, key=jax.random.key(1), progress=Killer(),
                   checkpoint=CheckpointFile(path, "this fit"))  # fmt: skip
    recorded = Recorded()
    resumed = fit_disrnn(trials, TINY, key=jax.random.key(1), progress=recorded,
                         checkpoint=CheckpointFile(path, "this fit"))  # fmt: skip
    assert sum(report.done > 0 for report in recorded.seen) < 2 + 3 + 2 + 1
    for ours, theirs in zip(
        jax.tree.leaves(fitted.model), jax.tree.leaves(resumed.model), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)
    for stage, terms in fitted.history.items():
        for term, values in terms.items():
            np.testing.assert_array_equal(values, resumed.history[stage][term])
    assert [(s, list(t)) for s, t in resumed.history.items()] == [
        (s, list(t)) for s, t in fitted.history.items()
    ], "stages in the order of training"


@pytest.mark.parametrize("stop_at", [("warm_up", 20), ("choice", 50)])
def test_a_stopped_fit_keeps_what_it_reached(trials, fitted, tmp_path, stop_at):
    """No save was due yet: being stopped is the reason to save."""
    path = tmp_path / "checkpoint.safetensors"

    class Stopper(Recorded):
        def changed(self, task):
            super().changed(task)
            if (task.label, task.done) == stop_at:
                self.stop()

    stopper = Stopper()
    with pytest.raises(Stopped):
        fit_disrnn(trials, TINY, key=jax.random.key(1), progress=stopper,
                   checkpoint=CheckpointFile(path, "this fit"))  # fmt: skip
    assert (stopper.seen[-1].label, stopper.seen[-1].done) == stop_at
    recorded = Recorded()
    resumed = fit_disrnn(trials, TINY, key=jax.random.key(1), progress=recorded,
                         checkpoint=CheckpointFile(path, "this fit"))  # fmt: skip
    assert [r for r in recorded.seen if r.label == stop_at[0] and 0 < r.done <= stop_at[1]] == []
    for ours, theirs in zip(
        jax.tree.leaves(fitted.model), jax.tree.leaves(resumed.model), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)


def test_a_foreign_or_damaged_checkpoint_is_refused(trials, tmp_path):
    path = tmp_path / "checkpoint.safetensors"
    fit_disrnn(trials, TINY, key=jax.random.key(1), checkpoint=CheckpointFile(path, "one"))
    with pytest.raises(DataError, match="belongs to a fit with other data or options"):
        fit_disrnn(trials, TINY, key=jax.random.key(1), checkpoint=CheckpointFile(path, "two"))
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(DataError, match=r"is damaged .* Delete it to start afresh"):
        fit_disrnn(trials, TINY, key=jax.random.key(1), checkpoint=CheckpointFile(path, "one"))


def test_a_checkpoint_of_another_version_or_shape_is_refused(trials, tmp_path):
    path = tmp_path / "checkpoint.safetensors"
    recipe = dataclasses.replace(
        TINY, choice_stage=DisRNNStageConfig(20, learning_rate=5e-3, penalty_ramp=0, settle=0)
    )
    trials = trials.select_signals(())
    fit = lambda: fit_disrnn(  # noqa: E731
        trials, recipe, key=jax.random.key(1), checkpoint=CheckpointFile(path, "one")
    )
    fit()
    with safe_open(path, framework="numpy") as opened:
        note = json.loads(opened.metadata()["note"])
        arrays = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118

    def refused(arrays, note):
        path.write_bytes(save(arrays, metadata={"note": json.dumps(note)}))
        with pytest.raises(DataError) as error:
            fit()
        return str(error.value)

    numbered = {str(i): x for i, x in enumerate(arrays.values())}
    old = {name: value for name, value in note.items() if name != "format"}
    assert "is of another version of accumbens" in refused(numbered, old)
    name = "model/.core.z_initial"
    longer = arrays | {name: np.zeros(3, np.float32)}
    assert f"has float32 of shape (3,) for {name}, and the fit needs float32 of shape (2,)" in (
        refused(longer, note)
    )
    less = {other: x for other, x in arrays.items() if other != name}
    assert f"it has nothing for {name}" in refused(less, note)


def test_joint_training_has_one_noisy_stage_and_moves_everything(trials):
    joint = fit_disrnn(trials, dataclasses.replace(TINY, joint=True), key=jax.random.key(1))
    assert list(joint.history) == ["warm_up", "joint"]
    assert {"choice_nll", "signal_mse", "penalty_signal_latent"} <= set(joint.history["joint"])
    initial = initial_disrnn(trials, TINY.disrnn, jax.random.key(1))
    for part, start in zip(all_parts(joint.model), all_parts(initial), strict=True):
        assert any((a != b).any() for a, b in zip(leaves(part), leaves(start), strict=True))
    units = (leaves(model.signal_units) for model in (joint.model, initial))
    for one, other in zip(*units, strict=True):
        np.testing.assert_array_equal(one, other)


def before(model, batch):
    """Latents before each trial, without noise."""
    return model.core.along(model.observed(batch), None).before


def a_stage(trials, stage, penalties=None, on_dispatch=None, objective=choice_objective):
    batch = jax.tree.map(jnp.asarray, trials.batch())
    model = initial_disrnn(trials, TINY.disrnn, jax.random.key(1))
    return train(
        model, objective, batch, (penalties or Penalties()).weights(), stage, noisy=True,
        rates=learning_rates(model, choice_parts, stage), key=jax.random.key(2),
        on_dispatch=on_dispatch,
    )  # fmt: skip


def test_divergence_is_rolled_back_to_a_lower_rate(trials):
    """The loss is made NaN where only large steps lead; the stage must end with smaller ones.

    Adam moves a parameter by at most about the learning rate a step: 50 steps at 0.5 / 3^3 stay
    within 1 of the start, 50 steps at 0.5 do not.
    """
    states = []

    def fragile(model, data, penalties, key):
        loss, terms = choice_objective(model, data, penalties, key)
        far = jnp.abs(model.core.z_initial).max() > 1.0
        return jnp.where(far, jnp.nan, loss), terms | {"loss": jnp.where(far, jnp.nan, loss)}

    fast = DisRNNStageConfig(steps=50, learning_rate=0.5, warm_up=1, decay=0.0)
    trained = a_stage(trials, fast, on_dispatch=lambda s, _: states.append(s), objective=fragile)
    assert states[0].retries == 1
    assert states[-1].rate_factor == pytest.approx(3.0 ** -states[-1].retries)
    assert len(trained.history["loss"]) == 50
    assert np.isfinite(trained.history["loss"]).all()


def test_hopeless_divergence_says_where_and_what_to_do(trials):
    def hopeless(model, data, penalties, key):
        loss, terms = choice_objective(model, data, penalties, key)
        return loss * jnp.nan, terms | {"loss": loss * jnp.nan, "choice_nll": loss * jnp.nan}

    with pytest.raises(
        DivergedError,
        match=r"diverged at step 0 of 50 in choice_nll.*, also at 4 lower learning rates",
    ):
        a_stage(trials, DisRNNStageConfig(steps=50), objective=hopeless)
    assert MAX_RETRIES == 4


def test_gradients_are_clipped_before_adam(trials):
    """With the norm clipped to something tiny, Adam's second moments are tiny too."""
    states = []
    a_stage(
        trials, DisRNNStageConfig(steps=10, clip=1e-6), on_dispatch=lambda s, _: states.append(s)
    )
    moments = jax.tree.leaves(states[-1].adam[1].nu)
    assert 0 < max(float(leaf.max()) for leaf in moments if leaf.size) <= 1e-12


def test_learning_rate_rises_stays_and_falls():
    stage = DisRNNStageConfig(steps=1000, learning_rate=0.1, warm_up=100, decay=0.5)
    at = lambda step, falls_from=500: float(  # noqa: E731
        Pace.of(stage).rate_at(jnp.asarray(step), jnp.asarray(falls_from))
    )
    np.testing.assert_allclose(
        [at(0), at(49), at(99), at(499), at(750), at(1000)],
        [0.001, 0.05, 0.1, 0.1, 0.1 * (0.02 + 0.98 * 0.5), 0.002],
        rtol=1e-5,
    )
    np.testing.assert_allclose([at(200, 200), at(700, 200)], [0.1, 0.002], rtol=1e-5)


def test_a_stage_has_settled_when_no_term_changes():
    stage = DisRNNStageConfig(settle=100, warm_up=50)
    still = {"loss": np.full(250, 0.5), "penalty": np.full(250, 0.01)}
    assert settled(still, stage)
    assert not settled(still, DisRNNStageConfig(settle=0))
    assert not settled({k: v[:249] for k, v in still.items()}, stage), "the rise does not count"
    for name in still:
        moved = {k: v.copy() for k, v in still.items()}
        moved[name][-100:] += 0.6 * SETTLED
        assert not settled(moved, stage), f"{name} moves by more than {SETTLED} of the loss"
        moved[name][-100:] -= 0.2 * SETTLED
        assert settled(moved, stage)


def test_what_has_settled_decays_and_ends(trials):
    """A constant objective settles at once: 20 steps of rise, two spans of 50, 100 of decay."""

    def constant(model, data, weights, key):
        loss = 1.0 + 0.0 * model.core.z_initial.sum()
        return loss, {"loss": loss}

    stage = DisRNNStageConfig(steps=1000, warm_up=20, settle=50, decay=0.1)
    states = []
    trained = a_stage(trials, stage, on_dispatch=lambda s, _: states.append(s), objective=constant)
    assert states[-1].falls_from == 150
    assert states[-1].n_steps(stage) == states[-1].step == len(trained.history["loss"]) == 250


def test_penalties_rise(trials):
    """At a learning rate of next to nothing the penalties follow the ramp."""
    stage = DisRNNStageConfig(steps=40, learning_rate=1e-8, penalty_ramp=20)
    penalty = a_stage(trials, stage).history["penalty_update_observation"]
    rise = np.minimum(1, np.arange(1, 41) / 20)
    np.testing.assert_allclose(penalty / penalty[-1], rise, rtol=1e-3)


def test_the_training_step_compiles_once(trials, monkeypatch):
    """More steps, other penalties and another key use the same compiled code."""
    traces = []

    def counted(model, data, penalties, key):
        traces.append(1)
        return choice_objective(model, data, penalties, key)

    stage = DisRNNStageConfig(steps=100)
    a_stage(trials, stage, objective=counted)
    n = len(traces)
    a_stage(trials, stage, Penalties(latent=0.5), objective=counted)
    assert len(traces) == n


def test_bottlenecks_learn_at_a_rate_of_their_own(trials):
    """Adam's first step has one size, so it shows the rate: of each array by its path."""
    initial = initial_disrnn(trials, TINY.disrnn, jax.random.key(1))

    def moved(rate):
        """How far each array went in one step."""
        stage = DisRNNStageConfig(steps=1, warm_up=0, decay=0.0, bottleneck_rate=rate)
        after = a_stage(trials, stage).model
        steps = jax.tree.map(lambda x, y: np.asarray(x - y, np.float64), after, initial)
        return {jax.tree_util.keystr(p): x for p, x in jax.tree_util.tree_leaves_with_path(steps)}

    still, same, fast = moved(0.0), moved(1.0), moved(3.0)
    own = (".core.bottleneck", *(
        f".{part}.reader.{kind}"
        for part in ("core", "choice_network") for kind in ("latent", "observation", "subject")
    ))  # fmt: skip
    seen = {True: 0, False: 0}
    for path, step in same.items():
        trained = path.startswith((".core", ".choice_network"))
        bottleneck = path.startswith(own)
        seen[bottleneck] += trained and bool((step != 0).any())
        times = (0, 3) if bottleneck else (1, 1)
        for other, factor in zip((still, fast), times, strict=True):
            np.testing.assert_allclose(other[path], factor * step, rtol=1e-3, atol=1e-8)
        if not trained:
            assert (step == 0).all(), path
    # The latents' own noise; noise and multipliers of latents and observations; of the choice's.
    assert seen[True] == 1 + 4 + 2
    assert seen[False] >= 10


def test_stages_of_other_models_have_no_rate_for_bottlenecks():
    with pytest.raises(TypeError, match="bottleneck_rate"):
        StageConfig(bottleneck_rate=2.0)
    assert not hasattr(GRUConfig().stage, "bottleneck_rate")
    with pytest.raises(ConfigError, match="bottleneck_rate is -1; it must lie between 0 and 1000"):
        DisRNNStageConfig(bottleneck_rate=-1.0)


def test_bad_options_are_refused():
    with pytest.raises(ConfigError, match="learning_rate is 5; it must lie between 1e-08 and 1"):
        DisRNNStageConfig(learning_rate=5.0)
    with pytest.raises(ConfigError, match="signal_weight is 0; it must lie between 0 and 1000"):
        RecipeConfig(signal_weight=0.0)


def test_longest_sessions_come_first_and_nothing_else_changes(trials):
    batch = trials.batch()
    valid = np.array(batch.valid)
    valid[0, 3:], valid[2] = False, False
    batch = batch._replace(valid=valid, scored=valid)
    found = longest_first(batch)
    last = [max(np.flatnonzero(row), default=-1) for row in np.asarray(found.valid)]
    assert last == sorted(last, reverse=True)
    assert last[-1] == -1

    def sessions(batch):
        choice, outcome = np.asarray(batch.choice), np.asarray(batch.outcome)
        return {(a.tobytes(), b.tobytes()) for a, b in zip(choice, outcome, strict=True)}

    assert sessions(batch) == sessions(found)
    model = initial_disrnn(trials, TINY.disrnn, jax.random.key(1))
    losses = [choice_objective(model, b, Penalties().weights(), None)[0] for b in (batch, found)]
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-5)


def test_the_read_out_learns_from_valid_trials_alone(trials):
    """Same loss and same gradient as with the padding, which costs nothing."""
    batch = trials.batch()
    valid = np.array(batch.valid)
    valid[0, 3:], valid[2, ::2] = False, False
    batch = jax.tree.map(
        jnp.asarray,
        batch._replace(
            valid=valid,
            scored=valid & batch.scored,
            signal_scored=valid[..., None] & batch.signal_scored,
        ),
    )
    model = initial_disrnn(trials, TINY.disrnn, jax.random.key(1))
    padded = ReadOutData(batch, before(model, batch))
    alone = ReadOutData.of_valid_trials(*padded)
    assert alone.before.shape == (1, model.n_latents, valid.sum())
    assert alone.batch.valid.all()
    found = [graded(signal_objective, model, data, 0.0) for data in (padded, alone)]
    assert {"penalty_signal_latent", "penalty_signal_observation"} <= set(found[0][0][1])
    assert_alike(*found)


def test_the_warm_up_has_neither_noise_nor_penalties(trials):
    batch = jax.tree.map(jnp.asarray, trials.batch())
    model = initial_disrnn(trials, TINY.disrnn, jax.random.key(1))
    warm, without, noisy = (graded(choice_objective, model, batch, x) for x in (0.0, None, 1.0))
    assert_alike(warm, without)
    assert not np.allclose(noisy[0][0], without[0][0])


def graded(objective, model, data, amount):
    """Loss, terms and gradient; amount: of noise and penalties, None without a source of noise."""
    noise = None if amount is None else NoiseSource(jax.random.key(0), jnp.asarray(amount))
    loss = lambda m: objective(m, data, Penalties().weights(), noise)  # noqa: E731
    return jax.value_and_grad(loss, has_aux=True)(model)


def assert_alike(one, other):
    for a, b in zip(*(jax.tree.leaves(x) for x in (one, other)), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_the_signal_stage_is_compiled_ahead(trials, caplog):
    """Real latents, other penalties and another key then need no further compilation."""
    batch = jax.tree.map(jnp.asarray, trials.batch())
    model = initial_disrnn(trials, TINY.disrnn, jax.random.key(1))
    stage = DisRNNStageConfig(steps=37)

    def signal_stage(penalties):
        data = ReadOutData.of_valid_trials(batch, before(model, batch))
        rates = learning_rates(model, signal_parts, stage)
        with jax.log_compiles():
            train(
                model, signal_objective, data, penalties.weights(), stage, noisy=True,
                rates=rates, key=jax.random.key(2),
            )  # fmt: skip
        compiled = "_steps" in caplog.text
        caplog.clear()
        return compiled

    compile_signal_stage_meanwhile(model, batch, Penalties(), stage).join()
    assert not signal_stage(Penalties(signal_latent=0.5))
    stage = DisRNNStageConfig(steps=36)
    assert signal_stage(Penalties()), "the log does show compilations"


@needs_kernel
def test_the_loop_is_compiled_ahead(trials, tmp_path, monkeypatch):
    """Into an empty cache, for an architecture that no other test has."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    config = DisRNNConfig(latents=3, update_layers=1, update_units=5)
    compile_loop_meanwhile(trials, config, trials.batch()).join()
    assert [path.suffix for path in (cache_folder() / "kernels").iterdir()] == [".so"]
