"""Arrays of unfinished work on disk: one file, replaced as a whole, readable after any kill.

Each says why plain Python took part in it where compiled code was wanted: the two agree to rounding
only, so that work which goes on with the other one would not give the numbers of an unbroken fit.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ..compiled.libraries import failures
from ..compiled.loops import VARIABLE, wanted_loop
from ..errors import DataError
from ..files import make_folder, write_atomically

PLAIN = "plain"
"""In the note: which compiled code plain Python stood in for, and why."""


def plain_parts() -> dict[str, str]:
    """Which compiled code plain Python stands in for in this process, and why, by its name."""
    if wanted_loop() == "scan":
        return {VARIABLE: "scan"}
    return failures()


def forget_plain(folder: Path, compiles: Callable[[], bool]) -> bool:
    """Removes what is unfinished in a folder where plain Python took part in some of it and
    compiled code would now do the same: as in an unbroken fit, all is computed by that.

    A compiler that was ended together with the process that had called it leaves such a folder.

    Args:
        folder: of files that `write_arrays` wrote.
        compiles: whether compiled code can be had here; asked where plain Python took part.

    Returns:
        Whether anything was removed.
    """
    files = [file for file in folder.rglob("*") if file.is_file()]
    reasons: list[str] = []
    for file in files:
        if file.suffix == ".safetensors":
            reasons += _note(file).get(PLAIN, {}).values()
    if not reasons or wanted_loop() == "scan" or not compiles():
        return False
    for file in files:
        file.unlink(missing_ok=True)
    warnings.warn(
        "What was unfinished had been computed without compiled code, which can be had now, and "
        f"the two differ in rounding: it is computed anew. The reason was: {reasons[0]}.",
        stacklevel=2,
    )
    return True


def _note(file: Path) -> dict[str, Any]:
    """The note of a file; empty where it is damaged, which whoever reads it says."""
    try:
        return read_arrays(file)[1]
    except DataError:
        return {}


def write_arrays(file: Path, arrays: dict[str, np.ndarray], note: dict[str, Any]) -> None:
    """Writes arrays by name and a note that JSON can hold; `note["identity"]`: of data and options.

    The file is written under a temporary name, then renamed; its folder is made if need be.
    """
    from safetensors.numpy import save

    whole = {name: np.array(array, order="C") for name, array in arrays.items()}
    note = note | {PLAIN: plain_parts()}
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
