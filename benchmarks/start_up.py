"""How long `import accumbens` and help take, beside importing JAX alone.

    python benchmarks/start_up.py [--turns 5]

Processor seconds (user and system) of whole processes, the interpreter's own start included; the
fastest of some turns, each turn meeting the machine in the same state.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys

WORK = {
    "python alone": ["-c", ""],
    "import jax": ["-c", "import jax"],
    "import accumbens": ["-c", "import accumbens"],
    "accumbens.Trials, DFQ, fit_disrnn": [
        "-c", "from accumbens import DFQ, Trials, fit_disrnn",
    ],
    "accumbens --help": ["-m", "accumbens", "--help"],
    "accumbens fit --help": ["-m", "accumbens", "fit", "--help"],
    "accumbens convert --help": ["-m", "accumbens", "convert", "--help"],
}  # fmt: skip


def processor_seconds(words: list[str]) -> float:
    """Of a Python process with these arguments."""
    before = os.times()
    subprocess.run([sys.executable, *words], stdout=subprocess.DEVNULL, check=True)
    after = os.times()
    return after.children_user + after.children_system - before[2] - before[3]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--turns", type=int, default=5)
    turns = range(parser.parse_args().turns)
    taken = {name: [] for name in WORK}
    for _ in turns:
        for name, words in WORK.items():
            taken[name].append(processor_seconds(words))
    jax = min(taken["import jax"])
    print(f"{'':36}  seconds  / import jax")
    for name, seconds in taken.items():
        print(f"{name:36}  {min(seconds):7.2f}  {min(seconds) / jax:12.2f}")


if __name__ == "__main__":
    main()
