"""The table of all runs as a terminal shows it: what is the same is said once, above or below."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..models.catalogue import label_of
from ..run.index.choosing import is_missing, rows_where, text_of
from ..run.index.frame import FACTS, HEAD, OPTION, differs
from ..summary import counted
from .output import Output

if TYPE_CHECKING:
    import pandas as pd

LIKELIHOOD, ENDS = ".normalized_likelihood", ("_low", "_high")
SCORED = ("held_out", "intervals_over", "choices_scored", "scored_trials_hash")
SAID_ONCE = {
    "kind": "{}", "data": "table {}", "fingerprint": "data {}", "version.accumbens": "accumbens {}",
    "held_out": "{}", "intervals_over": "95 % intervals in the CSV are over {}",
    "choices_scored": "{} choices scored", "machine": "on {}",
}  # fmt: skip
"""Columns that are said below the table where all its rows agree, and how."""
SHORT = 8
"""Characters of a fingerprint or hash that are shown."""


class Shown(NamedTuple):
    """A column of a printed table.

    Attributes:
        heading: above it.
        cells: one a row, as text.
        right: whether it is set flush right.
        rank: the columns of the largest rank are left out first where there is no room.
    """

    heading: str
    cells: list[str]
    right: bool
    rank: int

    @property
    def width(self) -> int:
        """Characters that it takes, with the lines beside it."""
        lines = self.heading.splitlines() or [""]
        return max(*map(len, lines), *map(len, self.cells), 0) + 3


def print_runs(out: Output, frame: pd.DataFrame, folder: Path, rows: int) -> None:
    """Runs that are cells of no sweep, then each sweep, then what is damaged or has failed.

    Args:
        out: where to print.
        frame: of `runs`.
        folder: below which they are.
        rows: that each table has at most.
    """
    alone = rows_where(frame, map(is_missing, frame["sweep"]))
    if len(alone):
        names = [os.path.relpath(path, folder) for path in alone["run"]]
        _print_group(out, alone, names, f"Runs below {folder}: {len(alone):,}", rows)
    for sweep in dict.fromkeys(s for s in frame["sweep"] if not is_missing(s)):
        cells = rows_where(frame, (own == sweep for own in frame["sweep"]))
        _print_group(out, cells, [Path(p).name for p in cells["run"]], _title(sweep, cells), rows)
    wrong = rows_where(frame, (not is_missing(reason) for reason in frame["reason"]))
    for row in wrong.head(rows).to_dict("records"):
        out.warn(f"{row['run']} ({row['state']}): {row['reason']}")
    if len(wrong) > rows:
        out.warn(f"{len(wrong) - rows:,} more; the column reason of the CSV has all.")


def _title(sweep: str, cells: pd.DataFrame) -> str:
    """`Sweep sweeps/starts: 58 of 60 cells, 56 done, 2 failed`."""
    from ..errors import AccumbensError
    from ..run.sweep.plan import read_plan

    try:
        n = len(read_plan(Path(sweep)).cells)
        whole = f"{len(cells):,} of {counted(n, 'cell')}"
    except AccumbensError:
        whole = f"{counted(len(cells), 'cell')} (sweep.json cannot be read)"
    states = ", ".join(f"{n:,} {state}" for state, n in cells["state"].value_counts().items())
    return f"Sweep {sweep}: {whole}, {states}"


def _print_group(out: Output, frame: pd.DataFrame, names: list[str], title: str, rows: int) -> None:
    """One table, with what all rows share below it."""
    told = _says_something(frame, "sweep") and _options_tell(frame)
    columns = [] if told else [Shown("run", names[:rows], False, 0)]
    columns += _columns(frame, rows)
    columns, left_out = _that_fit(columns, out.width)
    headings = [column.heading for column in columns]
    lines = list(zip(*(column.cells for column in columns), strict=True))
    right = [i for i, column in enumerate(columns) if column.right]
    out.table(headings, lines, title=title, numbers=right, caption=_shared(frame))
    if len(frame) > rows:
        out.say(f"... and {len(frame) - rows:,} more (--rows)")
    if left_out:
        out.say(f"Left out, for want of room: {', '.join(left_out)} (--csv has all).")


def _options_tell(frame: pd.DataFrame) -> bool:
    """Whether the options that differ tell all rows apart."""
    options = [c for c in _options(frame) if differs(frame, c)]
    return bool(options) and not frame[options].astype(str).duplicated().any()


def _options(frame: pd.DataFrame) -> list[str]:
    """Columns of options: those that stand before what was found."""
    known = {*HEAD, *FACTS, *SCORED, "open_latents"}
    names = [str(c) for c in frame]
    return [c for c in names if c not in known and not _is_number_found(c, names)
            and not c.startswith("version.")]  # fmt: skip


def _is_number_found(name: str, names: Sequence[str]) -> bool:
    base = next((name.removesuffix(end) for end in ENDS if name.endswith(end)), name)
    return f"{base}_low" in names or name.endswith(".p")


def _columns(frame: pd.DataFrame, rows: int) -> list[Shown]:
    """State, options that differ, scores, open latents, and what else differs."""
    part, found = frame.head(rows), []
    for name in ("kind", "state"):
        if len(set(frame[name])) > 1 or (name == "state" and set(frame[name]) != {"done"}):
            found.append(Shown(name, [str(v) for v in part[name]], False, 1))
    for name in _options(frame):
        if differs(frame, name) or len(frame) == 1:
            cells = [_cell(v) for v in part[name]]
            numeric = all(_is_numeric(v) for v in part[name] if not is_missing(v))
            heading = name.removeprefix(OPTION).removeprefix("recipe.").removeprefix("table.")
            found.append(Shown(heading.replace(".", ".\n"), cells, numeric, 2))
    for name in _scores(frame):
        if not _is_said_once(frame, name):
            rank = 3 if name.endswith(LIKELIHOOD) else 6 if name.endswith(".mse") else 5
            heading = _heading(name, "\n", arrow=True)
            found.append(Shown(heading, [_score(v) for v in part[name]], True, rank))
    if _says_something(frame, "open_latents"):
        cells = [_cell(v) for v in part["open_latents"]]
        found.append(Shown("open\nlatents", cells, True, 4))
    for name, rank in (("data", 7), ("fingerprint", 7), ("held_out", 3), ("scored_trials_hash", 7),
                       ("version.accumbens", 8), ("machine", 10)):  # fmt: skip
        if _n_said(frame, name) > 1:
            cells = [_fact(name, v) for v in part[name]]
            found.append(Shown(_HEADINGS.get(name, name), cells, False, rank))
    for name, heading, rank in (("when", "begun", 9), ("seconds", "took", 8)):
        if _says_something(frame, name):
            cells = [_fact(name, v) for v in part[name]]
            found.append(Shown(heading, cells, name == "seconds", rank))
    return found


def _scores(frame: pd.DataFrame) -> list[str]:
    """Columns of what was found, without the ends of intervals, that have something."""
    names = [str(c) for c in frame]
    found = [c for c in names if _is_number_found(c, names) and not c.endswith(ENDS)]
    return [c for c in found if _says_something(frame, c)]


def _n_said(frame: pd.DataFrame, name: str) -> int:
    """How many different things a column says; none where there is no such column."""
    if name not in frame:
        return 0
    return len({str(value) for value in frame[name] if not is_missing(value)})


def _says_something(frame: pd.DataFrame, name: str) -> bool:
    return _n_said(frame, name) > 0


def _is_said_once(frame: pd.DataFrame, name: str) -> bool:
    """Whether a score is the same in all of several rows, as of a model that nothing changes."""
    cells = {_score(value) for value in frame[name][frame["state"] == "done"]}
    return len(cells) == 1 and len(frame) > 1


def _heading(name: str, between: str, *, arrow: bool) -> str:
    """`disRNN NL`, `disRNN dopamine R2`."""
    arrows = {".mse": " ↓", LIKELIHOOD: " ↑", ".r2": " ↑"}
    words = {".mse": "MSE", LIKELIHOOD: "NL", ".r2": "R2"}
    end = next((end for end in words if name.endswith(end)), None)
    if end is None:
        return name.replace(".", f".{between}".rstrip(" ")).replace("_", " ")
    model, _, signal = name.removesuffix(end).partition(".")
    last = words[end] + (arrows[end] if arrow else "")
    return between.join(filter(None, (label_of(model), signal, last)))


_HEADINGS = {"fingerprint": "data", "scored_trials_hash": "scored", "data": "table",
             "version.accumbens": "accumbens", "held_out": "scored on"}  # fmt: skip


def _that_fit(columns: list[Shown], width: int) -> tuple[list[Shown], list[str]]:
    """The columns for which there is room, and the headings of the others."""
    left, gone = list(columns), []
    while sum(column.width for column in left) + 1 > width and len(left) > 2:
        worst = max(range(len(left)), key=lambda i: (left[i].rank, i))
        if left[worst].rank < 2:
            break
        gone.append(" ".join(left.pop(worst).heading.splitlines()))
    return left, gone[::-1]


def _shared(frame: pd.DataFrame) -> str:
    """What all rows agree on."""
    said = []
    for name, form in SAID_ONCE.items():
        if _n_said(frame, name) == 1:
            said.append(form.format(_fact(name, frame[name].dropna().iloc[0])))
    scores = _scores(frame)
    same = [f"{_heading(c, ' ', arrow=False)} {_score(frame[c].dropna().iloc[0])}"
            for c in scores if _is_said_once(frame, c)]  # fmt: skip
    said += [f"the same in all: {', '.join(same)}"] if same else []
    said += ["NL: normalized likelihood"] if any(c.endswith(LIKELIHOOD) for c in scores) else []
    return "; ".join(said)


def _fact(name: str, value: Any) -> str:
    if is_missing(value):
        return "–"
    if name in ("fingerprint", "scored_trials_hash"):
        return str(value)[:SHORT]
    if name == "held_out":
        return "held-out sessions" if value else "fitted sessions"
    if name == "when":
        return str(value).replace("T", " ")[:16]
    if name == "seconds":
        return f"{value:,.0f} s" if value < 5400 else f"{value / 3600:,.1f} h"
    return f"{value:,}" if _is_numeric(value) else str(value)


def _score(value: Any) -> str:
    return "–" if is_missing(value) else f"{value:.4f}" if abs(value) >= 1e-3 else f"{value:.2g}"


def _cell(value: Any) -> str:
    return "–" if is_missing(value) else text_of(value)


def _is_numeric(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)
