"""A selection that takes seconds: a small disRNN, few steps, two guides, and trials for it."""

import jax

from accumbens.fit.disrnn.config import DisRNNStageConfig, RecipeConfig, SelectionConfig
from accumbens.models.disrnn import DisRNNConfig
from accumbens.models.q_learning import QLearning
from accumbens.simulation import simulate
from accumbens.tasks.bandits import DriftingBandit
from accumbens.trials import Trials

AGENT = QLearning(0.4, 4.0, gain=1.0, offset=0.0)
SMALL = RecipeConfig(
    disrnn=DisRNNConfig(latents=2, update_units=4, update_layers=1, choice_layers=1),
    signal_stage=DisRNNStageConfig(steps=200, learning_rate=2e-2, bottleneck_rate=5.0),
)
QUICK = SelectionConfig(
    shares=(0.0, 1.0),
    starts=1,
    folds=2,
    steps=600,
    relaxing=50,
    guides=("bias", "q_learning"),
    histories=0,
)


def sessions_of(agent: QLearning = AGENT) -> Trials:
    """Six sessions of 50 trials of that agent."""
    return simulate(agent, DriftingBandit(), n_sessions=6, n_trials=50, key=jax.random.key(1))
