"""One process of the campaign: some inputs one after the other, each with its end on a line.

`python -m helpers.fuzz.batch WHOLE KIND SEED FIRST LAST`. The parent finds in the output what was
begun and never ended, when this process crashes.
"""

import json
import random
import shutil
import signal
import sys
import tempfile
import traceback
import warnings
from pathlib import Path

from .damage import damage

CPU_SECONDS, MOST_BYTES = 60, 2 * 2**30
"""What one input may take, before it counts as one that hangs, or that takes too much."""


class HangsError(BaseException):
    """One input took too long."""


def _hangs(number, frame):
    raise HangsError


def main(whole: Path, kind: str, seed: int, first: int, last: int) -> None:
    """Reads the inputs of these numbers, and prints how each ended."""
    warnings.simplefilter("ignore")
    if kind == "words":
        from .words import odd_command, read_command
    else:
        from .reading import READING
    signal.signal(signal.SIGPROF, _hangs)
    sources = [] if kind == "words" else sorted((whole / kind).iterdir())
    if kind == "models":
        sources = [whole / kind]
    with tempfile.TemporaryDirectory() as folder:
        for i in range(first, last):
            print(json.dumps({"begun": i}), flush=True)
            rng = random.Random(f"{kind} {seed} {i}")
            path = None
            signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
            try:
                if kind == "words":
                    name, words = odd_command(rng)
                    end = read_command(name, words)
                else:
                    path = _copied(rng.choice(sources), Path(folder) / str(i), kind, rng)
                    end = READING[kind](path)
            except KeyboardInterrupt:
                raise
            except BaseException:  # whatever escapes is what is looked for
                end = "\n".join(line[:200] for line in traceback.format_exc().splitlines()[-12:])
            signal.setitimer(signal.ITIMER_PROF, 0)
            if path is not None:
                shutil.rmtree(Path(folder) / str(i), ignore_errors=True)
            print(json.dumps({"ended": i, "end": end, "bytes": most_bytes()}), flush=True)


def most_bytes() -> int:
    """The most memory that this process has had. `getrusage` would count the parent's too."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def _copied(source: Path, folder: Path, kind: str, rng: random.Random) -> Path:
    """A damaged copy. Of saved models one is copied alone, so that all files are of that one."""
    folder.mkdir()
    if kind == "models":
        place = rng.choice([source, source / "old"])
        stem = rng.choice(sorted(p.stem for p in place.iterdir() if p.suffix == ".json"))
        for ending in (".json", ".safetensors"):
            shutil.copyfile(place / f"{stem}{ending}", folder / f"{stem}{ending}")
        damage(folder, rng)
        return folder
    path = folder / source.name
    if source.is_dir():
        shutil.copytree(source, path)
    else:
        shutil.copyfile(source, path)
    damage(path, rng)
    return path


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], *map(int, sys.argv[3:6]))
