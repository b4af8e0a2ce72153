"""Which implementation of `run_loop` runs: compiled C++ where it can, the plain scan otherwise."""

from __future__ import annotations

import os
import warnings

from ...errors import ConfigError
from .core import LoopUnrolled, run_loop
from .kernel import run_loop_cpu, why_unavailable

VARIABLE = "ACCUMBENS_LOOP"
"""Environment variable: `auto` (default), `scan` or `compiled`."""

_said: set[str] = set()


def fastest_loop(*arguments) -> LoopUnrolled:
    """`core.run_loop` of these arguments by the fastest way at hand; says once if that is the scan.

    Raises ConfigError when ACCUMBENS_LOOP is not a known name, or asks for what cannot be had.
    """
    wanted = os.environ.get(VARIABLE, "auto")
    if wanted not in ("auto", "scan", "compiled"):
        raise ConfigError(f"{VARIABLE} is {wanted!r}; choose auto, scan or compiled.")
    if wanted == "scan":
        return run_loop(*arguments)
    reason = why_unavailable(*arguments)
    if reason is None:
        return run_loop_cpu(*arguments)
    if wanted == "compiled":
        raise ConfigError(f"{VARIABLE} asks for the compiled loop, which cannot be had: {reason}.")
    if reason not in _said:
        _said.add(reason)
        warnings.warn(f"disRNNs train slowly here, with the plain scan: {reason}.", stacklevel=2)
    return run_loop(*arguments)
