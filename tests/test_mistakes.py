"""Mistakes at a prompt, where no types are checked as they are in the other tests."""

import json
import subprocess
import sys

SCRIPT = """
import json
import jax
import numpy as np
import accumbens

key = jax.random.key(0)
trials = accumbens.trials_from_arrays(np.array([[0, 1, 1]]), np.ones((1, 3, 1)))
task = accumbens.DriftingBandit()
fit = accumbens.fit_maximum_likelihood
mistakes = {
    "a network fitted": lambda: fit(accumbens.DisRNN, trials, key=key),
    "a name fitted": lambda: fit("q_learning", trials, key=key),
    "a class unrolled": lambda: accumbens.unroll(accumbens.QLearning, trials),
    "a class simulated": lambda: accumbens.simulate(
        accumbens.QLearning, task, n_sessions=1, n_trials=1, key=key
    ),
    "one axis": lambda: accumbens.trials_from_arrays(np.array([0, 1]), np.ones((2, 1))),
    "nothing joined": lambda: accumbens.concatenate([]),
}
said = {}
for name, make in mistakes.items():
    try:
        make()
    except accumbens.AccumbensError as error:
        said[name] = str(error)
print(json.dumps(said))
"""


def test_each_mistake_is_an_error_of_the_package():
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert "DisRNN is not a cognitive model, so maximum likelihood" in said["a network fitted"]
    assert "'q_learning' is not a cognitive model" in said["a name fitted"]
    for name in ("a class unrolled", "a class simulated"):
        assert "QLearning is a class, not a model. Make a model of it: QLearning(" in said[name]
    assert "`choice` has the shape (2,); it must have two axes" in said["one axis"]
    assert "There are no trials to join." in said["nothing joined"]
