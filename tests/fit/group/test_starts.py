"""Where the subjects of a group begin, and what is done where a search wanders off."""

import dataclasses
import inspect
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from accumbens.errors import DivergedError
from accumbens.fit.group.hierarchical import _check_explains, brought_back
from accumbens.fit.likelihood.maximum_likelihood import fit_maximum_likelihood
from accumbens.models.reward_habit import RewardHabit
from accumbens.simulation import simulate
from accumbens.tasks.bandits import DriftingBandit

KEY = jax.random.key(0)
OPTIONS: dict[str, Any] = {"free": ("fallacy_rate", "fallacy_weight"), "variant": None,
                           "fixed": {"habit_weight": 0.0, "habit_rate": 0.5}}  # fmt: skip


def test_a_weight_that_ran_away_beside_a_rate_of_0_is_brought_back():
    agent = RewardHabit(0.5, 1.5, 0.5, 0.0, fallacy_rate=0.1, fallacy_weight=1.0)
    trials = simulate(agent, DriftingBandit(), n_sessions=2, n_trials=80, key=KEY)
    fit = fit_maximum_likelihood(RewardHabit, trials, key=KEY, n_starts=2, **OPTIONS)
    assert brought_back(fit, trials, KEY, OPTIONS) is fit
    model = fit.model.with_parameters({"fallacy_rate": 1e-6, "fallacy_weight": 5000.0})
    found = brought_back(dataclasses.replace(fit, model=model), trials, KEY, OPTIONS)
    assert float(found.model.fallacy_rate) == pytest.approx(1 / (1 + np.exp(4)), rel=1e-3)
    by_hand = fit_maximum_likelihood(
        RewardHabit, trials, key=KEY, free=("fallacy_weight",),
        fixed={**OPTIONS["fixed"], "fallacy_rate": float(found.model.fallacy_rate)},
    )  # fmt: skip
    weight = by_hand.parameters["fallacy_weight"]
    assert float(found.model.fallacy_weight) == pytest.approx(weight.estimate, rel=1e-2)
    assert found.log_likelihood == pytest.approx(by_hand.log_likelihood, abs=1e-3)


def test_subjects_that_explain_less_than_one_set_for_all_are_no_fit():
    space: Any = SimpleNamespace(template=SimpleNamespace(name="Q-learning"))
    terms: Any = SimpleNamespace(log_likelihood=lambda u: -100 * (u[:, 0] ** 2))
    group = SimpleNamespace(start=jnp.zeros(1))

    def fit(far) -> Any:
        return SimpleNamespace(group=group, of_subject=jnp.full((2, 1), far), passes=200)

    check: Any = inspect.unwrap(_check_explains)
    check(space, fit(0.1), terms)
    with pytest.raises(DivergedError, match="after 200 passes they explain 800 nats less than one"):
        check(space, fit(2.0), terms)
