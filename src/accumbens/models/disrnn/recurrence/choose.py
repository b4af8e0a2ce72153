"""Which implementation of `run_loop` runs: a kernel where one can, the plain scan otherwise."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from typing import Literal, NamedTuple

import jax

from ....errors import ConfigError
from . import cpu, gpu
from .scan import LoopInputs, LoopUnrolled, run_loop

VARIABLE = "ACCUMBENS_LOOP"
"""Environment variable: `auto` (default), `scan` or `compiled`."""

Implementation = Literal["scan", "cpu_kernel", "gpu_kernel"]

_said: set[str] = set()


class Choice(NamedTuple):
    """An implementation; reason: why no kernel runs, if none does though one is wanted."""

    name: Implementation
    run: Callable[[LoopInputs], LoopUnrolled]
    reason: str | None = None


def choose_loop(inputs: LoopInputs) -> Choice:
    """The fastest implementation at hand for these inputs.

    Raises ConfigError when ACCUMBENS_LOOP is not a known name, or asks for what cannot be had.
    """
    wanted = os.environ.get(VARIABLE, "auto")
    if wanted not in ("auto", "scan", "compiled"):
        raise ConfigError(f"{VARIABLE} is {wanted!r}; choose auto, scan or compiled.")
    if wanted == "scan":
        return Choice("scan", run_loop)
    if jax.default_backend() == "gpu":
        best = Choice("gpu_kernel", gpu.run_loop_gpu, gpu.why_unavailable(inputs))
    else:
        best = Choice("cpu_kernel", cpu.run_loop_cpu, cpu.why_unavailable(inputs))
    if best.reason is None:
        return best
    if wanted == "compiled":
        raise ConfigError(
            f"{VARIABLE} asks for the compiled loop, which cannot be used here: {best.reason}."
        )
    return Choice("scan", run_loop, best.reason)


def fastest_loop(inputs: LoopInputs) -> LoopUnrolled:
    """`scan.run_loop` by the fastest way at hand; says once if that is the scan
    for want of a kernel."""
    chosen = choose_loop(inputs)
    if chosen.reason is not None and chosen.reason not in _said:
        _said.add(chosen.reason)
        warnings.warn(
            f"disRNNs train slowly here, with the plain scan: {chosen.reason}.", stacklevel=2
        )
    return chosen.run(inputs)
