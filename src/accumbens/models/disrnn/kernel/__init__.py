"""`run_loop` of the disRNN core as compiled C++ on the CPU, forward and gradient."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from ....errors import ConfigError
from ....native import Reason
from ..core import LoopUnrolled
from ..residual_mlp import ACTIVATIONS, ResidualMLPs
from .build import Shape, Targets, targets

MOST_SESSIONS = 16
"""Sessions that one thread takes together, at most."""


def run_loop_cpu(
    w_latent: Float[Array, "latent hidden latent"],
    mlps: ResidualMLPs,
    drive: Float[Array, "trial latent hidden session"],
    jitter: Float[Array, "trial latent session"] | None,
    z_initial: Float[Array, "latent session"],
    valid: Bool[Array, "trial session"],
) -> LoopUnrolled:
    """What `core.run_loop` returns, to float32 rounding, with its gradients, many times faster.

    Compiles on first use of a shape (about 2 s; kept in the user's cache folder). Works under jit,
    grad, scan and vmap; models under vmap run in one call that uses all cores, each giving the
    same bits as alone, whatever the number of threads. Runs of sessions (a tile) skip the trials
    after their last valid one, so sessions sorted by length cost only about their own trials.
    Raises ConfigError where `why_unavailable` gives a reason.
    """
    made = _targets(w_latent, mlps, drive, jitter, z_initial, valid)
    if isinstance(made, Reason):
        raise ConfigError(f"The compiled loop cannot be used here: {made}. Use the scan instead.")
    weights = (w_latent, mlps.w_hidden, mlps.b_hidden, mlps.w_out, mlps.b_out)
    return _loop(made, weights, drive, jitter, z_initial, valid)


def why_unavailable(
    w_latent: Float[Array, "latent hidden latent"],
    mlps: ResidualMLPs,
    drive: Float[Array, "trial latent hidden session"],
    jitter: Float[Array, "trial latent session"] | None,
    z_initial: Float[Array, "latent session"],
    valid: Bool[Array, "trial session"],
) -> str | None:
    """Why `run_loop_cpu` cannot take these arguments; None if it can. Looks at shapes only."""
    made = _targets(w_latent, mlps, drive, jitter, z_initial, valid)
    return str(made) if isinstance(made, Reason) else None


def available() -> bool:
    """Whether loops can be compiled and run here, tried on the smallest one."""
    return jax.default_backend() == "cpu" and not isinstance(targets(Shape(1, 1, 0, 0, 1)), Reason)


def tile_sessions(n_sessions: int) -> int:
    """Sessions per tile: an even number of nearly full tiles, since most machines have even cores.

    A function of the number of sessions alone, so that results are too.
    """
    pairs = -(-n_sessions // (2 * MOST_SESSIONS))
    return -(-n_sessions // (2 * pairs))


def _targets(w_latent, mlps, drive, jitter, z_initial, valid) -> Targets | Reason:
    if jax.default_backend() != "cpu":
        return Reason(f"it runs on the CPU, and the default device is a {jax.default_backend()}")
    arrays = (w_latent, mlps.w_hidden, mlps.b_hidden, mlps.w_out, mlps.b_out, drive, z_initial)
    types = {x.dtype.name for x in arrays + (() if jitter is None else (jitter,))}
    if types != {"float32"}:
        return Reason(f"it computes in float32, and the arrays are {', '.join(sorted(types))}")
    n_trials, n_latents, n_units, n_sessions = drive.shape
    if min(drive.shape) == 0:
        return Reason(f"there is nothing to do ({n_trials} trials, {n_sessions} sessions)")
    activation = tuple(ACTIVATIONS).index(mlps.activation)
    return targets(
        Shape(n_latents, n_units, len(mlps.w_hidden), activation, tile_sessions(n_sessions))
    )


def _loop_alone(targets, weights, drive, jitter, z_initial, valid) -> LoopUnrolled:
    like = jax.ShapeDtypeStruct((drive.shape[0], *z_initial.shape), jnp.float32)
    noise = () if jitter is None else (jitter,)
    call = jax.ffi.ffi_call(targets.forward, (like, like), vmap_method="broadcast_all")
    return LoopUnrolled(*call(*weights, drive, valid, *noise, z_initial))


def _loop_forward(targets, weights, drive, jitter, z_initial, valid):
    unrolled = _loop_alone(targets, weights, drive, jitter, z_initial, valid)
    return unrolled, (weights, drive, jitter, z_initial, valid, unrolled.before)


def _loop_backward(targets, residuals, gradient: LoopUnrolled):
    weights, drive, jitter, z_initial, valid, before = residuals
    noise = () if jitter is None else (jitter,)
    likes = [jax.ShapeDtypeStruct(x.shape, x.dtype) for x in (*weights, drive, z_initial, *noise)]
    call = jax.ffi.ffi_call(targets.backward, likes, vmap_method="broadcast_all")
    made = tuple(call(*weights, drive, valid, before, *gradient))
    return made[:5], made[5], None if jitter is None else made[7], made[6], None


_loop = jax.custom_vjp(_loop_alone, nondiff_argnums=(0,))
_loop.defvjp(_loop_forward, _loop_backward)
