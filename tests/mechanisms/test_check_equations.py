"""Equations put to the test, where it is known whether they should pass."""

import dataclasses

import equinox as eqx
import jax
import numpy as np
import pytest

import accumbens
from accumbens.errors import ConfigError, DataError
from accumbens.mechanisms import check_equations, distill, refit_equations

BANDIT = accumbens.DriftingBandit()
AGENT = accumbens.QLearning(0.4, 4.0, initial_value=0.5)
OPTIONS = {"n_repeats": 3, "n_recovered": 2}


def simulated(agent, n_sessions=10, seed=0):
    return accumbens.simulate(
        agent, BANDIT, n_sessions=n_sessions, n_trials=60, key=jax.random.key(seed)
    )


def keys():
    return {"key": jax.random.key(7), "rng": np.random.default_rng(0)}


@pytest.fixture(scope="module")
def found():
    return distill(AGENT, simulated(AGENT), rng=np.random.default_rng(0), n_draws=60)


def without_schedule(trials):
    names = dataclasses.replace(trials.names, contexts=())
    return dataclasses.replace(trials, context=trials.context[..., :0], names=names)


def test_equations_of_the_agent_that_chose_pass(found):
    check = check_equations(AGENT, found, simulated(AGENT, seed=1), **keys(), **OPTIONS)
    assert check.something_found
    assert check.kept == pytest.approx(1, abs=1e-4)
    first, second, *rest = check.verdicts()
    assert first.startswith("Held-out choices are predicted better by the network than by a bias,")
    assert second.startswith("The equations explain the network: they keep 100.0")
    assert any("equations choose as the animals do in the curve switching" in s for s in rest)
    frame = check.recovered_frame()
    rate = frame[(frame["of"] == "Q_1") & (frame["name"] == "learning rate")].iloc[0]
    assert rate["truth"] == pytest.approx(0.4, abs=1e-3)
    assert rate["recovered"] == pytest.approx(0.4, abs=0.15)
    assert rate["recovered"] != pytest.approx(0.4, abs=1e-4), "it was not found, but handed over"
    assert frame["held"].mean() > 0.7
    assert check.simulated_in == "2 simulations in the sessions of the equations"


def test_choices_at_random_end_with_nothing_found(found):
    chance = simulated(accumbens.BiasOnly(0.0), seed=2)
    check = check_equations(AGENT, found, chance, **keys(), n_repeats=2, n_recovered=0)
    assert not check.something_found
    assert check.verdicts()[0].startswith(
        "Nothing found: held-out choices are not predicted better"
    )
    assert check.recovered == ()


def test_equations_that_say_something_else_fail(found):
    flat = eqx.tree_at(lambda m: m.choice_rule.weight, found.model, replace_fn=lambda w: 0.1 * w)
    other = dataclasses.replace(found, model=flat)
    check = check_equations(
        AGENT, other, simulated(AGENT, seed=1), **keys(), n_repeats=20, n_recovered=0
    )
    assert check.kept < 0.9
    assert "The equations do not explain the network" in check.verdicts()[1]
    assert any("equations choose not as the animals do" in s for s in check.verdicts())


def test_without_a_schedule_it_says_what_is_missing_or_used(found):
    bare = dataclasses.replace(found, trials=without_schedule(found.trials))
    test = without_schedule(simulated(AGENT, seed=1))
    check = check_equations(AGENT, bare, test, **keys(), **OPTIONS)
    assert check.predictive is None
    assert check.recovered == ()
    notes = " ".join(check.verdicts())
    assert "The models were not simulated in the animals' sessions. The trials do not hold" in notes
    assert "Parameters were not looked for in simulations. The trials do not hold" in notes
    check = check_equations(AGENT, bare, test, **keys(), n_repeats=2, n_recovered=1, task=BANDIT)
    assert check.simulated_in == "1 simulation in the task DriftingBandit"
    assert len(check.recovered) == len(found.parameters())


def test_mistakes_are_said_in_words(found):
    with pytest.raises(ConfigError, match=r"n_recovered is -1; it cannot be negative"):
        check_equations(AGENT, found, found.trials, **keys(), n_recovered=-1)
    with pytest.raises(DataError, match=r"The equations are of 10 sessions.* these trials have 3"):
        refit_equations(found, simulated(AGENT, 3))
