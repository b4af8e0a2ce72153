"""What a training step costs as sessions, trials, latents, units and models grow; and its memory.

    python benchmarks/scaling.py [--out scaling.png]

One factor at a time from 5 latents, 16 units, 2 layers, 100 sessions x 100 trials and one model.
Every number is measured in a process of its own, which also reports the most memory it ever held.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

BASE = {"latents": 5, "units": 16, "sessions": 100, "trials": 100, "models": 1}
GRID = {
    "sessions": (25, 50, 100, 200, 400, 1000),
    "trials": (25, 50, 100, 200, 400, 1000),
    "latents": (2, 3, 5, 7, 10, 15),
    "units": (4, 8, 16, 32, 64),
    "models": (1, 2, 4, 8, 16),
}
LARGE = BASE | {"sessions": 1000, "trials": 1000}
"""What must stay below 2 GiB."""


def measure(latents: int, units: int, sessions: int, trials: int, models: int) -> dict:
    """Seconds per step of models trained in one call, and the most memory held, in GiB."""
    import resource
    import time

    import equinox as eqx
    import jax
    import jax.numpy as jnp
    import numpy as np

    from accumbens.fit.disrnn.objectives import choice_objective
    from accumbens.fit.disrnn.preparation import choice_parts, initial_disrnn
    from accumbens.models.disrnn import DisRNNConfig, Penalties
    from accumbens.noise import NoiseSource
    from accumbens.trials import trials_from_arrays

    rng = np.random.default_rng(0)
    shape = (sessions, trials)
    data = trials_from_arrays(rng.integers(0, 2, shape), rng.integers(0, 2, (*shape, 1)) * 1.0)
    batch = jax.tree.map(jnp.asarray, data.batch())
    config = DisRNNConfig(latents=latents, update_units=units)
    made = [initial_disrnn(data, config, jax.random.key(i)) for i in range(models)]
    trained = jax.tree.map(lambda *x: jnp.stack(x), *[choice_parts(m) for m in made])

    def loss(trained, key):
        model = eqx.tree_at(choice_parts, made[0], trained)
        noise = NoiseSource(key, jnp.ones(()))
        return choice_objective(model, batch, Penalties().weights(), noise)[0]

    @jax.jit
    def step(trained, keys):
        gradient = jax.vmap(jax.grad(loss))(trained, keys)
        return jax.tree.map(lambda p, g: p - 1e-3 * g, trained, gradient)

    keys = jax.random.split(jax.random.key(0), models)
    taken = []
    while len(taken) < 5 or (sum(taken) < 2.0 and len(taken) < 100):
        began = time.perf_counter()
        trained = jax.block_until_ready(step(trained, keys))
        taken.append(time.perf_counter() - began)
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return {"seconds": min(taken[1:]), "memory": most}


def in_own_process(setting: dict) -> dict:
    command = [sys.executable, __file__, "--one", json.dumps(setting)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def draw(results: dict[str, list[tuple[int, dict]]], path: Path) -> None:
    """Milliseconds per step against each factor, with a line of equal cost per unit."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 2.8), layout="constrained")
    axes = figure.subplots(1, len(results), sharey=True)
    for ax, (factor, rows) in zip(axes, results.items(), strict=True):
        sizes, ms = [n for n, _ in rows], [1e3 * r["seconds"] for _, r in rows]
        ax.loglog(sizes, ms, "o-", color="#0072B2", markersize=4)
        ax.loglog(sizes, [ms[-1] * n / sizes[-1] for n in sizes], "--", color="0.6", linewidth=1)
        ax.set_xlabel(factor)
        ax.set_xticks(sizes, [str(n) for n in sizes])
        ax.minorticks_off()
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("training step (ms)")
    base = ", ".join(f"{n} {factor}" for factor, n in BASE.items() if factor != "models")
    figure.suptitle(
        f"One factor at a time from one model of {base}; dashed: proportional", fontsize=9
    )
    figure.savefig(path, dpi=150)


def main() -> None:
    parser = argparse.ArgumentParser(description="Cost of a training step as things grow.")
    parser.add_argument("--out", type=Path, default=Path("scaling.png"))
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(**json.loads(options.one))))
        return
    results = {}
    for factor, sizes in GRID.items():
        results[factor] = [(n, in_own_process(BASE | {factor: n})) for n in sizes]
        for n, found in results[factor]:
            print(
                f"{factor:9}{n:6}{1e3 * found['seconds']:9.2f} ms per step"
                f"{found['memory']:7.2f} GiB",
                flush=True,
            )
    draw(results, options.out)
    large = in_own_process(LARGE)
    print(
        f"1,000 sessions x 1,000 trials: {large['seconds']:.2f} s per step, at most "
        f"{large['memory']:.2f} GiB in all\nPlot: {options.out}"
    )


if __name__ == "__main__":
    main()
