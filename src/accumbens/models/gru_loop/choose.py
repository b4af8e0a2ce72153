"""Which implementation of `hidden_along` runs: compiled code where it can, the scan otherwise."""

from __future__ import annotations

from typing import Literal

from jaxtyping import Array, Bool, Float

from ...compiled.loops import refuse_scan, say_slow, wanted_loop
from . import cpu
from .scan import hidden_along


def fastest_along(
    w_hidden: Float[Array, "gates hidden"],
    b_new: Float[Array, " hidden"],
    initial: Float[Array, "session hidden"],
    from_input: Float[Array, "trial session gates"],
    valid: Bool[Array, "trial session"],
) -> tuple[Float[Array, "trial session hidden"], Float[Array, "session hidden"]]:
    """`scan.hidden_along` by the fastest way at hand.

    Says once if that is the scan for want of a compiler. In double precision and on a GPU it is the
    scan, without a word.

    Raises:
        ConfigError: shapes do not fit together; `ACCUMBENS_LOOP` is not a known name, or asks for
            what cannot be had.
    """
    cpu.check_shapes(w_hidden, b_new, initial, from_input, valid)
    arrays = (w_hidden, b_new, initial, from_input)
    run = cpu.hidden_along_cpu if implementation(*arrays) == "cpu_kernel" else hidden_along
    return run(*arrays, valid)


def implementation(w_hidden, b_new, initial, from_input) -> Literal["scan", "cpu_kernel"]:
    """Which one runs for these arguments. Looks at shapes only."""
    arrays = (w_hidden, b_new, initial, from_input)
    if wanted_loop() == "scan":
        return "scan"
    reason = cpu.why_unavailable(*arrays)
    if reason is None:
        return "cpu_kernel"
    if cpu.computes(*arrays):
        refuse_scan(reason)
        say_slow("GRUs", reason)
    return "scan"
