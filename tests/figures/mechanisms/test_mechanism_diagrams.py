"""The diagrams of mechanisms: numbers behind the arrows, and nothing cut off."""

import jax
import numpy as np
from matplotlib.figure import Figure

from accumbens.figures import draw_mechanism_diagrams, mechanism_diagrams_data
from accumbens.mechanisms import NetworkFit, find_consensus
from accumbens.models.q_learning import QLearning
from accumbens.simulation import simulate
from accumbens.tasks.bandits import DriftingBandit
from helpers.planted_networks import habit, planted, value_of


def test_diagrams_show_what_moves_each_latent_and_how_often(check_drawn):
    task = DriftingBandit()
    trials = simulate(QLearning(0.3, 4.0), task, n_sessions=4, n_trials=80, key=jax.random.key(0))
    networks = [
        planted([value_of(0), value_of(1)]), planted([value_of(0), value_of(1)], order=[1, 0]),
        planted([habit()]), planted([value_of(0)]), planted([value_of(0, rate=0.02)]),
        planted([value_of(1)]), planted([value_of(1, 0.02)]), planted([], bias=0.2),
        planted([value_of(0), habit()]),
    ]  # fmt: skip
    fits = [NetworkFit(f"fit {i}", network) for i, network in enumerate(networks)]
    found = find_consensus(fits, trials, rng=np.random.default_rng(0))
    data = mechanism_diagrams_data(found)
    assert list(data.heads) == [1, 2, 3, 4, 5, 6]
    assert data.heads[1][0] == "1: 2 of 9 fits"
    assert "Not drawn: 2 further mechanisms, of 2 fits" in data.caption
    drawn = data.arrows[(data.arrows["mechanism"] == 1) & data.arrows["drawn"]]
    assert set(zip(drawn["source"], drawn["target"], strict=True)) == {
        ("choice", "z_1"), ("choice", "z_2"), ("reward", "z_1"), ("reward", "z_2"),
        ("z_1", "choices"), ("z_2", "choices"),
    }  # fmt: skip
    fig = Figure()
    draw_mechanism_diagrams(data, fig)
    check_drawn(fig)
    assert {ax.get_title(loc="left") for ax in fig.axes} == {h[0] for h in data.heads.values()}
