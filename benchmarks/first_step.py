"""From starting Python to the first finished training step, with nothing kept and with all kept.

    python benchmarks/first_step.py [--turns 3]

A disRNN of the default size on 200 sessions of 500 trials. On the clock, and of the processor
(compilers included; what the clock would show on one idle core); the fastest of some turns. The
first turn of each cache finds it empty.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

PROCESSOR = "processor"


def first_step() -> None:
    """In this process: one training step; then what it took so far is printed."""
    import jax
    import jax.numpy as jnp
    import numpy as np

    from accumbens.compiled.programs import keep_programs
    from accumbens.fit.disrnn.config import DisRNNStageConfig
    from accumbens.fit.disrnn.objectives import choice_objective
    from accumbens.fit.disrnn.preparation import choice_parts, initial_disrnn, learning_rates
    from accumbens.fit.gradient.training import train
    from accumbens.models.disrnn import DisRNNConfig, Penalties
    from accumbens.trials import trials_from_arrays

    keep_programs()
    rng = np.random.default_rng(0)
    choice = rng.integers(0, 2, (200, 500))
    trials = trials_from_arrays(choice, rng.integers(0, 2, (200, 500, 1)) * 1.0)
    model = initial_disrnn(trials, DisRNNConfig(), jax.random.key(0))
    batch = jax.tree.map(jnp.asarray, trials.batch())
    stage = DisRNNStageConfig(steps=1)
    train(
        model, choice_objective, batch, Penalties().weights(), stage, noisy=True,
        rates=learning_rates(model, choice_parts, stage), key=jax.random.key(1),
    )  # fmt: skip
    print(json.dumps({"clock": time.time(), PROCESSOR: sum(os.times()[:4])}))


def turn(cache: str) -> dict[str, float]:
    """Seconds of a new process with that cache."""
    began = time.time()
    done = subprocess.run(
        [sys.executable, __file__, "--here"], env={**os.environ, "XDG_CACHE_HOME": cache},
        stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    found = json.loads(done.stdout.splitlines()[-1])
    return found | {"clock": found["clock"] - began}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.here:
        first_step()
        return
    found: dict[str, list[dict[str, float]]] = {"nothing kept": [], "all kept": []}
    for _ in range(options.turns):
        with tempfile.TemporaryDirectory() as cache:
            found["nothing kept"].append(turn(cache))
            found["all kept"].append(turn(cache))
    for name, turns in found.items():
        clock, processor = (min(each[kind] for each in turns) for kind in ("clock", PROCESSOR))
        print(f"{name:14} {clock:6.1f} s on the clock, {processor:6.1f} s of the processor")


if __name__ == "__main__":
    main()
