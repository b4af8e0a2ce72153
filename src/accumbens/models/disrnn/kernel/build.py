"""Compiles the loop for one shape with the system's C++ compiler, once per machine, and loads it.

Libraries live in the user's cache folder under a key of everything that made them, followed by
their own checksum, so that neither another machine's nor a damaged file is ever loaded. No step
raises: what goes wrong is returned as a `Reason`, for the caller to fall back on the scan.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
import threading
from pathlib import Path
from typing import NamedTuple

import jax

SOURCES = tuple(
    Path(__file__).with_name(name)
    for name in ("loop.cpp", "tile.h", "network.h", "lanes.h", "xla.h")
)
FLAGS = ("-std=c++17", "-O3", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=fast")
FLAGS += ("-shared", "-fPIC", "-w")
THIS_MACHINE = (("-march=native",), ("-mcpu=native",), ())
"""Flags for the machine at hand, in order of preference; compilers differ in what they accept."""
COMPILE_SECONDS = 120
CHECKSUM_BYTES = hashlib.sha256().digest_size

_lock = threading.Lock()
_registered: dict[str, Targets] = {}


class Shape(NamedTuple):
    """All that is fixed at compile time. tile: sessions that one thread takes together."""

    n_latents: int
    n_units: int
    n_layers: int
    activation: int
    tile: int


class Targets(NamedTuple):
    """Names under which XLA knows the compiled loop."""

    forward: str
    backward: str


class Reason(str):
    """Why there is no compiled loop."""


def targets(shape: Shape) -> Targets | Reason:
    """The loop for `shape`, compiled and registered if this process has not done so yet."""
    setting = Setting(*(os.environ.get(name) for name in ("CXX", "PATH", "XDG_CACHE_HOME", "HOME")))
    with _lock:
        return _targets(shape, setting)


def cache_folder() -> Path:
    """Where compiled loops are kept: $XDG_CACHE_HOME or ~/.cache, then accumbens/kernels."""
    root = os.environ.get("XDG_CACHE_HOME")
    return (Path(root) if root else Path.home() / ".cache") / "accumbens" / "kernels"


class Setting(NamedTuple):
    """The environment variables that decide what is found where; `targets` remembers by them."""

    cxx: str | None
    path: str | None
    cache: str | None
    home: str | None


@functools.cache
def _targets(shape: Shape, setting: Setting) -> Targets | Reason:
    try:
        compiler = _compiler(setting)
        if compiler is None:
            sought = f"CXX={setting.cxx}" if setting.cxx else "g++, clang++ or c++ in PATH"
            return Reason(f"there is no C++ compiler ({sought})")
        defined = _definitions(shape)
        key = _key(compiler, defined)
        if key not in _registered:
            file = cache_folder() / f"loop-{key}.so"
            if not _intact(file):
                file.parent.mkdir(parents=True, exist_ok=True)
                _compile(compiler, defined, file)
            _registered[key] = _register(file, key)
        return _registered[key]
    except subprocess.CalledProcessError as error:
        lines = [line for line in error.stderr.splitlines() if "error" in line]
        return Reason(f"{error.cmd[0]} failed: {(lines or [error.stderr.strip()])[0]}")
    except (OSError, RuntimeError, subprocess.SubprocessError, AttributeError) as error:
        return Reason(f"it could not be built or loaded: {error}")


def _compiler(setting: Setting) -> str | None:
    names = (setting.cxx,) if setting.cxx else ("g++", "clang++", "c++")
    found = (shutil.which(name, path=setting.path) for name in names)
    return next((path for path in found if path), None)


def _definitions(shape: Shape) -> tuple[str, ...]:
    names = ("LATENTS", "UNITS", "LAYERS", "ACTIVATION", "TILE")
    return tuple(f"-D{name}={value}" for name, value in zip(names, shape, strict=True))


def _key(compiler: str, defined: tuple[str, ...]) -> str:
    """A hash of whatever could change the compiled library."""
    parts = [source.read_bytes() for source in SOURCES]
    parts += [compiler.encode(), _run(compiler, "--version").encode(), _processor().encode()]
    parts += [" ".join((*FLAGS, *defined)).encode(), jax.__version__.encode()]
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


def _compile(compiler: str, defined: tuple[str, ...], file: Path) -> None:
    """Writes `file` under a name of its own first: other processes may be doing the same."""
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=file.stem, suffix=".tmp")
    os.close(handle)
    made = Path(name)
    command = (compiler, *FLAGS, *defined, f"-I{jax.ffi.include_dir()}", str(SOURCES[0]))
    try:
        for i, machine in enumerate(THIS_MACHINE):
            try:
                _run(*command, *machine, "-o", name)
                break
            except subprocess.CalledProcessError:
                if i == len(THIS_MACHINE) - 1:
                    raise
        library = made.read_bytes()
        with made.open("ab") as f:
            f.write(hashlib.sha256(library).digest())
        made.replace(file)
    finally:
        made.unlink(missing_ok=True)


def _intact(file: Path) -> bool:
    """Whether `file` is there and ends with its own checksum."""
    try:
        content = file.read_bytes()
    except OSError:
        return False
    library, checksum = content[:-CHECKSUM_BYTES], content[-CHECKSUM_BYTES:]
    return hashlib.sha256(library).digest() == checksum


def _register(file: Path, key: str) -> Targets:
    library = ctypes.cdll.LoadLibrary(str(file))
    made = Targets(f"accumbens_loop_forward_{key}", f"accumbens_loop_backward_{key}")
    for name, symbol in zip(made, ("forward", "backward"), strict=True):
        handler = getattr(library, f"accumbens_loop_{symbol}")
        jax.ffi.register_ffi_target(name, jax.ffi.pycapsule(handler), platform="cpu")
    return made
