"""The disRNN's compiled loop against the scan and against the machine's matrix multiplication.

    python benchmarks/kernel.py [--turns 30]

For each shape: time of the loop alone (forward; forward and gradient in all weights), the ratio to
the scan, and the share of the rate of a large sgemm by XLA in the same process, all measured in
turns, each turn meeting the machine in the same state. Fastest turns are reported, since whatever
else runs only adds time; and medians beside them, which tell whether the machine was quiet. Only
useful arithmetic is counted: products of the network, once forward and twice for the gradient; the
recomputation that the gradient does, noise, activations and padding are not.
"""

import argparse
import dataclasses
import statistics
import time
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from accumbens.models.disrnn.recurrence.cpu import run_loop_cpu, why_unavailable
from accumbens.models.disrnn.recurrence.scan import LoopInputs, LoopUnrolled, Noise, run_loop
from accumbens.models.disrnn.residual_mlp import ResidualMLPs

SHAPES = {  # latents, units, layers, trials, sessions; lengths
    "100 sessions x 100 trials": (7, 16, 4, 100, 100, "equal"),
    "50 x 100": (7, 16, 4, 100, 50, "equal"),
    "19 x 579": (5, 16, 4, 579, 19, "equal"),
    "200 x 500": (5, 16, 4, 500, 200, "equal"),
    "200 x 500, sorted lengths 50 to 500": (5, 16, 4, 500, 200, "sorted"),
    "300 x 200, 8 units": (5, 8, 4, 200, 300, "equal"),
    "300 x 200, 10 units, 2 layers": (10, 10, 2, 200, 300, "equal"),
}


def arguments(n_latents, n_units, n_layers, n_trials, n_sessions, lengths):
    """Random arguments of the loop, and the number of products in one pass over valid trials."""
    rng = np.random.default_rng(0)

    def normal(*size, scale=1.0):
        return jnp.asarray(scale * rng.standard_normal(size), jnp.float32)

    mlps = ResidualMLPs.initial(
        n_nets=n_latents,
        n_inputs=n_latents + 2,
        n_units=n_units,
        n_layers=n_layers,
        n_outputs=2,
        activation="leaky_relu",
        key=jax.random.key(0),
    )
    length = np.full(n_sessions, n_trials)
    if lengths == "sorted":
        length = np.linspace(n_trials, 50, n_sessions).astype(int)
    n_inputs = n_latents + 2
    noise = Noise(
        jnp.full((n_latents, n_inputs), 0.1),
        jnp.full(n_latents, 0.1),
        jnp.array([1, 2], jnp.uint32),
    )
    args = LoopInputs(
        mlps,
        jnp.ones((n_latents, n_inputs)),
        noise,
        normal(n_latents, n_sessions),
        normal(n_trials, 2, n_sessions),
        jnp.asarray(np.arange(n_trials)[:, None] < length),
    )
    per_trial = n_latents * n_units * (n_inputs + n_layers * n_units + 2)
    return args, per_trial * int(length.sum())


@partial(jax.jit, static_argnums=0)
def forward(run, args):
    return run(args)


@partial(jax.jit, static_argnums=0)
def forward_and_gradient(run, args, weights):
    def of_floats(mlps, multiplier, sigmas):
        noise = Noise(*sigmas, args.noise.key)
        return run(dataclasses.replace(args, mlps=mlps, multiplier=multiplier, noise=noise))

    out, pull = jax.vjp(of_floats, args.mlps, args.multiplier, args.noise[:2])
    return out, pull(weights)


@jax.jit
def multiply(a):
    return a @ a


def seconds(call) -> float:
    start = time.perf_counter()
    jax.block_until_ready(call())
    return time.perf_counter() - start


def in_turns(calls: dict, turns: int) -> tuple[dict, dict]:
    """Fastest and median seconds of each call."""
    for call in calls.values():
        seconds(call)
    taken = {name: [] for name in calls}
    for _ in range(turns):
        for name, call in calls.items():
            taken[name].append(seconds(call))
    return {k: min(x) for k, x in taken.items()}, {
        k: statistics.median(x) for k, x in taken.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="The compiled loop, as ratios within one run.")
    parser.add_argument("--turns", type=int, default=30)
    options = parser.parse_args()
    n = 1024
    matrix = jnp.ones((n, n), jnp.float32)
    head = f"{'':37}{'forward':>9}{'+gradient':>11}{'scan':>8}{'ratio':>7}"
    print(head + f"{'sgemm':>11}{'share':>7}   medians: ratio  share")
    for name, shape in SHAPES.items():
        args, products = arguments(*shape)
        if reason := why_unavailable(args):
            print(f"{name:37}no kernel: {reason}")
            continue
        size = (2, shape[3], shape[0], shape[4])
        weights = LoopUnrolled(*jnp.ones(size, jnp.float32))
        calls = {
            "sgemm": partial(multiply, matrix),
            "forward": partial(forward, run_loop_cpu, args),
            "both": partial(forward_and_gradient, run_loop_cpu, args, weights),
            "scan": partial(forward_and_gradient, run_loop, args, weights),
        }
        best, median = in_turns(calls, options.turns)

        def share(t, products=products):
            return (6 * products / t["both"]) / (2 * n**3 / t["sgemm"])

        print(
            f"{name:37}{1e3 * best['forward']:6.2f} ms{1e3 * best['both']:8.2f} ms"
            f"{1e3 * best['scan']:5.0f} ms{best['scan'] / best['both']:7.1f}"
            f"{2e-9 * n**3 / best['sgemm']:5.0f} GF/s{share(best):7.0%}"
            f"{median['scan'] / median['both']:17.1f}{share(median):7.0%}",
            flush=True,
        )


if __name__ == "__main__":
    main()
