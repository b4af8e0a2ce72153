"""C++ compiled with the system's compiler on first use, kept for later, and loaded.

A library is kept under a key of everything that made it, followed by its own checksum, so that
neither another machine's nor a damaged file is ever loaded. No step raises: what goes wrong is
returned as a `Reason`, for the caller to fall back on plain Python, and is tried again by the next
process; a compiler that the system ended is tried again at once. `failures` says what went wrong,
for those who keep what plain Python computed.
"""

from __future__ import annotations

import ctypes
import functools
import os
import re
import shutil
import subprocess
import threading
import time
from pathlib import Path
from typing import NamedTuple

from ..errors import DataError
from ..files import replacing
from .place import FILE_MODE, Reason, key_of, place, processor, read_sealed, sealed

FLAGS = ("-std=c++17", "-O3", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=fast")
FLAGS += ("-shared", "-fPIC", "-w")
THIS_MACHINE = ("-march=native", "-mcpu=native")
"""Flags for the machine at hand, in order of preference; compilers differ in what they accept."""
COMPILE_SECONDS = 600
"""A busy machine takes a hundred times as long as an idle one; a compiler that waits for something
that never comes still ends."""
TRIES, SECONDS_BETWEEN_TRIES = 3, 0.5
ENDED = re.compile(
    r"signal terminated program|due to signal|unable to execute command|out of memory"
    r"|memory exhausted|Cannot allocate memory"
)
"""What compilers say where the system ended a part of them: a cluster that takes a job back sends
its signal to all processes of the job, and the job may go on for some time."""
SHELL_SAYS_SIGNAL = 128
"""A shell's exit code is this plus the number of the signal that ended what it ran."""

_lock = threading.Lock()
_loaded: dict[str, ctypes.CDLL] = {}
_builds: dict[str, str] = {}
_failures: dict[tuple[Setting, str], str] = {}


class Source(NamedTuple):
    """What a library is made from.

    name: the first part of its file's name. files: absolute paths, the one to compile first, then
    all that it includes. functions: names that it must have. options: definitions, include folders
    and further flags for the compiler. made_with: versions of what else it depends on.
    """

    name: str
    files: tuple[Path, ...]
    functions: tuple[str, ...]
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


class Compiler(NamedTuple):
    """A compiler as it is here. machine: the flag for this processor that it accepts, if any."""

    path: str
    version: str
    machine: str | None


def built(source: Source) -> Built | Reason:
    """The library of `source`, compiled and loaded if this process has not done so yet."""
    with _lock:
        return _built(source, _setting())


def builds() -> dict[str, str]:
    """How each library that this process has loaded was compiled: compiler and flags, by name."""
    return dict(_builds)


def failures() -> dict[str, str]:
    """Why libraries that this process wanted could not be had, with the environment variables as
    they are now, by the first part of their names."""
    now = _setting()
    return {name: why for (setting, name), why in _failures.items() if setting == now}


def _setting() -> Setting:
    return Setting(*(os.environ.get(name) for name in ("CXX", "PATH", "XDG_CACHE_HOME", "HOME")))


@functools.cache
def _built(source: Source, setting: Setting) -> Built | Reason:
    found = _tried(source, setting)
    if isinstance(found, Reason):
        _failures[setting, source.name] = str(found)
    return found


def _tried(source: Source, setting: Setting, n_tries: int = TRIES) -> Built | Reason:
    try:
        path = _compiler(setting)
        if path is None:
            sought = f"CXX={setting.cxx}" if setting.cxx else "g++, clang++ or c++ in PATH"
            return Reason(f"there is no C++ compiler ({sought})")
        compiler = Compiler(path, _run(path, "--version"), _flag_for_this_machine(path))
        key = _key(compiler, source)
        if key not in _loaded:
            file = place("kernels").folder / f"{source.name}-{key}.so"
            if read_sealed(file) is None:
                _compile(compiler, source, file)
            _loaded[key] = _load(file, source)
            _builds[file.stem] = _described(compiler)
        return Built(_loaded[key], key)
    except subprocess.CalledProcessError as error:
        if n_tries > 1 and _was_ended(error):
            time.sleep(SECONDS_BETWEEN_TRIES)
            return _tried(source, setting, n_tries - 1)
        lines = [line for line in error.stderr.splitlines() if "error" in line]
        said = (lines or [error.stderr.strip() or f"it ended with code {error.returncode}"])[0]
        return Reason(f"{error.cmd[0]} failed: {said}")
    except (OSError, DataError, RuntimeError, subprocess.SubprocessError, AttributeError) as error:
        return Reason(f"it could not be built or loaded: {error}")


def _compiler(setting: Setting) -> str | None:
    names = (setting.cxx,) if setting.cxx else ("g++", "clang++", "c++")
    found = (shutil.which(name, path=setting.path) for name in names)
    return next((path for path in found if path), None)


def _was_ended(error: subprocess.CalledProcessError) -> bool:
    """Whether the system ended a compiler, or a part of it, rather than that it refused."""
    by_signal = error.returncode < 0 or error.returncode > SHELL_SAYS_SIGNAL
    return by_signal or ENDED.search(error.stderr) is not None


def _flag_for_this_machine(compiler: str) -> str | None:
    """The first flag that compiles an empty file; what fails for another reason than the flag, such
    as want of memory, so never leads to code without the processor's instructions."""
    for flag in THIS_MACHINE:
        try:
            _run(compiler, flag, "-x", "c++", "-fsyntax-only", os.devnull)
        except subprocess.CalledProcessError as error:
            if flag.partition("=")[0] not in error.stderr or _was_ended(error):
                raise
        else:
            return flag
    return None


def _load(file: Path, source: Source) -> ctypes.CDLL:
    """Loads a library; one that lacks a function is not kept."""
    try:
        library = ctypes.cdll.LoadLibrary(str(file))
        for function in source.functions:
            getattr(library, function)
    except (OSError, AttributeError):
        file.unlink(missing_ok=True)
        raise
    return library


def _key(compiler: Compiler, source: Source) -> str:
    """A hash of whatever could change the compiled library."""
    return key_of(
        *(file.read_bytes() for file in source.files),
        *(compiler.path, compiler.version, compiler.machine or "", processor()),
        " ".join((*FLAGS, *source.options)),
        source.made_with,
    )


def _described(compiler: Compiler) -> str:
    """In a line, for records."""
    version = (compiler.version.splitlines() or ["version unknown"])[0]
    return " ".join([version, *FLAGS, *filter(None, [compiler.machine])])


def _run(*command: str) -> str:
    done = subprocess.run(
        command, capture_output=True, text=True, errors="replace", check=True,
        timeout=COMPILE_SECONDS, env=os.environ | {"LC_ALL": "C"},
    )  # fmt: skip
    return done.stdout


def _compile(compiler: Compiler, source: Source, file: Path) -> None:
    """Writes the library, followed by its checksum; other processes may be doing the same."""
    machine = filter(None, [compiler.machine])
    command = (compiler.path, *FLAGS, *source.options, *machine, str(source.files[0]))
    with replacing(file) as made:
        _run(*command, "-o", str(made))
        made.write_bytes(sealed(file.name, made.read_bytes()))
        made.chmod(FILE_MODE)
