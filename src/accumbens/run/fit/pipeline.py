"""The main job: a table in, a run folder out."""

from __future__ import annotations

import dataclasses
import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from ...compiled.libraries import builds
from ...cores import cores
from ...credit.schedule import Schedule
from ...errors import ConfigError, DataError, expect
from ...files import remove_unfinished, write_atomically
from ...fit.disrnn.penalty_path import PenaltyPath, penalty_path
from ...fit.unfinished import forget_plain, plain_parts
from ...io.tables.free_water import free_water_of_table
from ...io.tables.trials import from_table
from ...models.catalogue import find_fit
from ...models.disrnn import bottlenecks, open_latents
from ...models.disrnn.recurrence import cpu
from ...progress.base import Progress
from ...progress.display import shown
from ...progress.threads import in_threads
from ...scoring.bootstrap import unit_of
from ...scoring.comparison import Comparison, compare
from ...scoring.metrics import Predictions, predict
from ...scoring.scored import scored_trials_hash
from ...scoring.splits import (
    Split,
    apply_split,
    by_label,
    every_nth,
    hold_out_subjects,
    k_fold,
    none_held_out,
    order_sessions,
)
from ...trials import Trials
from ..finite import without_nan
from ..provenance import fingerprint, work_noted
from ..toml import as_tables, read_toml
from .checking import (
    check_of_run,
    format_with_schedule,
    schedule_of_run,
    schedule_of_sessions,
)
from .config import FitConfig, SplitConfig
from .contrasts import contrasts_of_run, levels_of_run
from .folder import Run, RunFolder, load_run, refuse_used
from .known import KnownData, SignalScaling, standardised_before_fitting
from .labels import label_in_run
from .left_out import check_left_out, left_out_of_run
from .levels import level_of
from .methods import fit_methods
from .models import Fitted, check_fits, fit_named, penalties_used
from .notices import check_fitted, check_sizes, notices, of_mini_batches
from .only import of_subjects
from .records import (
    check_columns,
    draw_figures,
    write_contrasts,
    write_history,
    write_predictions,
    write_table1,
)
from .verdict import BASELINE, judge_fits, without_memory


def run_fit(
    table: str | Path, config: FitConfig, out: str | Path, progress: Progress | None = None
) -> Run:
    """Fits and compares the models of `config` on the trials of `table`; everything goes to `out`.

    progress: told of training steps; by default bars at a terminal and in notebooks.
    Raises ConfigError when `out` already holds a run, or another process writes there, DataError
    for a bad table.
    """
    expect(config, FitConfig, "config", "Give FitConfig(...).")
    folder = RunFolder(out)
    refuse_used(folder.path)
    trials, known, schedule = read_run_table(table, config)
    water = free_water_of_table(table, config.table, config.only_subjects)
    named = dataclasses.replace(config.table, signal=trials.names.signals)  # no patterns any more
    config = dataclasses.replace(config, table=named)
    check_fits(config, trials)
    check_columns(trials, config.models)
    check_sizes(trials)
    check_left_out(trials, config)
    levels = levels_of_run(table, trials, config)
    split = make_split(trials, config.split, config.seed)
    check_fitted(apply_split(split, trials)[0])
    unit_of(apply_split(split, trials)[1].subject, config.unit)  # refused before hours of fitting
    with folder.claimed(), shown(progress) as progress, work_noted(folder.path):
        refuse_used(folder.path)
        folder.begin(
            config, str(Path(table).resolve()), fingerprint(trials), split,
            known.as_tables() | _of_levels(levels),
        )  # fmt: skip
        return _fit_into(folder, trials, split, config, schedule, levels, water, progress)


LEVELS = "levels_fingerprint"
"""In config.toml: a hash of the levels of a contrast, which are no part of the trials."""


def _of_levels(levels: dict[str, str] | None) -> dict[str, str]:
    if levels is None:
        return {}
    return {LEVELS: hashlib.sha256(repr(sorted(levels.items())).encode()).hexdigest()}


def resume_fit(out: str | Path, progress: Progress | None = None) -> Run:
    """Finishes the run in `out` with its own options; gives the numbers of an unbroken run.

    Raises DataError when the folder holds no run, or the table has changed since, ConfigError when
    another process writes there.
    """
    folder = RunFolder(out)
    about = folder.about()
    if folder.finished:
        return load_run(out)
    config = read_toml(FitConfig, folder.config)
    scaled = standardised_before_fitting(about, config.signal_scale)
    trials, _, schedule = read_run_table(about["table"], config, standardised=scaled)
    water = free_water_of_table(about["table"], config.table, config.only_subjects)
    if fingerprint(trials) != about["fingerprint"]:
        raise DataError(
            f"{about['table']} has changed since the run in {out} began, so it cannot be resumed. "
            "Fit into another folder, or bring the old table back."
        )
    levels = levels_of_run(about["table"], trials, config)
    if levels is not None and _of_levels(levels)[LEVELS] != about.get(LEVELS):
        raise DataError(
            f"The column {config.contrast!r} of {about['table']} has changed since the run in "
            f"{out} began, so it cannot be resumed. Fit into another folder, or bring the old "
            "table back."
        )
    split = folder.read_split()
    with folder.claimed(), shown(progress) as progress:
        if folder.finished:  # by another process, while this one read the table
            return load_run(out)
        remove_unfinished(folder.path)
        forget_plain(folder.checkpoints, cpu.available)
        with work_noted(folder.path):
            return _fit_into(folder, trials, split, config, schedule, levels, water, progress)


class RunTable(NamedTuple):
    """A table as a run reads it.

    Attributes:
        trials: sessions in order of subject and session.
        known: what models fitted to them know of the table.
        schedule: the probabilities of outcomes; None where neither options nor table say.
    """

    trials: Trials
    known: KnownData
    schedule: Schedule | None


def read_trials(table: str | Path, config: FitConfig) -> Trials:
    """The table's trials, sessions in order of subject and session."""
    return read_run_table(table, config).trials


def read_run_table(table: str | Path, config: FitConfig, *, standardised: bool = False) -> RunTable:
    """Trials, what models know of them, and their schedule, read at once.

    standardised: signals over all sessions, as runs of 0.1.0 had them.

    Raises DataError for a bad table, ConfigError for options that do not suit it.
    """
    trials = from_table(table, format_with_schedule(config))
    trials = of_subjects(trials.select_sessions(order_sessions(trials)), config.only_subjects)
    schedule = schedule_of_run(trials, config)
    n = len(config.table.context)  # further columns told of the schedule alone
    names = dataclasses.replace(trials.names, contexts=trials.names.contexts[:n])
    trials = dataclasses.replace(trials, context=trials.context[..., :n], names=names)
    scaling = None
    if standardised and trials.names.signals:
        scaling = SignalScaling.of(trials, str(table))
        trials = scaling.applied(trials)
    return RunTable(trials, KnownData.of(trials, scaling), schedule)


def make_split(trials: Trials, config: SplitConfig, seed: int) -> Split:
    """The split that the options ask for. seed: draws which sessions each fold holds."""
    if config.test_sessions:
        return by_label(trials, config.test_sessions)
    if config.test_subjects:
        return hold_out_subjects(trials, config.test_subjects)
    if config.folds:
        if not 0 <= config.fold < config.folds:
            raise ConfigError(
                f"split.fold is {config.fold}; with {config.folds} folds it lies between 0 and "
                f"{config.folds - 1}."
            )
        rng = np.random.default_rng(seed if config.seed is None else config.seed)
        return k_fold(trials, config.folds, rng, config.count)[config.fold]
    if config.every == 0:
        return none_held_out(trials)
    return every_nth(trials, config.every, config.count)


def _fit_into(
    folder: RunFolder, trials: Trials, split: Split, config: FitConfig,
    schedule: Schedule | None, levels: dict[str, str] | None, water: str | None,
    progress: Progress,
) -> Run:  # fmt: skip
    train, _ = apply_split(split, trials)
    level_of(config, train)  # raises before anything is fitted
    key = jax.random.key(config.seed)
    options = repr(as_tables(config)).encode() + fingerprint(trials).encode()
    identity = hashlib.sha256(options).hexdigest()
    baseline = without_memory(train, trials)
    path = None
    if config.path.factors and "disrnn" in config.models:
        path = _chosen_path(folder, train, config, key, progress)
        factor = float(path.factors[path.chosen])
        recipe = dataclasses.replace(
            config.recipe, penalties=config.recipe.penalties.scaled(factor)
        )
        config = dataclasses.replace(config, recipe=recipe)
    names = [n for n in config.models if trials.names.signals or not find_fit(n).needs_signal]
    together = progress.within("")

    def fit(name: str) -> Fitted:
        fitted = fit_named(
            name, train, config, key=key, progress=together,
            checkpoints=folder.checkpoints, identity=identity,
        )  # fmt: skip
        folder.save_model(name, fitted.model)
        return fitted

    # One thread is the disRNN's, which leaves a core idle at times; the other has the rest.
    done = in_threads(fit, names, threads=min(2, cores()), progress=together)
    fits = dict(zip(names, done, strict=True))
    with progress.task("scores"):
        predictions = {name: predictions_of(fit, trials) for name, fit in fits.items()}
        on_test, on_train = (
            _compared(predictions, trials, part, config) for part in (split.test, split.train)
        )
        on_test = dataclasses.replace(on_test, held_out=split.holds_out)

        def against(reference: str) -> Comparison:
            several = {**predictions, BASELINE: baseline}
            found = _compared(several, trials, split.test, config, reference)
            return dataclasses.replace(found, held_out=split.holds_out)

        label = _labels(fits, trials)
        judgement = judge_fits(fits, against, label)
    used = penalties_used(fits, config)
    write_table1(folder, on_test, judgement, apply_split(split, trials)[1], label)
    write_predictions(folder, trials, split, fits)
    write_history(folder, fits)
    metrics = without_nan(judgement.as_dict()) | _metrics(
        fits, on_test, on_train, trials, split, config, path
    )
    metrics["notices"] += [water] if water else []
    with progress.task("predictive check"):
        tested = apply_split(split, trials)[1]
        models = {name: fit.model for name, fit in fits.items() if fit.predicts_choices}
        along = schedule_of_sessions(schedule, trials, tested)
        check, said = check_of_run(models, tested, along, config)
        metrics["predictive_check"] = without_nan(said)
    if config.leave_out != "none":
        found = left_out_of_run(folder, trials, config, key, progress)
        metrics["leave_one_out"] = without_nan(found)
    contrasts: dict[str, Any] = {}
    if levels is not None:
        found = contrasts_of_run(trials, levels, config, key, progress)
        metrics["contrast"] = without_nan(found)
        contrasts = {
            label_in_run(name, fits[name].notes, several=False): each
            for name, each in found["models"].items()
        }
        write_contrasts(folder, found)
    undrawn = None
    if config.figures:
        with progress.task("figures"):
            try:
                draw_figures(folder, trials, split, fits, on_test, path, label, check, contrasts)
            except Exception as error:  # hours of fitting are not lost for a figure
                undrawn = error
    if used is not None:
        folder.note_penalties(used)
    write_atomically(folder.path / "methods.md", fit_methods(metrics, config).encode())
    folder.write_metrics(metrics)
    shutil.rmtree(folder.checkpoints, ignore_errors=True)
    if undrawn is not None:
        raise DataError(
            f"The run in {folder.path} is complete, but not all of its figures could be drawn "
            f"({type(undrawn).__name__}: {undrawn}). `accumbens show {folder.path}` prints what it "
            "found. Report the error, please."
        ) from undrawn
    return load_run(folder.path)


def _labels(fits: dict[str, Fitted], trials: Trials) -> Callable[[str], str]:
    """What tables call each model: with its level, where there are several animals."""
    several = len(np.unique(trials.subject)) > 1
    return lambda name: label_in_run(name, fits[name].notes if name in fits else {}, several)


def predictions_of(fit: Fitted, trials: Trials) -> Predictions:
    """What the fitted model says of each trial; choices at chance if it was not fitted to them."""
    said = predict(fit.model, trials)
    return said if fit.predicts_choices else said.choices_at_chance()


def _compared(
    predictions: dict[str, Predictions], trials: Trials, labels: tuple[str, ...], config: FitConfig,
    reference: str | None = None,
) -> Comparison:  # fmt: skip
    position = {label: i for i, label in enumerate(trials.session_labels)}
    index = [position[label] for label in labels]
    part = trials.select_sessions(index)
    n = part.choice.shape[1]
    several = len(np.unique(part.subject)) > 1  # the held-out ones were checked before fitting
    return compare(
        {
            name: Predictions(p.choice_logits[index, :n], p.signals[index, :n])
            for name, p in predictions.items()
        },
        part,
        rng=np.random.default_rng(config.seed),
        reference=reference,
        n_draws=config.resamples,
        unit=unit_of(part.subject, config.unit if several else "auto"),
    )


def _chosen_path(
    folder: RunFolder, train: Trials, config: FitConfig, key, progress: Progress
) -> PenaltyPath:
    return penalty_path(
        train, config.recipe, config.path, key=jax.random.fold_in(key, 999),
        progress=progress, results=folder.checkpoints / "penalty_path.json",
    )  # fmt: skip


def _metrics(
    fits: dict[str, Fitted], on_test: Comparison, on_train: Comparison, trials: Trials,
    split: Split, config: FitConfig, path: PenaltyPath | None,
) -> dict[str, Any]:  # fmt: skip
    """Everything for metrics.json; `models.<name>.choice.normalized_likelihood` is held-out."""
    _, test = apply_split(split, trials)
    metrics: dict[str, Any] = {
        "models": {
            name: on_test.models[name].as_dict()
            | {"fitted_sessions": on_train.models[name].as_dict(), "fit": fit.notes}
            for name, fit in fits.items()
        },
        "differences": on_test.differences_to_frame().to_dict("records"),
        "reference": on_test.reference,
        "unit": on_test.unit,
        "data": {
            "subjects": len(np.unique(trials.subject)),
            "sessions": trials.n_sessions,
            "sessions_fitted": len(split.train),
            "sessions_held_out": len(split.test) if split.holds_out else 0,
            "trials": int(trials.length.sum()),
            "trials_scored": int(trials.scored.sum()),
            "split": split.description,
            "choices_scored": int(test.scored.sum()),
            "scored_trials_hash": scored_trials_hash(test),
        },
        "notices": notices(trials, split) + of_mini_batches({n: f.notes for n, f in fits.items()}),
        "seconds": {name: fit.seconds for name, fit in fits.items()},
        "compiled": builds(),
    }
    if plain := plain_parts():
        metrics["not_compiled"] = plain
    if "disrnn" in fits:
        model: Any = fits["disrnn"].model
        metrics["bottlenecks"] = [row._asdict() for row in bottlenecks(model)]
        metrics["open_latents"] = [model.latent_names[i] for i in open_latents(model)]
    if path is not None:
        metrics["penalty_path"] = {k: np.asarray(v).tolist() for k, v in path._asdict().items()}
    return without_nan(metrics)
