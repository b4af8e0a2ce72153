"""Curves of choice against plain loops over trials."""

import jax
import numpy as np
import pytest

from accumbens.credit.history.fitting import fit_history
from accumbens.credit.predictive.curves import (
    AFTER,
    BEFORE,
    HISTORIES,
    best_choice,
    choices_around_reversals,
    contingent_reversals,
    history_weights,
    switching_by_history,
)
from accumbens.credit.schedule import Schedule, schedule_of
from accumbens.errors import DataError
from accumbens.models.q_learning import QLearning
from accumbens.simulation import simulate
from accumbens.tasks.bandits import DriftingBandit, ReversalBandit
from accumbens.trials import trials_from_arrays
from helpers.table import example_trials


def simulated(task=None, n_sessions=6, n_trials=80, seed=0):
    task, key = task or ReversalBandit(), jax.random.key(seed)
    return simulate(
        QLearning(0.5, 3.0), task, n_sessions=n_sessions, n_trials=n_trials, key=key,
        subject=[0, 1, 1] * (n_sessions // 3),
    )  # fmt: skip


def plain_switching(trials, rewarded):
    """Lists of switches by subject and history, trial by trial."""
    found = {}
    for s in range(trials.n_sessions):
        past = []
        for t in range(trials.length[s]):
            c = trials.choice[s, t]
            if c < 0:
                continue
            if len(past) >= 2 and not trials.instructed[s, t]:
                (c1, r1), (c2, r2) = past[-2:]
                first = "A" if r1 else "a"
                letter = "a" if c2 == c1 else "b"
                label = first + (letter.upper() if r2 else letter)
                found.setdefault((int(trials.subject[s]), label), []).append(c != c2)
            past.append((c, rewarded(trials.outcome[s, t, 0])))
    return found


@pytest.mark.parametrize("n_choices", [2, 3])
def test_switching_is_that_of_a_plain_loop(n_choices):
    trials = example_trials(n_choices, 0)
    curve = switching_by_history(trials)
    assert curve.labels == HISTORIES
    expected = plain_switching(trials, lambda r: r > 0.5)
    for i in range(2):
        for j, label in enumerate(HISTORIES):
            switches = expected.get((i, label), [])
            assert curve.n[i, j] == len(switches)
            mean = np.mean(switches) if switches else np.nan
            np.testing.assert_allclose(curve.value[i, j], mean)


def test_any_coding_of_rewards_gives_the_same_switching():
    trials = simulated()
    curve = switching_by_history(trials)
    for low, high in ((-1.0, 1.0), (0.0, 4.0), (2.0, 3.0)):
        other = trials.__class__(**{**vars(trials), "outcome": low + (high - low) * trials.outcome})
        np.testing.assert_array_equal(switching_by_history(other).value, curve.value)


def test_choices_around_reversals_are_those_of_a_plain_loop():
    trials = simulated()
    curve = choices_around_reversals(trials, schedule_of(trials))
    found = {}
    for s in range(trials.n_sessions):
        best = trials.context[s].argmax(-1)
        changes = [t for t in range(1, 80) if best[t] != best[t - 1]]
        for k, start in enumerate(changes):
            first = changes[k - 1] if k else 0
            end = changes[k + 1] if k + 1 < len(changes) else 80
            for t in range(max(first, start - BEFORE), min(end, start + AFTER)):
                where = int(trials.subject[s]), f"{t - start:+d}" if t != start else "0"
                found.setdefault(where, []).append(trials.choice[s, t] == best[start])
    for i in range(2):
        for j, label in enumerate(curve.labels):
            assert curve.n[i, j] == len(found[i, label])
            np.testing.assert_allclose(curve.value[i, j], np.mean(found[i, label]))


def test_history_weights_are_those_of_the_regression():
    trials = simulated()
    curve, fits = history_weights(trials), fit_history(trials, 5)
    assert curve.labels[0] == "none 1"
    assert curve.labels[-1] == "reward 5"
    for i, fit in enumerate(fits):
        np.testing.assert_array_equal(curve.value[i], fit.weights[1:])
        assert (curve.n[i] == fit.n_scored).all()


def test_equally_good_choices_do_not_end_a_block():
    trials = trials_from_arrays(np.zeros((1, 40), int), np.zeros((1, 40, 1)))
    p = np.zeros((1, 40, 1, 2))
    p[0, :20, 0], p[0, 20:30, 0], p[0, 30:, 0] = [0.2, 0.8], [0.5, 0.5], [0.8, 0.2]
    best = best_choice(trials, Schedule(p, ("reward",)))
    np.testing.assert_array_equal(best[0], [1] * 30 + [0] * 10)


def test_probabilities_that_drift_have_no_reversals():
    trials = simulated(DriftingBandit())
    with pytest.raises(DataError, match=r"probabilities change on \d+ of 474 trials, so there"):
        choices_around_reversals(trials, schedule_of(trials))
    constant = simulated(ReversalBandit(block_length=(80, 80)))
    with pytest.raises(DataError, match="No session has a reversal of the best choice"):
        choices_around_reversals(constant, schedule_of(constant))


def test_reversals_that_wait_for_the_animal_are_seen():
    """A block ends at random, or with the first reward after its tenth trial."""
    free = simulated(n_sessions=30)
    assert contingent_reversals(free, schedule_of(free)) == ""
    rng, shape = np.random.default_rng(0), (4, 300)
    choice, reward, p = np.zeros(shape, int), np.zeros(shape), np.zeros((*shape, 1, 2))
    for s in range(shape[0]):
        best, since = 0, 0
        for t in range(shape[1]):
            p[s, t, 0] = [0.8, 0.2] if best == 0 else [0.2, 0.8]
            choice[s, t] = best if rng.random() < 0.7 else 1 - best
            reward[s, t] = rng.random() < p[s, t, 0, choice[s, t]]
            since += 1
            if since > 10 and reward[s, t]:
                best, since = 1 - best, 0
    trials = trials_from_arrays(choice, reward[..., None])
    said = contingent_reversals(trials, Schedule(p, trials.names.outcomes))
    assert said.startswith("The last trial of a block was rewarded in 100% of")
    assert "reversals seem to wait for the animal" in said
