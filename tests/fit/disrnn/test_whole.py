"""A disRNN chosen inside a part of the sessions and fitted to all of them."""

import dataclasses
import shutil
import threading
from types import SimpleNamespace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from accumbens.errors import ConfigError, DataError
from accumbens.fit.disrnn import signal_walks
from accumbens.fit.disrnn.config import DisRNNStageConfig, RecipeConfig, SelectionConfig
from accumbens.fit.disrnn.selection import select_disrnn
from accumbens.fit.disrnn.signal_selection import select_signal_networks
from accumbens.fit.gradient import processes
from accumbens.fit.gradient.division import AXIS, Division
from accumbens.models.disrnn import DisRNNConfig, open_latents
from accumbens.models.q_learning import QLearning
from accumbens.progress import Progress
from accumbens.run.fit.selection_record import chosen_inside
from accumbens.simulation import simulate
from accumbens.tasks.bandits import DriftingBandit
from accumbens.unrolling import choice_log_likelihood, unroll
from helpers.progress import Recorded

KEY = jax.random.key(0)
RECIPE = RecipeConfig(
    disrnn=DisRNNConfig(latents=1, update_units=3, update_layers=1, choice_layers=1),
    signal_stage=DisRNNStageConfig(steps=150, learning_rate=2e-2),
    trials_per_step=500,
)
QUICK = SelectionConfig(
    shares=(0.0,), starts=1, folds=2, steps=600, relaxing=50, guides=("bias",), embedding=0,
    trials=500,
)  # fmt: skip
ALL = "selection-all-sessions.safetensors"


@pytest.fixture(scope="module")
def trials():
    agent = QLearning(0.5, 5.0, gain=1.0, offset=0.0)
    drawn = simulate(agent, DriftingBandit(), n_sessions=30, n_trials=50, key=jax.random.key(1))
    names = dataclasses.replace(drawn.names, subjects=("a", "b"))
    return dataclasses.replace(drawn, subject=np.arange(30, dtype=np.int32) % 2, names=names)


def selected(trials, folder, progress=None):
    return select_disrnn(
        trials, RECIPE, QUICK, key=KEY, checkpoints=folder, identity="this", progress=progress
    )


@pytest.fixture(scope="module")
def chosen(trials, tmp_path_factory):
    folder, recorded = tmp_path_factory.mktemp("whole"), Recorded()
    return selected(trials, folder, recorded), folder, recorded


def test_what_a_part_has_chosen_is_fitted_to_all_sessions_and_said(trials, chosen):
    selection, _, recorded = chosen
    assert selection.part.n_sessions == 10
    assert np.bincount(selection.part.subject).tolist() == [5, 5]
    labels = {report.label for report in recorded.seen}
    assert "disrnn: all sessions, mini-batches of 10 of 30 sessions" in labels
    assert not any("mini-batches" in label for label in labels if "selection" in label)
    assert chosen_inside(selection.part, trials) == (
        "All this was chosen inside 10 of 30 sessions (2 subjects of 2 subjects, 500 of 1,500 "
        "trials); what was chosen was then fitted to all of them."
    )
    assert len(open_latents(selection.model)) == 1
    batch = trials.batch()
    logits = jnp.asarray(unroll(selection.model, trials).choice_logits)
    log_p = np.asarray(choice_log_likelihood(logits, batch))
    inside = selection.held_out
    assert log_p.sum() / batch.scored.sum() == pytest.approx(inside, abs=0.03)
    assert log_p.sum() / batch.scored.sum() > np.log(0.5) + 0.05


def test_a_killed_fit_to_all_sessions_goes_on_to_the_same_bits(
    trials, chosen, tmp_path, monkeypatch
):
    monkeypatch.setattr("accumbens.fit.disrnn.whole.SECONDS_BETWEEN_SAVES", 0.0)
    selection, folder, _ = chosen
    for file in folder.iterdir():
        if file.name != ALL:
            shutil.copy(file, tmp_path)
    at = (selection.candidate.step + selection.relaxed) // 2

    class Killer(Progress):
        def changed(self, task):
            if task.label.startswith("disrnn: all sessions") and task.done >= at:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        selected(trials, tmp_path, Killer())
    recorded = Recorded()
    resumed = selected(trials, tmp_path, recorded)
    done = [r.done for r in recorded.seen if r.label.startswith("disrnn: all") and r.done]
    assert min(done) >= at - 50
    pairs = zip(jax.tree.leaves(selection.model), jax.tree.leaves(resumed.model), strict=True)
    for ours, theirs in pairs:
        np.testing.assert_array_equal(ours, theirs)
    with pytest.raises(DataError, match="belongs to a fit with other data or options"):
        select_disrnn(trials, RECIPE, QUICK, key=KEY, checkpoints=tmp_path, identity="other")


class Three:
    """A crew of three devices, which are places of an axis here."""

    def __init__(self):
        self.lock, self.calls = threading.Lock(), 0

    def call(self, function, arguments):
        self.calls += 1
        return jax.tree.map(lambda x: x[0], self._together(function, arguments))

    @staticmethod
    @eqx.filter_jit
    def _together(function, arguments):
        def on_each(_):
            return function(*arguments, division=Division(3))

        return jax.vmap(on_each, axis_name=AXIS)(jnp.arange(3))

    def forget(self):
        pass


def test_the_fit_to_all_sessions_goes_on_on_several_devices(trials, chosen, tmp_path, monkeypatch):
    """From a checkpoint of one device that was written half-way."""
    monkeypatch.setattr("accumbens.fit.disrnn.whole.SECONDS_BETWEEN_SAVES", 0.0)
    selection, folder, _ = chosen
    for file in folder.iterdir():
        if file.name != ALL:
            shutil.copy(file, tmp_path)

    class Killer(Progress):
        def changed(self, task):
            if task.label.startswith("disrnn: all sessions") and task.done >= 200:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        selected(trials, tmp_path, Killer())
    crew = Three()
    monkeypatch.setattr(processes, "_crew", crew)
    resumed = selected(trials, tmp_path)
    assert crew.calls == (selection.candidate.step + selection.relaxed - 200) // 50 + 1
    alone = unroll(selection.model, trials).choice_logits
    together = unroll(resumed.model, trials).choice_logits
    np.testing.assert_allclose(together, alone, atol=1e-3)
    assert np.ptp(alone) > 0.5


def test_signal_networks_are_chosen_inside_the_part_and_fitted_to_all(trials, chosen, monkeypatch):
    selection, recorded = chosen[0], Recorded()
    guide = SimpleNamespace(said=[np.zeros((10, 50, 1))] * 3, name="naive", error={"naive": 0.1})
    monkeypatch.setattr(signal_walks, "best_signal_guide", lambda *_, **__: guide)
    monkeypatch.setattr(signal_walks, "FACTORS", (1.0,))
    signal = select_signal_networks(
        selection.model, trials, RECIPE, folds=2, key=KEY, progress=recorded, part=selection.part
    )
    assert signal.candidate.route.share == 0.0
    labels = {report.label for report in recorded.seen}
    assert "signal, mini-batches of 500 of 1,500 trials" in labels
    said = unroll(signal.model, trials)
    error = np.mean((said.signals - trials.signal)[trials.valid] ** 2) / trials.signal.var()
    assert error == pytest.approx(signal.candidate.error, rel=0.5)


def test_impossible_parts_are_refused():
    with pytest.raises(ConfigError, match=r"selection\.trials is 0; it must be at least 1"):
        SelectionConfig(trials=0)
