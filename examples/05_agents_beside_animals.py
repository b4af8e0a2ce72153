"""Weights by lag of a naive agent, a savvy agent and your animals side by side (Figure 2a-c).

python examples/05_agents_beside_animals.py [trials.parquet]

Without a table, the animals are 12 simulated mice between naive and savvy.
"""

import sys
from pathlib import Path

import jax
from matplotlib.figure import Figure

import accumbens
from accumbens.figures import draw_history_weights, history_weights_data, save_figure

LEARNING = {"learning_rate": 0.3, "inverse_temperature": 3.0}
task = accumbens.DistractorRewards()


def cohort(kind, parameters, seed):
    agents = accumbens.draw_agents(kind, parameters, 12, 0.3, key=jax.random.key(seed))
    key = jax.random.key(seed + 100)
    return accumbens.simulate_cohort(agents, task, n_sessions=16, n_trials=500, key=key)


if len(sys.argv) > 1:
    columns = accumbens.TableFormat(outcome=("controllable", "distractor"))
    animals, name = accumbens.from_table(sys.argv[1], columns), "animals"
else:
    mixed = {**LEARNING, "structure_weight": 0.5}
    animals, name = cohort(accumbens.StructureMixture, mixed, 2), "simulated mice"
groups = {
    "structure-naive agent": accumbens.fit_history(cohort(accumbens.StructureNaive, LEARNING, 0)),
    "structure-savvy agent": accumbens.fit_history(cohort(accumbens.StructureSavvy, LEARNING, 1)),
    name: accumbens.fit_history(animals),
}
figure, data = Figure(), history_weights_data(groups)
draw_history_weights(data, figure)
print(save_figure(figure, Path("runs/agents_beside_animals"), data))
