"""One result in a row: what it was asked, what it found, of which data, by which versions, when."""

from __future__ import annotations

import dataclasses
import math
import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ...errors import AccumbensError, DataError
from ...files import is_claimed
from ..kinds import RunKind, kind_of
from ..provenance import read_made
from ..stored import read_json
from ..sweep.cell import LOCK, RECORD, read_record
from ..sweep.plan import PLAN
from ..toml import RENAMED
from .numbers import NUMBERS
from .places import Place

WRONG = (KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError, RecursionError)
"""What reading meets in files that somebody, or a disk, has changed."""
DONE, UNFINISHED, RUNNING, FAILED, DAMAGED = (
    "done", "not finished", "under way", "failed", "damaged",
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Entry:
    """What is known of one result.

    Attributes:
        path: folder, or the file that is the result itself.
        sweep: folder of the sweep whose cell it is, or None.
        kind: as in the list of kinds of result; "" where that cannot be told.
        state: done, not finished, under way, failed or damaged.
        reason: why it failed, or what is damaged; else "".
        options: by key, as TOML has them.
        numbers: what it found, by the name of its column.
        facts: which data, versions and machine, when and how long, by the name of the column.
    """

    path: Path
    sweep: Path | None
    kind: str = ""
    state: str = DONE
    reason: str = ""
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    numbers: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    facts: Mapping[str, Any] = dataclasses.field(default_factory=dict)


def entry_of(place: Place) -> Entry | None:
    """Reads one result; what is wrong with it is its reason. None where it is none of ours.

    Args:
        place: as `places_below` found it.
    """
    path, entry = place.path, Entry(place.path, place.sweep)
    if place.unreadable:
        return dataclasses.replace(entry, state=DAMAGED, reason=f"{place.unreadable}.")
    if path.is_dir() and (path / PLAN).is_file() and not (path / "config.toml").is_file():
        return None  # a sweep is known by its cells
    record = read_record(path) if (path / RECORD).is_file() else {}
    failed = str(record.get("error", "")) if record.get("state") == "failed" else None
    try:
        if record and not (path / "config.toml").is_file():
            return _without_config(entry, failed)
        kind = kind_of(path)
        content = _content(path / "config.toml") if kind.config is not None else {}
        if content is None:
            return None
        entry = dataclasses.replace(
            entry, kind=kind.name, options=_options(content), facts=_facts(path, content)
        )
        if failed is not None:
            return dataclasses.replace(entry, state=FAILED, reason=failed)
        return dataclasses.replace(entry, **_found(path, kind, entry.facts))
    except AccumbensError as error:
        reason = str(error)
    except OSError as error:
        reason = error.strerror or str(error)
    except WRONG as error:
        reason = (
            f"It does not hold what the command writes ({type(error).__name__}: "
            f"{str(error)[:200]}). Copy it again, or run the command again."
        )
    return dataclasses.replace(entry, state=DAMAGED, reason=" ".join(reason.split()))


def _without_config(entry: Entry, failed: str | None) -> Entry:
    """A cell of a sweep that ended, or has got no further, before its options were written."""
    if failed is not None:
        return dataclasses.replace(entry, kind="fit", state=FAILED, reason=failed)
    state = RUNNING if is_claimed(entry.path, LOCK) else UNFINISHED
    return dataclasses.replace(entry, kind="fit", state=state)


def _found(path: Path, kind: RunKind, facts: Mapping[str, Any]) -> dict[str, Any]:
    """State and numbers."""
    if kind.config is None:
        return {}
    if not (path / "metrics.json").is_file():
        return {"state": RUNNING if is_claimed(path) else UNFINISHED}
    metrics = read_json(path / "metrics.json")
    read = NUMBERS.get(kind.name)
    numbers = {} if read is None else dict(read(metrics))
    seconds = facts.get("seconds")
    if seconds is None and isinstance(metrics.get("seconds"), dict):
        known = [s for s in metrics["seconds"].values() if _is_number(s)]
        return {"numbers": numbers, "facts": {**facts, "seconds": round(sum(known), 1)}}
    return {"numbers": numbers}


def _content(path: Path) -> dict[str, Any] | None:
    """What config.toml says; None where it is some other program's."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"config.toml cannot be read ({error}). Copy it again.") from error
    about = content.get("about")
    ours = isinstance(about, dict) and "versions" in about
    siblings = ("metrics.json", "split.json", "made.json")
    if not ours and not any((path.parent / name).is_file() for name in siblings):
        return None
    if not ours:
        raise DataError("config.toml does not say which data and versions. Copy it again.")
    return content


def _options(content: Mapping[str, Any]) -> dict[str, Any]:
    """All options by dotted keys, as this version calls them."""
    found = {}
    for key, value in _flat({k: v for k, v in content.items() if k != "about"}, ""):
        named = RENAMED.get(key, key)
        if named is not None:
            found[named] = value
    return found


def _flat(table: Mapping[str, Any], above: str) -> Iterator[tuple[str, Any]]:
    for name, value in table.items():
        key = f"{above}{str(name).replace('-', '_')}"
        if isinstance(value, dict):
            yield from _flat(value, f"{key}.")
        else:
            yield key, value


def _facts(path: Path, content: Mapping[str, Any]) -> dict[str, Any]:
    about = content.get("about", {})
    versions = about.get("versions", {})
    found: dict[str, Any] = {
        "data": os.path.basename(str(about["table"])) if "table" in about else None,
        "fingerprint": about.get("fingerprint"),
    }
    if isinstance(versions, dict):
        found |= {f"version.{name}": str(value) for name, value in versions.items()}
    made = read_made(path) if path.is_dir() else []
    if made:
        found["when"] = str(made[0].get("begun", "")) or None
        known = [e["seconds"] for e in made if _is_number(e.get("seconds"))]
        found["seconds"] = round(sum(known), 1) if known else None
        found["machine"] = made[-1].get("machine")
    return found


def _is_number(value: Any) -> bool:
    known = isinstance(value, int | float) and not isinstance(value, bool)
    return known and math.isfinite(value)
