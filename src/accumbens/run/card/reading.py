"""The fits that a card is about: of sweeps and single runs, with their trials."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ...errors import ConfigError, DataError
from ...mechanisms.fits import HeldOut, NetworkFit
from ...progress.base import Progress
from ...scoring.splits import apply_split
from ...trials import Trials
from ..fit.config import FitConfig
from ..fit.folder import Run, load_run
from ..fit.known import standardised_before_fitting
from ..fit.pipeline import read_run_table
from ..kinds import kind_of
from ..provenance import fingerprint
from ..sweep.sweep import Sweep

NETWORK = "disrnn"


class Fits(NamedTuple):
    """The disRNNs of several runs of one table.

    Attributes:
        fits: one of each run.
        folders: of the runs, in the same order.
        trials: all sessions of the table, of all subjects, without signals.
        fitted: those that every run fitted, where all have the same split; else None.
        held_out: those that every run held out, where all have the same split; else None.
        table: its path.
        left_out: why runs of the sweeps are not among the fits, if any.
    """

    fits: tuple[NetworkFit, ...]
    folders: tuple[Path, ...]
    trials: Trials
    fitted: Trials | None
    held_out: Trials | None
    table: str
    left_out: tuple[str, ...]


def read_fits(sources: Sequence[str | Path], progress: Progress) -> Fits:
    """The fits of sweeps and runs.

    Args:
        sources: folders of sweeps, of runs, or of both.
        progress: told how many are read.

    Raises:
        ConfigError: there is no source, or one is named twice.
        DataError: a folder is neither a sweep nor a fit, no run has a disRNN, or runs are of
            different tables or columns.
    """
    runs, left_out = _runs(sources)
    runs = {name: run for name, run in runs.items() if NETWORK in run.model_names}
    if not runs:
        why = f" {' '.join(left_out)}" if left_out else ""
        raise DataError(
            "No finished fit with a disRNN is there. Name folders of accumbens sweep or accumbens "
            f"fit whose --models hold disrnn.{why}"
        )
    first = next(iter(runs.values()))
    for name, run in runs.items():
        _check_same_table(first, run, name)
    known: dict[str, Trials] = {}
    fits = []
    with progress.task("fits", len(runs)) as task:
        for name, run in runs.items():
            own = _trials(run, run.config, known)
            if fingerprint(own) != run.about["fingerprint"] and not _scaled(run):
                raise DataError(
                    f"{run.about['table']} has changed since the run in {run.folder.path} began. "
                    "Bring the old table back, or fit again."
                )
            fits.append(_fit(name, run, own.select_signals(())))
            task.advance()
    everyone = dataclasses.replace(first.config, only_subjects=())
    trials = _trials(first, everyone, known).select_signals(())
    same = len({run.split.to_json() for run in runs.values()}) == 1
    fitted = held_out = None
    if same and first.split.holds_out:
        own = _trials(first, first.config, known).select_signals(())
        fitted, held_out = apply_split(first.split, own)
    return Fits(
        tuple(fits), tuple(run.folder.path for run in runs.values()), trials, fitted, held_out,
        str(first.about["table"]), tuple(left_out),
    )  # fmt: skip


def _runs(sources: Sequence[str | Path]) -> tuple[dict[str, Run], list[str]]:
    """Runs by name, and why some are not there."""
    if not sources:
        raise ConfigError("Name a sweep, or runs: accumbens card SWEEP")
    paths = [Path(source) for source in sources]
    if len({path.resolve() for path in paths}) < len(paths):
        raise ConfigError("A folder is named twice. Name each once.")
    found: dict[str, Run] = {}
    left_out: list[str] = []
    for path in paths:
        kind = kind_of(path).name
        if kind == "sweep":
            sweep = Sweep(path)
            found |= {_name(found, name): run for name, run in sweep.runs()}
            open_cells = len(sweep.names) - sum(n for s, n in sweep.count().items() if s == "done")
            if open_cells:
                left_out.append(f"{open_cells} of {len(sweep.names)} cells of {path} are not done.")
        elif kind == "fit":
            found[_name(found, path.resolve().name)] = load_run(path)
        else:
            raise DataError(
                f"{path} holds a result of the kind {kind}. Name folders of accumbens sweep or "
                "accumbens fit."
            )
    return found, left_out


def _name(known: dict[str, Run], name: str) -> str:
    """The name, with a number where another run has it."""
    if name not in known:
        return name
    return next(f"{name} ({i})" for i in range(2, len(known) + 3) if f"{name} ({i})" not in known)


def _check_same_table(first: Run, run: Run, name: str) -> None:
    for what, one, other in (
        ("table", first.about["table"], run.about["table"]),
        ("columns", _columns(first), _columns(run)),
    ):
        if one != other:
            raise DataError(
                f"The run {name} was fitted to another {what} than the first: {other}, and {one}. "
                "A card is about fits of one table."
            )


def _columns(run: Run) -> str:
    table = run.config.table
    return f"choice {table.choice}, outcome {', '.join(table.outcome)}"


def _scaled(run: Run) -> bool:
    return standardised_before_fitting(run.about, run.config.signal_scale)


def _trials(run: Run, config: FitConfig, known: dict[str, Trials]) -> Trials:
    """The table as a run reads it; once for all that read it alike."""
    key = repr((run.about["table"], config.table, config.only_subjects))
    if key not in known:
        known[key] = read_run_table(run.about["table"], config).trials
    return known[key]


def _fit(name: str, run: Run, trials: Trials) -> NetworkFit:
    held_out = None
    if run.split.holds_out:
        held_out = HeldOut.of(run.disrnn, *apply_split(run.split, trials))
    chosen: dict[str, Any] = run.metrics["models"][NETWORK].get("fit", {}).get("selection", {})
    return NetworkFit(
        name, run.disrnn, held_out, chosen.get("guide"), float(chosen.get("share", 0.0))
    )
