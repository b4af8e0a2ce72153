"""Parameter recovery of every cognitive model: do 95 % intervals hold the truth 95 times in 100?

    python benchmarks/recovery.py [--repeats 200] [--sessions 50] [--trials 100] [--target choice]
        [--models dfq ...]

Each repeat simulates sessions of a drifting bandit, or of distractor rewards, and fits the model to
them. The target is 90 to 99 % for every parameter over 200 repeats.
"""

import argparse
import time

import jax

from accumbens.fit.likelihood.recovery import recover
from accumbens.models.catalogue import cognitive
from accumbens.tasks.bandits import DriftingBandit
from accumbens.tasks.distractor import DistractorRewards

SIGNAL = {"gain": 0.8, "offset": -0.3}
BANDIT, DISTRACTOR = DriftingBandit(), DistractorRewards()
TRUTH = {
    "dfq": {"reward_strength": 2.0},
    "actor_critic": {"actor_learning_rate": 0.8, "actor_forgetting_rate": 0.1,
                     "critic_learning_rate": 0.3},
    "bias": {"bias": 0.4},
    "structure_mixture": {"structure_weight": 0.6},
}  # fmt: skip
"""Where these are recovered, other than in the catalogue's examples."""
MODELS = {
    name: (
        entry.model_class(**{**(entry.example or {}), **TRUTH.get(name, {}), **SIGNAL}),
        DISTRACTOR if entry.task == "distractor" else BANDIT,
    )
    for name, entry in cognitive().items()
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=200)
    parser.add_argument("--sessions", type=int, default=50)
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--target", choices=("choice", "both"), default="choice")
    parser.add_argument("--starts", type=int, default=4)
    parser.add_argument("--models", nargs="+", choices=tuple(MODELS), default=tuple(MODELS))
    options = parser.parse_args()
    outside = 0
    for name in options.models:
        model, task = MODELS[name]
        start = time.perf_counter()
        found = recover(
            model,
            task,
            key=jax.random.key(0),
            target=options.target,
            n_repeats=options.repeats,
            n_sessions=options.sessions,
            n_trials=options.trials,
            signal_noise=0.5,
            n_starts=options.starts,
        )
        seconds = time.perf_counter() - start
        print(f"\n{type(model).__name__}, fitted to {options.target}: {seconds:.0f} s")
        print(found.to_frame().round(4).to_string(index=False))
        coverage = found.covered.mean(0)
        outside += int(((coverage < 0.90) | (coverage > 0.99)).sum())
    print(f"\nparameters with coverage outside 90 to 99 %: {outside}")


if __name__ == "__main__":
    main()
