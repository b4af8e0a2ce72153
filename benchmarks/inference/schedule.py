"""The check of the schedule: true tables that pass, wrong ones that are refused and named."""

from __future__ import annotations

from collections.abc import Callable

import jax
import numpy as np

import accumbens
from accumbens.credit import Schedule, calibrate_schedule, schedule_of
from accumbens.scoring.intervals import wilson_interval

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
        refused, named = dict.fromkeys(TABLES, 0), dict.fromkeys(TABLES, 0)
        for seed in range(cohorts):
            trials = cohort(seed, *size)
            schedule = schedule_of(trials)
            for name, (change, cause) in TABLES.items():
                table = Schedule(change(schedule.probability), schedule.outcomes)
                found = calibrate_schedule(trials, table)
                refused[name] += not found.believable
                named[name] += not found.believable and cause in found.cause
        for name in TABLES:
            low, high = wilson_interval(refused[name], cohorts)
            words = f"{refused[name] / cohorts:.3f} ({low:.3f}, {high:.3f})"
            right = f"{named[name]} of {refused[name]}" if name != "true" else ""
            print(" x ".join(map(str, size)), "|", name, "|", words, "|", right)
