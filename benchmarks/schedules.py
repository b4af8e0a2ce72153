"""How many steps does a fit need? Time to the quality asked for, on synthetic and on real data.

    python benchmarks/schedules.py [--seeds 5] [--mice TABLE] [--only NAME ...]

Quality: on the synthetic set two open latents, read by the dopamine network together with choice
and reward, Q-value R2 of at least 0.95, dopamine MSE of at most 0.004, and a likelihood within
0.0002 of the best schedule's of the same seed (data sets differ in what can be learned from them).
On the mice held-out choice likelihood of at least 0.7215 and dopamine MSE of at most 0.9044, those
of the best cognitive models. Each seed is one fit. Seconds hold the compilation of each first fit
of a schedule; steps do not.
"""

from __future__ import annotations

import argparse
import dataclasses
import statistics
from pathlib import Path

import jax

from accumbens.cli.demo import demo_config
from accumbens.fit.disrnn.config import DisRNNStageConfig, RecipeConfig
from accumbens.fit.disrnn.recipe import fit_disrnn
from accumbens.io.tables.format import TableFormat
from accumbens.run.fit.config import FitConfig, SplitConfig
from accumbens.run.fit.pipeline import make_split, read_trials
from accumbens.scoring.metrics import (
    mean_squared_error,
    normalized_likelihood,
    pooled,
    predict,
    session_sums,
)
from accumbens.scoring.splits import apply_split
from synthetic import recover


def schedule(choice: dict, signal: dict) -> tuple[DisRNNStageConfig, DisRNNStageConfig]:
    """A choice stage and a signal stage; what is not said is as in "long"."""
    first = {"learning_rate": 5e-3, "decay": 0.5, "settle": 0, "penalty_ramp": 0}
    return (
        DisRNNStageConfig(**first | {"bottleneck_rate": 2.0} | choice),
        DisRNNStageConfig(**first | {"bottleneck_rate": 5.0} | signal),
    )


SCHEDULES = {
    "default": (RecipeConfig().choice_stage, RecipeConfig().signal_stage),
    "long": schedule({"steps": 1500}, {"steps": 3000}),
    "half": schedule({"steps": 750}, {"steps": 1500}),
    "1200, fast, penalties rise over 150": schedule(
        {"steps": 1200, "learning_rate": 1e-2, "penalty_ramp": 150},
        {"steps": 1500, "learning_rate": 1e-2},
    ),
    "half, fast": schedule(
        {"steps": 750, "learning_rate": 1e-2}, {"steps": 1500, "learning_rate": 1e-2}
    ),
    "half, fast, penalties rise": schedule(
        {"steps": 750, "learning_rate": 1e-2, "penalty_ramp": 200},
        {"steps": 1500, "learning_rate": 1e-2, "penalty_ramp": 200},
    ),
    "two thirds, fast": schedule(
        {"steps": 1000, "learning_rate": 1e-2}, {"steps": 2000, "learning_rate": 1e-2}
    ),
    "third, fast": schedule(
        {"steps": 500, "learning_rate": 1e-2}, {"steps": 1000, "learning_rate": 1e-2}
    ),
    "until settled": schedule(
        {"steps": 2000, "decay": 0.25, "settle": 100},
        {"steps": 3000, "decay": 0.2, "settle": 100},
    ),
    "until settled, fast": schedule(
        {"steps": 2000, "decay": 0.2, "settle": 100, "learning_rate": 1e-2},
        {"steps": 3000, "decay": 0.15, "settle": 100, "learning_rate": 1e-2},
    ),
}


def with_schedule(recipe: RecipeConfig, name: str) -> RecipeConfig:
    choice, signal = SCHEDULES[name]
    return dataclasses.replace(recipe, choice_stage=choice, signal_stage=signal)


def on_synthetic(name: str, n_seeds: int, best: dict[int, float]) -> str:
    """best: the highest likelihood ratio of each seed so far."""
    found = [recover(seed, with_schedule(demo_config(0).recipe, name)) for seed in range(n_seeds)]
    for seed, f in enumerate(found):
        best[seed] = max(best.get(seed, 0.0), f.ratio)
    good = [
        f._replace(ratio=1.0).met and f.ratio >= best[seed] - 2e-4 for seed, f in enumerate(found)
    ]
    return (
        f"{name:28} good {sum(good)}/{n_seeds}  {statistics.median(f.seconds for f in found):6.1f} "
        f"s  {statistics.median(f.steps for f in found):5.0f} steps  likelihood ratio "
        f"{' '.join(f'{f.ratio:.4f}' for f in found)}  MSE {max(f.mse for f in found):.5f} at most"
    )


def on_mice(name: str, n_seeds: int, table: Path) -> str:
    """Each seed alone, on the split of the reference numbers: every second of all sessions."""
    config = FitConfig(
        table=TableFormat(signal=("auc_outcome",)), split=SplitConfig(count="all-sessions")
    )
    trials = read_trials(table, config)
    train, test = apply_split(make_split(trials, config.split, config.seed), trials)
    likelihood, error, seconds, steps = [], [], [], []
    for seed in range(n_seeds):
        key = jax.random.fold_in(jax.random.key(0), seed)
        fit = fit_disrnn(train, with_schedule(config.recipe, name), key=key)
        sums = pooled(session_sums(predict(fit.model, test), test))
        likelihood.append(float(normalized_likelihood(sums)[0]))
        error.append(float(mean_squared_error(sums)[0, 0]))
        seconds.append(sum(fit.seconds.values()))
        steps.append(sum(len(terms["loss"]) for terms in fit.history.values()))
    good = [a >= 0.7215 and b <= 0.9044 for a, b in zip(likelihood, error, strict=True)]
    return (
        f"{name:28} good {sum(good)}/{n_seeds}  {statistics.median(seconds):6.1f} s  "
        f"{statistics.median(steps):5.0f} steps  likelihood "
        f"{' '.join(f'{x:.4f}' for x in likelihood)}  MSE {' '.join(f'{x:.4f}' for x in error)}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Time to quality of several schedules.")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument(
        "--mice", type=Path, default=Path("../shared/data/mouse_bandit_photometry.parquet")
    )
    parser.add_argument("--only", nargs="*", default=list(SCHEDULES), choices=list(SCHEDULES))
    options = parser.parse_args()
    print("synthetic set")
    best: dict[int, float] = {}
    for name in options.only:
        print(on_synthetic(name, options.seeds, best), flush=True)
    if not options.mice.is_file():
        print(f"{options.mice} is not here: no comparison on real data.")
        return
    print("mice")
    for name in options.only:
        print(on_mice(name, options.seeds, options.mice), flush=True)


if __name__ == "__main__":
    main()
