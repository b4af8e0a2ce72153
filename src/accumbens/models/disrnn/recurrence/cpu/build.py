"""The loop for one shape, compiled once per machine (`libraries`) and made known to XLA."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from .....compiled.ffi import kernel, registered
from .....compiled.libraries import Source
from .....compiled.place import Reason

FILES = tuple(Path(__file__).with_name(name) for name in ("loop.cpp", "tile.h", "network.h"))

FUNCTIONS = ("accumbens_loop_forward", "accumbens_loop_backward")


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
    names = registered(source(shape))
    return names if isinstance(names, Reason) else Targets(*names)


def source(shape: Shape) -> Source:
    """What the loop for `shape` is made from."""
    names = ("LATENTS", "INPUTS", "UNITS", "LAYERS", "ACTIVATION", "TILE")
    sizes = dict(zip(names, shape, strict=True))
    return kernel("loop", FILES, FUNCTIONS, **sizes)
