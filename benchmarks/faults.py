"""Rough machines: kills, full and read-only disks, two processes at once, compilers and caches.

    python benchmarks/faults.py [--kills 40] [--seed 0] [--only kills disks ...]

A command survives where it ends well with the numbers of an undisturbed one, or in one line that
says what to do, and where what was finished before is still there. Prints a table of tried and
survived. Full and read-only disks need Linux and root (a small tmpfs), and so does a foreign cache.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

FIT = ("--signal", "da", "--models", "disrnn", "bias", "naive", "--seeds", "1", "--resamples", "20",
       "--disrnn.latents", "1", "--disrnn.update-units", "2", "--disrnn.signal-units", "2",
       "--penalties.latent", "0.001", "--warm-up.steps", "20", "--choice-stage.steps", "200",
       "--signal-stage.steps", "100")  # fmt: skip
CREDIT = ("--controllable", "reward", "--distractor", "tone", "--lags", "1", "--resamples", "50",
          "--probabilities", "0.5", "0.5", "0.5")  # fmt: skip
UNITS = ("--signal", "unit_*", "--outcome", "reward", "--test", "linear_shift", "--max-shift", "10",
         "--resamples", "50")  # fmt: skip
OPTIONS = {"fit": FIT, "credit": CREDIT, "selectivity": UNITS, "convert": ("--signal", "da")}


def table(path: Path) -> Path:
    """Four sessions of one animal, with a signal and three units."""
    rng, n = np.random.default_rng(0), 240
    columns = {"subject": "m1", "session": np.repeat(np.arange(4), n // 4),
               "choice": rng.integers(0, 2, n), "reward": rng.integers(0, 2, n),
               "tone": rng.integers(0, 2, n), "da": rng.normal(size=n)}  # fmt: skip
    pd.DataFrame(columns | {f"unit_{i}": rng.normal(size=n) for i in range(3)}).to_csv(
        path, index=False
    )
    return path


class Work:
    """Where the commands run: a table, a cache of their own, and a folder for what they write."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.table = table(folder / "trials.csv")
        self.cache = folder / "cache"
        self.environment = os.environ | {"XDG_CACHE_HOME": str(self.cache), "COLUMNS": "200"}

    def out(self, command: str, name: str, place: Path | None = None) -> Path:
        ending = ".parquet" if command == "convert" else ""
        return (place or self.folder) / f"{name}{ending}"

    def words(self, command: str, out: Path) -> list[str]:
        return [sys.executable, "-m", "accumbens", command, str(self.table), *OPTIONS[command],
                "--out", str(out)]  # fmt: skip

    def start(self, words: list[str], **environment: str) -> subprocess.Popen:
        return subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=self.environment | environment,
        )  # fmt: skip

    def run(self, words: list[str], **environment: str) -> tuple[int, str]:
        """Exit code, and all that was said."""
        process = self.start(words, **environment)
        said = "".join(process.communicate())
        return process.returncode, said


def numbers(command: str, out: Path) -> str:
    """What a finished command found, but for times, paths and how code was compiled."""
    if command == "convert":
        return pd.read_parquet(out).to_csv()
    metrics = json.loads((out / "metrics.json").read_text())
    for key in ("seconds", "compiled"):
        metrics.pop(key, None)
    return json.dumps(metrics, sort_keys=True)


def clear(said: str) -> bool:
    """One line that says what is wrong, and no traceback."""
    return "Traceback" not in said and "Error: " in said


def left_over(out: Path) -> list[Path]:
    return list(out.rglob(".accumbens-*.tmp")) if out.is_dir() else []


class Tally:
    """What was tried and what survived, by kind."""

    def __init__(self) -> None:
        self.rows: dict[str, list[int]] = {}

    def note(self, what: str, survived: bool, said: str = "") -> None:
        row = self.rows.setdefault(what, [0, 0])
        row[0] += 1
        row[1] += survived
        mark = "survived" if survived else f"LOST\n{said[-1500:]}"
        print(f"  {what}: {mark}", flush=True)

    def print(self) -> int:
        width = max(map(len, self.rows))
        print(f"\n{'':{width}}  tried  survived")
        for what, (tried, survived) in self.rows.items():
            print(f"{what:{width}}  {tried:5}  {survived:8}")
        return sum(tried - survived for tried, survived in self.rows.values())


def references(work: Work) -> dict[str, tuple[str, float]]:
    """The numbers of each command, undisturbed and with its code compiled, and its seconds."""
    found = {}
    for command in OPTIONS:
        for turn in range(2 if command == "fit" else 1):
            out, began = work.out(command, f"whole-{command}-{turn}"), time.monotonic()
            code, said = work.run(work.words(command, out))
            if code:
                raise SystemExit(f"{command} fails undisturbed:\n{said}")
            found[command] = numbers(command, out), time.monotonic() - began
    return found


def kills(work: Work, whole: dict, n: int, rng: random.Random, tally: Tally) -> None:
    """Each command is killed at some moment, then run again: a fit goes on, the others anew."""
    for i in range(n):
        command = list(OPTIONS)[i % len(OPTIONS)]
        expected, seconds = whole[command]
        out = work.out(command, f"killed-{i}")
        process = work.start(work.words(command, out))
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(rng.uniform(0.1, 1.0) * seconds)
        process.kill()
        process.communicate()
        words = work.words(command, out)
        if command == "fit" and (out / "config.toml").exists():
            words = [*words[:3], "fit", "--resume", str(out)]
        code, said = work.run(words)
        done = code == 2 and "already holds a finished run" in said  # killed after its end
        done |= code == 2 and "already holds a run" in said and (out / "metrics.json").exists()
        well = (code == 0 or done) and numbers(command, out) == expected and not left_over(out)
        tally.note(f"{command} killed and run again", well, said)
        shutil.rmtree(out, ignore_errors=True)


@contextlib.contextmanager
def disk(folder: Path, options: str) -> Iterator[Path]:
    """A small disk in memory."""
    folder.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def disks(work: Work, whole: dict, tally: Tally) -> None:
    """Full disks of several sizes, which are then enlarged; and one that may only be read."""
    for command in OPTIONS:
        for size in ("16k", "200k"):
            with disk(work.folder / "small", f"size={size}") as small:
                out = work.out(command, "out", small)
                code, said = work.run(work.words(command, out))
                if code == 0:
                    continue  # it had room enough
                kept = not left_over(small)
                tally.note(f"{command} on a full disk", clear(said) and "room" in said and kept,
                           said)  # fmt: skip
                subprocess.run(["mount", "-o", "remount,size=100m", str(small)], check=True)
                words = work.words(command, out)
                if command == "fit" and (out / "config.toml").exists():
                    words = [*words[:3], "fit", "--resume", str(out)]
                code, said = work.run(words)
                well = code == 0 and numbers(command, out) == whole[command][0]
                tally.note(f"{command} after room was made", well, said)
        with disk(work.folder / "locked", "size=1m,ro") as locked:
            code, said = work.run(work.words(command, work.out(command, "out", locked)))
            tally.note(f"{command} on a read-only disk", code == 2 and clear(said), said)


def places(work: Work, tally: Tally) -> None:
    """Names of results that cannot be."""
    file = work.folder / "a file"
    file.write_text("mine")
    for command in OPTIONS:
        for out in (file, file / "below", work.folder / ("x" * 300), Path("/dev/null")):
            code, said = work.run(work.words(command, work.out(command, out.name, out.parent)))
            intact = file.read_text() == "mine"
            well = code == 2 and clear(said) and intact
            # a table may lie beside the file, by its ending
            well |= command == "convert" and code == 0 and intact
            tally.note(f"{command} into what is no folder", well, said)


def at_once(work: Work, whole: dict, tally: Tally) -> None:
    """Two processes on one folder, then on one empty cache."""
    for command in ("fit", "credit", "selectivity"):
        out = work.out(command, f"twice-{command}")
        both = [work.start(work.words(command, out)) for _ in range(2)]
        ends = [("".join(p.communicate()), p.returncode) for p in both]
        codes = sorted(code for _, code in ends)
        told = all(code == 0 or clear(said) for said, code in ends)
        well = codes == [0, 2] and told and numbers(command, out) == whole[command][0]
        tally.note("two processes on one folder", well, str(ends))
    shutil.rmtree(work.cache)
    outs = [work.out("fit", f"cache-{i}") for i in range(2)]
    both = [work.start(work.words("fit", out)) for out in outs]
    said = ["".join(p.communicate()) for p in both]
    well = all(p.returncode == 0 for p in both)
    well = well and all(numbers("fit", out) == whole["fit"][0] for out in outs)
    tally.note("two processes on one empty cache", well, str(said))


COMPILERS = {
    "fails": "#!/bin/sh\necho 'error: no licence' >&2\nexit 1\n",
    "writes nothing": "#!/bin/sh\nexit 0\n",
    "prints other bytes": "#!/bin/sh\nprintf '\\377\\376\\200' >&2\nprintf '\\377'\nexit 1\n",
    "is killed": "#!/bin/sh\nkill -9 $$\n",
    "writes no library": '#!/bin/sh\nfor o; do :; done\necho x > "$o"\n',
}


def compilers(work: Work, tally: Tally) -> None:
    """No compiler, and broken ones, with an empty cache: the slow way takes over and says so."""
    broken = work.folder / "compilers"
    broken.mkdir()
    tried = {"is missing": "/nowhere/g++"}
    for name, text in COMPILERS.items():
        path = broken / name.replace(" ", "-")
        path.write_text(text)
        path.chmod(0o755)
        tried[name] = str(path)
    for i, (name, path) in enumerate(tried.items()):
        out, cache = work.out("fit", f"compiler-{i}"), work.folder / f"cache-{i}"
        code, said = work.run(work.words("fit", out), CXX=path, XDG_CACHE_HOME=str(cache))
        kept = list(cache.rglob("*.so"))
        well = code == 0 and "train slowly here" in said and not kept
        tally.note(f"a compiler that {name}", well, said)


def caches(work: Work, whole: dict, tally: Tally) -> None:
    """Compiled code that was changed, cut, or may have been written by others is not run."""

    def flip(path: Path) -> None:
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 0xFF
        path.write_bytes(bytes(content))

    ways: dict[str, Callable[[Path], object]] = {
        "changed": flip,
        "cut": lambda path: path.write_bytes(path.read_bytes()[:100]),
        "empty": lambda path: path.write_bytes(b""),
        "of another user": lambda path: os.chown(path, 12345, 12345),
        "for all to write": lambda path: path.chmod(0o777),
    }
    for i, (name, way) in enumerate(ways.items()):
        files = [p for p in work.cache.rglob("*") if p.is_file()]
        for path in files:
            way(path)
        out = work.out("fit", f"damaged-{i}")
        code, said = work.run(work.words("fit", out))
        well = bool(files) and code == 0 and numbers("fit", out) == whole["fit"][0]
        tally.note(f"a cache that is {name}", well, said)
    for folder in (work.cache / "accumbens", *(work.cache / "accumbens").iterdir()):
        folder.chmod(0o777)
    out = work.out("fit", "open-cache")
    code, said = work.run(work.words("fit", out))
    well = code == 0 and "is not kept" in said and numbers("fit", out) == whole["fit"][0]
    tally.note("a folder that all may write to", well, said)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    parts = ("kills", "disks", "places", "at_once", "compilers", "caches")
    parser.add_argument("--only", nargs="+", choices=parts, default=parts)
    options = parser.parse_args()
    tally, rng = Tally(), random.Random(options.seed)
    with tempfile.TemporaryDirectory() as folder:
        work = Work(Path(folder))
        whole = references(work)
        run = {
            "kills": lambda: kills(work, whole, options.kills, rng, tally),
            "disks": lambda: disks(work, whole, tally),
            "places": lambda: places(work, tally),
            "at_once": lambda: at_once(work, whole, tally),
            "compilers": lambda: compilers(work, tally),
            "caches": lambda: caches(work, whole, tally),
        }
        for part in options.only:
            run[part]()
    sys.exit(bool(tally.print()))


if __name__ == "__main__":
    main()
