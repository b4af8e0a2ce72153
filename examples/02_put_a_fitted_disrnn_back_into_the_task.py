"""Fit a small disRNN to simulated choices, then let the fitted model play the task itself.

python examples/02_put_a_fitted_disrnn_back_into_the_task.py
"""

import jax
import numpy as np

import accumbens

task = accumbens.ReversalBandit(high=0.9, low=0.1, block_length=(15, 30))
agent = accumbens.QLearning(learning_rate=0.5, inverse_temperature=4.0, gain=1.0, offset=0.0)
trials = accumbens.simulate(agent, task, n_sessions=40, n_trials=200, key=jax.random.key(0))

recipe = accumbens.RecipeConfig(
    disrnn=accumbens.models.DisRNNConfig(latents=3),
    choice_stage=accumbens.fit.DisRNNStageConfig(steps=600),
    signal_stage=accumbens.fit.DisRNNStageConfig(steps=600),
)
fit = accumbens.fit_disrnn(trials, recipe, key=jax.random.key(1))
played = accumbens.simulate(fit.model, task, n_sessions=40, n_trials=200, key=jax.random.key(2))


def stay(trials: accumbens.Trials, rewarded: float) -> float:
    """P(repeat the last choice | it was rewarded or not)."""
    same = trials.choice[:, 1:] == trials.choice[:, :-1]
    return float(same[trials.outcome[:, :-1, 0] == rewarded].mean())


for name, data in (("agent", trials), ("fitted disRNN", played)):
    print(
        f"{name}: rewarded {data.outcome.mean():.3f}, stays after reward {stay(data, 1.0):.3f}, "
        f"after no reward {stay(data, 0.0):.3f}"
    )
assert np.isfinite(played.signal).all()
