"""The campaign: whole files once, then batches of inputs, each in a process of its own."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .batch import MOST_BYTES
from .whole import WHOLE

KINDS = (*WHOLE, "words")
WALL_SECONDS = 3600
"""After which a process counts as one that hangs, however busy the machine is."""
CRASHES_OF_HDF5 = 0.05
"""libhdf5 itself crashes on a few kinds of damage: at most so large a share of NWB files."""


class Found(NamedTuple):
    """What became of the inputs of a kind.

    Attributes:
        kind: of input.
        ends: how many were read ("r..."), refused, and so on, by the letters of `reading.tried`.
        escaped: number of the input, and what escaped.
        most: bytes of the largest process.
    """

    kind: str
    ends: Counter
    escaped: list[tuple[int, str]]
    most: int


def make_whole(folder: Path, kinds: tuple[str, ...] = tuple(WHOLE)) -> None:
    """Writes the whole files of these kinds."""
    for kind in kinds:
        if kind in WHOLE and not (folder / kind).exists():
            (folder / kind).mkdir(parents=True)
            WHOLE[kind](folder / kind, np.random.default_rng(0))


def run(whole: Path, kind: str, seed: int, n: int, size: int = 200) -> Found:
    """Tries n inputs of a kind; a process that crashes costs the input that it was at."""
    ends, escaped, most, first = Counter(), [], 0, 0
    while first < n:
        last = min(n, first + size)
        command = [sys.executable, "-m", "helpers.fuzz.batch", str(whole), kind, str(seed),
                   str(first), str(last)]  # fmt: skip
        environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=WALL_SECONDS, env=environment,
                cwd=Path(__file__).parents[2],
            )  # fmt: skip
            output, how = done.stdout, f"code {done.returncode}: {done.stderr[-2000:]}"
        except subprocess.TimeoutExpired as slow:
            output, how = (slow.stdout or b"").decode(), "it hangs"
        lines = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
        for line in lines:
            if "ended" in line:
                most = max(most, line["bytes"])
                if len(line["end"]) > 9:
                    escaped.append((line["ended"], line["end"]))
                else:
                    ends[line["end"]] += 1
        begun = max((line["begun"] for line in lines if "begun" in line), default=first)
        if max((line["ended"] for line in lines if "ended" in line), default=-1) < last - 1:
            escaped.append((begun, f"the process ended, {how}"))
        first = max(begun + 1, first + 1)
        if most > MOST_BYTES:
            escaped.append((begun, f"a process took {most / 2**30:.1f} GiB"))
            most = 0
    return Found(kind, ends, escaped, most)


def crashes(found: Found) -> int:
    """How often libhdf5 ended the process, which no program can refuse."""
    return sum(end.startswith("the process ended, code -") for _, end in found.escaped)
