"""Simulate Q-learning, fit DFQ and Q-learning to its choices, look at the estimates.

python examples/01_recover_q_learning.py
"""

import jax

import accumbens

agent = accumbens.QLearning(learning_rate=0.3, inverse_temperature=3.0, gain=1.0, offset=0.0)
task = accumbens.DriftingBandit(drift=0.1)
trials = accumbens.simulate(agent, task, n_sessions=50, n_trials=200, key=jax.random.key(0))

for kind in (accumbens.QLearning, accumbens.DFQ):
    fit = accumbens.fit_maximum_likelihood(kind, trials, key=jax.random.key(1))
    print(f"\n{kind.__name__}: log likelihood {fit.log_likelihood:.1f}, AIC {fit.aic:.1f}")
    print(fit.to_frame().to_string(index=False))
