"""A GRU chosen inside its sessions: scores, routes, what it says where nothing is to be learned,
resuming."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from accumbens.errors import ConfigError, DataError
from accumbens.fit.folds import folds_of, without
from accumbens.fit.gradient.config import StageConfig
from accumbens.fit.gru.config import STAGE, GRUConfig
from accumbens.fit.gru.fitting import fit_gru
from accumbens.fit.gru.objective import gru_objective, initial_gru, score, with_unseen_subjects
from accumbens.fit.gru.routes import ends
from accumbens.fit.gru.selection import better, tried_apart
from accumbens.models.bias import BiasOnly
from accumbens.models.gru import GRU
from accumbens.models.q_learning import QLearning
from accumbens.progress.base import Progress, Task
from accumbens.simulation import simulate
from accumbens.tasks.bandits import DriftingBandit
from accumbens.unrolling import choice_log_likelihood, squared_signal_errors, unroll

AGENT = QLearning(0.4, 4.0, gain=1.0, offset=0.0)
QUICK = GRUConfig(hidden=4, strengths=(3.0, 1.0))


def choices(agent, n_sessions, n_trials, seed=1):
    """Without signals."""
    trials = simulate(
        agent, DriftingBandit(), n_sessions=n_sessions, n_trials=n_trials, key=jax.random.key(seed)
    )
    return trials.select_signals(())


def selected(trials, config):
    """A fit, and how it was chosen."""
    fit = fit_gru(trials, config, key=jax.random.key(0))
    assert fit.selection is not None
    return fit, fit.selection


def subjects_in_turn(trials, n, unseen=0):
    """The same trials by `n` subjects in turn; the names know of some more."""
    names = dataclasses.replace(trials.names, subjects=tuple("abcdef"[: n + unseen]))
    who = np.arange(trials.n_sessions, dtype=np.int32) % n
    return dataclasses.replace(trials, subject=who, names=names)


def log_likelihood(model, trials):
    """Mean per scored trial, in nats."""
    logits = jnp.asarray(unroll(model, trials).choice_logits)
    return float(choice_log_likelihood(logits, trials.batch()).sum() / trials.scored.sum())


@pytest.fixture(scope="module")
def trials():
    """The dopamine of Q-learning is its prediction error."""
    return simulate(AGENT, DriftingBandit(), n_sessions=8, n_trials=40, key=jax.random.key(1))


@pytest.fixture(scope="module")
def fit(trials):
    return fit_gru(trials, QUICK, key=jax.random.key(0))


def same(a, b):
    return all(jax.tree.leaves(jax.tree.map(np.array_equal, a, b)))


def test_an_untrained_gru_says_base_rates_and_means_of_what_it_may_see(trials):
    fold = folds_of(trials, 4)[1]
    seen = without(trials.batch(), fold)
    model = initial_gru(trials, seen, hidden=3, embedding=0, key=jax.random.key(2))
    kept = trials.scored & ~fold
    said = unroll(model, trials)
    p = np.asarray(jax.nn.softmax(said.choice_logits))[kept]
    np.testing.assert_allclose(p[:, 1], np.mean(trials.choice[kept] == 1), rtol=1e-5)
    np.testing.assert_allclose(said.signals[kept], trials.signal[kept].mean(), rtol=1e-4)


def test_scores_are_what_a_plain_computation_gives(trials):
    rng = np.random.default_rng(0)
    missing = trials.signal.copy()
    missing[rng.random(missing.shape) < 0.2] = np.nan
    both = np.concatenate([missing, rng.normal(2.0, 3.0, missing.shape)], axis=2)
    own = trials.with_signals(both, ("x", "y"))
    batch = own.batch()
    model = initial_gru(own, batch, hidden=3, embedding=0, key=jax.random.key(2))
    keys = iter(jax.random.split(jax.random.key(3), 20))
    model = jax.tree.map(lambda x: x + 0.3 * jax.random.normal(next(keys), x.shape), model)
    fold = folds_of(own, 4)[2]
    found = score(model, batch, jax.tree.map(jnp.asarray, batch), jnp.stack([fold, ~fold]))
    said = unroll(model, own)
    log_p = np.asarray(choice_log_likelihood(jnp.asarray(said.choice_logits), batch))
    errors = np.asarray(squared_signal_errors(jnp.asarray(said.signals), batch))
    n = own.scored.sum()
    for part, trial in enumerate((fold, ~fold)):
        np.testing.assert_allclose(found.choice[part], np.where(trial, log_p, 0).sum(1), rtol=1e-4)
        expected = np.zeros(own.n_sessions)
        for i in range(2):
            measured = batch.signal_scored[..., i]
            share = 0.5 * errors[..., i] / float(model.signal_scale[i]) ** 2 / measured.sum()
            expected -= n * np.where(trial & measured, share, 0).sum(1) / 2
        np.testing.assert_allclose(found.signal[part], expected, rtol=1e-4)
    loss = gru_objective(model, batch, jnp.zeros(()), None)[0]
    np.testing.assert_allclose(-(found.choice + found.signal).sum() / n, loss, rtol=1e-5)


def test_the_units_of_the_signals_are_not_trained(trials, fit):
    measured = trials.signal[trials.scored]
    np.testing.assert_allclose(fit.model.signal_mean, measured.mean(0), rtol=1e-5)
    np.testing.assert_allclose(fit.model.signal_scale, measured.std(0), rtol=1e-5)


def test_what_is_kept_was_expected_to_predict_best_and_had_its_steps(fit):
    chosen = fit.selection.chosen
    of_route = [c for c in fit.selection.candidates if c.route == chosen.route]
    assert chosen.expected == max(c.expected for c in of_route)
    assert len(fit.history["loss"]) == chosen.step > 0
    assert {c.route.l2 for c in fit.selection.candidates} == {3.0 / 320, 1.0 / 320}
    assert fit.selection.predicts_choices
    assert fit.selection.predicts_signals


def test_it_predicts_new_sessions_better_than_base_rates_and_means(trials, fit):
    new = simulate(AGENT, DriftingBandit(), n_sessions=20, n_trials=40, key=jax.random.key(7))
    bias = BiasOnly.from_trials(trials)
    assert log_likelihood(fit.model, new) > log_likelihood(bias, new) + 0.05
    error = (unroll(fit.model, new).signals - new.signal)[new.scored]
    assert (error**2).mean() < 0.5 * new.signal[new.scored].var()


@pytest.mark.parametrize("sizes", [(10, 20), (1, 60), (3, 20)])
@pytest.mark.parametrize("preference", [0.0, 1.0])
def test_where_nothing_is_to_be_learned_it_is_no_worse_than_a_bias(sizes, preference):
    """Sessions of a chooser without memory. 3 or 1 of them: folds are spans of sessions."""
    agent = BiasOnly(bias=preference)
    new = choices(agent, 50, 50, seed=99)
    for seed in range(2):
        few = choices(agent, *sizes, seed=seed)
        fit = fit_gru(few, QUICK, key=jax.random.key(seed))
        assert (
            log_likelihood(fit.model, new) > log_likelihood(BiasOnly.from_trials(few), new) - 1e-3
        )


def test_an_output_that_is_not_predicted_keeps_its_start(trials):
    """Choices without memory beside a signal that follows the reward."""
    random = choices(BiasOnly(bias=0.5), 8, 40, seed=4)
    own = random.with_signals(random.outcome + 0.0, ("reward_again",))
    found, selection = selected(own, QUICK)
    assert (selection.predicts_choices, selection.predicts_signals) == (False, True)
    said, bias = unroll(found.model, own), unroll(BiasOnly.from_trials(own), own)
    np.testing.assert_allclose(
        jax.nn.softmax(said.choice_logits), jax.nn.softmax(bias.choice_logits), atol=1e-5
    )
    assert ((said.signals - own.signal)[own.scored] ** 2).mean() < 0.2 * own.signal[
        own.scored
    ].var()


def test_differences_are_judged_by_students_t():
    n = np.full((4, 8), 10)
    n[:, 2:] = 0  # two sessions in four spans each
    start = np.zeros((4, 8))
    gain = np.where(n > 0, 1.0 + np.arange(32).reshape(4, 8) % 5, 0.0)
    of_unit = gain[n > 0]
    t = of_unit.mean() / (of_unit.std(ddof=1) / np.sqrt(8))
    assert t > 2.365  # of 7 degrees of freedom
    assert better(gain, start, n)
    shifted = gain - np.where(n > 0, of_unit.mean() * (1 - 2.2 / t), 0)
    assert not better(shifted, start, n)
    assert not better(start, start, n)


def test_a_route_ends_where_it_leads_nowhere():
    up = [-0.7, -0.6, -0.55, -0.52, -0.5]
    assert not ends(up[:2], -np.inf)
    assert not ends(up, -0.45)
    assert ends([*up, -0.511], -np.inf)  # far below its own best
    assert ends([*up, -0.499, -0.499, -0.4996, -0.4997], -np.inf) is False
    assert ends([*up, -0.5, -0.5, -0.4998, -0.4997], -np.inf)  # too little in 200 steps
    assert ends(up, -0.3)  # 0.05 in 100 steps: out of reach
    assert ends([-0.7, np.nan], -np.inf)


def test_animals_are_told_apart_where_they_differ(trials):
    both = subjects_in_turn(choices(BiasOnly(bias=0.0), 40, 8), 2)
    rng = np.random.default_rng(3)
    for p, apart in (((0.5, 0.5), 0), ((0.1, 0.9), 2)):
        made = rng.random(both.choice.shape) < np.array(p)[both.subject][:, None]
        own = dataclasses.replace(both, choice=made.astype(np.int32))
        fit, selection = selected(own, QUICK)
        assert {c.route.embedding for c in selection.candidates} == {0, 2}
        assert selection.chosen.route.embedding == apart
        assert fit.model.embedding.shape[1] == apart
    best = {
        n: max(c.held_out for c in selection.candidates if c.route.embedding == n) for n in (0, 2)
    }
    # Without numbers it cannot know the first of eight choices: ln 2 nats, not 0.325.
    assert best[2] > best[0] + 0.5 * (np.log(2) - 0.325) / 8
    assert tried_apart(choices(BiasOnly(bias=0.0), 4, 8), QUICK) == 0


def test_an_animal_that_was_not_seen_is_the_mean_of_the_others(trials):
    three = subjects_in_turn(trials, 2, unseen=1)
    batch = three.batch()
    batch = batch._replace(valid=batch.valid & (np.arange(8) < 7)[:, None])  # 4 of a, 3 of b
    model = GRU(2, 1, 1, 3, 3, 2, key=jax.random.key(0))
    filled = with_unseen_subjects(model, batch).embedding
    np.testing.assert_array_equal(filled[:2], model.embedding[:2])
    expected = (4 * model.embedding[0] + 3 * model.embedding[1]) / 7
    np.testing.assert_allclose(filled[2], expected, rtol=1e-5)
    config = dataclasses.replace(QUICK, subject_embedding=2, l2=1e-3, stage=StageConfig(steps=50))
    fitted = fit_gru(three, config, key=jax.random.key(0)).model
    np.testing.assert_allclose(
        fitted.embedding[2], fitted.embedding[:2].mean(0), rtol=1e-4, atol=1e-6
    )


def test_the_same_key_gives_the_same_fit_resumed_or_not(trials, fit, tmp_path):
    def fitted():
        return fit_gru(
            trials, QUICK, key=jax.random.key(0), checkpoints=tmp_path, identity="a"
        )  # fmt: skip

    for again in (fitted(), fitted()):
        assert again.selection == fit.selection
        assert same(again.model, fit.model)
    other = fit_gru(trials, QUICK, key=jax.random.key(1))
    assert not same(other.model, fit.model)


class Stopping(Progress):
    """Stops when the second route begins; counts the steps of the folds."""

    def __init__(self, stop: bool = True):
        super().__init__()
        self.labels: list[str] = []
        self.may_stop = stop

    def changed(self, task: Task) -> None:
        if not self.labels or self.labels[-1] != task.label:
            self.labels.append(task.label)
        if self.may_stop and len(self.labels) > 1:
            self.stop()


def test_a_stopped_choice_goes_on_where_it_was(trials, fit, tmp_path):
    def fitted(progress):
        return fit_gru(
            trials, QUICK, key=jax.random.key(0), progress=progress, checkpoints=tmp_path,
            identity="a",
        )  # fmt: skip

    with pytest.raises(KeyboardInterrupt):
        fitted(Stopping())
    assert [path.name for path in tmp_path.iterdir()] == ["gru-0.009375-0.safetensors"]
    resumed = Stopping(stop=False)
    again = fitted(resumed)
    assert [label.partition(", ")[0] for label in resumed.labels] == [
        "gru: L2 0.0031", "gru: all sessions",
    ]  # fmt: skip
    assert again.selection == fit.selection
    assert same(again.model, fit.model)


def test_checkpoints_of_other_data_or_damaged_ones_are_refused(trials, tmp_path):
    def fitted(identity):
        return fit_gru(
            trials, QUICK, key=jax.random.key(0), progress=Stopping(), checkpoints=tmp_path,
            identity=identity,
        )  # fmt: skip

    with pytest.raises(KeyboardInterrupt):
        fitted("a")
    with pytest.raises(DataError, match="belongs to a fit with other data or options"):
        fitted("b")
    file = tmp_path / "gru-0.009375-0.safetensors"
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(DataError, match=r"is damaged.*Delete it to start afresh"):
        fitted("a")


def test_what_is_given_is_not_chosen(trials):
    stage = StageConfig(steps=70, learning_rate=5e-3)
    two = subjects_in_turn(trials, 2)
    given = GRUConfig(hidden=4, l2=2e-3, subject_embedding=1, stage=stage)
    fit = fit_gru(two, given, key=jax.random.key(0))
    assert fit.selection is None
    assert len(fit.history["loss"]) == 70
    assert fit.model.embedding.shape == (2, 1)
    found = selected(two, dataclasses.replace(given, l2=None))[1]
    assert found.chosen.step == 70
    assert {c.route.embedding for c in found.candidates} == {1}
    assert len({c.route.l2 for c in found.candidates}) == 3
    found = selected(two, dataclasses.replace(given, stage=STAGE, l2=1.0))[1]
    assert {(c.route.l2, c.route.embedding) for c in found.candidates} == {(1.0, 1)}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hidden": 0}, "gru.hidden is 0; it must be at least 1"),
        ({"subject_embedding": -1}, "gru.subject_embedding is -1; it must be at least 0"),
        ({"l2": -0.1}, "gru.l2 is -0.1; it must be at least 0"),
        ({"l2": float("nan")}, "gru.l2 is nan; it must be at least 0"),
        ({"folds": 1}, "gru.folds is 1; it must be at least 2"),
        ({"strengths": ()}, "gru.strengths is .*give one or more numbers from 0 up"),
        ({"strengths": (1.0, -1.0)}, "gru.strengths is .*give one or more numbers from 0 up"),
        ({"strengths": (1.0, 1.0)}, "gru.strengths is .*give each number once"),
        ({"tried_embedding": -1}, "gru.tried_embedding is -1; it must be at least 0"),
    ],
)
def test_an_option_that_cannot_be(options, message):
    with pytest.raises(ConfigError, match=message):
        GRUConfig(**options)
