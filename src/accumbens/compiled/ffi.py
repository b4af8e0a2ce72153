"""Functions of compiled libraries, made known to XLA."""

from __future__ import annotations

import threading
from pathlib import Path

import jax

from .libraries import Built, Source, built
from .place import Reason

HEADERS = Path(__file__).with_name("cpp")
"""What kernels include: vectors, activations, noise, and XLA's interface and threads."""

_lock = threading.Lock()
_registered: dict[str, tuple[str, ...]] = {}


def kernel(name: str, files: tuple[Path, ...], functions: tuple[str, ...], **sizes: int) -> Source:
    """What a kernel is made from.

    Args:
        name: the first part of its file's name.
        files: its own, the one to compile first.
        functions: that XLA calls.
        sizes: numbers that are fixed when it is compiled, by their names there.
    """
    defined = tuple(f"-D{name}={value}" for name, value in sizes.items())
    options = (*defined, f"-I{HEADERS}", f"-I{jax.ffi.include_dir()}")
    return Source(name, (*files, *sorted(HEADERS.glob("*.h"))), functions, options, jax.__version__)


def registered(source: Source) -> tuple[str, ...] | Reason:
    """The names under which XLA knows the functions of `source`, compiled and registered if this
    process has not done so yet."""
    loaded = built(source)
    if isinstance(loaded, Reason):
        return loaded
    with _lock:
        if loaded.key not in _registered:
            try:
                _registered[loaded.key] = _register(loaded, source.functions)
            except (AttributeError, RuntimeError) as error:
                return Reason(f"it could not be registered: {error}")
        return _registered[loaded.key]


def _register(loaded: Built, functions: tuple[str, ...]) -> tuple[str, ...]:
    names = tuple(f"{function}_{loaded.key}" for function in functions)
    for name, function in zip(names, functions, strict=True):
        handler = getattr(loaded.library, function)
        jax.ffi.register_ffi_target(name, jax.ffi.pycapsule(handler), platform="cpu")
    return names
