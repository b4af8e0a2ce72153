"""`read_along` as compiled C++ on the CPU, forward and gradient."""

from __future__ import annotations

from pathlib import Path

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ....compiled.ffi import kernel, registered
from ....compiled.libraries import failures
from ....compiled.loops import say_slow, wanted_loop
from ....compiled.place import Reason
from ....errors import ConfigError
from ....noise import address_of
from ..residual_mlp import ACTIVATIONS
from .plain import ReadInputs, read_along

NAME = "networks"
FILE = Path(__file__).with_name("networks.cpp")
FUNCTIONS = ("accumbens_networks_forward", "accumbens_networks_backward")

MAX_UNITS = 32
"""Units a layer from which on matrix products by XLA are the faster ones."""


def fastest_read(inputs: ReadInputs) -> Float[Array, "net output trial session"]:
    """`read_along` by the fastest way at hand: compiled code, or XLA's own where there is none.
    Says once where that is for want of a compiler.

    Raises:
        ConfigError: `ACCUMBENS_LOOP` is not a known name; "scan" is without compiled code.
    """
    if wanted_loop() == "scan":
        return read_along(inputs)
    reason = why_unavailable(inputs)
    if reason is None:
        return read_along_cpu(inputs)
    if NAME in failures():
        say_slow("disRNNs", reason)
    return read_along(inputs)


def read_along_cpu(inputs: ReadInputs) -> Float[Array, "net output trial session"]:
    """What `read_along` returns, to float32 rounding, with its gradients, several times faster.

    Compiles on first use of a shape of networks (a second or two; kept in the user's cache folder).
    Works under jit, grad, scan and vmap; each model gives the same bits as alone, whatever the
    number of threads.

    Raises:
        ConfigError: `why_unavailable` gives a reason.
    """
    made = _targets(inputs)
    if isinstance(made, Reason):
        raise ConfigError(f"Compiled networks cannot be used here: {made}.")
    noise: tuple[Array, ...] = ()
    if (drawn := inputs.noise) is not None:
        noise = (drawn.sigma, address_of(drawn.key, drawn.share, inputs.before.shape[2]))
    return _read(made, _floats(inputs), noise)


def why_unavailable(inputs: ReadInputs) -> Reason | None:
    """Why `read_along_cpu` cannot take these arguments; None if it can. Looks at shapes only."""
    made = _targets(inputs)
    return made if isinstance(made, Reason) else None


def _targets(inputs: ReadInputs) -> tuple[str, ...] | Reason:
    n_nets, n_units, n_inputs = inputs.mlps.w_in.shape
    arrays = (*_floats(inputs), *(inputs.noise or ())[:1])
    if jax.default_backend() != "cpu" or any(x.dtype != jnp.float32 for x in arrays):
        return Reason("they compute in float32 on a CPU")
    n_samples = inputs.before.shape[0] * inputs.before.shape[2]
    if n_units > MAX_UNITS or min(n_nets, n_units, n_inputs, n_samples) == 0:
        return Reason(f"they have {n_units} units a layer and {n_inputs} inputs")
    sizes = {"UNITS": n_units, "INPUTS": n_inputs, "OUTPUTS": inputs.mlps.b_out.shape[1]}
    sizes |= {"LAYERS": len(inputs.mlps.w_hidden)}
    sizes |= {"ACTIVATION": tuple(ACTIVATIONS).index(inputs.mlps.activation)}
    return registered(kernel(NAME, (FILE,), FUNCTIONS, **sizes))


def _floats(inputs: ReadInputs) -> tuple[Array, ...]:
    m = inputs.mlps
    weights = (m.w_in, m.b_in, m.w_hidden, m.b_hidden, m.w_out, m.b_out)
    return (*weights, inputs.multiplier, inputs.before, inputs.outside)


def _read_alone(targets, floats, noise):
    n_trials, _, n_sessions = floats[7].shape
    like = jax.ShapeDtypeStruct((*floats[5].shape, n_trials, n_sessions), jnp.float32)
    return jax.ffi.ffi_call(targets[0], like, vmap_method="broadcast_all")(*floats, *noise)


def _read_forward(targets, floats, noise):
    return _read_alone(targets, floats, noise), (floats, noise)


def _read_backward(targets, residuals, gradient):
    floats, noise = residuals
    likes = [jax.ShapeDtypeStruct(x.shape, x.dtype) for x in (*floats, *noise[:1])]
    call = jax.ffi.ffi_call(targets[1], likes, vmap_method="broadcast_all")
    made = tuple(call(*floats, *noise, gradient))
    return made[:9], (made[9], None) if noise else ()


_read = jax.custom_vjp(_read_alone, nondiff_argnums=(0,))
_read.defvjp(_read_forward, _read_backward)
