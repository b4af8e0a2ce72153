"""One disRNN training step: its share of the machine's rate, and against `disentangled_rnns`.

    python benchmarks/training_step.py [--steps 100] [--repeats 5]

Update networks of 4 layers of 16 units, choice network of 2 layers of 2 units, leaky ReLU (the
peer's own defaults), noise and penalties on, at two shapes. All in one process and in turns: a
large matrix multiplication (sgemm by XLA), accumbens, the peer. A step is measured as the time
between steps within one call of each package's own training loop, its first steps (compilation)
left out. Only useful arithmetic counts towards the rate: products of the networks, once forward and
twice for the gradient; noise, activations, optimiser and what the gradient computes again do not.
Where `disentangled_rnns` cannot be imported, the peer is left out.
"""

from __future__ import annotations

import argparse
import statistics
import time
from typing import NamedTuple

import jax
import jax.numpy as jnp

import peer
from accumbens.cli.demo import demo_agent
from accumbens.fit.disrnn.config import DisRNNStageConfig
from accumbens.fit.disrnn.objectives import choice_objective
from accumbens.fit.disrnn.preparation import choice_parts, initial_disrnn, learning_rates
from accumbens.fit.gradient.training import STEPS_PER_DISPATCH, train
from accumbens.models.disrnn import DisRNNConfig, Penalties
from accumbens.simulation import simulate
from accumbens.tasks.bandits import DriftingBandit


class Shape(NamedTuple):
    latents: int
    sessions: int
    trials: int

    @property
    def config(self) -> DisRNNConfig:
        return DisRNNConfig(
            latents=self.latents,
            update_layers=4,
            update_units=16,
            choice_layers=2,
            choice_units=2,
            activation="leaky_relu",
        )

    @property
    def products(self) -> int:
        """Multiplications of one pass through all networks at all trials."""
        k, c = self.latents, self.config
        update = k * c.update_units * (k + 2 + c.update_layers * c.update_units + 2)
        choice = c.choice_units * (k + c.choice_layers * c.choice_units + 2)
        return (update + choice) * self.sessions * self.trials


SHAPES = (Shape(7, 100, 100), Shape(5, 200, 500))


def sgemm_rate(n: int = 1024, repeats: int = 20) -> float:
    """Operations per second of a product of two n x n matrices, at its best."""
    multiply = jax.jit(lambda a: a @ a)
    a = jnp.ones((n, n), jnp.float32)
    multiply(a).block_until_ready()
    taken = []
    for _ in range(repeats):
        began = time.perf_counter()
        multiply(a).block_until_ready()
        taken.append(time.perf_counter() - began)
    return 2 * n**3 / min(taken)


def our_step(shape: Shape, trials, n_steps: int) -> float:
    """Seconds per step of `train`, after its first dispatch."""
    batch = jax.tree.map(jnp.asarray, trials.batch())
    model = initial_disrnn(trials, shape.config, jax.random.key(0))
    times: list[float] = []
    dispatches = max(n_steps // STEPS_PER_DISPATCH, 1)
    stage = DisRNNStageConfig(steps=STEPS_PER_DISPATCH * (1 + dispatches))
    train(
        model, choice_objective, batch, Penalties().weights(),
        stage, noisy=True, rates=learning_rates(model, choice_parts, stage), key=jax.random.key(1),
        on_dispatch=lambda state, history: times.append(time.perf_counter()),
    )  # fmt: skip
    return (times[-1] - times[0]) / (STEPS_PER_DISPATCH * (len(times) - 1))


def peer_step(shape: Shape, trials, n_steps: int) -> float:
    """Seconds per step of the peer's `train_network`, by the times at which it asks for batches."""
    from disentangled_rnns.library import disrnn, rnn_utils

    times: list[float] = []
    dataset = peer.timed_dataset(trials, times)
    config = disrnn.DisRnnConfig(
        latent_size=shape.latents,
        update_net_n_layers=4,
        update_net_n_units_per_layer=16,
        choice_net_n_layers=2,
        choice_net_n_units_per_layer=2,
        latent_penalty=1e-3,
        choice_net_latent_penalty=1e-3,
        update_net_obs_penalty=1e-3,
        update_net_latent_penalty=1e-3,
        x_names=["choice", "reward"],
        y_names=["next choice"],
    )
    rnn_utils.train_network(
        lambda: disrnn.HkDisentangledRNN(config), dataset, None, n_steps=n_steps + 10,
        loss="penalized_categorical", loss_param=1.0, random_key=jax.random.PRNGKey(0),
        log_losses_every=1_000_000, report_progress_by="none",
    )  # fmt: skip
    return (times[-1] - times[-n_steps]) / (n_steps - 1)


def main() -> None:
    parser = argparse.ArgumentParser(description="One training step: rate and ratio.")
    parser.add_argument("--steps", type=int, default=100, help="of accumbens at the small shape")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    compared = peer.installed()
    for shape in SHAPES:
        trials = simulate(
            demo_agent(),
            DriftingBandit(drift=0.1),
            n_sessions=shape.sessions,
            n_trials=shape.trials,
            key=jax.random.key(0),
        )
        small = shape.products < 2e8
        rates, ours, theirs = [], [], []
        for _ in range(options.repeats):
            rates.append(sgemm_rate())
            ours.append(our_step(shape, trials, options.steps if small else 50))
            if compared:
                theirs.append(peer_step(shape, trials, 40 if small else 5))
        share = statistics.median(
            6 * shape.products / t / r for t, r in zip(ours, rates, strict=True)
        )
        print(
            f"{shape.latents} latents, {shape.sessions} sessions x {shape.trials} trials\n"
            f"  sgemm             {statistics.median(rates) / 1e9:8.0f} GFLOP/s\n"
            f"  accumbens         {statistics.median(ours) * 1e3:8.1f} ms per step, {share:.0%} of "
            f"that rate",
            flush=True,
        )
        if compared:
            ratio = statistics.median(t / o for t, o in zip(theirs, ours, strict=True))
            print(
                f"  disentangled_rnns {statistics.median(theirs) * 1e3:8.1f} ms per step\n"
                f"  accumbens is {ratio:.1f} times faster.",
                flush=True,
            )


if __name__ == "__main__":
    main()
