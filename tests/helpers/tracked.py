"""The repository's own list of its files."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def tracked_files() -> list[Path]:
    """Every file that git tracks, or would with the next commit; skips outside a git checkout."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    git = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if git.returncode:
        pytest.skip("not a git checkout, so there is no list of tracked files")
    names = set(git.stdout.split("\0")) - {""}
    return [ROOT / name for name in sorted(names) if (ROOT / name).is_file()]
