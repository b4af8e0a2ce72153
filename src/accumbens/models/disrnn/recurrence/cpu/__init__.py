"""`run_loop` of the disRNN core as compiled C++ on the CPU, forward and gradient."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array

from .....compiled.place import Reason
from .....errors import ConfigError
from .....noise import address_of
from ...residual_mlp import ACTIVATIONS, ResidualMLPs
from ..scan import LoopInputs, LoopUnrolled
from .build import Shape, Targets, targets

MAX_SESSIONS = 16
"""Sessions that one thread takes together, at most."""


def run_loop_cpu(inputs: LoopInputs) -> LoopUnrolled:
    """What `scan.run_loop` returns, to float32 rounding, with its gradients, many times faster.

    Compiles on first use of a shape (a few seconds; kept in the user's cache folder). Works under
    jit, grad, scan and vmap; models under vmap run in one call that uses all cores, each giving the
    same bits as alone, whatever the number of threads. Runs of sessions (a tile) skip the trials
    after their last valid one, so sessions sorted by length cost only about their own trials.
    Raises ConfigError where `why_unavailable` gives a reason.
    """
    made = _targets(inputs)
    if isinstance(made, Reason):
        raise ConfigError(f"The compiled loop cannot be used here: {made}. Use the scan instead.")
    noise: tuple[Array, ...] = ()
    if (drawn := inputs.noise) is not None:
        address = address_of(drawn.key, drawn.share, inputs.seen.shape[2])
        noise = (drawn.sigma, drawn.latent_sigma, address)
    return _loop(
        made, _weights(inputs.mlps), inputs.multiplier, noise, inputs.z_initial, inputs.seen,
        inputs.valid,
    )  # fmt: skip


def why_unavailable(inputs: LoopInputs) -> str | None:
    """Why `run_loop_cpu` cannot take these arguments; None if it can. Looks at shapes only."""
    made = _targets(inputs)
    return str(made) if isinstance(made, Reason) else None


def available() -> bool:
    """Whether loops can be compiled and run here, tried on the smallest one."""
    smallest = Shape(1, 2, 1, 0, 0, 1)
    return jax.default_backend() == "cpu" and not isinstance(targets(smallest), Reason)


def tile_sessions(n_sessions: int) -> int:
    """Sessions per tile: an even number of nearly full tiles, since most machines have even cores;
    with 15 tiles or more, where an odd one costs little, there may be one less.

    A function of the number of sessions alone, so that results are too.
    """
    pairs = -(-n_sessions // (2 * MAX_SESSIONS))
    return -(-n_sessions // (2 * pairs))


def _targets(inputs: LoopInputs) -> Targets | Reason:
    mlps, noise, seen = inputs.mlps, inputs.noise, inputs.seen
    if jax.default_backend() != "cpu":
        return Reason(f"it runs on the CPU, and the default device is a {jax.default_backend()}")
    arrays = (*_weights(mlps), inputs.multiplier, inputs.z_initial, seen)
    arrays += () if noise is None else (noise.sigma, noise.latent_sigma)
    types = {x.dtype.name for x in arrays}
    if types != {"float32"}:
        return Reason(f"it computes in float32, and the arrays are {', '.join(sorted(types))}")
    n_trials, n_outside, n_sessions = seen.shape
    n_latents, n_units, n_inputs = mlps.w_in.shape
    if min(n_trials, n_outside, n_sessions, n_latents, n_units) == 0:
        return Reason(f"there is nothing to do ({n_trials} trials, {n_sessions} sessions)")
    activation = tuple(ACTIVATIONS).index(mlps.activation)
    n_layers, tile = len(mlps.w_hidden), tile_sessions(n_sessions)
    return targets(Shape(n_latents, n_inputs, n_units, n_layers, activation, tile))


def _weights(mlps: ResidualMLPs) -> tuple[Array, ...]:
    return mlps.w_in, mlps.b_in, mlps.w_hidden, mlps.b_hidden, mlps.w_out, mlps.b_out


def _loop_alone(targets, weights, multiplier, noise, z_initial, seen, valid) -> LoopUnrolled:
    like = jax.ShapeDtypeStruct((len(seen), *z_initial.shape), jnp.float32)
    call = jax.ffi.ffi_call(targets.forward, (like, like), vmap_method="broadcast_all")
    return LoopUnrolled(*call(*weights, multiplier, seen, valid, z_initial, *noise))


def _loop_forward(targets, weights, multiplier, noise, z_initial, seen, valid):
    inputs = (weights, multiplier, noise, z_initial, seen, valid)
    unrolled = _loop_alone(targets, *inputs)
    return unrolled, (*inputs, unrolled.before)


def _loop_backward(targets, residuals, gradient: LoopUnrolled):
    weights, multiplier, noise, z_initial, seen, valid, before = residuals
    floats = (*weights, multiplier, seen, z_initial, *noise[:2])
    likes = [jax.ShapeDtypeStruct(x.shape, x.dtype) for x in floats]
    call = jax.ffi.ffi_call(targets.backward, likes, vmap_method="broadcast_all")
    made = tuple(call(*weights, multiplier, seen, valid, z_initial, *noise, before, *gradient))
    d_noise = (*made[9:], None) if noise else ()
    return made[:6], made[6], d_noise, made[8], made[7], None


_loop = jax.custom_vjp(_loop_alone, nondiff_argnums=(0,))
_loop.defvjp(_loop_forward, _loop_backward)
