"""Consensus on networks whose mechanism is planted: copies are one, others are others."""

import itertools

import jax
import numpy as np
import pytest

from accumbens.errors import ConfigError, DataError
from accumbens.mechanisms import (
    ConsensusConfig,
    HeldOut,
    NetworkFit,
    align_latents,
    dissect,
    find_consensus,
)
from accumbens.models.q_learning import QLearning
from accumbens.simulation import simulate
from accumbens.tasks.bandits import DriftingBandit
from accumbens.trials import trials_from_arrays
from accumbens.unrolling import unroll
from helpers.planted_networks import PlantedLatent, habit, planted, value_of

VALUES = [value_of(0), value_of(1)]


@pytest.fixture(scope="module")
def trials():
    task = DriftingBandit()
    return simulate(QLearning(0.3, 4.0), task, n_sessions=20, n_trials=80, key=jax.random.key(0))


@pytest.fixture(scope="module")
def parts(trials):
    even = np.arange(trials.n_sessions) % 2 == 0
    return trials.select_sessions(np.flatnonzero(even)), trials.select_sessions(
        np.flatnonzero(~even)
    )


def consensus(networks, trials, parts=None, **config):
    fits = [
        NetworkFit(name, model, None if parts is None else HeldOut.of(model, *parts))
        for name, model in networks.items()
    ]
    return find_consensus(
        fits, trials, rng=np.random.default_rng(0), config=ConsensusConfig(**config)
    )


COPIES = {
    "plain": planted(VALUES),
    "other order": planted(VALUES, order=[1, 0]),
    "turned": planted(VALUES, signs=[-1, 1]),
    "scaled": planted(VALUES, scales=[0.5, 1.6], n_all=5, order=[4, 2], signs=[1, -1]),
}
OTHERS = {
    "with habit": planted([*VALUES, habit(weight=2.0)]),
    "slower": planted([value_of(0, rate=0.05), value_of(1, rate=0.05)]),
    "habit alone": planted([habit(), value_of(1)]),
}


def test_planted_networks_do_what_they_are_planted_to(trials):
    """Against Q-learning written out; rewards teach +1 and -1 as in the plant."""
    latents = unroll(COPIES["scaled"], trials).latents
    q = np.zeros(2)
    for t in range(30):
        found = [latents["z_5"][0, t] / 0.5, -latents["z_3"][0, t] / 1.6]
        np.testing.assert_allclose(found, q, atol=2e-4)
        choice = trials.choice[0, t]
        q[choice] += 0.3 * (2 * trials.outcome[0, t, 0] - 1 - q[choice])


def test_permuted_turned_and_scaled_copies_are_one_mechanism(trials, parts):
    found = consensus(COPIES | OTHERS, trials, parts)
    first, *others = found.mechanisms
    assert set(first.members) == set(COPIES)
    assert {m.members for m in others} == {(name,) for name in OTHERS}
    assert first.n_latents == 2
    np.testing.assert_allclose(first.r2, 1.0, atol=1e-3)
    np.testing.assert_allclose(first.updates_r2, 1.0, atol=1e-3)
    assert not found.nothing_found
    assert "4 distinct mechanisms in 7 fits" in found.sentence
    assert "found 4 of 7 times" in found.sentence


def test_copies_alone_are_unanimous_and_no_held_out_session_is_needed(trials):
    found = consensus(COPIES, trials)
    assert len(found.mechanisms) == 1
    assert found.first.held_out is found.first.above_chance is None
    assert not found.nothing_found
    frame = found.to_frame()
    assert frame[["found", "fits", "latents_used"]].to_numpy().tolist() == [[4, 4, 2]]


def test_what_fits_disagree_about_is_said(trials):
    found = consensus(COPIES | OTHERS, trials)
    said = {m.members[0]: m.differs for m in found.mechanisms}
    assert said[found.first.members[0]] == ""
    assert "it uses 3 latents instead of 2: z_3 (is moved by choice" in said["with habit"]
    assert "follow another course" in said["slower"]
    assert "reward moves z_1 of the first, here it does not" in said["habit alone"]


def test_inputs_are_those_that_are_planted(trials):
    two = trials_from_arrays(
        trials.choice,
        np.concatenate([trials.outcome, np.roll(trials.outcome, 3, axis=1)], axis=2),
        names=trials.names.__class__(choices=(0, 1), outcomes=("controllable", "distractor")),
    )
    latents = [
        PlantedLatent((0.3, 1e-6), (-1.0, 0.0, 2.0, 0.0), -2.0),
        PlantedLatent((0.2, 0.2), (0.0, 0.0, 0.0, 1.5), 1.0),
    ]
    model = planted(latents, outcomes=("controllable", "distractor"))
    found = dissect(model, two)
    assert found.inputs == ("choice", "controllable", "distractor", "z_1", "z_2")
    used = found.effects > 0.05
    assert used.tolist() == [[True, True, False, False, False], [False, False, True, False, False]]
    assert (found.readout > 0.05).all()


def test_a_latent_that_nothing_reads_is_no_part_of_a_mechanism(trials):
    unread = planted([*VALUES, habit(weight=0.0)])
    assert dissect(unread, trials).latents == ("z_1", "z_2")
    assert len(consensus({"plain": COPIES["plain"], "unread": unread}, trials).mechanisms) == 1


def test_closed_networks_are_nothing_found(trials, parts):
    closed = {name: planted([], bias=bias) for name, bias in (("a", 0.1), ("b", -0.1))}
    found = consensus(closed | {"c": COPIES["plain"]}, trials, parts)
    assert found.nothing_found
    assert found.first.members == ("a", "b")
    assert "Nothing found: 2 of 3 fits have no latent in use" in found.sentence


def test_networks_that_predict_no_better_than_a_bias_are_nothing_found(parts):
    rng = np.random.default_rng(5)
    noise = trials_from_arrays(
        rng.integers(0, 2, (20, 80)), rng.integers(0, 2, (20, 80, 1)).astype(float)
    )
    split = noise.select_sessions(range(10)), noise.select_sessions(range(10, 20))
    found = consensus(COPIES, noise, split)
    assert found.nothing_found
    assert "Nothing found: on held-out sessions the first mechanism" in found.sentence


def test_scores_are_means_over_members_of_the_sessions_that_each_held_out(trials, parts):
    """Against sums by hand, where one member held out other sessions than the other."""
    one, two = planted(VALUES), planted([value_of(0, weight=2.9), value_of(1, weight=2.9)])
    fits = [
        NetworkFit("one", one, HeldOut.of(one, *parts)),
        NetworkFit("two", two, HeldOut.of(two, parts[1], trials)),
    ]
    found = find_consensus(fits, trials, rng=np.random.default_rng(0))
    assert len(found.mechanisms) == 1
    total = 0.0
    for s in range(trials.n_sessions):
        models = [one, two] if s % 2 else [two]
        total += np.mean([log_p(m, trials, s) for m in models])
    expected = np.exp(total / trials.scored.sum())
    estimate = found.first.held_out
    assert estimate.value == pytest.approx(expected, rel=1e-5)
    assert estimate.low < expected < estimate.high


def log_p(model, trials, s):
    logits = np.asarray(unroll(model, trials).choice_logits[s], float)
    rows = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    return rows[np.arange(trials.length[s]), trials.choice[s]].sum()


def test_a_frequent_mechanism_that_predicts_worse_is_passed_over(trials, parts):
    slower = {f"slower {i}": OTHERS["slower"] for i in range(3)}
    found = consensus(slower | {k: COPIES[k] for k in ("plain", "turned")}, trials, parts)
    assert found.first.members == ("plain", "turned")
    assert found.passed_over == 1
    assert "1 mechanism found as often or more often predicts held-out" in found.sentence
    assert found.mechanisms[1].above_first.high < 0
    alone = consensus(slower | {"plain": COPIES["plain"]}, trials, parts)
    assert len(alone.first.members) == 3  # one fit is no rival


def test_fits_of_which_no_two_agree_are_not_interpreted(trials):
    assert "No two of 3 fits agree" in consensus(OTHERS, trials).sentence


def test_a_tie_goes_to_the_mechanism_that_predicts_better(trials, parts):
    networks = {"slower": OTHERS["slower"], "plain": COPIES["plain"]}
    found = consensus(networks, trials, parts)
    assert found.first.members == ("plain",)
    other = found.mechanisms[1]
    assert other.above_first.value < 0
    assert found.first.above_first is None


def test_alignment_is_the_best_of_all_assignments():
    """Against every permutation, on three latents and on two of them."""
    rng = np.random.default_rng(0)
    for n_other in (3, 2, 4):
        a, mix = rng.normal(size=(200, 3)), rng.normal(size=(3, n_other))
        b = a @ mix + 0.5 * rng.normal(size=(200, n_other))
        r2 = np.corrcoef(a.T, b.T)[:3, 3:] ** 2
        few, many = min(3, n_other), max(3, n_other)
        wide = r2 if n_other >= 3 else r2.T
        best = max(
            sum(wide[i, p[i]] for i in range(few)) for p in itertools.permutations(range(many), few)
        )
        found = align_latents(a, b)
        assert found.r2.sum() == pytest.approx(best)
        for i, j, scale, offset, r2_pair in zip(*found, strict=True):
            slope, at_0 = np.polyfit(b[:, j], a[:, i], 1)
            assert (scale, offset) == pytest.approx((slope, at_0))
            rest = a[:, i] - slope * b[:, j] - at_0
            assert r2_pair == pytest.approx(1 - rest.var() / a[:, i].var())


def test_what_leaned_on_a_cognitive_model_is_counted(trials):
    model = COPIES["plain"]
    fits = [
        NetworkFit("a", model, guide="q_learning", share=1.0),
        NetworkFit("b", model, guide="q_learning", share=0.5),
        NetworkFit("c", model, guide="dfq", share=0.0),
    ]
    first = find_consensus(fits, trials, rng=np.random.default_rng(0)).first
    assert first.leaned_on == {"q_learning": 2}
    assert first.copies == 1


def test_messages(trials):
    model = COPIES["plain"]
    rng = np.random.default_rng(0)
    with pytest.raises(ConfigError, match=r"There is no fit\. Give one or more"):
        find_consensus([], trials, rng=rng)
    with pytest.raises(ConfigError, match=r"Two fits have the name a\. Give each a name"):
        find_consensus([NetworkFit("a", model)] * 2, trials, rng=rng)
    other = planted([habit()], outcomes=("food",))
    with pytest.raises(DataError, match="fit b is made for 2 choices and the outcomes food, and"):
        find_consensus([NetworkFit("b", other)], trials, rng=rng)
    with pytest.raises(ConfigError, match="share is 2; it must lie between 0 and 1"):
        NetworkFit("a", model, share=2.0)
    with pytest.raises(DataError, match="trajectories have 3 and 4 trials"):
        align_latents(np.zeros((3, 1)), np.zeros((4, 1)))
    with pytest.raises(ConfigError, match=r"alike is 1\.5; it must lie between 0 and 1"):
        ConsensusConfig(alike=1.5)
    with pytest.raises(ConfigError, match=r"unused is 0\.3 and used 0\.05; both must lie"):
        ConsensusConfig(unused=0.3)
    with pytest.raises(ConfigError, match="resamples is 0; it must be at least 1"):
        ConsensusConfig(resamples=0)
    missed = trials_from_arrays(np.full((1, 3), -1), np.ones((1, 3, 1)))
    with pytest.raises(DataError, match="No trial has a choice, so there is nothing along"):
        find_consensus([NetworkFit("a", model)], missed, rng=rng)
