"""Two processes of one core each against one of one core: the same gradient and fit, how fast.

    python benchmarks/distributed.py [--sessions 200] [--trials 500] [--rounds 3]

The training of a disRNN of the default size on simulated sessions: with all of them in each step,
and in mini-batches of 50,000 trials. Processes are bound to cores and find each other as those of
`accumbens fit --distributed` do. Ratios are of one process to two, each round beside the other:
seconds on the clock, which other work on the machine lengthens, and seconds of the processor of the
busier process, which it hardly does.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

STEPS = 50
CASES = {"all sessions": 10**12, "mini-batches of 50,000 trials": 50_000}


def train(options: argparse.Namespace) -> None:
    """What the first process does; the numbers go to a file."""
    import jax
    import jax.numpy as jnp
    import numpy as np

    from accumbens.fit import RecipeConfig
    from accumbens.fit.disrnn.config import DisRNNStageConfig
    from accumbens.fit.disrnn.objectives import choice_objective
    from accumbens.fit.disrnn.preparation import choice_parts, initial_disrnn, learning_rates
    from accumbens.fit.gradient.batches import mini_batches
    from accumbens.fit.gradient.training import train
    from accumbens.models.q_learning import QLearning
    from accumbens.simulation import simulate
    from accumbens.tasks.bandits import DriftingBandit

    key, recipe = jax.random.key(0), RecipeConfig()
    trials = simulate(
        QLearning(0.3, 3.0), DriftingBandit(), n_sessions=options.sessions,
        n_trials=options.trials, key=key,
    )  # fmt: skip
    model = initial_disrnn(trials, recipe.disrnn, key)
    batch = jax.tree.map(jnp.asarray, trials.batch())
    found: dict[str, Any] = {}
    for name, size in CASES.items():
        stamps, states = [], []

        def note(state, history, stamps=stamps, states=states):
            states.append(state)
            stamps.append((time.perf_counter(), time.process_time()))

        for steps in (1, (1 + options.rounds) * STEPS):
            stage = DisRNNStageConfig(steps=steps)
            done = train(
                model, choice_objective, batch, recipe.penalties.weights(), stage, noisy=True,
                rates=learning_rates(model, choice_parts, stage), key=key, divided=True,
                batches=mini_batches(trials.batch(), size, key=key), on_dispatch=note,
            )  # fmt: skip
        # Adam's first moment after one step: a tenth of the gradient.
        gradient = np.concatenate([np.ravel(x) for x in jax.tree.leaves(states[0].adam)])
        found[name] = {
            "gradient": gradient.tolist(),
            "weights": np.concatenate(
                [np.ravel(x) for x in jax.tree.leaves(done.model) if hasattr(x, "shape")]
            ).tolist(),
            "loss": done.history["loss"].tolist(),
            "stamps": stamps[1:],
        }
    Path(options.out).write_text(json.dumps(found))


def one_process(options: argparse.Namespace) -> None:
    os.sched_setaffinity(0, {options.core})
    from accumbens.cores import limit_threads

    limit_threads(1)
    from accumbens.run.distributed import DistributedConfig, together

    config = DistributedConfig()
    if options.processes > 1:
        address = f"127.0.0.1:{options.port}"
        config = DistributedConfig(True, address, options.processes, options.process)
    with together(config):
        train(options)


def run(options: argparse.Namespace, n: int, folder: Path) -> dict[str, Any]:
    """The numbers of a training on `n` processes."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    cores, out = sorted(os.sched_getaffinity(0)), folder / f"{n}.json"
    shared = {name: getattr(options, name) for name in ("sessions", "trials", "rounds")}
    shared |= {"out": out, "processes": n, "port": port}

    def begin(i: int) -> subprocess.Popen[bytes]:
        own = shared | {"process": i, "core": cores[i]}
        words = [str(word) for name, value in own.items() for word in (f"--{name}", value)]
        return subprocess.Popen([sys.executable, __file__, *words])

    begun = [begin(i) for i in range(n)]
    if any(process.wait() for process in begun):
        raise SystemExit("a process failed")
    return json.loads(out.read_text())


def seconds(stamps: list[list[float]], clock: int) -> float:
    """Of a dispatch of steps, the median."""
    return statistics.median(b[clock] - a[clock] for a, b in itertools.pairwise(stamps))


def main() -> None:
    parser = argparse.ArgumentParser()
    for name, default in (("sessions", 200), ("trials", 500), ("rounds", 3)):
        parser.add_argument(f"--{name}", type=int, default=default)
    for name in ("processes", "process", "port", "core"):
        parser.add_argument(f"--{name}", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--out", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.out:
        one_process(options)
        return
    with tempfile.TemporaryDirectory() as name:
        one, two = (run(options, n, Path(name)) for n in (1, 2))
    for case in CASES:
        a, b = one[case], two[case]
        largest = max(map(abs, a["gradient"]))
        apart = max(abs(x - y) for x, y in zip(a["gradient"], b["gradient"], strict=True))
        moved = max(abs(x - y) for x, y in zip(a["weights"], b["weights"], strict=True))
        n_steps = len(a["loss"])
        print(
            f"{case}: gradients differ by at most {apart / largest:.1e} of the largest number; "
            f"after {n_steps} steps, weights by at most {moved:.1e} and the loss by "
            f"{abs(a['loss'][-1] - b['loss'][-1]):.1e} ({a['loss'][-1]:.4f}). A step: "
            f"{1e3 * seconds(a['stamps'], 1) / STEPS:.0f} ms of the processor on one, "
            f"{1e3 * seconds(b['stamps'], 1) / STEPS:.0f} ms in each of two "
            f"({seconds(a['stamps'], 1) / seconds(b['stamps'], 1):.2f} times); on the clock "
            f"{1e3 * seconds(a['stamps'], 0) / STEPS:.0f} and "
            f"{1e3 * seconds(b['stamps'], 0) / STEPS:.0f} ms "
            f"({seconds(a['stamps'], 0) / seconds(b['stamps'], 0):.2f} times).",
            flush=True,
        )


if __name__ == "__main__":
    main()
