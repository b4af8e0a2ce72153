"""A sweep from its beginning to its end: cells that have not ended are given to an executor."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from pathlib import Path
from typing import Any

from ...errors import ConfigError, DataError
from ...files import claimed, make_folder
from ...progress.base import Progress, Task
from ...progress.display import shown
from ..fit.config import FitConfig
from ..provenance import fingerprint, versions, work_noted
from .axes import Axis, read_axes, with_subjects
from .cell import forget, note_failures, run_cells, state_of
from .config import CELL_DEFAULTS, EngineConfig
from .engines.opened import opened
from .plan import PLAN, Cell, Plan, cells_of, options_given, read_plan, write_plan
from .sweep import Sweep

PLAN_LOCK, SECONDS_FOR_PLAN = ".accumbens-sweep.lock", 60.0
SECONDS_BETWEEN_LOOKS = 1.0


def run_sweep(
    table: str | Path,
    config: FitConfig | None = None,
    *,
    vary: Sequence[str] | Mapping[str, Any],
    out: str | Path,
    engine: EngineConfig | None = None,
    progress: Progress | None = None,
) -> Sweep:
    """Fits a table once for every combination of some options; each fit is a run folder of its own.

    Where `out` holds the same sweep already, what it lacks is done: cells that were ended before
    their end are resumed, those that failed stay so, and new values are new cells.

    Args:
        table: trial table.
        config: options common to all fits; by default one start a fit (`seeds`), without figures.
        vary: what differs, `{"seed": range(20), "penalties.factor": [0.3, 1, 3]}`: options of a
            fit by name, each with its values. Or words, `["seed=0:20", "split.fold=0:5"]`. The
            name subjects with "each" stands for one fit a subject.
        out: folder of the sweep.
        engine: where the fits run.
        progress: told of fits that have ended; by default a bar at a terminal and in notebooks.

    Returns:
        The sweep, in which some fits may have failed (`Sweep.failed`).

    Raises:
        ConfigError: an option is unknown or does not suit, or `out` holds another sweep.
        DataError: the table cannot be read, or has changed since the sweep began.

    Example:
        run_sweep("trials.csv", vary={"seed": range(20)}, out="runs/starts")
    """
    engine = engine or EngineConfig()
    axes = read_axes(vary)
    plan = planned(Path(table), config or FitConfig(**CELL_DEFAULTS), axes)
    folder = Path(out)
    _check_folder(folder)
    make_folder(folder, "folder of a sweep")
    with claimed(folder, PLAN_LOCK, wait=SECONDS_FOR_PLAN):
        if (folder / PLAN).is_file():
            plan = _continued(folder, read_plan(folder), plan)
        write_plan(folder, plan)
    return resume_sweep(folder, engine=engine, progress=progress)


def resume_sweep(
    out: str | Path,
    *,
    retry: bool = False,
    engine: EngineConfig | None = None,
    progress: Progress | None = None,
) -> Sweep:
    """Does what a sweep lacks: cells that were never begun, or ended before their end.

    Args:
        out: folder of the sweep.
        retry: whether cells that failed are fitted anew.
        engine: where the fits run.
        progress: as of `run_sweep`.

    Raises:
        DataError: there is no sweep.
    """
    folder = Path(out)
    plan = read_plan(folder)
    if retry:
        for cell in plan.cells:
            forget(folder, cell)
    ended = all(state_of(folder, cell) in ("done", "failed") for cell in plan.cells)
    noted = contextlib.nullcontext() if ended else work_noted(folder)
    with shown(progress) as progress, progress.task("cells", len(plan.cells)) as task, noted:
        _carry_out(folder, plan, engine or EngineConfig(), task)
    return Sweep(folder)


def load_sweep(out: str | Path) -> Sweep:
    """The sweep in a folder, whatever of it is done. Raises DataError where there is none."""
    return Sweep(out)


def planned(table: Path, config: FitConfig, axes: tuple[Axis, ...]) -> Plan:
    """The plan of a sweep. Reads the table, so that a wrong column is told at once, and once."""
    from ..fit.models import check_fits
    from ..fit.pipeline import read_run_table

    config = _with_folds(config, axes)
    subjects_too = any(axis.each for axis in axes)
    cells = () if subjects_too else cells_of(config, axes)  # refused before anything is read
    trials = read_run_table(table, config).trials
    check_fits(config, trials)
    if subjects_too:
        cells = cells_of(config, with_subjects(axes, trials.names.subjects))
    return Plan(str(table.resolve()), fingerprint(trials), options_given(config), cells, versions())


def _with_folds(config: FitConfig, axes: Sequence[Axis]) -> FitConfig:
    """With the number of folds that the varied folds mean, and the same folds in all cells.

    Raises ConfigError where it is not said and the folds do not tell.
    """
    own = {axis.option.key: axis.values for axis in axes}
    split, folds = config.split, own.get("split.fold")
    if folds is not None and not split.folds and "split.folds" not in own:
        if sorted(folds) != list(range(len(folds))) or len(folds) < 2:
            raise ConfigError(
                "split.fold is varied, but not over all folds from 0 on, so that their number is "
                "not known. Say it: --split.folds 5"
            )
        split = dataclasses.replace(split, folds=len(folds))
    if (split.folds or "split.folds" in own) and split.seed is None and "split.seed" not in own:
        split = dataclasses.replace(split, seed=config.seed)
    return dataclasses.replace(config, split=split)


def _check_folder(folder: Path) -> None:
    if (folder / "config.toml").is_file():
        raise ConfigError(f"{folder} holds a run, and no sweep. Name another folder.")


def _continued(folder: Path, old: Plan, new: Plan) -> Plan:
    """The old plan with the cells that are new. Raises where they are of another sweep."""
    if old.fingerprint != new.fingerprint and old.base == new.base and old.table == new.table:
        raise DataError(
            f"{new.table} has changed since the sweep in {folder} began. Name another folder, or "
            "bring the old table back."
        )
    if (old.fingerprint, old.base) != (new.fingerprint, new.base):
        keys = {*old.base, *new.base}
        differ = sorted(k for k in keys if old.base.get(k) != new.base.get(k))
        what = f"other options ({', '.join(differ)})" if differ else "another table"
        raise ConfigError(
            f"{folder} holds a sweep with {what}. Name another folder, or vary these options."
        )
    return old.with_cells_of(new)


def _carry_out(folder: Path, plan: Plan, engine: EngineConfig, task: Task) -> None:
    """Until every cell is done or has failed, here or in another sweep on the same folder."""
    left = list(plan.cells)
    while True:
        states = {cell.name: state_of(folder, cell) for cell in left}
        left = [cell for cell in left if states[cell.name] not in ("done", "failed")]
        task.update(len(plan.cells) - len(left))
        free = [cell for cell in left if states[cell.name] != "running"]
        if not left:
            return
        if free:
            for _ in _carried_out(folder, free, engine):
                task.advance()
        else:
            time.sleep(SECONDS_BETWEEN_LOOKS)


def _carried_out(folder: Path, cells: Sequence[Cell], engine: EngineConfig) -> Iterator[Cell]:
    """Gives the cells to an executor once, and yields each that it has ended."""
    size = engine.cells_per_call
    batches = [cells[i : i + size] for i in range(0, len(cells), size)]
    executor = opened(engine, folder, len(batches))
    calls: dict[Future[dict[str, str]], Sequence[Cell]] = {}
    try:
        for batch in batches:
            calls[executor.submit(run_cells, str(folder), [cell.name for cell in batch])] = batch
        waiting = set(calls)
        while waiting:
            done, waiting = wait(waiting, SECONDS_BETWEEN_LOOKS, FIRST_COMPLETED)
            for call in done:
                error = call.exception()
                if error is not None:
                    note_failures(folder, calls[call], error)
                yield from (c for c in calls[call] if state_of(folder, c) in ("done", "failed"))
        executor.shutdown()
    except BaseException:
        with contextlib.suppress(Exception):
            executor.shutdown(cancel_futures=True)
        raise
