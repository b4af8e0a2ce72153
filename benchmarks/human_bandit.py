"""Cognitive models of 22 people in a volatile bandit, one fit a person, beside a published number.

    python benchmarks/human_bandit.py [TABLE] [--models q_learning belief ...] [--starts 16]

Of each person the first, third and fifth session are fitted (11,569 choices) and the others scored
(11,706), pooled over trials. Published for this cohort and split: 0.69077 for Q-learning with one
learning rate, forgetting, a kernel of one step and a side bias, where Q starts at 0 and the kernel
stands inside the inverse temperature, with a weight from 0 to 1. `PUBLISHED_MODEL` is that, made of
`QLearning` and two parts of its own; the script fails when it is not reproduced to 0.0001. The
other rows are the models as `fit_by_subject` fits them: alone, with a side bias and perseveration,
and with the kernel's rate or other parameters free as well. The last columns are those of
`fit_hierarchical`: each person under the group that all come from.
"""

import argparse
import sys
import time
from pathlib import Path
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from jaxtyping import Array, Float

from accumbens.fit.group.hierarchical import fit_hierarchical
from accumbens.fit.likelihood.maximum_likelihood import fit_by_subject
from accumbens.io.tables.trials import from_table
from accumbens.models.actor_critic import ActorCritic
from accumbens.models.belief import BeliefAgent
from accumbens.models.cognitive import Parameter, real
from accumbens.models.dfq import DFQ
from accumbens.models.meta_learning import MetaLearning
from accumbens.models.parts.composed import WithParts
from accumbens.models.parts.part import Part
from accumbens.models.parts.side_bias import SideBias
from accumbens.models.pearce_hall import PearceHall
from accumbens.models.q_learning import QLearning
from accumbens.models.reward_habit import RewardHabit
from accumbens.models.rflr import RFLR
from accumbens.scoring.metrics import predict, session_sums
from accumbens.scoring.splits import apply_split, every_nth

PUBLISHED = 0.69077


class BoundedSideBias(SideBias):
    parameters: ClassVar = {"side_bias": Parameter(-5.0, 5.0, (-1.0, 1.0), "log-odds of choice 1")}


class LastChoice(Part):
    """The last choice gains `kernel_weight` rewards."""

    parameters: ClassVar = {"kernel_weight": Parameter(0.0, 1.0, (0.05, 0.9), "in rewards")}

    kernel_weight: Float[Array, ""] = eqx.field(converter=real)

    def initial_state(self, n_choices):
        return jnp.zeros(n_choices, self.kernel_weight.dtype)

    def choice_logits(self, state, logits, model):
        return logits + model.inverse_temperature * self.kernel_weight * state

    def update(self, state, choice, outcome):
        return jnp.where(jnp.arange(len(state)) == choice, jnp.ones_like(state), 0.0)


PUBLISHED_MODEL = WithParts(QLearning(0.4, 5.0, 0.0), [LastChoice(0.2), BoundedSideBias(0.0)])

PARTS = ("side_bias", "perseveration")
KERNEL = (*PARTS, "perseveration_rate")
ROWS = {
    "published": [(PUBLISHED_MODEL, ("forgetting_rate",), {"initial_value": 0.0})],
    "q_learning": [
        (QLearning, (), {}),
        (QLearning, ("forgetting_rate", *PARTS), {"initial_value": 0.0}),
        (QLearning, ("forgetting_rate", *PARTS), {}),
        (QLearning, ("forgetting_rate", "negative_learning_rate", *PARTS), {}),
    ],
    "dfq": [(DFQ, (), {}), (DFQ, PARTS, {}), (DFQ, KERNEL, {})],
    "actor_critic": [(ActorCritic, (), {}), (ActorCritic, PARTS, {})],
    "belief": [(BeliefAgent, (), {}), (BeliefAgent, PARTS, {}), (BeliefAgent, KERNEL, {})],
    "rflr": [(RFLR, (), {}), (RFLR, ("side_bias",), {})],
    "reward_habit": [
        (RewardHabit, (), {}),
        (RewardHabit, PARTS, {}),
        (RewardHabit, ("fallacy_rate", "fallacy_weight", *PARTS), {}),
    ],
    "pearce_hall": [
        (PearceHall, (), {}),
        (PearceHall, ("forgetting_rate", *PARTS), {}),
    ],
    "meta_learning": [(MetaLearning, (), {}), (MetaLearning, PARTS, {})],
}


def of_model(model, trials):
    """Normalized likelihood of all people's choices under one model of all."""
    sums = session_sums(predict(model, trials), trials)
    return float(np.exp(sums.log_likelihood.sum() / sums.n_choices.sum()))


def normalized_likelihood(fits, trials):
    """Of all people's choices, each predicted by their own fit."""
    log_p = n = 0.0
    for person, fit in fits.items():
        own = np.flatnonzero(trials.subject == trials.names.subjects.index(person))
        part = trials.select_sessions(own)
        sums = session_sums(predict(fit.model, part), part)
        log_p, n = log_p + sums.log_likelihood.sum(), n + sums.n_choices.sum()
    return float(np.exp(log_p / n))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = Path("../shared/data/human_volatile_bandit.parquet")
    parser.add_argument("table", nargs="?", type=Path, default=default)
    parser.add_argument("--models", nargs="+", choices=tuple(ROWS), default=tuple(ROWS))
    parser.add_argument("--starts", type=int, default=16)
    options = parser.parse_args()
    if not options.table.is_file():
        print(f"{options.table} is not there: nothing to compare with.")
        return
    trials = from_table(pd.read_parquet(options.table))
    fitted, scored = apply_split(every_nth(trials), trials)
    print(f"{fitted.scored.sum()} choices fitted, {scored.scored.sum()} scored")
    print(f"{'model':58s} {'fitted':>8s} {'held out':>9s} {'s':>5s} "
          f"{'hierarchical':>12s} {'s':>5s}")  # fmt: skip
    reproduced = True
    for name in options.models:
        for model, free, fixed in ROWS[name]:
            start = time.perf_counter()
            fits = fit_by_subject(
                model, fitted, key=jax.random.key(0), n_starts=options.starts, free=free,
                fixed=fixed,
            )  # fmt: skip
            inside, outside = (normalized_likelihood(fits, half) for half in (fitted, scored))
            given = [f"{parameter}={value:g}" for parameter, value in fixed.items()]
            label = " + ".join([name, *free, *given])
            seconds = time.perf_counter() - start
            start = time.perf_counter()
            group = fit_hierarchical(
                model, fitted, key=jax.random.key(0), free=free, fixed=fixed
            )  # fmt: skip
            hierarchical = of_model(group.model, scored)
            print(f"{label:58s} {inside:8.5f} {outside:9.5f} {seconds:5.0f} {hierarchical:12.5f} "
                  f"{time.perf_counter() - start:5.0f}", flush=True)  # fmt: skip
            reproduced &= name != "published" or abs(outside - PUBLISHED) < 1e-4
    if not reproduced:
        sys.exit(f"The published {PUBLISHED} is not reproduced to 0.0001.")


if __name__ == "__main__":
    main()
