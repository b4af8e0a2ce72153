"""One disRNN training step: accumbens against the published `disentangled_rnns` package.

    python benchmarks/training_step.py [--steps 60]

The peer's own default architecture: 7 latents, update networks of 4 layers of 16 units, choice
network of 2 layers of 2 units, leaky ReLU; 100 sessions x 100 trials; noise and penalties on. Both
in one process and in turns. A step is measured as the time between steps within one call of each
package's own training loop, its first steps (compilation) left out. Where `disentangled_rnns`
cannot be imported, only accumbens is measured.
"""

from __future__ import annotations

import argparse
import statistics
import time

import jax
import jax.numpy as jnp
import numpy as np

from accumbens.cli.demo import demo_trials
from accumbens.fit.gradient import STEPS_PER_DISPATCH, StageConfig, train
from accumbens.fit.objectives import choice_objective
from accumbens.fit.recipe import CORE_FIELDS, initial_disrnn, trainable_fields
from accumbens.models.disrnn import DisRNNConfig, Penalties

ARCHITECTURE = DisRNNConfig(
    latents=7,
    update_layers=4,
    update_units=16,
    choice_layers=2,
    choice_units=2,
    activation="leaky_relu",
)


def our_step(trials, n_steps: int) -> float:
    """Seconds per step of `train`, after its first dispatch."""
    batch = jax.tree.map(jnp.asarray, trials.batch())
    model = initial_disrnn(trials, ARCHITECTURE, jax.random.key(0))
    times: list[float] = []
    train(
        model, choice_objective, batch, Penalties().prices(),
        StageConfig(steps=STEPS_PER_DISPATCH + n_steps // STEPS_PER_DISPATCH * STEPS_PER_DISPATCH),
        noisy=True, trainable=trainable_fields(model, CORE_FIELDS), key=jax.random.key(1),
        on_dispatch=lambda state, history: times.append(time.perf_counter()),
    )  # fmt: skip
    return (times[-1] - times[0]) / (STEPS_PER_DISPATCH * (len(times) - 1))


def peer_step(trials, n_steps: int) -> float:
    """Seconds per step of the peer's `train_network`, by the times at which it asks for batches."""
    from disentangled_rnns.library import disrnn, rnn_utils

    times: list[float] = []

    class Timed(rnn_utils.DatasetRNNCategorical):
        def __next__(self):
            times.append(time.perf_counter())
            return super().__next__()

    choice = trials.choice.T[..., None].astype(float)
    seen = np.concatenate([choice, trials.outcome.transpose(1, 0, 2)], axis=-1)
    before = np.concatenate([np.zeros_like(seen[:1]), seen[:-1]])
    dataset = Timed(before, choice.astype(int), batch_mode="rolling", batch_size=trials.n_sessions)
    config = disrnn.DisRnnConfig(
        latent_size=7,
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
    parser = argparse.ArgumentParser(description="One training step, as a ratio.")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    trials = demo_trials(0)
    try:
        import disentangled_rnns  # noqa: F401

        peer = True
    except ImportError:
        peer = False
        print("disentangled_rnns is not installed: measuring accumbens alone.")
    ours, theirs = [], []
    for _ in range(options.repeats):
        ours.append(our_step(trials, options.steps))
        if peer:
            theirs.append(peer_step(trials, options.steps))
    print(f"accumbens:         {statistics.median(ours) * 1e3:7.1f} ms per step")
    if peer:
        ratio = statistics.median(t / o for t, o in zip(theirs, ours, strict=True))
        print(f"disentangled_rnns: {statistics.median(theirs) * 1e3:7.1f} ms per step")
        print(f"accumbens is {ratio:.1f} times faster.")


if __name__ == "__main__":
    main()
