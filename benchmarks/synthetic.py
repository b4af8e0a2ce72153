"""The synthetic data set of the paper, recovered: open latents, likelihood, Q-values, dopamine.

    python benchmarks/synthetic.py [--seeds 5]

For each seed (of data and of training) 100 sessions x 100 trials of Q-learning (learning rate 0.3,
inverse temperature 3) on a bandit drifting by 0.1 a trial; half the sessions are held out.
"""

from __future__ import annotations

import argparse

import jax
import numpy as np

from accumbens.cli.demo import DEMO, demo_agent, demo_trials
from accumbens.fit.recipe import fit_disrnn
from accumbens.models.disrnn import bottlenecks, open_latents
from accumbens.stats.metrics import (
    mean_squared_error,
    normalized_likelihood,
    pooled,
    predict,
    session_sums,
)
from accumbens.stats.splits import apply_split, every_nth
from accumbens.unroll import unroll


def one_seed(seed: int) -> tuple[str, bool]:
    """One line of the report, and whether every criterion is met."""
    trials = demo_trials(seed)
    train, test = apply_split(every_nth(trials), trials)
    fit = fit_disrnn(train, DEMO.recipe, key=jax.random.fold_in(jax.random.key(seed), 0))
    model, agent = fit.model, demo_agent()
    sums = pooled(session_sums(predict(model, test), test))
    own = pooled(session_sums(predict(agent, test), test))
    ratio = float(normalized_likelihood(sums)[0] / normalized_likelihood(own)[0])
    mse = float(mean_squared_error(sums)[0, 0])
    is_open = open_latents(model)
    r2 = q_value_r2(model, agent, test, is_open)
    rows = [r for r in bottlenecks(model) if r.kind == "signal"]
    read = {r.input for r in rows if r.openness == "open"}
    partial = [f"{r.input} ({r.noise:.2f})" for r in rows if r.openness == "partial"]
    met = (
        len(is_open) == 2
        and read == {"z_1", "z_2", "choice", "reward"}
        and ratio >= 0.998
        and min(r2) >= 0.95
        and mse <= 0.004
    )
    seconds = sum(fit.seconds.values())
    line = (
        f"seed {seed}: open latents {len(is_open)}; dopamine network reads {sorted(read)}, "
        f"partially {partial}; "
        f"normalized likelihood {ratio:.4f} of the agent's; Q-value R2 {r2[0]:.3f} {r2[1]:.3f}; "
        f"dopamine MSE {mse:.5f} (variance {test.signal.var():.3f}); {seconds:.0f} s"
        f"{'' if met else '  <- misses a criterion'}"
    )
    return line, met


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
    met = []
    for seed in range(n_seeds):
        line, good = one_seed(seed)
        print(line, flush=True)
        met.append(good)
    print(f"All criteria met by {sum(met)} of {n_seeds} seeds.")


if __name__ == "__main__":
    main()
