"""A disRNN chosen inside its sessions: targets, paths, resuming, relaxing, signals."""

import dataclasses
import itertools
import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from accumbens.errors import DataError
from accumbens.fit.disrnn import paths, relaxing, walks
from accumbens.fit.disrnn import selection as choosing
from accumbens.fit.disrnn.candidates import Candidate, Route
from accumbens.fit.disrnn.objectives import choice_objective
from accumbens.fit.disrnn.paths import (
    Path,
    copying,
    least,
    rising,
    score,
    strength,
)
from accumbens.fit.disrnn.preparation import initial_disrnn, with_unseen_subjects
from accumbens.fit.disrnn.relaxing import relaxed_as_far_as_it_helps
from accumbens.fit.disrnn.selection import select_disrnn
from accumbens.fit.disrnn.shrinkage import SoftChoices, soft_choice_objective, soft_targets
from accumbens.fit.disrnn.signal_guides import best_signal_guide
from accumbens.fit.disrnn.signal_selection import select_signal_networks
from accumbens.fit.disrnn.signal_walks import FACTORS
from accumbens.fit.folds import folds_of
from accumbens.models.disrnn import Penalties, bottlenecks
from accumbens.models.naive import Naive
from accumbens.models.q_learning import QLearning
from accumbens.progress.base import Progress, Task
from accumbens.unrolling import choice_log_likelihood, unroll
from helpers.small_selections import AGENT, QUICK, SMALL, sessions_of


@pytest.fixture(scope="module")
def trials():
    return sessions_of(AGENT)


@pytest.fixture(scope="module")
def two_subjects(trials):
    """The same trials, every other session by a second subject."""
    names = dataclasses.replace(trials.names, subjects=("a", "b"))
    return dataclasses.replace(trials, subject=np.arange(6, dtype=np.int32) % 2, names=names)


@pytest.fixture(scope="module")
def selection(trials):
    return select_disrnn(trials, SMALL, QUICK, key=jax.random.key(0))


def test_targets_are_choices_and_probabilities_in_their_shares(trials):
    target = soft_targets(trials, AGENT, 0.25)
    q = [0.5, 0.5]
    for t in range(trials.length[0]):
        c, r = int(trials.choice[0, t]), float(trials.outcome[0, t, 0])
        p = [math.exp(4.0 * v) for v in q]
        p = [x / sum(p) for x in p]
        expected = [0.75 * (a == c) + 0.25 * p[a] for a in (0, 1)]
        np.testing.assert_allclose(target[0, t], expected, atol=1e-5)
        q[c] += 0.4 * (r - q[c])


def test_a_share_of_0_is_the_likelihood(trials):
    model = initial_disrnn(trials, SMALL.disrnn, jax.random.key(2))
    batch = jax.tree.map(jnp.asarray, trials.batch())
    soft = SoftChoices(batch, jnp.asarray(soft_targets(trials, AGENT, 0.0)))
    weights = Penalties().weights()
    plain = choice_objective(model, batch, weights, None)[0]
    np.testing.assert_allclose(soft_choice_objective(model, soft, weights, None)[0], plain, 1e-6)


def test_at_a_share_of_1_nothing_beats_the_probabilities_themselves(trials):
    """Gibbs' inequality, for targets and predictions of all trials."""
    target = soft_targets(trials, AGENT, 1.0)
    itself = -(target * np.log(target)).sum(-1)
    other = soft_targets(trials, QLearning(0.1, 2.0), 1.0)
    assert (itself <= -(target * np.log(other)).sum(-1) + 1e-6).all()


def test_fewer_trials_need_stronger_penalties_unless_targets_have_no_noise():
    assert strength(0.0, 5000) == strength(1.0, 100) == 1.0
    assert strength(0.0, 1000) == pytest.approx(5**0.7)
    assert strength(0.5, 1000) == pytest.approx(5**0.35)
    assert strength(0.0, 10**7) == pytest.approx(0.3**0.7)


def test_penalties_rise_from_the_weakest_to_the_strongest_and_then_fall_to_a_hundredth():
    up = rising(np.arange(1500), 1500, 2.0, least(0.5))
    factor = np.asarray(up.factor)
    assert factor[0] == pytest.approx(1.0)
    assert factor[-1] == pytest.approx(30.0, rel=0.01)
    np.testing.assert_allclose(np.diff(np.log(factor[200:])), np.log(30) / 1350, rtol=1e-2)
    np.testing.assert_array_equal(np.asarray(up.noise), np.arange(1500) >= 150)
    down = paths.relaxing(np.arange(300), 300, 4.0, 900)
    assert float(down.factor[-1]) == pytest.approx(0.04)
    assert int(down.step[0]) == 900
    assert set(np.asarray(down.noise)) == {1.0}
    assert len(set(np.asarray(down.l2))) == 1


def test_a_copy_begins_at_weak_penalties_and_ends_without_noise():
    assert float(rising(np.arange(1500), 1500, 1.0, least(1.0)).factor[0]) == pytest.approx(0.02)
    first = copying(np.arange(300), 300, 4.0, 900, again=False)
    second = copying(np.arange(900), 900, 4.0, 1200, again=True)
    assert np.asarray(first.noise)[0] > 0.98
    assert not np.asarray(first.noise)[150:].any()
    assert not np.asarray(second.noise).any()
    np.testing.assert_allclose(np.asarray(first.l2)[[0, -1]], [10.0, 0.1], rtol=0.02)
    np.testing.assert_allclose(np.asarray(second.l2), 0.1, rtol=1e-5)


def test_scores_are_log_likelihoods_of_what_counts(trials):
    model = initial_disrnn(trials, SMALL.disrnn, jax.random.key(2))
    folds = folds_of(trials, 3)
    counted = jnp.asarray(np.stack([folds[0], ~folds[0]]))
    scores = score(model, jax.tree.map(jnp.asarray, trials.batch()), counted)
    logits = jnp.asarray(unroll(model, trials).choice_logits)
    log_p = np.asarray(choice_log_likelihood(logits, trials.batch()))
    np.testing.assert_allclose(scores[0], np.where(folds[0], log_p, 0).sum(1), rtol=1e-4)
    np.testing.assert_allclose(scores.sum(0), log_p.sum(1), rtol=1e-4)


def test_what_is_closed_stays_closed(trials):
    model = initial_disrnn(trials, SMALL.disrnn, jax.random.key(2))
    batch = jax.tree.map(jnp.asarray, trials.batch())
    data = SoftChoices(batch, jnp.asarray(soft_targets(trials, AGENT, 1.0)))
    path = Path.beginning(model, data, jax.random.key(3))
    closed = jnp.array([0.05, -3.0])  # the first latent
    average = eqx.tree_at(lambda m: m.core.bottleneck.log_sigma, path.average, closed)
    path = path.closed_for_good(average)
    path.advance(paths.relaxing(np.arange(50), 50, 1.0, 600), SMALL.penalties)
    rows = [row for row in bottlenecks(path.model) if row.kind != "signal"]
    latent, *inputs = [row for row in rows if row.input == "z_1"]
    assert latent.kind == "latent"
    assert {row.multiplier for row in inputs} == {0.0}
    assert latent.openness == "closed"
    assert all(row.openness == "closed" for row in inputs)
    moved = [row.multiplier for row in rows if row.input == "z_2"]
    assert any(m not in (0.0, 1.0) for m in moved)


def test_latents_that_may_not_be_used_stay_closed(trials):
    model = initial_disrnn(trials, SMALL.disrnn, jax.random.key(2))
    batch = jax.tree.map(jnp.asarray, trials.batch())
    data = SoftChoices(batch, jnp.asarray(soft_targets(trials, AGENT, 1.0)))
    path = Path.beginning(model, data, jax.random.key(3)).with_latents(1)
    path.advance(rising(np.arange(150, 200), 600, 1.0, 0.5), SMALL.penalties)
    rows = [row for row in bottlenecks(path.model) if row.kind != "signal"]
    assert all(row.openness == "closed" for row in rows if row.input == "z_2")
    used = {row.multiplier for row in rows if row.input == "z_1" and row.kind != "latent"}
    assert used
    assert not used & {0.0, 1.0}


class Explored(walks.Walks):
    """Walks whose paths are given: held-out log likelihood by the latents that may be used, each
    with one candidate that has as many open."""

    def __init__(self, held_out, hopeless=(), share=0.5):
        self.held_out, self.hopeless, self.tried = held_out, hopeless, []
        self.far, self.finished = (), []
        self.chosen = Route(share, 0, 0, max(held_out))

    def along(self, route):
        score, n = self.held_out[route.latents], route.latents
        return [Candidate(route, 600, 1.0, score, score, score, n, (n, n))]

    def best_along(self, route):
        return self.along(route)[0]

    def begin_fewer(self, than, latents):
        routes = [than.route._replace(latents=n) for n in latents]
        self.tried += latents
        return list(itertools.takewhile(lambda r: r.latents not in self.hopeless, routes))

    def finish_fewer(self, route):
        assert route.latents in self.tried
        assert route.latents not in self.far
        self.finished.append(route.latents)


@pytest.mark.parametrize(
    ("held_out", "hopeless", "tried", "taken"),
    [
        ({3: -0.5, 2: -0.5001, 1: -0.5002}, (), [2, 1], 1),
        ({3: -0.5, 2: -0.5001, 1: -0.5100}, (), [2, 1], 2),
        ({3: -0.5, 2: -0.5004, 1: -0.4000}, (), [2], 3),
        ({3: -0.5, 2: -0.5}, (2,), [2], 3),
        ({1: -0.5}, (), [], 1),
    ],
)
def test_fewer_latents_are_tried_while_they_predict_as_well(
    monkeypatch, held_out, hopeless, tried, taken
):
    def relax(walks, candidate, longer=False):
        score = candidate.held_out
        return candidate, choosing.Relaxed(None, score, 300 + 900 * longer, score)

    monkeypatch.setattr(choosing, "relaxed", relax)
    explored = Explored(held_out, hopeless)
    candidate, of_taken = choosing._simplest(explored)
    assert (explored.tried, candidate.n_open) == (tried, taken)
    assert of_taken.held_out == held_out[taken]


COPIES = {4: -0.0001, 3: -0.0004, 2: -0.00055, 1: -0.0007}
"""Minus the divergence from the guide, by open latents: one is too few, by 0.0006."""


@pytest.mark.parametrize(
    ("far", "hopeless", "tried", "finished", "taken"),
    [
        ((), (), [3, 2, 1], [1, 2], 2),
        ((1,), (), [3, 2, 1], [2], 2),
        ((2,), (), [3, 2], [3], 3),
        ((3,), (), [3, 2], [], 4),
        ((), (3,), [3, 2], [], 4),
        ((), (1,), [3, 2, 1], [2], 2),
    ],
)
def test_copies_with_fewer_latents_are_compared_with_the_one_with_the_most(
    monkeypatch, far, hopeless, tried, finished, taken
):
    """And only those are walked without each fold whose fit to all trials is not too far."""

    def relax(walks, candidate, longer=False):
        return candidate, choosing.Relaxed(
            None, 0.0, 1200 if longer else 300, candidate.held_out
        )  # fmt: skip

    def near(walks, route, enough):
        assert enough == pytest.approx(-0.0001 - 5e-4)
        return route.latents not in walks.far

    monkeypatch.setattr(choosing, "relaxed", relax)
    monkeypatch.setattr(choosing, "may_copy", near)
    explored = Explored(COPIES, hopeless, share=1.0)
    explored.far = far
    candidate, found = choosing._simplest(explored)
    assert (explored.tried, explored.finished) == (tried, finished)
    assert candidate.n_open == taken
    assert found.steps == (1200 if taken < 4 else 300)  # lags its guide by more than 0.0001


def test_relaxing_stops_where_the_folds_say():
    n = np.full(8, 100)
    rng = np.random.default_rng(0)
    before = rng.normal(-60, 3, 8)
    better, worse = before + 1 + rng.normal(0, 0.01, 8), before - 9 + rng.normal(0, 0.01, 8)
    assert relaxed_as_far_as_it_helps([before, better, worse], n) == 1
    assert relaxed_as_far_as_it_helps([before, worse], n) == 0
    assert relaxed_as_far_as_it_helps([before, before - 0.1 + np.tile([-2.0, 2.0], 4)], n) == 1


def test_the_same_key_gives_the_same_selection(trials, selection, tmp_path):
    again = select_disrnn(
        trials, SMALL, QUICK, key=jax.random.key(0), checkpoints=tmp_path, identity="a"
    )
    assert again.candidates == selection.candidates
    same = jax.tree.map(np.array_equal, again.model, selection.model)
    assert all(jax.tree.leaves(same))
    resumed = select_disrnn(
        trials, SMALL, QUICK, key=jax.random.key(0), checkpoints=tmp_path, identity="a"
    )
    assert resumed.candidates == selection.candidates
    assert all(jax.tree.leaves(jax.tree.map(np.array_equal, resumed.model, selection.model)))


class Stopping(Progress):
    """Stops when the second share begins."""

    def changed(self, task: Task) -> None:
        if "share 0" in task.label:
            self.stop()


def test_a_stopped_selection_goes_on_where_it_was(trials, selection, tmp_path):
    def select(progress):
        return select_disrnn(
            trials, SMALL, QUICK, key=jax.random.key(0), progress=progress,
            checkpoints=tmp_path, identity="a",
        )  # fmt: skip

    with pytest.raises(KeyboardInterrupt):
        select(Stopping())
    assert [path.name for path in tmp_path.iterdir()] == ["selection-1-0-0-2-folds.safetensors"]
    resumed = select(Progress())
    assert resumed.candidates == selection.candidates
    assert all(jax.tree.leaves(jax.tree.map(np.array_equal, resumed.model, selection.model)))


def test_checkpoints_of_other_data_or_damaged_ones_are_refused(trials, tmp_path):
    def select(identity):
        return select_disrnn(
            trials, SMALL, QUICK, key=jax.random.key(0), checkpoints=tmp_path, identity=identity,
            progress=Stopping(),
        )  # fmt: skip

    with pytest.raises(KeyboardInterrupt):
        select("a")
    with pytest.raises(DataError, match="belongs to a fit with other data or options"):
        select("b")
    file = tmp_path / "selection-1-0-0-2-folds.safetensors"
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(DataError, match=r"is damaged.*Delete it to start afresh"):
        select("a")


def test_every_candidate_says_what_it_is(selection):
    keys = [(c.route, c.step) for c in selection.candidates]
    assert len(set(keys)) == len(keys)
    assert {c.route.share for c in selection.candidates} == {0.0, 1.0}
    assert all(len(c.n_open_of_folds) == QUICK.folds for c in selection.candidates)


def test_errors_of_differences_are_of_what_folds_held_out(selection):
    errors = selection.standard_errors
    assert len(errors) == len(selection.candidates)
    assert errors[selection.chosen] == 0
    assert all(0 <= error < 0.2 for error in errors)
    assert sum(error > 0 for error in errors) > len(errors) / 2


def test_all_trials_are_fitted_along_the_best_route_alone(selection):
    fitted = {c.route for c in selection.candidates if c.n_open is not None}
    assert fitted == {selection.candidate.route}
    assert math.exp(selection.held_out) > 0.5
    assert selection.penalties.latent == pytest.approx(
        Penalties().latent * selection.candidate.factor
    )


def test_where_all_targets_are_of_the_cognitive_model_it_is_copied(trials):
    """Where the choices' noise is all that is left, the copy says what the model says."""
    config = dataclasses.replace(QUICK, shares=(1.0,), guides=("q_learning",), relaxing=300)
    found = select_disrnn(trials, SMALL, config, key=jax.random.key(0))
    guide = soft_targets(trials, found.guide.models[-1], 1.0)
    own = soft_targets(trials, found.model, 1.0)
    divergence = (guide * np.log(guide / own)).sum(-1)[trials.scored].mean()
    assert divergence < 2e-4
    assert found.relaxed > 0


def test_a_copy_is_judged_by_what_its_guide_says_of_held_out_trials(trials):
    config = dataclasses.replace(QUICK, shares=(1.0,), guides=("q_learning",))
    found = walks.Walks(trials, SMALL, config, jax.random.key(0), Progress(), None, "")
    found.explore()
    folds = range(3)
    candidate = found.best_along(found.chosen)
    averages = found.walked[candidate.route].averages[candidate.step // 50 - 1]
    placed = walks.placed(found.paths(candidate.route, folds), averages)
    total = 0.0
    for path, guide, fold in zip(placed, found.guide.models, found.folds, strict=False):
        p, q = (soft_targets(trials, model, 1.0) for model in (guide, path.model))
        total += (p * np.log(p / q)).sum(-1)[fold & trials.scored].sum()
    guides = relaxing._Guides(found, 0)
    assert guides.divergence(placed) == pytest.approx(total / trials.scored.sum(), abs=2e-6)
    relaxed = relaxing.relaxed(found, candidate)[1]
    assert -guides.divergence(placed) < relaxed.judged <= 1e-6
    assert relaxing.lags(candidate, relaxed._replace(judged=-2e-4))
    assert not relaxing.lags(candidate, relaxed._replace(judged=-5e-5))


def signals(trials, selection, values):
    """Signal networks for these values of one signal, chosen in two folds."""
    own = trials.with_signals(values[..., None], ("dopamine",))
    return select_signal_networks(
        selection.model, own, SMALL, folds=2, embedding=1, key=jax.random.key(5)
    )


def test_a_signal_that_follows_values_is_better_than_the_mean_after_each_outcome(trials, selection):
    latents = unroll(selection.model, trials).latents["z_1"]
    found = signals(trials, selection, np.asarray(latents, float) + trials.outcome[..., 0])
    assert found.better_than_outcome
    assert {c.route.embedding for c in found.candidates} == {0}  # one subject
    n_steps, n_later = SMALL.signal_stage.steps, FACTORS.index(found.candidate.factor)
    assert len(found.history["loss"]) == n_steps + n_later * (n_steps // 3)


def test_signals_that_differ_between_subjects_get_numbers_for_each(two_subjects, selection):
    sign = np.array([-1.0, 1.0])[two_subjects.subject][:, None]
    found = signals(two_subjects, selection, sign * two_subjects.outcome[..., 0])
    errors = {n: min(c.error for c in found.candidates if c.route.embedding == n) for n in (0, 1)}
    assert errors[1] < 0.5 < 0.9 < errors[0]
    assert found.candidate.route.embedding == 1
    alike = signals(two_subjects, selection, two_subjects.outcome[..., 0] + 0.0 * sign)
    assert alike.candidate.route.embedding == 0


def test_few_noisy_signals_are_leaned_on_the_cognitive_model(trials, selection):
    """Networks fitted to the signals alone follow the noise; DFQ knows its six numbers."""
    few = trials.select_sessions([0, 1, 2, 3])
    rng = np.random.default_rng(2)
    truth = np.asarray(unroll(AGENT, few).signals)[..., 0]
    noisy = truth + 1.2 * rng.normal(size=truth.shape)
    found = signals(few, selection, noisy)
    alone = min(c.error for c in found.candidates if c.route.share == 0)
    assert found.guide == "dfq"
    assert found.candidate.route.share > 0
    assert found.candidate.error < alone - 0.02

    def excess(model):
        said = np.asarray(unroll(model, trials).signals)[..., 0]
        return ((said - np.asarray(unroll(AGENT, trials).signals)[..., 0]) ** 2).mean()

    naive = Naive.from_trials(few.with_signals(noisy[..., None], ("dopamine",)))
    assert excess(found.model) < 0.8 * excess(naive)


def test_noise_is_no_better_than_the_mean_after_each_outcome(trials, selection):
    noise = np.random.default_rng(0).normal(size=trials.choice.shape)
    found = signals(trials, selection, noise)
    assert found.candidate.error > 0.97
    assert found.of_guides["naive"] == pytest.approx(1.0, abs=0.05)


def test_the_mean_after_each_outcome_against_a_plain_loop(trials):
    values = np.random.default_rng(1).normal(size=trials.choice.shape) + trials.outcome[..., 0]
    own = trials.with_signals(values[..., None], ("dopamine",))
    folds = folds_of(own, 2)
    y = (values - values[own.scored].mean()) / values[own.scored].std()
    total = 0.0
    for fold in folds:
        for s, t in zip(*np.nonzero(fold & own.scored), strict=True):
            same = own.scored & ~fold & (own.outcome[..., 0] == own.outcome[s, t, 0])
            total += (y[s, t] - y[same].mean()) ** 2
    found = best_signal_guide(own, folds, key=jax.random.key(4))
    assert found.error["naive"] == pytest.approx(total / own.scored.sum(), rel=1e-4)


def test_animals_are_told_apart_only_where_they_differ(trials):
    """Two animals alike get one model; two that prefer opposite sides get numbers each."""
    config = dataclasses.replace(QUICK, shares=(1.0,), embedding=1, guides=("bias",))
    names = dataclasses.replace(trials.names, subjects=("a", "b"))
    who = np.arange(6, dtype=np.int32) % 2
    rng = np.random.default_rng(3)
    for p, apart in (((0.5, 0.5), 0), ((0.1, 0.9), 1)):
        choice = (rng.random(trials.choice.shape) < np.array(p)[who][:, None]).astype(np.int32)
        both = dataclasses.replace(trials, choice=choice, subject=who, names=names)
        found = select_disrnn(both, SMALL, config, key=jax.random.key(0))
        assert {c.route.embedding for c in found.candidates} == {0, 1}
        assert found.candidate.route.embedding == apart
        if apart:
            said = unroll(found.model, both).choice_logits
            p_second = 1 / (1 + np.exp(said[..., 0] - said[..., 1]))
            assert p_second[who == 0].mean() < 0.2 < 0.8 < p_second[who == 1].mean()


def test_an_animal_that_was_not_seen_is_the_mean_of_the_others(two_subjects):
    """In the whole, and where a fold holds out all that there is of an animal."""
    names = dataclasses.replace(two_subjects.names, subjects=("a", "b", "unseen"))
    three = dataclasses.replace(two_subjects, names=names)
    config = dataclasses.replace(SMALL.disrnn, subject_embedding=2)
    model = initial_disrnn(three, config, jax.random.key(2))
    batch = three.batch()
    batch = batch._replace(valid=batch.valid & (np.arange(6) < 5)[:, None])  # 3 of a, 2 of b
    filled = with_unseen_subjects(model, batch)
    for before, after in (
        (model.core.embedding, filled.core.embedding),
        (model.signal_networks.embedding, filled.signal_networks.embedding),
    ):
        np.testing.assert_array_equal(after[:2], before[:2])
        np.testing.assert_allclose(after[2], 0.6 * before[0] + 0.4 * before[1], rtol=1e-5)
    same = with_unseen_subjects(filled, two_subjects.batch())
    np.testing.assert_allclose(same.core.embedding[2], np.mean(filled.core.embedding[:2], 0), 1e-5)
    without = initial_disrnn(three, SMALL.disrnn, jax.random.key(2))
    assert with_unseen_subjects(without, batch).core.embedding.shape == (3, 0)


def test_other_starts_are_tried_below_a_share_of_1_alone(trials):
    for share, starts in ((1.0, {0}), (0.5, {0, 1})):
        config = dataclasses.replace(QUICK, shares=(share,), starts=2, guides=("bias",))
        found = select_disrnn(trials, SMALL, config, key=jax.random.key(0))
        assert {c.route.start for c in found.candidates} == starts
