"""The file of rows: one JSON object a line, appended as rows finish, read back after any stop."""

from __future__ import annotations

import hashlib
import importlib.util
import json
from pathlib import Path
from typing import Any

Record = dict[str, Any]


def read_rows(path: Path) -> dict[str, Record]:
    """All rows by key; of several with one key the last. A last line that was cut off is left out.

    Raises ValueError, with the number of the line, where another line is no JSON.
    """
    found: dict[str, Record] = {}
    if not path.is_file():
        return found
    lines = path.read_text().split("\n")
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except json.JSONDecodeError as problem:
            if number == len(lines):  # nothing after it, not even an end of line: cut off
                continue
            raise ValueError(f"{path}, line {number} is not a row of the panel.") from problem
        found[record["key"]] = record
    return found


def append_row(path: Path, record: Record) -> None:
    """Adds a row; first removes a last line that was cut off."""
    path.parent.mkdir(parents=True, exist_ok=True)
    line = json.dumps(record, allow_nan=False) + "\n"
    with path.open("a+b") as file:
        file.seek(0)
        whole = file.read().rfind(b"\n") + 1
        file.truncate(whole)
        file.write(line.encode())


def state_of_code() -> str:
    """Which sources of the package made a row: the first 12 digits of a SHA-256 of all of them."""
    spec = importlib.util.find_spec("accumbens")
    assert spec is not None
    assert spec.origin is not None
    root = Path(spec.origin).parent
    digest = hashlib.sha256()
    for file in sorted(root.rglob("*")):
        if file.suffix in (".py", ".cpp", ".h"):
            digest.update(str(file.relative_to(root)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:12]
