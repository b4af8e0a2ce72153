"""The demonstration: the synthetic data set of the paper, through the main job."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import jax
from rich.console import Console

from ..fit.disrnn.recipe import RecipeConfig
from ..io.tables.format import TableFormat
from ..io.tables.trials import to_table, write_table
from ..models.disrnn import DisRNNConfig, Penalties
from ..models.q_learning import QLearning
from ..run.fit.config import FitConfig
from ..run.fit.pipeline import run_fit
from ..run.folder import RunFolder
from ..simulation import simulate
from ..tasks.bandits import DriftingBandit
from ..trials import Trials
from .printing import print_run, shown_progress

DEMO = FitConfig(
    table=TableFormat(signal=("dopamine",)),
    recipe=RecipeConfig(
        disrnn=DisRNNConfig(latents=7),
        penalties=Penalties(
            latent=1e-3, update_latent=1e-3, update_observation=1.5e-4, choice_latent=1.5e-3
        ),
    ),
    models=("disrnn", "dfq_choice", "dfq_signal", "q_learning", "naive"),
    signal_scale="none",
    seeds=1,
)
"""The options of the demonstration, seed aside."""


def demo_agent() -> QLearning:
    """Q-learning whose dopamine is its reward prediction error."""
    return QLearning(learning_rate=0.3, inverse_temperature=3.0, gain=1.0, offset=0.0)


def demo_trials(seed: int) -> Trials:
    """100 sessions of 100 trials of `demo_agent` on a bandit that drifts by 0.1 a trial."""
    key = jax.random.key(seed)
    return simulate(demo_agent(), DriftingBandit(drift=0.1), n_sessions=100, n_trials=100, key=key)


def run_demo(console: Console, out: Path, seed: int) -> None:
    """Simulates, fits, prints."""
    table, run_folder = out / "trials.parquet", RunFolder(out / "run")
    if run_folder.config.is_file():
        shutil.rmtree(run_folder.path)  # an earlier demonstration
    out.mkdir(parents=True, exist_ok=True)
    write_table(to_table(demo_trials(seed)), table)
    console.print(f"Simulated 100 sessions of 100 trials: {table}")
    with shown_progress() as progress:
        run = run_fit(table, dataclasses.replace(DEMO, seed=seed), run_folder.path, progress)
    print_run(console, run)
