"""Arrays of unfinished work on disk: one file, replaced as a whole, readable after any kill."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DataError
from ..files import make_folder, write_atomically


def write_arrays(file: Path, arrays: dict[str, np.ndarray], note: dict[str, Any]) -> None:
    """Writes arrays by name and a note that JSON can hold; `note["identity"]`: of data and options.

    The file is written under a temporary name, then renamed; its folder is made if need be.
    """
    from safetensors.numpy import save

    whole = {name: np.array(array, order="C") for name, array in arrays.items()}
    make_folder(file.parent)
    write_atomically(file, save(whole, metadata={"note": json.dumps(note)}))


def read_arrays(file: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Arrays and note. Raises DataError where the file is damaged."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, framework="numpy") as opened:
            note = json.loads(opened.metadata()["note"])
            arrays = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
        note["identity"]
    except (SafetensorError, KeyError, TypeError, ValueError, OSError) as error:
        raise DataError(
            f"The checkpoint {file} is damaged ({error}). Delete it to start afresh."
        ) from error
    return arrays, note


def refuse_other(file: Path, note: dict[str, Any], identity: str) -> None:
    """Raises DataError where the file belongs to other data or options."""
    if note["identity"] != identity:
        raise DataError(
            f"The checkpoint {file} belongs to a fit with other data or options. "
            "Resume with the run's own options, or fit into another folder."
        )
