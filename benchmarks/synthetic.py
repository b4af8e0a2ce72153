"""The synthetic data set of the paper, recovered: open latents, likelihood, Q-values, dopamine.

    python benchmarks/synthetic.py [--seeds 5]

For each seed (of data and of training) 100 sessions x 100 trials of Q-learning (learning rate 0.3,
inverse temperature 3) on a bandit drifting by 0.1 a trial; half the sessions are held out.
"""

from __future__ import annotations

import argparse
from typing import NamedTuple

import jax
import numpy as np

from accumbens.cli.demo import demo_agent, demo_trials
from accumbens.fit.disrnn.config import RecipeConfig
from accumbens.fit.disrnn.recipe import DisRNNFit, fit_disrnn
from accumbens.models.disrnn import (
    DisRNN,
    DisRNNConfig,
    Penalties,
    bottlenecks,
    open_latents,
)
from accumbens.scoring.metrics import (
    mean_squared_error,
    normalized_likelihood,
    pooled,
    predict,
    session_sums,
)
from accumbens.scoring.splits import apply_split, every_nth
from accumbens.trials import Trials
from accumbens.unrolling import unroll

BY_HAND = RecipeConfig(
    disrnn=DisRNNConfig(latents=7),
    penalties=Penalties(
        latent=1e-3, update_latent=1e-3, update_observation=1.5e-4, choice_latent=1.5e-3
    ),
)
"""A single fit at penalties that are known to suit this data set; nothing is chosen."""
MAX_ERROR = 0.004
"""Of held-out dopamine, mean squared."""


class Recovered(NamedTuple):
    """Held-out quality of one fit. ratio: normalized likelihood over the generating agent's own."""

    n_open: int
    read: tuple[str, ...]
    partly_read: tuple[str, ...]
    ratio: float
    q_r2: tuple[float, ...]
    mse: float
    variance: float
    steps: int
    seconds: float

    @property
    def met(self) -> bool:
        """Whether every criterion is met."""
        return (
            self.n_open == 2
            and set(self.read) == {"z_1", "z_2", "choice", "reward"}
            and self.ratio >= 0.998
            and min(self.q_r2) >= 0.95
            and self.mse <= MAX_ERROR
        )

    def __str__(self) -> str:
        return (
            f"open latents {self.n_open}; dopamine network reads {', '.join(self.read)}; partly "
            f"{', '.join(self.partly_read) or 'nothing'}; normalized likelihood {self.ratio:.4f} "
            f"of the agent's; Q-value R2 {' '.join(f'{r:.3f}' for r in self.q_r2)}; dopamine MSE "
            f"{self.mse:.5f} (variance {self.variance:.3f}); {self.steps} steps, "
            f"{self.seconds:.1f} s{'' if self.met else '  <- misses a criterion'}"
        )


def recover(seed: int, recipe: RecipeConfig) -> Recovered:
    """The synthetic set of this seed, fitted by the recipe with this seed."""
    train, test = halves(seed)
    return judged(fitted(train, seed, recipe), test)


def halves(seed: int) -> tuple[Trials, Trials]:
    """This seed's sessions to fit, and those held out."""
    trials = demo_trials(seed)
    return apply_split(every_nth(trials), trials)


def fitted(train: Trials, seed: int, recipe: RecipeConfig) -> DisRNNFit:
    return fit_disrnn(train, recipe, key=jax.random.fold_in(jax.random.key(seed), 0))


def agents_likelihood(trials: Trials) -> float:
    """Normalized likelihood of the choices under the agent that made them."""
    sums = pooled(session_sums(predict(demo_agent(), trials), trials))
    return float(normalized_likelihood(sums)[0])


def judged(fit: DisRNNFit, test: Trials) -> Recovered:
    """The quality of a fit by the recipe on the sessions held out."""
    steps = sum(len(terms["loss"]) for terms in fit.history.values())
    return quality(fit.model, test, steps=steps, seconds=sum(fit.seconds.values()))


def quality(model: DisRNN, test: Trials, *, seconds: float, steps: int = 0) -> Recovered:
    """The quality of a model, however fitted, on the sessions held out; with what it took."""
    agent = demo_agent()
    sums = pooled(session_sums(predict(model, test), test))
    is_open = open_latents(model)
    rows = [r for r in bottlenecks(model) if r.kind == "signal"]
    return Recovered(
        n_open=len(is_open),
        read=tuple(sorted(r.input for r in rows if r.openness == "open")),
        partly_read=tuple(f"{r.input} ({r.noise:.2f})" for r in rows if r.openness == "partial"),
        ratio=float(normalized_likelihood(sums)[0] / agents_likelihood(test)),
        q_r2=tuple(q_value_r2(model, agent, test, is_open)),
        mse=float(mean_squared_error(sums)[0, 0]),
        variance=float(test.signal.var()),
        steps=steps,
        seconds=seconds,
    )


def q_value_r2(model, agent, trials, is_open) -> list[float]:
    """R2 of a linear regression of each Q-value on the open latents, over all trials."""
    latents, values = unroll(model, trials).latents, unroll(agent, trials).latents
    x = np.stack([latents[f"z_{i + 1}"].ravel() for i in is_open] + [np.ones(trials.choice.size)])
    scores = []
    for name in ("Q_0", "Q_1"):
        y = values[name].ravel()
        residual = y - x.T @ np.linalg.lstsq(x.T, y, rcond=None)[0]
        scores.append(float(1 - residual.var() / y.var()))
    return scores


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    n_seeds = parser.parse_args().seeds
    met = 0
    for seed in range(n_seeds):
        found = recover(seed, BY_HAND)
        print(f"seed {seed}: {found}", flush=True)
        met += found.met
    print(f"All criteria met by {met} of {n_seeds} seeds.")


if __name__ == "__main__":
    main()
