"""The level of the structure test where the better side follows the controllable rewards."""

import jax
import numpy as np
import pytest

from accumbens.credit.randomization import structure_test
from accumbens.credit.reversals.rules import CountedReversals
from accumbens.credit.schedule import schedule_of
from accumbens.models.structured import StructureNaive
from accumbens.simulation import simulate
from accumbens.tasks.distractor import DistractorRewards
from accumbens.tasks.earned import EarnedReversals


@pytest.mark.slow
def test_of_300_null_cohorts_5_percent_are_significant():
    """Animals that do not tell the rewards apart; within 3.3 standard errors of 5 %."""
    task = DistractorRewards(EarnedReversals(0.7, 0.3, after=2, last=3), 0.3)
    agent, n = StructureNaive(0.6, 5.0), 300
    trials = simulate(agent, task, n_sessions=2 * n, n_trials=120, key=jax.random.key(0))
    p = []
    for first in range(0, 2 * n, 2):
        mine = trials.select_sessions(np.array([first, first + 1]))
        found = structure_test(
            mine, schedule_of(mine), seed=first, n_lags=1, resamples=99, trust_schedule=True,
            reversals=CountedReversals(2, last=3),
        )  # fmt: skip
        p.append(found.group_p_value())
    assert abs((np.array(p) <= 0.05).mean() - 0.05) < 3.3 * (0.05 * 0.95 / n) ** 0.5
