"""C++ compiled with the system's compiler on first use, kept for later, and loaded.

Libraries live in the user's cache folder under a key of everything that made them, followed by
their own checksum, so that neither another machine's nor a damaged file is ever loaded. No step
raises: what goes wrong is returned as a `Reason`, for the caller to fall back on plain Python.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
import platform
import shutil
import subprocess
import threading
from pathlib import Path
from typing import NamedTuple

from .errors import DataError
from .files import replacing

FLAGS = ("-std=c++17", "-O3", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=fast")
FLAGS += ("-shared", "-fPIC", "-w")
THIS_MACHINE = (("-march=native",), ("-mcpu=native",), ())
"""Flags for the machine at hand, in order of preference; compilers differ in what they accept."""
COMPILE_SECONDS = 120
CHECKSUM_BYTES = hashlib.sha256().digest_size

_lock = threading.Lock()
_loaded: dict[str, ctypes.CDLL] = {}


class Reason(str):
    """Why there is no compiled library."""


class Source(NamedTuple):
    """What a library is made from.

    name: the first part of its file's name. files: absolute paths, the one to compile first, then
    all that it includes. options: definitions, include folders and further flags for the compiler.
    made_with: versions of what else it depends on.
    """

    name: str
    files: tuple[Path, ...]
    options: tuple[str, ...] = ()
    made_with: str = ""


class Built(NamedTuple):
    """A loaded library, and the key of all that made it."""

    library: ctypes.CDLL
    key: str


class Setting(NamedTuple):
    """The environment variables that decide what is found where; `built` remembers by them."""

    cxx: str | None
    path: str | None
    cache: str | None
    home: str | None


def built(source: Source) -> Built | Reason:
    """The library of `source`, compiled and loaded if this process has not done so yet."""
    setting = Setting(*(os.environ.get(name) for name in ("CXX", "PATH", "XDG_CACHE_HOME", "HOME")))
    with _lock:
        return _built(source, setting)


def cache_folder() -> Path:
    """Where libraries are kept: $XDG_CACHE_HOME or ~/.cache, then accumbens/kernels."""
    root = os.environ.get("XDG_CACHE_HOME")
    return (Path(root) if root else Path.home() / ".cache") / "accumbens" / "kernels"


@functools.cache
def _built(source: Source, setting: Setting) -> Built | Reason:
    try:
        compiler = _compiler(setting)
        if compiler is None:
            sought = f"CXX={setting.cxx}" if setting.cxx else "g++, clang++ or c++ in PATH"
            return Reason(f"there is no C++ compiler ({sought})")
        key = _key(compiler, source)
        if key not in _loaded:
            file = cache_folder() / f"{source.name}-{key}.so"
            if not _intact(file):
                _compile(compiler, source, file)
            _loaded[key] = ctypes.cdll.LoadLibrary(str(file))
        return Built(_loaded[key], key)
    except subprocess.CalledProcessError as error:
        lines = [line for line in error.stderr.splitlines() if "error" in line]
        return Reason(f"{error.cmd[0]} failed: {(lines or [error.stderr.strip()])[0]}")
    except (OSError, DataError, RuntimeError, subprocess.SubprocessError, AttributeError) as error:
        return Reason(f"it could not be built or loaded: {error}")


def _compiler(setting: Setting) -> str | None:
    names = (setting.cxx,) if setting.cxx else ("g++", "clang++", "c++")
    found = (shutil.which(name, path=setting.path) for name in names)
    return next((path for path in found if path), None)


def _key(compiler: str, source: Source) -> str:
    """A hash of whatever could change the compiled library."""
    parts = [file.read_bytes() for file in source.files]
    parts += [compiler.encode(), _run(compiler, "--version").encode(), _processor().encode()]
    parts += [" ".join((*FLAGS, *source.options)).encode(), source.made_with.encode()]
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "little") + part)
    return digest.hexdigest()[:24]


@functools.cache
def _processor() -> str:
    """What decides the instructions that this machine has."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return f"{platform.machine()} {platform.processor()} {platform.node()}"
    names = ("model name", "flags", "Features", "CPU part")
    return "\n".join([platform.machine(), *sorted({x for x in lines if x.startswith(names)})])


def _run(*command: str) -> str:
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, timeout=COMPILE_SECONDS
    )
    return done.stdout


def _compile(compiler: str, source: Source, file: Path) -> None:
    """Writes the library, followed by its checksum; other processes may be doing the same."""
    command = (compiler, *FLAGS, *source.options, str(source.files[0]))
    with replacing(file) as made:
        for i, machine in enumerate(THIS_MACHINE):
            try:
                _run(*command, *machine, "-o", str(made))
                break
            except subprocess.CalledProcessError:
                if i == len(THIS_MACHINE) - 1:
                    raise
        library = made.read_bytes()
        with made.open("ab") as f:
            f.write(hashlib.sha256(library).digest())


def _intact(file: Path) -> bool:
    """Whether `file` is there and ends with its own checksum."""
    try:
        content = file.read_bytes()
    except OSError:
        return False
    library, checksum = content[:-CHECKSUM_BYTES], content[-CHECKSUM_BYTES:]
    return hashlib.sha256(library).digest() == checksum
