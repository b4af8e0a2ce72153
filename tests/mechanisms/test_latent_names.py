"""Names of latents: planted variables get their own names, and what is like nothing gets none."""

import jax
import numpy as np
import pytest

from accumbens.errors import ConfigError
from accumbens.mechanisms import dissect, fit_agents, name_latents, names_to_frame
from accumbens.models.belief import BeliefAgent
from accumbens.models.parts.composed import with_parts
from accumbens.models.q_learning import QLearning
from accumbens.simulation import simulate
from accumbens.tasks.bandits import DriftingBandit
from accumbens.unrolling import unroll
from helpers.planted_networks import PlantedLatent, habit, planted, value_of

AGENT = with_parts(QLearning(0.3, 3.0), perseveration=0.5, perseveration_rate=0.2)


@pytest.fixture(scope="module")
def trials():
    task = DriftingBandit()
    return simulate(AGENT, task, n_sessions=8, n_trials=80, key=jax.random.key(0))


@pytest.fixture(scope="module")
def names(trials):
    latents = [value_of(0), value_of(1), habit(rate=0.2)]
    found = dissect(planted(latents, signs=[1, -1, 1], scales=[1, 0.5, 0.7]), trials)
    return name_latents(found, trials, {"Q-learning": AGENT})


def test_values_and_habits_are_named(names):
    assert [n.best.kind for n in names] == ["value of choice 0", "value of choice 1", "habit"]
    assert [n.best.model for n in names] == ["Q-learning"] * 3
    assert all(n.best.r2 > 0.999 and n.told_apart for n in names)
    first, second, third = (n.sentence for n in names)
    assert first == "z_1 is the value of choice 0 (Q-learning) (R2 1.00); learning rate 0.30."
    assert "(R2 1.00, turned over); learning rate 0.30." in second
    assert third == "z_3 is the habit (Q-learning) (R2 1.00); learning rate 0.20."


def test_a_table_has_a_row_for_each_latent(names):
    frame = names_to_frame(names)
    assert frame["best"].tolist() == ["value of choice 0", "value of choice 1", "habit"]
    assert frame["named"].all()


def test_rates_of_a_latent_differ_by_choice(trials):
    """Learning after one choice, forgetting after the other."""
    latent = PlantedLatent((0.4, 0.1), (-1.0, 0.0, 2.0), 2.0)
    (name,) = name_latents(dissect(planted([latent]), trials), trials, {})
    rates = list(name.rates.values())
    np.testing.assert_allclose(rates, [0.4, 0.4, 0.1, 0.1], atol=1e-3)
    assert next(iter(name.rates)) == "choice 0, reward 0"


def test_r2_is_that_of_sessions_to_which_the_map_was_not_fitted(trials):
    """Against polyfit on the other sessions, for the value of a choice at another learning rate."""
    other = QLearning(0.1, 3.0)
    (name,) = name_latents(dissect(planted([value_of(0)]), trials), trials, {"slow": other})
    q = np.asarray(unroll(other, trials).latents["Q_0"], float)
    z = np.asarray(unroll(planted([value_of(0)]), trials).latents["z_1"], float)
    even = np.arange(trials.n_sessions) % 2 == 0
    error = 0.0
    for fitted, tested in ((even, ~even), (~even, even)):
        line = np.polyfit(q[fitted].ravel(), z[fitted].ravel(), 1)
        error += ((np.polyval(line, q[tested]) - z[tested]) ** 2).sum()
    assert name.best.kind == "value of choice 0"
    assert name.best.r2 == pytest.approx(1 - error / ((z - z.mean()) ** 2).sum(), abs=1e-4)


def test_what_is_like_nothing_is_said_so(trials):
    found = dissect(planted([value_of(0)]), trials)
    noise = np.random.default_rng(0).normal(size=found.path.shape)
    (name,) = name_latents(found._replace(path=noise), trials, {"Q-learning": AGENT})
    assert not name.named
    assert (
        "z_1 is like nothing in the catalogue (R2 below 0.8; the nearest is the " in name.sentence
    )


def test_names_that_are_not_told_apart_name_the_runner_up(trials):
    belief = BeliefAgent(0.7, 0.3, 0.2, 3.0)
    found = dissect(planted([value_of(0)]), trials)
    b = np.asarray(unroll(belief, trials).latents["belief_1"], float)[trials.valid]
    (name,) = name_latents(found._replace(path=b[:, None]), trials, {"belief": belief})
    assert name.best.kind == "belief of choice 1"
    assert name.runner_up.kind == "log-odds of belief"
    assert name.told_apart == (name.best.r2 - name.runner_up.r2 > 0.01)
    assert ("not told apart from the log-odds of belief" in name.sentence) != name.told_apart


def test_fitted_agents_find_the_agent_that_chose(trials):
    agents = fit_agents(trials, key=jax.random.key(0), names=("q_learning", "two_process"))
    assert list(agents) == ["Q-learning"]  # two_process needs two kinds of reward
    assert 0.1 < float(agents["Q-learning"].learning_rate) < 0.6
    with pytest.raises(ConfigError, match="There is no model 'sarsa' here; there are bias, q_lea"):
        fit_agents(trials, key=jax.random.key(0), names=("sarsa",))
