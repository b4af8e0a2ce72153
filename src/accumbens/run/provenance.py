"""What a result was made of and with: the fingerprint of its data, versions, and the work."""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import importlib.metadata
import json
import platform
import shlex
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ..cores import cores
from ..files import write_atomically
from ..trials import Trials
from ..version import __version__


def fingerprint(trials: Trials) -> str:
    """SHA-256 of all numbers and names of the trials, however they are stored."""
    digest = hashlib.sha256(repr(trials.names).encode())
    for field in ("choice", "outcome", "signal", "number", "instructed", "length", "subject"):
        array = np.ascontiguousarray(getattr(trials, field))
        digest.update(f"{field}{array.dtype}{array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def versions() -> dict[str, str]:
    """What this run was made with."""
    packages = ("jax", "jaxlib", "equinox", "optax", "numpy", "pandas")
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "accumbens": __version__,
    } | {name: importlib.metadata.version(name) for name in packages}


MADE = "made.json"
"""File of a result's folder that says when, where, by which command and how long it was made; of a
fit that was interrupted, an entry for each time it was worked on and ended well."""


@contextlib.contextmanager
def work_noted(folder: Path) -> Iterator[None]:
    """Notes in a result's folder, at the end, the work that is done within the context.

    It has a file of its own, so that the same data, options and seed give the same other files.

    Args:
        folder: of the result.
    """
    begun, clock = datetime.datetime.now().astimezone(), time.monotonic()
    yield
    entry = {
        "command": _command(),
        "begun": begun.isoformat(timespec="seconds"),
        "seconds": round(time.monotonic() - clock, 1),
        "machine": platform.node(),
        "system": platform.platform(),
        "cores": cores(),
        "accumbens": __version__,
    }
    entries = [*read_made(folder), entry]
    write_atomically(folder / MADE, json.dumps(entries, indent=1).encode())


def read_made(folder: Path) -> list[dict[str, Any]]:
    """What `work_noted` noted; nothing for results of earlier versions.

    Args:
        folder: of the result.
    """
    try:
        found = json.loads((folder / MADE).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return []
    known = isinstance(found, list) and all(isinstance(entry, dict) for entry in found)
    return found if known else []


def made_in_words(entry: dict[str, Any]) -> str:
    """When, where, how long and by which command, in a sentence.

    Args:
        entry: of `read_made`.
    """
    seconds = float(entry.get("seconds") or 0)
    took = f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
    if seconds >= 5400:
        took = f"{seconds / 3600:.1f} h"
    when = str(entry.get("begun", "")).replace("T", " ")
    command = entry.get("command")
    by = f" by {command}" if command else " in Python"
    where = entry.get("machine") or "a machine without a name"
    return f"Made on {when}, on {where}, in {took},{by}"


def _command() -> str | None:
    """The command as it was given; None in Python."""
    program = Path(sys.argv[0]) if sys.argv and sys.argv[0] else None
    if program is None:
        return None
    whole = program.name == "__main__.py" and program.parent.name == "accumbens"
    if not whole and program.stem != "accumbens":
        return None
    return shlex.join(["accumbens", *sys.argv[1:]])
