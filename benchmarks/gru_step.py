"""One training step of a GRU: the compiled loop against the plain scan that 0.1.0 trains with.

    python benchmarks/gru_step.py [--turns 5] [--sessions 13] [--trials 400]

Both train the same GRU of 16 units from the same start in one process, in turns, each turn one
dispatch of 50 steps of the training loop, its first (compilation) left out. Seconds are of the
processor and of the clock; the fastest turns are reported, since whatever else runs only adds time.
Beside them the largest difference of the losses, and of the gradients at random weights relative to
the largest number of each array.
"""

from __future__ import annotations

import argparse
import dataclasses
import time
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from accumbens.cli.demo import demo_agent
from accumbens.fit.gradient.training import STEPS_PER_DISPATCH, train
from accumbens.fit.gru.config import STAGE
from accumbens.fit.gru.objective import gru_objective, initial_gru, learning_rates
from accumbens.models.base import Model
from accumbens.models.gru import GRU
from accumbens.simulation import simulate
from accumbens.tasks.bandits import DriftingBandit


class PlainGRU(GRU):
    """The same network, trained through the plain scan of one session's map."""

    def unroll(self, batch):
        return Model.unroll(self, batch)

    @classmethod
    def of(cls, model: GRU):
        plain = object.__new__(cls)
        for field in dataclasses.fields(model):
            object.__setattr__(plain, field.name, getattr(model, field.name))
        return plain


class Turn(NamedTuple):
    """Seconds a step of one dispatch, and its losses."""

    clock: float
    processor: float
    loss: np.ndarray


def turn(model, batch) -> Turn:
    """The second dispatch of a training."""
    times, losses = [], {}

    def on_dispatch(state, history):
        times.append((time.perf_counter(), time.process_time()))
        losses.update(history)

    train(
        model, gru_objective, batch, jnp.float32(1e-4),
        dataclasses.replace(STAGE, steps=2 * STEPS_PER_DISPATCH), noisy=False,
        rates=learning_rates(model), key=jax.random.key(1), on_dispatch=on_dispatch,
    )  # fmt: skip
    clock, processor = np.diff(times, axis=0)[0] / STEPS_PER_DISPATCH
    return Turn(clock, processor, losses["loss"])


@eqx.filter_jit
def gradient(model, batch):
    return eqx.filter_grad(lambda m: gru_objective(m, batch, jnp.float32(1e-4), None)[0])(model)


def main() -> None:
    parser = argparse.ArgumentParser(description="One training step of a GRU.")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--sessions", type=int, default=13)
    parser.add_argument("--trials", type=int, default=400)
    options = parser.parse_args()
    trials = simulate(
        demo_agent(), DriftingBandit(drift=0.1), n_sessions=options.sessions,
        n_trials=options.trials, key=jax.random.key(0),
    )  # fmt: skip
    batch = jax.tree.map(jnp.asarray, trials.batch())
    start = initial_gru(trials, trials.batch(), hidden=16, embedding=0, key=jax.random.key(0))
    plain = PlainGRU.of(start)
    turns = [(turn(start, batch), turn(plain, batch)) for _ in range(options.turns)]
    ours, theirs = zip(*turns, strict=True)
    print(f"16 units, {options.sessions} sessions x {options.trials} trials, ms a step:")
    for name in ("processor", "clock"):
        a, b = (1e3 * min(getattr(of, name) for of in side) for side in (ours, theirs))
        print(f"  {name:9}  compiled {a:8.2f}  plain scan {b:8.2f}  {b / a:6.1f} times as fast")
    weights, structure = jax.tree.flatten(start)
    rng = np.random.default_rng(0)  # an untrained GRU's read-outs are 0, and so are most gradients
    weights = [x + np.float32(0.1) * rng.standard_normal(x.shape, np.float32) for x in weights]
    models = (jax.tree.unflatten(of, weights) for of in (structure, jax.tree.structure(plain)))
    pairs = zip(*(jax.tree.leaves(gradient(m, batch)) for m in models), strict=True)
    apart = max(float(jnp.abs(a - b).max() / jnp.abs(b).max()) for a, b in pairs if b.size)
    losses = np.abs(ours[0].loss - theirs[0].loss)
    print(f"  loss of the first 10 steps: apart by {losses[:10].max():.1e} nats at most")
    print(f"  gradients near the start: apart by {apart:.1e} at most")


if __name__ == "__main__":
    main()
