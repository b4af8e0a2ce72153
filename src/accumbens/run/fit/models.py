"""Each model of a run, by name: how it is fitted, and what is worth writing down about the fit."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import PRNGKeyArray

from ...fit.disrnn.recipe import DisRNNFit, History, fit_disrnn
from ...fit.gradient.checkpoints import CheckpointFile
from ...fit.gru import fit_gru
from ...fit.likelihood.maximum_likelihood import fit_maximum_likelihood
from ...models.actor_critic import ActorCritic
from ...models.base import Model
from ...models.dfq import DFQ
from ...models.disrnn import open_latents
from ...models.disrnn.passes import loop_implementation
from ...models.naive import Naive
from ...models.q_learning import QLearning
from ...progress.base import Progress
from ...trials import Trials
from .config import FitConfig, ModelName


class Fitted(NamedTuple):
    """A fitted model, whether it says anything of choices, and notes for metrics.json."""

    model: Model
    predicts_choices: bool
    notes: dict[str, Any]
    seconds: dict[str, float]
    histories: dict[int, History]


LIKELIHOOD_FITS = {
    "dfq_choice": (DFQ, "choice"),
    "dfq_signal": (DFQ, "signal"),
    "q_learning": (QLearning, "choice"),
    "actor_critic": (ActorCritic, "choice"),
}
"""Cognitive models: class, and what they are fitted to."""


def fit_named(
    name: ModelName,
    trials: Trials,
    config: FitConfig,
    *,
    key: PRNGKeyArray,
    progress: Progress,
    checkpoints: Path,
    identity: str,
) -> Fitted:
    """The model of that name fitted to `trials` as `config` says.

    checkpoints: folder for what unfinished training has reached; identity: of data and options.
    """
    began = time.monotonic()
    if name == "disrnn":
        return _fit_disrnns(trials, config, key, progress, checkpoints, identity)
    key = jax.random.fold_in(key, sum(name.encode()) + 1_000_000)
    if name == "naive":
        fitted = Fitted(Naive.from_trials(trials), False, {}, {}, {})
    elif name == "gru":
        model, history = fit_gru(trials, config.gru, key=key, progress=progress)
        fitted = Fitted(model, True, {}, {}, {config.seed: {"gru": history}})
    else:
        kind, target = LIKELIHOOD_FITS[name]
        with progress.task(name):
            fit = fit_maximum_likelihood(kind, trials, target=target, key=key)
        notes = {
            "parameters": {k: v._asdict() for k, v in fit.parameters.items()},
            "log_likelihood": fit.log_likelihood,
            "aic": fit.aic,
            "bic": fit.bic,
            "warnings": list(fit.warnings),
        }
        fitted = Fitted(fit.model, target != "signal", notes, {}, {})
    return fitted._replace(seconds={"fit": time.monotonic() - began})


def needs_signal(name: ModelName) -> bool:
    """Whether the model of that name cannot be fitted to choices alone."""
    return name == "dfq_signal"


def _fit_disrnns(
    trials: Trials, config: FitConfig, key: PRNGKeyArray, progress: Progress,
    checkpoints: Path, identity: str,
) -> Fitted:  # fmt: skip
    """`config.seeds` disRNNs, as many at a time as there are cores; the one with the lowest loss is
    kept. When this thread is interrupted, all of them save what they have reached and stop."""
    all_seeds = progress.within("")

    def fit(i: int) -> DisRNNFit:
        seed = config.seed + i
        return fit_disrnn(
            trials, config.recipe, key=jax.random.fold_in(key, i),
            progress=all_seeds.within(f"disrnn seed {seed}"),
            checkpoint=CheckpointFile(checkpoints / f"disrnn-{seed}.safetensors", identity),
        )  # fmt: skip

    pool = ThreadPoolExecutor(max_workers=min(config.seeds, os.cpu_count() or 1))
    try:
        fits = list(pool.map(fit, range(config.seeds)))
    except BaseException:
        all_seeds.stop()
        raise
    finally:
        pool.shutdown(cancel_futures=True)
    losses = [final_loss(fit.history) for fit in fits]
    best = int(np.argmin(losses))
    notes = {
        "loop": loop_implementation(fits[best].model, trials.batch()),
        "seeds": [
            {
                "seed": config.seed + i,
                "loss": losses[i],
                "open_latents": len(open_latents(fit.model)),
                "kept": i == best,
            }
            for i, fit in enumerate(fits)
        ],
    }
    histories = {config.seed + i: fit.history for i, fit in enumerate(fits)}
    return Fitted(fits[best].model, True, notes, fits[best].seconds, histories)


def final_loss(history: History) -> float:
    """Mean loss over the last 100 steps of the stage that fits choices, penalties included."""
    stage = history.get("joint", history.get("choice", {}))
    return float(np.mean(stage["loss"][-100:])) if stage else float("nan")
