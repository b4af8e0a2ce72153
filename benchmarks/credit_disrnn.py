"""A disRNN discovers which rewards an agent credits to its choices.

    python benchmarks/credit_disrnn.py [--sessions 100] [--trials 200] [--seeds 1]

For a structure-savvy and a structure-naive agent in the distractor-rewards task: a disRNN that sees
both outcomes is fitted to the agent's choices, its bottlenecks are listed, it is put back into the
task, and the trial-history weights of its behaviour are compared with those of the agent's.
Expected: the savvy agent's distractor bottlenecks close; the naive agent's stay open for both
rewards, and the two act alike.
"""

import argparse

import jax
import numpy as np

from accumbens.cli.demo import demo_config
from accumbens.credit.history import pooled_history
from accumbens.fit.disrnn.recipe import fit_disrnn
from accumbens.models.disrnn import bottlenecks, open_latents
from accumbens.models.structured import StructureNaive, StructureSavvy
from accumbens.simulation import simulate
from accumbens.tasks.distractor import DistractorRewards

AGENTS = {"savvy": StructureSavvy(0.3, 4.0), "naive": StructureNaive(0.3, 4.0)}


def weights_of(model, n_sessions, n_trials, key, n_lags=5):
    trials = simulate(model, DistractorRewards(), n_sessions=n_sessions, n_trials=n_trials, key=key)
    return pooled_history(trials, n_lags)


def one(name, seed, n_sessions, n_trials) -> None:
    key = jax.random.key(seed)
    agent, task = AGENTS[name], DistractorRewards()
    trials = simulate(agent, task, n_sessions=n_sessions, n_trials=n_trials, key=key)
    fit = fit_disrnn(trials, demo_config(0).recipe, key=jax.random.fold_in(key, 1))
    model = fit.model
    is_open = {model.latent_names[i] for i in open_latents(model)}
    print(f"\n{name}, seed {seed}: {len(is_open)} open latents, {sum(fit.seconds.values()):.0f} s")
    for row in bottlenecks(model):
        if row.kind == "update" and row.reader in is_open and row.input in model.observation_names:
            print(f"  update of {row.reader} <- {row.input}: {row.openness} ({row.noise:.2f})")
    own = weights_of(agent, 400, 500, jax.random.fold_in(key, 2))
    its = weights_of(model, 400, 500, jax.random.fold_in(key, 3))
    print("  weights by outcome type, lags 1 to 5: agent | disRNN")
    for kind, ours, theirs in zip(own.data.type_names, own.by_type, its.by_type, strict=True):
        print(f"  {kind:14s}", ours.round(2), "|", theirs.round(2))
    r = np.corrcoef(own.weights[1:], its.weights[1:])[0, 1]
    apart = np.abs(own.weights[1:] - its.weights[1:]).max()
    print(f"  correlation of weights {r:.4f}, largest difference {apart:.3f} log-odds")
    alike = np.abs(its.by_type[1] - its.by_type[2]).max()
    print(f"  disRNN: largest difference of controllable and distractor weights {alike:.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sessions", type=int, default=100)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--seeds", type=int, default=1)
    options = parser.parse_args()
    for name in AGENTS:
        for seed in range(options.seeds):
            one(name, seed, options.sessions, options.trials)


if __name__ == "__main__":
    main()
