"""The loop for one shape, compiled once per machine (`libraries`) and made known to XLA."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import NamedTuple

import jax

from .....compiled.libraries import Built, Source, built
from .....compiled.place import Reason

FILES = tuple(
    Path(__file__).with_name(name)
    for name in ("loop.cpp", "tile.h", "network.h", "noise.h", "lanes.h", "xla.h")
)

FUNCTIONS = ("accumbens_loop_forward", "accumbens_loop_backward")

_lock = threading.Lock()
_registered: dict[str, Targets] = {}


class Shape(NamedTuple):
    """All that is fixed at compile time. tile: sessions that one thread takes together."""

    n_latents: int
    n_inputs: int
    n_units: int
    n_layers: int
    activation: int
    tile: int


class Targets(NamedTuple):
    """Names under which XLA knows the compiled loop."""

    forward: str
    backward: str


def targets(shape: Shape) -> Targets | Reason:
    """The loop for `shape`, compiled and registered if this process has not done so yet."""
    loop = built(source(shape))
    if isinstance(loop, Reason):
        return loop
    with _lock:
        if loop.key not in _registered:
            try:
                _registered[loop.key] = _register(loop)
            except (AttributeError, RuntimeError) as error:
                return Reason(f"it could not be registered: {error}")
        return _registered[loop.key]


def source(shape: Shape) -> Source:
    """What the loop for `shape` is made from."""
    names = ("LATENTS", "INPUTS", "UNITS", "LAYERS", "ACTIVATION", "TILE")
    defined = tuple(f"-D{name}={value}" for name, value in zip(names, shape, strict=True))
    options = (*defined, f"-I{jax.ffi.include_dir()}")
    return Source("loop", FILES, FUNCTIONS, options, jax.__version__)


def _register(loop: Built) -> Targets:
    made = Targets(*(f"{function}_{loop.key}" for function in FUNCTIONS))
    for name, function in zip(made, FUNCTIONS, strict=True):
        handler = getattr(loop.library, function)
        jax.ffi.register_ffi_target(name, jax.ffi.pycapsule(handler), platform="cpu")
    return made
