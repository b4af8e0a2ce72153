"""Which implementation of `run_loop` runs: a kernel where one can, the plain scan otherwise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

import jax

from ....compiled.loops import refuse_scan, say_slow, wanted_loop
from . import cpu, gpu
from .scan import LoopInputs, LoopUnrolled, run_loop

Implementation = Literal["scan", "cpu_kernel", "gpu_kernel"]


class Choice(NamedTuple):
    """An implementation; reason: why no kernel runs, if none does though one is wanted."""

    name: Implementation
    run: Callable[[LoopInputs], LoopUnrolled]
    reason: str | None = None


def choose_loop(inputs: LoopInputs) -> Choice:
    """The fastest implementation at hand for these inputs.

    Raises ConfigError when ACCUMBENS_LOOP is not a known name, or asks for what cannot be had.
    """
    if wanted_loop() == "scan":
        return Choice("scan", run_loop)
    if jax.default_backend() == "gpu":
        best = Choice("gpu_kernel", gpu.run_loop_gpu, gpu.why_unavailable(inputs))
    else:
        best = Choice("cpu_kernel", cpu.run_loop_cpu, cpu.why_unavailable(inputs))
    if best.reason is None:
        return best
    refuse_scan(best.reason)
    return Choice("scan", run_loop, best.reason)


def fastest_loop(inputs: LoopInputs) -> LoopUnrolled:
    """`scan.run_loop` by the fastest way at hand; says once if that is the scan
    for want of a kernel."""
    chosen = choose_loop(inputs)
    if chosen.reason is not None:
        say_slow("disRNNs", chosen.reason)
    return chosen.run(inputs)
