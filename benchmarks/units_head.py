"""A disRNN with a head of 20 simulated units: which unit codes what?

    python benchmarks/units_head.py [--sessions 100] [--trials 200] [--latents 3]

A structure-mixture agent in the distractor-rewards task; of 20 units six code its prediction error
(gain x error), six the controllable reward alone, eight nothing; all with noise, and with slow
drifts. A disRNN learns choices, then all units at once; for each unit the inputs of its signal
network that are open are printed next to the truth. Expected: units of the prediction error read
the choice, both rewards and latents; units of the controllable reward read that reward alone; the
others read nothing.
"""

import argparse
import dataclasses
import time

import jax
import numpy as np

from accumbens.fit.disrnn.config import DisRNNStageConfig
from accumbens.fit.disrnn.recipe import fit_disrnn
from accumbens.models.disrnn import DisRNNConfig, bottlenecks, open_latents
from accumbens.models.structured import StructureMixture
from accumbens.simulation import simulate_with_latents
from accumbens.tasks.distractor import DistractorRewards
from synthetic import BY_HAND

AGENT = StructureMixture(learning_rate=0.4, inverse_temperature=5.0, structure_weight=0.4)
KINDS = ("prediction error",) * 6 + ("controllable",) * 6 + ("nothing",) * 8


def simulated_units(n_sessions, n_trials, key, noise=1.0, drift=0.5):
    """Trials whose 20 signals are units in spikes/s; gains from 1.5 to 3, some negative."""
    trials, latents = simulate_with_latents(
        AGENT, DistractorRewards(), n_sessions=n_sessions, n_trials=n_trials, key=key
    )
    rng = np.random.default_rng(0)
    gains = rng.uniform(1.5, 3.0, len(KINDS)) * rng.choice([-1, 1], len(KINDS))
    shape = (n_sessions, n_trials, len(KINDS))
    steps = rng.normal(0, drift / np.sqrt(n_trials), shape)
    rate = 5 + noise * rng.normal(size=shape) + np.cumsum(steps, axis=1)
    coded = {"prediction error": latents["prediction_error"],
             "controllable": trials.outcome[:, :, 0]}  # fmt: skip
    for u, kind in enumerate(KINDS):
        if kind in coded:
            rate[:, :, u] += gains[u] * coded[kind]
    return trials.with_signals(rate, tuple(f"unit_{u}" for u in range(len(KINDS))))


def found_kind(inputs: set[str]) -> str:
    """What the open inputs of a unit's network say that it codes."""
    latent = any(name.startswith("z_") for name in inputs)
    rewards = inputs & {"controllable", "distractor"}
    if not inputs:
        return "nothing"
    if latent and rewards == {"controllable", "distractor"}:
        return "prediction error"
    return "controllable" if inputs == {"controllable"} else "something else"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sessions", type=int, default=100)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--latents", type=int, default=3)
    parser.add_argument("--choice-steps", type=int, default=1500)
    parser.add_argument("--signal-steps", type=int, default=1500)
    parser.add_argument("--signal-penalty", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    began = time.monotonic()
    key = jax.random.key(options.seed)
    trials = simulated_units(options.sessions, options.trials, key)
    recipe = dataclasses.replace(
        BY_HAND,
        disrnn=DisRNNConfig(
            latents=options.latents, update_layers=1, update_units=8, signal_layers=1,
            signal_units=8,
        ),
        penalties=dataclasses.replace(
            BY_HAND.penalties,
            signal_latent=options.signal_penalty, signal_observation=options.signal_penalty,
        ),
        choice_stage=DisRNNStageConfig(steps=options.choice_steps),
        signal_stage=DisRNNStageConfig(steps=options.signal_steps, bottleneck_rate=5.0),
    )  # fmt: skip
    fit = fit_disrnn(trials, recipe, key=jax.random.fold_in(key, 1))
    model = fit.model
    seconds = ", ".join(f"{name} {s:.0f} s" for name, s in fit.seconds.items())
    print(f"open latents: {[model.latent_names[i] for i in open_latents(model)]}; {seconds}")
    rows = [row for row in bottlenecks(model) if row.kind == "signal"]
    print("unit     truth             bottlenecks say   open or partial inputs (noise)")
    right = 0
    for name, kind in zip(trials.names.signals, KINDS, strict=True):
        inputs = {r.input: r.noise for r in rows if r.reader == name and r.openness != "closed"}
        said = found_kind(set(inputs))
        right += said == kind
        listed = ", ".join(f"{source} {noise:.2f}" for source, noise in inputs.items())
        print(f"{name:8s} {kind:17s} {said:17s} {listed}")
    print(f"{right} of {len(KINDS)} right; {time.monotonic() - began:.0f} s in all")


if __name__ == "__main__":
    main()
