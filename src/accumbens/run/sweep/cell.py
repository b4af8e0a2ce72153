"""One cell of a sweep: fitted once, whoever asks, and resumed where it was.

cell.json in the cell's folder is its record: that it is under way, done, or failed and why. The run
is claimed by a lock that the system frees however a process ends, so that a record of a cell under
way whose lock is free tells of a process that was ended.
"""

from __future__ import annotations

import datetime
import json
import os
import platform
import shutil
import time
import traceback
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from ...errors import AccumbensError, DataError
from ...files import InUse, claimed, is_claimed, make_folder, write_atomically
from ...progress.base import Progress
from ..fit.folder import RunFolder
from .plan import CELLS, Cell, Plan, read_plan

RECORD, LOCK = "cell.json", ".accumbens-cell.lock"
State = Literal["done", "failed", "running", "begun", "to do"]
"""running: a process has it now. begun: it was ended before its end, and will be resumed."""


def folder_of(sweep: Path, cell: Cell) -> Path:
    """The run folder of a cell."""
    return sweep / CELLS / cell.name


def read_record(folder: Path) -> dict[str, Any]:
    """What is known of a cell; nothing where it was not begun, or its record cannot be read."""
    try:
        found = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def state_of(sweep: Path, cell: Cell) -> State:
    """Where a cell stands, as its files say."""
    folder = folder_of(sweep, cell)
    state = read_record(folder).get("state")
    if state == "failed" or (state == "done" and RunFolder(folder).finished):
        return state
    if state is None and not RunFolder(folder).config.is_file():
        return "to do"
    return "running" if is_claimed(folder, LOCK) else "begun"


def run_cells(sweep: str, names: list[str]) -> dict[str, str]:
    """Several cells, one after the other, in this process; how each ended, by name."""
    plan = read_plan(Path(sweep))
    return {name: run_cell(sweep, name, plan) for name in names}


def run_cell(sweep: str, name: str, plan: Plan | None = None) -> str:
    """Fits a cell, or resumes it, unless it has ended before or another process has it.

    Args:
        sweep: folder of the sweep.
        name: of the cell.
        plan: of the sweep, where it is known already.

    Returns:
        `done`, `failed`, or `busy` where another process has the cell. What a cell raises is kept
        in its record.
    """
    path = Path(sweep)
    plan = read_plan(path) if plan is None else plan
    cell = plan.cell(name)
    folder = make_folder(folder_of(path, cell), "folder of a cell")
    try:
        with claimed(folder, LOCK):
            state = state_before(folder)
            return state if state in ("done", "failed") else _run(folder, cell, plan)
    except InUse:
        return "busy"


def state_before(folder: Path) -> str | None:
    """How an earlier process left a cell that this one has claimed."""
    state = read_record(folder).get("state")
    return None if state == "done" and not RunFolder(folder).finished else state


def _run(folder: Path, cell: Cell, plan: Plan) -> str:
    from ..fit.pipeline import resume_fit, run_fit

    before = read_record(folder)
    record = {
        "hash": cell.hash, "state": "running", "attempts": int(before.get("attempts", 0)) + 1,
        "began": before.get("began", _now()), "host": platform.node(), "process": os.getpid(),
    }  # fmt: skip
    write_record(folder, record)
    started, earlier = time.monotonic(), float(before.get("seconds", 0.0))
    try:
        with warnings.catch_warnings(record=True) as warned:
            if RunFolder(folder).config.is_file():
                run = resume_fit(folder, Progress())
            else:
                run = run_fit(plan.table, cell.config, folder, Progress())
        ended: dict[str, Any] = {"state": "done", "fingerprint": run.about["fingerprint"]}
        if warned:
            ended["warnings"] = list(dict.fromkeys(str(each.message) for each in warned))
    except InUse:
        raise
    except Exception as error:
        ended = failure(error)
        if RunFolder(folder).finished:  # all but a figure
            ended = {"state": "done", "warnings": [ended["error"]]}
    ended |= {"ended": _now(), "seconds": earlier + time.monotonic() - started}
    write_record(folder, record | ended)
    return ended["state"]


def failure(error: BaseException) -> dict[str, Any]:
    """What a record says of a cell that raised this."""
    kind = "" if isinstance(error, AccumbensError) else f"{type(error).__name__}: "
    said = f"{kind}{error}"
    return {
        "state": "failed",
        "error": said,
        "traceback": "".join(traceback.format_exception(error)),
    }


def write_record(folder: Path, record: dict[str, Any]) -> None:
    """Replaces cell.json."""
    write_atomically(folder / RECORD, json.dumps(record, indent=1).encode())


def note_failures(sweep: Path, cells: Sequence[Cell], error: BaseException) -> None:
    """Writes down which of the cells that one process was to fit failed, where it ended before
    them: those that it had begun; all that have not ended, where it had begun none."""
    states = {cell.name: state_of(sweep, cell) for cell in cells}
    open_ones = [cell for cell in cells if states[cell.name] not in ("done", "failed")]
    begun = [cell for cell in open_ones if states[cell.name] == "begun"]
    nothing = len(open_ones) == len(cells)
    for cell in begun or (open_ones if nothing else []):
        note_failure(sweep, cell, error)


def note_failure(sweep: Path, cell: Cell, error: BaseException) -> None:
    """Writes down that a cell failed where its process could not, unless it has ended or another
    process has it."""
    folder = make_folder(folder_of(sweep, cell), "folder of a cell")
    try:
        with claimed(folder, LOCK):
            if state_before(folder) not in ("done", "failed"):
                record = read_record(folder) | {"hash": cell.hash, "ended": _now()}
                write_record(folder, record | failure(error) | {"lost": True})
    except InUse:
        pass


def forget(sweep: Path, cell: Cell) -> None:
    """Removes what a failed cell left, so that it is fitted anew; where its process was ended, only
    that it failed, so that it is resumed. Raises DataError where the system refuses."""
    folder = folder_of(sweep, cell)
    try:
        with claimed(folder, LOCK):
            if state_before(folder) != "failed":
                return
            lost = read_record(folder).get("lost")
            for path in [folder / RECORD] if lost else list(folder.iterdir()):
                if path.name == LOCK:
                    continue
                shutil.rmtree(path) if path.is_dir() else path.unlink()
    except InUse:
        return
    except OSError as error:
        raise DataError(f"Cannot remove {folder}: {error}. Remove it yourself.") from error


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
