"""Help, mistakes and the reading of options import nothing heavy."""

import subprocess
import sys

import pytest

from accumbens.cli.commands import COMMANDS

HEAVY = {
    "jax", "jaxlib", "equinox", "optax", "jaxtyping", "numpy", "scipy", "pandas", "pyarrow",
    "matplotlib", "rich", "safetensors", "pynwb", "h5py", "pynapple",
}  # fmt: skip
RUN = """
import atexit, sys
loaded = lambda: {name.split(".")[0] for name in sys.modules}
atexit.register(lambda: print("\\nloaded", *loaded()))
from accumbens.cli import main
main(sys.argv[1:])
"""


def loaded(*words):
    """Top-level modules that a process has imported at its end."""
    command = [sys.executable, "-c", RUN, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr
    text, _, names = done.stdout.rpartition("\nloaded ")
    return text, set(names.split())


@pytest.mark.parametrize("words", [(), ("--version",)])
def test_the_overview_needs_nothing_heavy(words):
    text, names = loaded(*words)
    assert "accumbens" in text
    assert names & HEAVY == set()


@pytest.mark.parametrize("entry", COMMANDS, ids=lambda entry: entry.name)
def test_help_needs_nothing_heavy(entry):
    text, names = loaded(entry.name, "--help")
    assert text.startswith(f"Usage: accumbens {entry.name}")
    assert names & HEAVY == set()


@pytest.mark.parametrize(
    "words",
    [
        ("fit", "t.csv", "--seeds", "x"),
        ("fit", "t.csv", "--config", "nowhere.toml"),
        ("fit", "t.csv", "--selection.folds", "1"),
        ("convert", "a.nwb", "--event-unit", "h"),
        ("selectivity", "a.csv", "--test", "schedul"),
    ],
)
def test_mistakes_in_options_are_found_before_anything_heavy_is_imported(words):
    _, names = loaded(*words)
    assert names & HEAVY == {"rich"}  # which prints the error


def test_what_is_heavy_is_seen():
    code = RUN.replace("from accumbens.cli", "import numpy\nfrom accumbens.cli")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "numpy" in done.stdout.rpartition("\nloaded ")[2].split()
