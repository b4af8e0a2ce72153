"""`hidden_along` as compiled C++ on the CPU, forward and gradient."""

from __future__ import annotations

from pathlib import Path

import jax
from jaxtyping import Array, Bool, Float

from ...compiled.ffi import kernel, registered
from ...compiled.place import Reason
from ...errors import ConfigError

FILE = Path(__file__).with_name("gru.cpp")
FUNCTIONS = ("accumbens_gru_forward", "accumbens_gru_backward")


def hidden_along_cpu(
    w_hidden: Float[Array, "gates hidden"],
    b_new: Float[Array, " hidden"],
    initial: Float[Array, "session hidden"],
    from_input: Float[Array, "trial session gates"],
    valid: Bool[Array, "trial session"],
) -> tuple[Float[Array, "trial session hidden"], Float[Array, "session hidden"]]:
    """What `scan.hidden_along` returns, to float32 rounding, with its gradients, many times faster.

    Compiles on first use of a number of hidden units (some seconds; kept in the user's cache
    folder). Works under jit, grad, scan and vmap; models under vmap run in one call on all cores,
    each giving the same bits as alone, whatever the number of threads.

    Args:
        w_hidden: as for `scan.hidden_along`, like the others.
        b_new: of the new values.
        initial: hidden units before the first trial.
        from_input: what the inputs add to the gates.
        valid: a choice was made.

    Raises:
        ConfigError: shapes do not fit together, or `why_unavailable` gives a reason.
    """
    check_shapes(w_hidden, b_new, initial, from_input, valid)
    made = _targets(w_hidden, b_new, initial, from_input)
    if isinstance(made, Reason):
        raise ConfigError(f"The compiled GRU cannot be used here: {made}. Use the scan instead.")
    return _along(made, w_hidden, b_new, initial, from_input, valid)


def why_unavailable(w_hidden, b_new, initial, from_input) -> Reason | None:
    """Why `hidden_along_cpu` cannot take these arguments; None if it can. Looks at shapes only."""
    made = _targets(w_hidden, b_new, initial, from_input)
    return made if isinstance(made, Reason) else None


def computes(*arrays: Array) -> bool:
    """Whether the kernel is made for such arrays on this device, compiler or not."""
    single = all(x.dtype.name == "float32" for x in arrays)
    return jax.default_backend() == "cpu" and single and min(x.size for x in arrays) > 0


def _targets(w_hidden, b_new, initial, from_input) -> tuple[str, ...] | Reason:
    arrays = (w_hidden, b_new, initial, from_input)
    if not computes(*arrays):
        types = sorted({x.dtype.name for x in arrays})
        return Reason(
            f"it computes in float32 on a CPU, and the arrays are {', '.join(types)} of shapes "
            f"{', '.join(str(x.shape) for x in arrays)} on a {jax.default_backend()}"
        )
    return registered(kernel("gru", (FILE,), FUNCTIONS, UNITS=b_new.shape[0]))


def check_shapes(w_hidden, b_new, initial, from_input, valid) -> None:
    """Compiled code trusts these shapes, so none gets there that does not fit.

    Raises:
        ConfigError: they do not fit together.
    """
    n, trials = b_new.shape[0], from_input.shape[:2]
    found = {"w_hidden": w_hidden, "b_new": b_new, "initial": initial, "from_input": from_input}
    found = {name: x.shape for name, x in (found | {"valid": valid}).items()}
    needed = {"w_hidden": (3 * n, n), "b_new": (n,), "initial": (trials[1], n)}
    needed |= {"from_input": (*trials, 3 * n), "valid": trials}
    for name, shape in needed.items():
        if found[name] != shape:
            raise ConfigError(
                f"The arrays of a GRU do not fit together: {name} has shape {found[name]}, and the "
                f"others need {shape}."
            )


def _like(*arrays: Array) -> list[jax.ShapeDtypeStruct]:
    return [jax.ShapeDtypeStruct(x.shape, x.dtype) for x in arrays]


def _sizes(initial, from_input) -> list[jax.ShapeDtypeStruct]:
    """Of the hidden units before each trial, and after the last."""
    before = jax.ShapeDtypeStruct((len(from_input), *initial.shape), initial.dtype)
    return [before, *_like(initial)]


def _along_alone(targets, *inputs):
    sizes = _sizes(*inputs[2:4])
    return tuple(jax.ffi.ffi_call(targets[0], sizes, vmap_method="broadcast_all")(*inputs))


def _along_forward(targets, *inputs):
    before, last = _sizes(*inputs[2:4])
    kept = jax.ShapeDtypeStruct((*before.shape[:-1], 4 * before.shape[-1]), before.dtype)
    call = jax.ffi.ffi_call(targets[0], [before, last, kept], vmap_method="broadcast_all")
    before, last, kept = call(*inputs)
    return (before, last), (*inputs, before, kept)


def _along_backward(targets, residuals, gradient):
    sizes = _like(*residuals[:4])
    call = jax.ffi.ffi_call(targets[1], sizes, vmap_method="broadcast_all")
    return (*call(*residuals, *gradient), None)


_along = jax.custom_vjp(_along_alone, nondiff_argnums=(0,))
_along.defvjp(_along_forward, _along_backward)
