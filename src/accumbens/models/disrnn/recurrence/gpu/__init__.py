"""`run_loop` of the disRNN core as one Pallas kernel for a GPU, forward and gradient.

One program takes a tile of sessions of one model through all trials; models under vmap are further
programs. The gradient computes each trial again from the stored latents, noise included.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import jax
import jax.numpy as jnp
from jax.experimental import pallas as pl
from jax.experimental.pallas import triton
from jaxtyping import Array

from .....noise import address_of
from ...residual_mlp import ResidualMLPs
from ..scan import LoopInputs, LoopUnrolled, Noise, run_loop
from .programs import TILE, Sizes, Weights, backward_program, forward_program

MIN_SIDE = 16
"""Smallest size of a matrix product's sides on the hardware."""
TRITON = triton.CompilerParams(num_warps=4, num_stages=1)


def run_loop_gpu(inputs: LoopInputs, *, interpret: bool = False) -> LoopUnrolled:
    """What `scan.run_loop` returns, to float32 rounding, with its gradients.

    interpret: run the kernel's program without a GPU, slowly, for tests.
    """
    mlps, multiplier, noise, seen = inputs.mlps, inputs.multiplier, inputs.noise, inputs.seen
    n_latents, n_units, n_inputs = mlps.w_in.shape
    n_layers, n_sessions = len(mlps.w_hidden), seen.shape[2]
    rows, units = _power_of_two(n_inputs), _power_of_two(n_units)
    sizes = Sizes(n_latents, n_inputs, n_layers, rows, units, mlps.activation)
    sigma = jnp.zeros_like(multiplier) if noise is None else noise.sigma
    latent_sigma = jnp.zeros(n_latents) if noise is None else noise.latent_sigma
    address = jnp.zeros(4, jnp.uint32)
    if noise is not None:
        address = address_of(noise.key, noise.share, seen.shape[2])[:4]
    # Padding hidden layers that are not there keeps every array at size 1 or more.
    w_hidden, b_hidden = mlps.w_hidden, mlps.b_hidden
    if n_layers == 0:
        w_hidden = jnp.zeros((1, n_latents, n_units, n_units))
        b_hidden = jnp.zeros((1, n_latents, n_units))
    weights = Weights(
        _padded(mlps.w_in, units, rows), _padded(mlps.b_in, units),
        _padded(w_hidden, units, units), _padded(b_hidden, units),
        _padded(mlps.w_out, units), mlps.b_out,
        _padded(multiplier, rows), _padded(sigma, rows), latent_sigma,
    )  # fmt: skip
    sessions = -(-n_sessions // TILE) * TILE
    z = _padded(inputs.z_initial, rows, sessions)
    above = jnp.zeros((len(seen), n_latents, n_sessions))
    outside = _padded(jnp.concatenate([above, seen], axis=1), rows, sessions)
    moves = _padded(inputs.valid.astype(jnp.float32), sessions)
    how = (sizes, noise is not None, interpret)
    before, mean = _loop(how, weights, address, z, outside, moves)
    return LoopUnrolled(before[:, :n_latents, :n_sessions], mean[:, :n_latents, :n_sessions])


def why_unavailable(inputs: LoopInputs) -> str | None:
    """Why `run_loop_gpu` cannot take these arguments; None if it can. Looks at shapes only."""
    if jax.default_backend() != "gpu":
        return f"it runs on a GPU, and the default device is a {jax.default_backend()}"
    if inputs.z_initial.dtype != jnp.float32:
        return f"it computes in float32, and the arrays are {inputs.z_initial.dtype}"
    n_trials, _, n_sessions = inputs.seen.shape
    if min(*inputs.seen.shape, len(inputs.multiplier)) == 0:
        return f"there is nothing to do ({n_trials} trials, {n_sessions} sessions)"
    return _why_not_here()


@functools.cache
def _why_not_here() -> str | None:
    """Tries the smallest loop against the scan, once, since drivers and compilers differ."""
    try:
        with ThreadPoolExecutor(1) as elsewhere:  # the first call comes while training is traced
            worst = elsewhere.submit(_worst_of_the_smallest).result()
    except Exception as error:  # whatever a driver or compiler raises is a reason for the scan
        return f"the GPU kernel could not be run: {type(error).__name__}: {error}"[:300]
    return None if worst < 1e-3 else f"the GPU kernel is off by {worst:.1e} from the scan here"


def _worst_of_the_smallest() -> float:
    """Largest difference of the smallest loop's gradients from the scan's."""
    found, expected = map(_gradient_of_the_smallest, (run_loop_gpu, run_loop))
    apart = jax.tree.map(lambda a, b: float(jnp.abs(a - b).max()), found, expected)
    return max(jax.tree.leaves(apart))


def _gradient_of_the_smallest(run: Callable[[LoopInputs], LoopUnrolled]) -> ResidualMLPs:
    """The gradient in the networks of the sum of two latents over three sessions of four trials."""
    mlps = ResidualMLPs.initial(
        n_nets=2, n_inputs=3, n_units=4, n_layers=1, n_outputs=2, activation="tanh",
        key=jax.random.key(0),
    )  # fmt: skip
    noise = Noise(jnp.full((2, 3), 0.1), jnp.full(2, 0.1), jnp.array([1, 2], jnp.uint32))
    rest = (jnp.ones((2, 3)), noise, jnp.ones((2, 3)), jnp.ones((4, 1, 3)), jnp.ones((4, 3), bool))
    return jax.jit(jax.grad(lambda mlps: run(LoopInputs(mlps, *rest)).before.sum()))(mlps)


def _power_of_two(n: int) -> int:
    return max(MIN_SIDE, 1 << (n - 1).bit_length())


def _padded(x: Array, *sizes: int) -> Array:
    """Zeros after the last axes of `x`, up to `sizes`."""
    first = x.ndim - len(sizes)
    width = [(0, 0)] * first + [(0, n - m) for n, m in zip(sizes, x.shape[first:], strict=True)]
    return jnp.pad(x, width)


def _whole(x: Array) -> pl.BlockSpec:
    return pl.BlockSpec(x.shape, lambda i: (0,) * x.ndim)


def _own(*leading: int) -> pl.BlockSpec:
    """A program's tile of sessions, the last axis."""
    return pl.BlockSpec((*leading, TILE), lambda i: (*(0,) * len(leading), i))


def _call_forward(how, weights, address, z, outside, moves):
    sizes, noisy, interpret = how
    n_trials, rows, n_sessions = outside.shape
    like = jax.ShapeDtypeStruct(outside.shape, jnp.float32)
    return pl.pallas_call(
        partial(forward_program, sizes, noisy),
        out_shape=(like, like),
        grid=(n_sessions // TILE,),
        in_specs=[*map(_whole, weights), _whole(address), _own(rows), _own(n_trials, rows),
                  _own(n_trials)],
        out_specs=(_own(n_trials, rows), _own(n_trials, rows)),
        interpret=interpret,
        compiler_params=TRITON,
    )(*weights, address, z, outside, moves)  # fmt: skip


def _forward(how, weights, address, z, outside, moves):
    before, mean = _call_forward(how, weights, address, z, outside, moves)
    return (before, mean), (weights, address, outside, moves, before)


def _backward(how, residuals, gradients):
    weights, address, outside, moves, before = residuals
    sizes, noisy, interpret = how
    n_trials, rows, n_sessions = outside.shape
    n_tiles, trials = n_sessions // TILE, _own(n_trials, rows)
    partial_sums = [(n_tiles, *w.shape) for w in weights]
    shapes = [*partial_sums, outside.shape[1:], outside.shape]
    of_tile = [
        pl.BlockSpec((1, *w.shape), lambda i, n=w.ndim: (i, *(0,) * n)) for w in weights
    ]  # fmt: skip
    found = pl.pallas_call(
        partial(backward_program, sizes, noisy),
        out_shape=[jax.ShapeDtypeStruct(s, jnp.float32) for s in shapes],
        grid=(n_tiles,),
        in_specs=[*map(_whole, weights), _whole(address), trials, _own(n_trials), *[trials] * 3],
        out_specs=[*of_tile, _own(rows), trials],
        interpret=interpret,
        compiler_params=TRITON,
    )(*weights, address, outside, moves, before, *gradients)
    d_weights = Weights(*(x.sum(0) for x in found[:9]))
    return d_weights, None, found[9], found[10], jnp.zeros_like(moves)


_loop = jax.custom_vjp(_call_forward, nondiff_argnums=(0,))
_loop.defvjp(_forward, _backward)
