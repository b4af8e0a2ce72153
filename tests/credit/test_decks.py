"""Decks without replacement: bets against plain Python, that they are fair, what they find."""

import dataclasses

import jax
import numpy as np
import pytest

import accumbens
from accumbens.credit.calibration.check import calibrate_schedule
from accumbens.credit.calibration.decks import SIZES, SURE, deck_probabilities
from accumbens.credit.schedule import schedule_of

MEDIANS = {"learning_rate": 0.3, "inverse_temperature": 3.0, "structure_weight": 0.5}


def cohort(seed):
    key = jax.random.key(seed)
    agents = accumbens.draw_agents(accumbens.StructureMixture, MEDIANS, 2, 0.3, key=key)
    task = accumbens.DistractorRewards()
    return accumbens.simulate_cohort(agents, task, n_sessions=2, n_trials=100, key=key)


def by_hand(choice, came, p, drawn, way, size):
    """One trial after another; a deck is a list of what was seen of it."""
    q = np.full(p.shape, np.nan)
    for s in range(len(p)):
        decks, counts, runs = {}, {}, {}
        for t in range(p.shape[1]):
            if not drawn[s, t]:
                continue
            c, x = choice[s, t], round(float(p[s, t]), 6)
            if way == 2:
                if c not in runs or runs[c][0] != x:
                    runs[c] = (x, t)
                key = (c, *runs[c], (t - runs[c][1]) // size)
            else:
                group = (x,) if way == 0 else (x, c)
                n = counts.get(group, 0)
                counts[group] = n + 1
                key = (*group, n // size)
            seen = decks.setdefault(key, [])
            left = (x * size - sum(seen)) / (size - len(seen))
            q[s, t] = SURE * min(max(left, 0.0), 1.0) + (1 - SURE) * p[s, t]
            seen.append(int(came[s, t]))
    return q


def test_every_way_of_dealing_is_that_of_plain_python():
    rng, shape = np.random.default_rng(0), (3, 60)
    choice, p = rng.integers(0, 2, shape), np.repeat(rng.choice([0.2, 0.8], (3, 6)), 10, axis=1)
    came, drawn = rng.random(shape) < p, rng.random(shape) < 0.9
    found = list(deck_probabilities(choice, came, p, drawn))
    assert len(found) == 3 * len(SIZES)
    for i, q in enumerate(found):
        expected = by_hand(choice, came, p, drawn, i // len(SIZES), SIZES[i % len(SIZES)])
        np.testing.assert_allclose(q, expected, atol=1e-12)


def test_bets_on_decks_are_fair():
    """Their likelihood ratios have the mean 1 where rewards were drawn independently."""
    rng, n, trials = np.random.default_rng(1), 20_000, 12
    p = np.full((n, trials), 0.6)
    came = rng.random(p.shape) < p
    choice = np.zeros(p.shape, int)
    for t in range(1, trials):  # which follow the rewards
        choice[:, t] = np.where(came[:, t - 1], choice[:, t - 1], 1 - choice[:, t - 1])
    for q in list(deck_probabilities(choice, came, p, np.ones(p.shape, bool)))[:: len(SIZES) - 4]:
        ratio = np.where(came, q / p, (1 - q) / (1 - p)).prod(1)
        assert abs(ratio.mean() - 1) < 4 * ratio.std() / np.sqrt(n)
        assert ratio.std() > 0


def dealt(trials, how, size, rng):
    """Controllable rewards from decks: for each probability, or for each side in each block."""
    p = np.take_along_axis(schedule_of(trials).controllable, trials.choice[..., None], -1)[..., 0]
    came = np.zeros(p.shape)
    for s in range(len(p)):
        if how == "by trial":
            both = schedule_of(trials).controllable[s]
            block = np.cumsum(np.concatenate([[0], np.diff(both[:, 0]) != 0]))
            for b, c in ((b, c) for b in np.unique(block) for c in (0, 1)):
                at = np.flatnonzero(block == b)
                for first in range(0, len(at), size):
                    deck = np.zeros(size)
                    deck[: round(both[at[0], c] * size)] = 1
                    here = at[first : first + size]
                    cards = rng.permutation(deck)[: len(here)]
                    chosen = trials.choice[s, here] == c
                    came[s, here[chosen]] = cards[chosen]
            continue
        for x in np.unique(p[s]):
            at = np.flatnonzero(p[s] == x)
            for first in range(0, len(at), size):
                deck = np.zeros(size)
                deck[: round(x * size)] = 1
                here = at[first : first + size]
                came[s, here] = rng.permutation(deck)[: len(here)]
    return came


@pytest.mark.parametrize(("how", "size", "at_least"), [("by choice", 10, 11), ("by trial", 5, 5)])
def test_decks_are_found_in_small_cohorts(how, size, at_least):
    """Two mice of two sessions of 100 trials, twelve cohorts; of independent draws none. Bets on
    tilts alone find a quarter of the first kind. Of the second, half of the cards are not seen."""
    found = 0
    for seed in range(12):
        trials = cohort(seed)
        schedule = schedule_of(trials)
        assert calibrate_schedule(trials, schedule).believable
        outcome = trials.outcome.copy()
        outcome[..., 0] = dealt(trials, how, size, np.random.default_rng(seed))
        check = calibrate_schedule(dataclasses.replace(trials, outcome=outcome), schedule)
        found += not check.believable and "decks" in check.cause
    assert found >= at_least
