"""Where compiled code is kept, who may have written it, and for which processor it was made.

Compiled code that is loaded runs with all rights of the user. So a folder or file counts only if
it belongs to the user or to the system's administrator and nobody else may write to it.
"""

from __future__ import annotations

import atexit
import functools
import hashlib
import os
import platform
import shutil
import stat
import tempfile
import warnings
from pathlib import Path
from typing import NamedTuple

OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH
FOLDER_MODE, FILE_MODE = 0o755, 0o644
"""Others may read what a user, or the administrator, has compiled; they may not write."""

_said: set[str] = set()


class Reason(str):
    """Why something compiled cannot be had, or cannot be trusted."""


class Place(NamedTuple):
    """A folder for compiled code; kept: whether it outlives this process."""

    folder: Path
    kept: bool


def cache_folder() -> Path:
    """Where all compiled code is kept: $XDG_CACHE_HOME or ~/.cache, then accumbens."""
    root = os.environ.get("XDG_CACHE_HOME")
    return (Path(root) if root else Path.home() / ".cache") / "accumbens"


def place(part: str) -> Place:
    """The folder of a part of the cache, made if it is not there.

    Where that cannot be made or trusted, it is a folder of this process alone, and a warning says
    so once.

    Args:
        part: "kernels" or "programs".

    Raises:
        OSError: no folder can be made at all.
    """
    folder = cache_folder() / part
    try:
        for ours in (folder.parent, folder):
            if not ours.is_dir():
                ours.mkdir(parents=True, exist_ok=True)
                ours.chmod(FOLDER_MODE)
        reason = why_not_trusted(folder)
    except OSError as error:
        reason = Reason(f"{folder} cannot be used ({error.strerror or error})")
    if reason is None:
        return Place(folder, kept=True)
    if reason not in _said:
        _said.add(reason)
        warnings.warn(
            f"What is compiled is not kept for the next process: {reason}. Make that folder your "
            "own (chmod go-w), or name another one by the environment variable XDG_CACHE_HOME.",
            stacklevel=2,
        )
    return Place(_of_this_process(os.getpid()), kept=False)


def why_not_trusted(path: Path) -> Reason | None:
    """Why another user may have written `path`, a file or a folder; None if nobody can have.

    Raises:
        OSError: it is not there, or cannot be looked at.
    """
    if not hasattr(os, "geteuid"):
        return None  # Windows keeps a user's folders from others by itself
    found = path.stat()
    if found.st_uid not in (os.geteuid(), 0):
        return Reason(f"{path} belongs to another user")
    if found.st_mode & OTHERS_MAY_WRITE:
        return Reason(f"others may write to {path}")
    for above in path.resolve().parents:
        mode = above.stat().st_mode
        if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
            return Reason(f"anyone may replace what is in {above}, where {path.name} lies")
    return None


def sealed(name: str, content: bytes) -> bytes:
    """`content` followed by a checksum of it and of the name of its file, so that no file can
    stand for another."""
    return content + hashlib.sha256(name.encode() + b"\0" + content).digest()


def read_sealed(path: Path) -> bytes | None:
    """What was sealed under the name of this file; None where that is not there, was changed or
    cut, or may have been written by somebody else."""
    try:
        if not path.is_file() or why_not_trusted(path) is not None:
            return None  # a pipe would wait for ever
        whole = path.read_bytes()
    except OSError:
        return None
    content = whole[: -hashlib.sha256().digest_size]
    return content if whole == sealed(path.name, content) else None


def key_of(*parts: str | bytes) -> str:
    """A short hash of all that decides what is compiled."""
    digest = hashlib.sha256()
    for part in parts:
        part = part.encode() if isinstance(part, str) else part
        digest.update(len(part).to_bytes(8, "little") + part)
    return digest.hexdigest()[:24]


@functools.cache
def processor() -> str:
    """What decides the instructions that this machine has."""
    try:
        lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
    except OSError:
        return f"{platform.machine()} {platform.processor()} {platform.node()}"
    names = ("model name", "flags", "Features", "CPU part")
    return "\n".join([platform.machine(), *sorted({x for x in lines if x.startswith(names)})])


@functools.cache
def _of_this_process(process: int) -> Path:
    """A new folder that is removed when the process ends."""
    folder = Path(tempfile.mkdtemp(prefix=f"accumbens-{process}-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
