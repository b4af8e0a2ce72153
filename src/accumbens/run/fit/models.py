"""How each model of a run is fitted, and what is worth writing down about the fit."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import PRNGKeyArray

from ...errors import ConfigError, DivergedError
from ...fit.disrnn.recipe import DisRNNFit, History, fit_disrnn
from ...fit.gradient.batches import mini_batches
from ...fit.gradient.checkpoints import CheckpointFile
from ...fit.gru.fitting import fit_gru
from ...models.base import Model
from ...models.catalogue import Method, NamedFit, find_fit
from ...models.disrnn import open_latents
from ...progress.base import Progress
from ...progress.threads import in_threads
from ...threefry import key_of
from ...trials import Trials
from .config import FitConfig
from .gru_record import gru_record, gru_warnings
from .levels import check_free, fit_at_level, free_of, level_of, means_at_level
from .notices import in_mini_batches
from .selection import chooses, selected_disrnn
from .selection_record import chosen_inside


class Fitted(NamedTuple):
    """A fitted model, whether it says anything of choices, and notes for metrics.json."""

    model: Model
    predicts_choices: bool
    notes: dict[str, Any]
    seconds: dict[str, float]
    histories: dict[int, History]


class Job(NamedTuple):
    """One fit of a run. key: of this fit alone, but for the disRNN, whose key is the run's.

    checkpoints: folder for what unfinished training has reached; identity: of data and options.
    """

    fit: NamedFit
    trials: Trials
    config: FitConfig
    key: PRNGKeyArray
    progress: Progress
    checkpoints: Path
    identity: str


def fit_named(
    name: str,
    trials: Trials,
    config: FitConfig,
    *,
    key: PRNGKeyArray,
    progress: Progress,
    checkpoints: Path,
    identity: str,
) -> Fitted:
    """The model of that name fitted to `trials` as `config` says.

    key: of the run; a model's own follows from it and the model's name, whatever else is fitted.
    checkpoints, identity: as of `Job`. Raises ConfigError for a name that is not in the catalogue.
    """
    began = time.monotonic()
    fit = find_fit(name)
    own = key if fit.model.method == "disrnn" else key_of(key, fit.name)
    fitted = METHODS[fit.model.method](
        Job(fit, trials, config, own, progress, checkpoints, identity)
    )
    by_animal = "pooled" if fitted.model.n_subjects is None else "by animal"
    return fitted._replace(
        seconds=fitted.seconds or {"fit": time.monotonic() - began},
        notes={"animals": by_animal} | fitted.notes,
    )


def check_fits(config: FitConfig, trials: Trials) -> None:
    """Raises ConfigError for a model that needs more kinds of outcome than the trials have, or a
    free parameter that no model has."""
    n, fits = len(trials.names.outcomes), {name: find_fit(name) for name in config.models}
    check_free(fits, config)
    for entry in (fit.model for fit in fits.values()):
        if entry.n_outcomes > n:
            raise ConfigError(
                f"The model {entry.name} learns from {entry.n_outcomes} kinds of outcome, and "
                f"these trials have {n} ({', '.join(trials.names.outcomes) or 'none'}). Name them "
                "with --outcome, or leave the model out."
            )


def _fit_likelihood(job: Job) -> Fitted:
    level, free = level_of(job.config, job.trials), free_of(job.fit, job.config)
    with job.progress.task(job.fit.label):
        model, notes = fit_at_level(job.fit, job.trials, level, free, job.key)
    notes |= {"free": list(free)} if free else {}
    return Fitted(model, job.fit.target != "signal", notes, {}, {})


def _fit_gru(job: Job) -> Fitted:
    config, has_signals = job.config.gru, bool(job.trials.names.signals)
    fit = fit_gru(
        job.trials, config, key=job.key, progress=job.progress, checkpoints=job.checkpoints,
        identity=job.identity,
    )  # fmt: skip
    notes: dict[str, Any] = {}
    if fit.selection is not None:
        notes["selection"] = gru_record(fit.selection, config.folds, has_signals=has_signals)
        notes["warnings"] = gru_warnings(fit.selection, has_signals=has_signals)
        if fit.part is not None:
            notes["selection"]["why"] += f" {chosen_inside(fit.part, job.trials)}"
    _say_mini_batches(notes, job, None)
    histories = {job.config.seed: {job.fit.name: fit.history}} if fit.history else {}
    return Fitted(fit.model, True, notes, {}, histories)


def _fit_means(job: Job) -> Fitted:
    model, notes = means_at_level(job.trials, level_of(job.config, job.trials))
    return Fitted(model, False, notes, {}, {})


def _fit_disrnns(job: Job) -> Fitted:
    """One disRNN chosen inside the training sessions, where the user gave no penalties; otherwise
    `config.seeds` disRNNs, as many at a time as there are cores, of which the one with the lowest
    loss is kept; one that diverges is reported, and ends the run only where all do. When this
    thread is interrupted, all of them save what they have reached and stop.
    """
    trials, config = job.trials, job.config
    if chooses(config):
        return _select_disrnn(job)
    if config.selection.factor is not None:
        penalties = config.recipe.penalties.scaled(config.selection.factor)
        recipe = dataclasses.replace(config.recipe, penalties=penalties)
        config = dataclasses.replace(config, recipe=recipe)
    all_seeds = job.progress.within("")

    def fit(i: int) -> DisRNNFit | DivergedError:
        seed = config.seed + i
        try:
            return fit_disrnn(
                trials, config.recipe, key=jax.random.fold_in(job.key, i),
                progress=all_seeds.within(f"disrnn seed {seed}"),
                checkpoint=CheckpointFile(
                    job.checkpoints / f"disrnn-{seed}.safetensors", job.identity
                ),
            )  # fmt: skip
        except DivergedError as error:
            return error

    done = dict(enumerate(in_threads(fit, range(config.seeds), progress=all_seeds)))
    diverged = {i: each for i, each in done.items() if isinstance(each, DivergedError)}
    fits = {i: each for i, each in done.items() if not isinstance(each, DivergedError)}
    if not fits:
        raise diverged[0]
    losses = {i: final_loss(fit.history) for i, fit in fits.items()}
    best = min(fits, key=lambda i: (np.isnan(losses[i]), losses[i]))
    notes: dict[str, Any] = {
        "loop": fits[best].model.loop_implementation(trials.batch()),
        "seeds": [
            {
                "seed": config.seed + i,
                "loss": losses.get(i),
                "open_latents": len(open_latents(fits[i].model)) if i in fits else None,
                "kept": i == best,
            }
            for i in done
        ],
    }
    if diverged:
        notes["warnings"] = [
            f"The start of seed {config.seed + i} is left out. {error}"
            for i, error in diverged.items()
        ]
    _say_mini_batches(notes, job, config.recipe.trials_per_step)
    histories = {config.seed + i: fit.history for i, fit in fits.items()}
    return Fitted(fits[best].model, True, notes, fits[best].seconds, histories)


def _select_disrnn(job: Job) -> Fitted:
    selected = selected_disrnn(
        job.trials, job.config, key=job.key, progress=job.progress,
        checkpoints=job.checkpoints, identity=job.identity,
    )  # fmt: skip
    loop = selected.model.loop_implementation(job.trials.batch())
    histories = {job.config.seed: selected.history} if selected.history else {}
    notes = {"loop": loop} | selected.notes
    _say_mini_batches(notes, job, job.config.recipe.trials_per_step)
    return Fitted(selected.model, True, notes, selected.seconds, histories)


def _say_mini_batches(notes: dict[str, Any], job: Job, trials_per_step: int | None) -> None:
    """Notes what a step of the fit to all sessions saw, where it did not see all of them."""
    batches = mini_batches(job.trials.batch(), trials_per_step, key=job.key)
    if batches is None:
        return
    notes["mini_batches"] = {
        "sessions": batches.n_places, "of_sessions": len(batches.sessions),
        "trials": round(float(batches.counts.valid)),
    }  # fmt: skip
    if "selection" in notes:
        notes["selection"]["why"] += f" {in_mini_batches(notes['mini_batches'])}"


def penalties_used(fits: Mapping[str, Fitted], config: FitConfig) -> dict[str, float] | None:
    """Weight of each penalty of the disRNN that was kept; None without one.

    config: with the penalties of a path, where there was one.
    """
    if "disrnn" not in fits:
        return None
    if "selection" in fits["disrnn"].notes:
        return fits["disrnn"].notes["selection"]["penalties"]
    scaled = config.recipe.penalties.scaled(config.selection.factor or 1.0)
    return {name: float(weight) for name, weight in scaled.weights().items()}


def final_loss(history: History) -> float:
    """Mean loss over the last 100 steps of the stage that fits choices, penalties included."""
    stage = history.get("joint", history.get("choice", {}))
    return float(np.mean(stage["loss"][-100:])) if stage else float("nan")


METHODS: dict[Method, Callable[[Job], Fitted]] = {
    "likelihood": _fit_likelihood,
    "disrnn": _fit_disrnns,
    "gru": _fit_gru,
    "means": _fit_means,
}
"""How each method of the catalogue is carried out."""
