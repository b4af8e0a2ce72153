"""Better sides that reverse after controllable rewards: level and power of the structure test.

Simple: the labels of single rewards redrawn by themselves, the sides held (not exact under such a
rule). By rule: labels and reversals redrawn together. Null: animals that do not tell the rewards
apart. One-sided at 5 %; cohorts of two animals.
"""

from __future__ import annotations

import time

import jax
import numpy as np

from accumbens.credit import schedule_of, structure_test
from accumbens.credit.reversals.rules import CountedReversals
from accumbens.models.structured import StructureMixture
from accumbens.simulation import simulate
from accumbens.tasks.distractor import DistractorRewards
from accumbens.tasks.earned import EarnedReversals
from inference.shares import share

SETUPS = (
    # high, low, distractor, after, last, learning rate, inverse temperature, trials
    (0.8, 0.2, 0.5, 10, 15, 0.4, 3.0, 200),
    (0.8, 0.2, 0.3, 4, 5, 0.6, 5.0, 200),
    (0.9, 0.1, 0.5, 3, 4, 0.6, 5.0, 200),
    (0.7, 0.3, 0.3, 2, 3, 0.6, 5.0, 200),
)
WEIGHTS = (0.0, 0.3)
"""Structure weights: the null hypothesis, and what is to be found."""


def run(cohorts: int) -> None:
    """Two rows a set-up: rejections of both tests without and with structure."""
    print("rule | structure weight | simple (95 %) | by rule (95 %) | n")
    for high, low, distractor, after, last, rate, temperature, n_trials in SETUPS:
        rule = CountedReversals(after, last=last)
        task = DistractorRewards(EarnedReversals(high, low, after=after, last=last), distractor)
        for weight in WEIGHTS:
            start, agent = time.perf_counter(), StructureMixture(rate, temperature, weight)
            trials = simulate(
                agent, task, n_sessions=2 * cohorts, n_trials=n_trials, key=jax.random.key(after)
            )
            counts = np.zeros(2, int)
            for c in range(cohorts):
                mine = trials.select_sessions(np.array([2 * c, 2 * c + 1]))
                for k, reversals in enumerate((None, rule)):
                    found = structure_test(
                        mine, schedule_of(mine), seed=c, n_lags=2, resamples=199,
                        trust_schedule=True, reversals=reversals,
                    )  # fmt: skip
                    counts[k] += found.group_p_value() <= 0.05
            shares = [share(k, cohorts) for k in counts.tolist()]
            took = f"{time.perf_counter() - start:.0f} s"
            said = f"{rule}; rewards {high:g}, {low:g}, distractor {distractor:g}"
            print(said, "|", weight, "|", *shares, "|", cohorts, "|", took, flush=True)
