"""All results below a folder as one table, of which only what differs is kept."""

from __future__ import annotations

import functools
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..kinds import KINDS
from ..options import options_of
from ..values import to_toml
from .choosing import chosen, in_order, is_missing, read_conditions, text_of
from .entry import Entry, entry_of
from .places import places_below

if TYPE_CHECKING:
    import pandas as pd

HEAD = ("run", "sweep", "kind", "state")
"""Columns before the options."""
FACTS = ("data", "fingerprint", "version.accumbens", "when", "seconds", "machine", "reason")
"""Columns after the numbers; versions of other packages follow them where they differ."""
OPTION = "option."
"""Before an option's key that is the name of another column as well."""
NONE = "none"
"""What an option says that is None, or a list of nothing."""


def runs(
    folder: str | os.PathLike[str] = ".",
    *,
    where: str | Sequence[str] = (),
    sort: str | Sequence[str] = (),
    every_option: bool = False,
) -> pd.DataFrame:
    """All results below a folder, a row each; a damaged one has a reason, and stops nothing.

    Columns: `run` (its path), `sweep` (of which it is a cell, or missing), `kind`, `state` (done,
    not finished, under way, failed, damaged); options that differ between the results below the
    folder, by their keys; scores on held-out sessions with the ends of their 95 % intervals
    (`_low`, `_high`): `<model>.normalized_likelihood`, and of each signal `<model>.<signal>.mse` in
    its squared unit and `.r2`; `open_latents` of the disRNN; whether the scored sessions were
    `held_out`, and what the intervals take as independent (`intervals_over`); `data` and its
    `fingerprint`; versions; `when` it was begun, `seconds`, `machine` and `reason`. What nobody
    wrote down is missing.

    Args:
        folder: below which the results are.
        where: conditions that rows must meet, all of them: `seed=3`, `state!=done`,
            `disrnn.normalized_likelihood>0.6`, `models~dfq` (holds this text).
        sort: columns to sort by, the first one first; with `-` before it the largest comes first.
        every_option: whether options that do not differ are columns too.

    Raises:
        DataError: there is no such folder.
        ConfigError: a condition is none, or names a column that there is not.

    Example:
        runs("sweeps", where="disrnn.normalized_likelihood>0.6", sort="-open_latents")
    """
    conditions = read_conditions([where] if isinstance(where, str) else where)
    keys = [sort] if isinstance(sort, str) else list(sort)
    found = (entry_of(place) for place in places_below(Path(folder)))
    frame, options = frame_of([entry for entry in found if entry is not None])
    versions = [c for c in frame if str(c).startswith("version.") and c not in FACTS]
    hidden = [c for c in versions if not differs(frame, c)]
    hidden += [] if every_option else [c for c in options if not differs(frame, c)]
    frame = in_order(chosen(frame, conditions), keys).reset_index(drop=True)
    return frame.drop(columns=hidden)


def differs(frame: pd.DataFrame, column: str) -> bool:
    """Whether two rows of the table of results say something different.

    A run of an earlier version may lack an option; it differs from runs that have something else
    there than the default of this version.

    Args:
        frame: of `runs`, or some of its rows.
        column: in it.
    """
    cells = list(frame[column])
    known = {text_of(cell) for cell in cells if not is_missing(cell)}
    if len(known) != 1:
        return bool(known)
    rows = zip(cells, frame["kind"], frame["fingerprint"], strict=True)
    lacking = (kind for cell, kind, data in rows if is_missing(cell) and not is_missing(data))
    return any(defaults_of(kind).get(column, *known) not in known for kind in lacking)


@functools.cache
def defaults_of(kind: str) -> dict[str, str]:
    """What the options of a kind of result are unless they are given, as text, by key."""
    found = next((one for one in KINDS if one.name == kind and one.config is not None), None)
    if found is None:
        return {}
    return {
        option.key: text_of(cell_of(to_toml(option.default)))
        for option in options_of(found.config_class)
    }


def cell_of(value: Any) -> Any:
    """An option's value as a cell: lists are joined by +, as in a sweep."""
    if isinstance(value, list):
        return "+".join(text_of(cell_of(one)) for one in value) or NONE
    return NONE if value == "" else value if isinstance(value, bool | int | float) else str(value)


def frame_of(entries: Sequence[Entry]) -> tuple[pd.DataFrame, list[str]]:
    """The whole table of some results, and which of its columns are options."""
    import pandas as pd

    taken = {*HEAD, *FACTS, *(name for entry in entries for name in entry.numbers)}
    rows, options, numbers, facts = [], {}, {}, dict.fromkeys(FACTS)
    for entry in entries:
        own = {f"{OPTION}{k}" if k in taken else k: cell_of(v) for k, v in entry.options.items()}
        head = {
            "run": str(entry.path), "sweep": None if entry.sweep is None else str(entry.sweep),
            "kind": entry.kind, "state": entry.state,
        }  # fmt: skip
        options |= dict.fromkeys(own)
        numbers |= dict.fromkeys(entry.numbers)
        facts |= dict.fromkeys(entry.facts)
        rows.append(head | own | dict(entry.numbers) | dict(entry.facts)
                    | {"reason": entry.reason or None})  # fmt: skip
    columns = [*HEAD, *options, *numbers, *facts]
    table = {name: _column([row.get(name) for row in rows]) for name in columns}
    return pd.DataFrame(table, columns=columns), list(options)


def _column(cells: list[Any]) -> Any:
    """Numbers as numbers, whole ones as whole ones; text and numbers together as text."""
    import pandas as pd

    known = [cell for cell in cells if cell is not None]
    if known and all(type(cell) in (int, float) for cell in known):
        whole = all(type(cell) is int for cell in known)
        if not whole:
            return pd.Series([float("nan") if c is None else float(c) for c in cells])
        if len(known) == len(cells) or max(map(abs, known)) < 2**62:
            return pd.Series(cells, dtype="int64" if len(known) == len(cells) else "Int64")
    kinds = {bool if isinstance(c, bool) else str if isinstance(c, str) else float for c in known}
    if kinds == {bool} and len(known) == len(cells):
        return pd.Series(cells, dtype=bool)
    if len(kinds) > 1:
        cells = [None if cell is None else text_of(cell) for cell in cells]
    return pd.Series(cells, dtype=object)
