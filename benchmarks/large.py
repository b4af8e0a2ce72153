"""Large tables: memory to read them, time and memory of a training step, and a fit in mini-batches.

    python benchmarks/large.py [--animals 60] [--sessions 30] [--trials 500] [--fit] [--choose]

A table of simulated animals of three kinds (Q-learners, forgetting ones, and with a choice kernel;
learning rate and inverse temperature of each animal's own) is written animal by animal, with
columns that no model needs. Each number is of a process of its own. Seconds are of the processor
(all cores), so that other work on the machine does not count.

--fit: a disRNN with three numbers for each animal is fitted to all but every animal's last five
sessions (penalties, steps and stages as given by default) and scored on these, beside the agents
that made the choices. --choose: penalties and the rest are chosen first, as a plain fit does.
"""

from __future__ import annotations

import argparse
import itertools
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HELD_OUT = 5


def write(path: Path, n_animals: int, n_sessions: int, n_trials: int) -> None:
    """One row group for each session; `p_right` is what the agent chose by."""
    import numpy as np
    import pyarrow as pa
    from pyarrow import parquet

    rng = np.random.default_rng(0)
    writer, here = None, np.arange(n_sessions)
    for animal in range(n_animals):
        rate, temperature = rng.uniform(0.3, 0.7), rng.uniform(3.0, 6.0)
        q, kernel = np.full((n_sessions, 2), 0.5), np.zeros((n_sessions, 2))
        reward = rng.uniform(0.1, 0.9, (n_sessions, 2))
        cells = np.zeros((3, n_sessions, n_trials))
        for t in range(n_trials):
            reward = np.clip(reward + 0.05 * rng.standard_normal(reward.shape), 0.05, 0.95)
            habit = np.diff(kernel)[:, 0] * (animal % 3 == 2)
            p = 1 / (1 + np.exp(-temperature * np.diff(q)[:, 0] - habit))
            choice = (rng.uniform(size=n_sessions) < p).astype(int)
            got = rng.uniform(size=n_sessions) < reward[here, choice]
            cells[:, :, t] = choice, got, p
            q *= 0.8 if animal % 3 == 1 else 1.0
            q[here, choice] += rate * (got - q[here, choice])
            kernel *= 0.7
            kernel[here, choice] += 0.3
        choice, got, p = cells.reshape(3, -1)
        n = n_sessions * n_trials
        table = pa.table({
            "subject": [f"mouse_{animal:03d}"] * n,
            "session": np.repeat([f"day_{s:02d}" for s in range(n_sessions)], n_trials),
            "trial": np.tile(np.arange(n_trials), n_sessions),
            "choice": np.where(choice == 1, "right", "left"),
            "reward": got,
            "p_right": p,
            "reaction_time": rng.gamma(2, 0.2, n),
            "note": ["nothing special to be said of this trial"] * n,
            "id": [f"{x:032x}" for x in rng.integers(0, 2**60, n)],
        })  # fmt: skip
        writer = writer or parquet.ParquetWriter(path, table.schema)
        writer.write_table(table, row_group_size=n_trials)
    assert writer is not None
    writer.close()


def peak() -> float:
    """Most memory that this process has ever held, in GiB."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def read(table: str) -> dict:
    from accumbens import from_table

    before, began = peak(), time.process_time()
    trials = from_table(table)
    return {
        "trials": int(trials.length.sum()), "seconds": time.process_time() - began,
        "memory": peak(), "before": before,
    }  # fmt: skip


def step(table: str, trials_per_step: int) -> dict:
    """Seconds a training step of a disRNN of the default size, and the most memory held."""
    import jax
    import jax.numpy as jnp

    from accumbens import from_table
    from accumbens.fit import RecipeConfig
    from accumbens.fit.disrnn.config import DisRNNStageConfig
    from accumbens.fit.disrnn.objectives import choice_objective
    from accumbens.fit.disrnn.preparation import choice_parts, initial_disrnn, learning_rates
    from accumbens.fit.gradient.batches import mini_batches
    from accumbens.fit.gradient.training import STEPS_PER_DISPATCH, train

    trials, key = from_table(table), jax.random.key(0)
    recipe = RecipeConfig()
    model = initial_disrnn(trials, recipe.disrnn, key)
    batches = mini_batches(trials.batch(), trials_per_step, key=key)
    batch = jax.tree.map(jnp.asarray, trials.batch())
    stamps = []
    n = 3 * STEPS_PER_DISPATCH if batches else 2 * STEPS_PER_DISPATCH
    stage = DisRNNStageConfig(steps=n)
    train(
        model, choice_objective, batch, recipe.penalties.weights(), stage, noisy=True,
        rates=learning_rates(model, choice_parts, stage), key=key, batches=batches,
        on_dispatch=lambda *_: stamps.append(time.process_time()),
    )  # fmt: skip
    each = min(b - a for a, b in itertools.pairwise(stamps)) / STEPS_PER_DISPATCH
    return {"seconds": each, "memory": peak()}


def fit(table: str, choose: bool) -> dict:
    """Held-out likelihood of a fit to a large table, beside that of the agents that made it."""
    import jax
    import numpy as np

    from accumbens import TableFormat, from_table
    from accumbens.fit import RecipeConfig, fit_disrnn
    from accumbens.fit.disrnn.selection import select_disrnn
    from accumbens.models.disrnn import DisRNNConfig, open_latents
    from accumbens.progress.display import shown
    from accumbens.unrolling import unroll

    trials = from_table(table, TableFormat(context=("p_right",)))
    label = np.array([int(name.split("_")[1]) for name in trials.names.sessions])
    held_out = label > label.max() - HELD_OUT
    train = trials.select_sessions(np.flatnonzero(~held_out))
    test = trials.select_sessions(np.flatnonzero(held_out))
    recipe = RecipeConfig(disrnn=DisRNNConfig(subject_embedding=0 if choose else 3))
    cpu, wall = time.process_time(), time.time()
    with shown(None) as progress:
        fitting = select_disrnn if choose else fit_disrnn
        model = fitting(train, recipe, key=jax.random.key(0), progress=progress).model
    seconds, wall = time.process_time() - cpu, time.time() - wall
    log_p = jax.nn.log_softmax(unroll(model, test).choice_logits)
    ours = np.take_along_axis(np.asarray(log_p), test.choice[..., None], -1)[..., 0]
    p = test.context[..., 0]
    theirs = np.log(np.where(test.choice == 1, p, 1 - p))
    scored = test.scored
    return {
        "fitted": int(train.scored.sum()), "scored": int(scored.sum()),
        "likelihood": float(np.exp(ours[scored].mean())),
        "of_agents": float(np.exp(theirs[scored].mean())), "seconds": seconds, "wall": wall,
        "open": len(open_latents(model)), "memory": peak(),
    }  # fmt: skip


def in_own_process(*words: str) -> dict:
    done = subprocess.run(
        [sys.executable, __file__, "--one", *words], stdout=subprocess.PIPE, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


ONE = {
    "read": read, "step": lambda table, n: step(table, int(n)),
    "fit": lambda table: fit(table, False), "choose": lambda table: fit(table, True),
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser()
    for name, default in (("animals", 60), ("sessions", 30), ("trials", 500)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--full", action="store_true", help="time a step of all sessions too")
    parser.add_argument("--fit", action="store_true")
    parser.add_argument("--choose", action="store_true")
    parser.add_argument("--one", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(ONE[options.one[0]](*options.one[1:])))
        return
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "trials.parquet"
        write(table, options.animals, options.sessions, options.trials)
        found = in_own_process("read", str(table))
        print(
            f"{found['trials']:,} trials ({table.stat().st_size / 2**20:.0f} MiB on disk): read in "
            f"{found['seconds']:.1f} s, at most {found['memory']:.2f} GiB "
            f"({found['before']:.2f} before)", flush=True,
        )  # fmt: skip
        sizes = {"mini-batches of 50,000 trials": 50_000}
        if options.full:
            sizes["all sessions"] = 10**12
        for name, size in sizes.items():
            each = in_own_process("step", str(table), str(size))
            print(
                f"a step of {name}: {1e3 * each['seconds']:.0f} ms of processor time, at most "
                f"{each['memory']:.2f} GiB", flush=True,
            )  # fmt: skip
        for kind in ("fit", "choose"):
            if getattr(options, kind):
                done = in_own_process(kind, str(table))
                print(
                    f"{kind}: {done['fitted']:,} trials in {done['seconds']:.0f} s of processor "
                    f"time ({done['wall']:.0f} s on the clock), at most {done['memory']:.2f} GiB; "
                    f"held-out likelihood {done['likelihood']:.5f}, of the agents "
                    f"{done['of_agents']:.5f} ({done['scored']:,} trials), {done['open']} open "
                    "latents", flush=True,
                )  # fmt: skip


if __name__ == "__main__":
    main()
