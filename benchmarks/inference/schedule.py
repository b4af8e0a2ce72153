"""The check of the schedule: true tables that pass, wrong ones that are refused and named."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import jax
import numpy as np

import accumbens
from accumbens.credit import Schedule, calibrate_schedule, schedule_of
from inference.shares import share

MEDIANS = {"learning_rate": 0.3, "inverse_temperature": 3.0, "structure_weight": 0.5}
SIZES = ((2, 2, 100), (4, 4, 200))
"""Mice, sessions of each, trials of each."""


def cohort(seed: int, mice: int, sessions: int, trials: int) -> accumbens.Trials:
    """A cohort in the distractor-rewards task, each with mice of its own."""
    key = jax.random.key(seed)
    agents = accumbens.draw_agents(accumbens.StructureMixture, MEDIANS, mice, 0.3, key=key)
    return accumbens.simulate_cohort(
        agents, accumbens.DistractorRewards(), n_sessions=sessions, n_trials=trials, key=key
    )


def swapped(p: np.ndarray) -> np.ndarray:
    return np.stack([p[:, :, 0, ::-1], p[:, :, 1]], axis=2)


def fixed(p: np.ndarray) -> np.ndarray:
    return np.stack([np.broadcast_to([0.8, 0.2], p[:, :, 0].shape), p[:, :, 1]], axis=2)


def mis_stated(p: np.ndarray) -> np.ndarray:
    return np.stack([p[:, :, 0], np.full_like(p[:, :, 1], 0.3)], axis=2)


def baited(trials: accumbens.Trials, schedule: Schedule, rng: np.random.Generator) -> np.ndarray:
    """Controllable rewards of the same choices that wait for their side once they are drawn."""
    choice, p = trials.choice, schedule.controllable
    came, armed = np.zeros(choice.shape), np.zeros((len(p), 2), bool)
    rows = np.arange(len(p))
    for t in range(choice.shape[1]):
        armed |= rng.random(armed.shape) < p[:, t]
        came[:, t] = armed[rows, choice[:, t]]
        armed[rows, choice[:, t]] = False
    return came


def from_decks(
    trials: accumbens.Trials, schedule: Schedule, rng: np.random.Generator
) -> np.ndarray:
    """Controllable rewards from decks of ten trials of one probability, without replacement."""
    p = np.take_along_axis(schedule.controllable, trials.choice[..., None], -1)[..., 0]
    came = np.zeros(p.shape)
    for s in range(len(p)):
        for level in np.unique(p[s]):
            at = np.flatnonzero(p[s] == level)
            for first in range(0, len(at), 10):
                deck = at[first : first + 10]
                exact = level * len(deck)
                n = int(exact) + int(rng.random() < exact - int(exact))
                came[s, rng.permutation(deck)[:n]] = 1.0
    return came


REWARDS = {"baited, stated base": (baited, "baiting"), "from decks": (from_decks, "decks")}
"""Rewards that come otherwise than the table says, and the cause that is to be named."""
TABLES: dict[str, tuple[Callable[[np.ndarray], np.ndarray], str]] = {
    "true": (lambda p: p, ""),
    "left and right swapped": (swapped, "are swapped"),
    "fixed on a reversing task": (fixed, "fixed numbers"),
    "distractor 0.3 for 0.5": (mis_stated, "mis-stated"),
    "rewards exchanged": (lambda p: p[:, :, ::-1].copy(), "are exchanged"),
}


def run(cohorts: int) -> None:
    """A row for each size and table: share refused, and named rightly."""
    print("mice x sessions x trials | table | refused (95 %) | right cause")
    for size in SIZES:
        rows = (*TABLES, *REWARDS)
        refused, named = dict.fromkeys(rows, 0), dict.fromkeys(rows, 0)
        for seed in range(cohorts):
            trials = cohort(seed, *size)
            schedule = schedule_of(trials)
            for name, (change, cause) in TABLES.items():
                table = Schedule(change(schedule.probability), schedule.outcomes)
                found = calibrate_schedule(trials, table)
                refused[name] += not found.believable
                named[name] += not found.believable and cause in found.cause
            for k, (name, (change, cause)) in enumerate(REWARDS.items()):
                outcome = trials.outcome.copy()
                outcome[..., 0] = change(trials, schedule, np.random.default_rng((seed, k)))
                found = calibrate_schedule(dataclasses.replace(trials, outcome=outcome), schedule)
                refused[name] += not found.believable
                named[name] += not found.believable and cause in found.cause
        for name in rows:
            words = share(refused[name], cohorts)
            right = f"{named[name]} of {refused[name]}" if name != "true" else ""
            print(" x ".join(map(str, size)), "|", name, "|", words, "|", right)
