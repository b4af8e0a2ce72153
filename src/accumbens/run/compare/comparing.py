"""Runs side by side on the same trials."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from ...errors import ConfigError, DataError
from ...models.catalogue import find_name
from ...scoring.bootstrap import unit_of
from ...scoring.comparison import comparison_of
from ...scoring.evaluation import resampling
from ...scoring.metrics import Predictions, session_sums
from ...scoring.scored import scored_trials_hash
from ...summary import listed
from ..index.choosing import column_of, is_missing, text_of
from ..index.entry import entry_of
from ..index.frame import differs, frame_of
from ..index.places import Place
from ..sweep.cell import folder_of, state_of
from ..sweep.plan import PLAN, read_plan
from .found import RunComparison
from .scored import ScoredRun, read_scored
from .sets import RunSet, same_sessions, set_names, with_signals

if TYPE_CHECKING:
    import pandas as pd


def compare_runs(
    runs: Sequence[str | os.PathLike[str]],
    *,
    by: str | Sequence[str] = (),
    models: Sequence[str] = (),
    against: str | None = None,
    unit: Literal["auto", "animal", "session"] = "auto",
    resamples: int = 2000,
    seed: int = 0,
) -> RunComparison:
    """Paired differences of runs on the trials that they all scored.

    The difference of two runs is that of the pooled metric; its 95 % interval is Student's t with
    the SD over resamples of animals, or of sessions, as in a fit. An interval that excludes 0 tells
    these fits apart on animals, or sessions, like these; other fits of the same options may differ.

    Args:
        runs: folders of fits, of predictions, or of sweeps (all cells that are done). The first is
            the reference.
        by: options that tell sets of runs apart; runs that agree in them are one set, whose sums of
            each session are the means over its runs (from several starts, or of the folds that
            scored the session). By default every run is a set of its own.
        models: models to compare; by default all that every run has.
        against: the model of the reference that all others are compared with; by default each model
            is compared with the same one. Where no model is in every run, the reference's first.
        unit: what intervals take as independent: animals, or sessions of these animals. auto:
            animals from three on, sessions before.
        resamples: behind the standard deviation in each interval.
        seed: of the resamples.

    Raises:
        ConfigError: there are fewer than two runs, or an option or model is unknown.
        DataError: a run cannot be read, or the runs did not score the same trials; says which.

    Example:
        compare_runs(["runs/weak", "runs/strong"]).differences_to_frame()
    """
    paths = expanded(runs)
    if len(paths) < 2:
        raise ConfigError("Name at least two runs to compare, or a sweep with two cells done.")
    frame = options_of_runs(paths)
    by = [by] if isinstance(by, str) else by
    keys = [column_of(frame, key, "--by") for key in by]
    told = [{k: _said(row[k]) for k in keys if k is not None} for row in frame.to_dict("records")]
    names = set_names(paths, told)
    scored, notes = _same_signals([read_scored(path) for path in paths])
    sets = tuple(
        RunSet(name, tuple(run for run, own in zip(scored, names, strict=True) if own == name))
        for name in dict.fromkeys(names)
    )
    if len(sets) < 2:
        raise ConfigError(
            f"All {len(paths)} runs agree in {', '.join(map(str, by))}, so there is one set and "
            "nothing to compare it with. Name another option after --by."
        )
    trials = same_sessions(sets)
    nothing = Predictions(
        np.zeros((*trials.choice.shape, trials.n_choices)), np.zeros_like(trials.signal)
    )
    of_data, labels = session_sums(nothing, trials), trials.session_labels
    several = len(np.unique(trials.subject)) > 1 or unit == "animal"
    own_unit = unit_of(trials.subject, unit if several else "auto")
    drawn = resampling(trials, resamples, np.random.default_rng(seed), own_unit)
    held_out = all(run.held_out for run in scored)
    comparisons = []
    for model, reference in _pairs(sets, models, against):
        sums = {
            one.name: one.sums(reference if one is sets[0] else model, of_data, labels)
            for one in sets
            if one is sets[0] or model in one.models
        }
        found = comparison_of(sums, trials, drawn, reference=sets[0].name)
        comparisons.append((model, reference, dataclasses.replace(found, held_out=held_out)))
    if not held_out:
        notes.append("Some models were fitted to the sessions that they are scored on here.")
    frame.insert(1, "set", names)
    same = [c for c in frame if c not in ("run", "set") and not differs_between(frame, str(c))]
    frame = frame.drop(columns=same)
    notes += _confounded(frame, keys)
    return RunComparison(sets, tuple(comparisons), frame, scored_trials_hash(trials), tuple(notes))


def expanded(runs: Iterable[str | os.PathLike[str]]) -> list[Path]:
    """Folders of runs; a sweep stands for its cells that are done."""
    found: list[Path] = []
    for run in runs:
        path = Path(run)
        if (path / PLAN).is_file() and not (path / "config.toml").is_file():
            cells = read_plan(path).cells
            found += [folder_of(path, c) for c in cells if state_of(path, c) == "done"]
        else:
            found.append(path)
    return found


def options_of_runs(paths: Sequence[Path]) -> pd.DataFrame:
    """A row a run: `run`, its options, `fingerprint` and versions.

    Raises:
        DataError: a folder holds no run, or a damaged one.
    """
    entries = []
    for path in paths:
        entry = entry_of(Place(path)) if path.is_dir() else None
        if entry is None or entry.reason:
            why = "it is no run folder" if entry is None else entry.reason
            raise DataError(f"{path} cannot be compared: {why}")
        entries.append(entry)
    frame, options = frame_of(entries)
    versions = [c for c in frame if str(c).startswith("version.")]
    return frame.filter(items=["run", "kind", "fingerprint", *options, *versions])


def differs_between(frame: pd.DataFrame, column: str) -> bool:
    """Whether a column tells two runs apart."""
    return column != "kind" and differs(frame, column)


def _said(value: object) -> str:
    return "missing" if is_missing(value) else text_of(value)


def _same_signals(runs: list[ScoredRun]) -> tuple[list[ScoredRun], list[str]]:
    """The runs with the signals that all of them measured alike, and why others are left out."""
    notes: list[str] = []
    kept: list[str] = []
    every = dict.fromkeys(name for run in runs for name in run.trials.names.signals)
    for name in every:
        without = [run.path for run in runs if name not in run.trials.names.signals]
        if without:
            notes.append(f"The signal {name} is not compared: {listed(without)} did not score it.")
            continue
        measured: dict[str, np.ndarray] = {}
        for run in runs:
            column = run.trials.names.signals.index(name)
            values = np.where(run.trials.signal_scored, run.trials.signal, np.nan)[..., column]
            own = {
                label: values[i, : run.trials.length[i]]
                for i, label in enumerate(run.trials.session_labels)
            }
            other = next(
                (x for x in own if x in measured and not _alike(own[x], measured[x])), None
            )
            if other is not None:
                notes.append(
                    f"The signal {name} is not compared: {run.path} has other values of it, in "
                    f"session {other} say. Its unit is another one (version 0.1.0 standardised "
                    "signals), or the table has changed."
                )
                break
            measured |= own
        else:
            kept.append(name)
    return [with_signals(run, kept) for run in runs], notes


def _alike(ours: np.ndarray, theirs: np.ndarray) -> bool:
    return ours.shape == theirs.shape and np.allclose(ours, theirs, rtol=1e-6, equal_nan=True)


def _pairs(
    sets: Sequence[RunSet], wanted: Sequence[str], against: str | None
) -> list[tuple[str, str]]:
    """Pairs of model and reference model."""
    first, *rest = sets
    every = list(dict.fromkeys(name for one in sets for name in one.models))
    chosen = [_model(name, every) for name in wanted]
    reference = None if against is None else _model(against, list(first.models))
    shared = [name for name in every if all(name in one.models for one in sets)]
    if reference is None and (chosen or shared):
        lacking = [name for name in chosen if name not in shared]
        if lacking:
            raise ConfigError(
                f"Not every run has the model {lacking[0]}. Say with which model of "
                f"{first.name} it is to be compared: --against {first.models[0]}"
            )
        return [(name, name) for name in chosen or shared]
    others = [name for name in every if any(name in one.models for one in rest)]
    return [(name, reference or first.models[0]) for name in chosen or others]


def _model(name: str, known: list[str]) -> str:
    found = find_name(name, known)
    if found is None:
        raise ConfigError(f"The runs have no model {name!r}; they have {', '.join(known)}.")
    return found


def _confounded(frame: pd.DataFrame, keys: Sequence[str | None]) -> list[str]:
    """What else than the options by which sets were made tells the sets apart."""
    told = [key for key in keys if key is not None]
    notes = []
    for column in frame.columns if told else ():
        if column in ("run", "set", *told):
            continue
        groups = [sorted(map(_said, own)) for _, own in frame.groupby("set", sort=False)[column]]
        if any(set(group) != set(groups[0]) for group in groups):
            notes.append(f"The sets differ in {column} as well.")
    return notes
