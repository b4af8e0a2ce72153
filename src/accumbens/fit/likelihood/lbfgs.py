"""L-BFGS for many small problems at once.

Under `vmap` every lane waits for the slowest, so the line search is not a loop inside the loop:
each step evaluates the function once, for every lane, whether that lane tries a new direction or a
shorter step along the old one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

_ARMIJO = 1e-4


class Minimum(NamedTuple):
    """Where a minimisation ended. converged: what is left to gain was below the tolerance."""

    x: Float[Array, " n"]
    value: Float[Array, ""]
    converged: Bool[Array, ""]
    evaluations: Int[Array, ""]


class _Search(NamedTuple):
    x: Float[Array, " n"]
    value: Float[Array, ""]
    gradient: Float[Array, " n"]
    direction: Float[Array, " n"]
    step: Float[Array, ""]
    moves: Float[Array, "memory n"]
    turns: Float[Array, "memory n"]
    done: Bool[Array, ""]
    converged: Bool[Array, ""]
    evaluations: Int[Array, ""]


def minimize_lbfgs(
    function: Callable[[Float[Array, " n"]], Float[Array, ""]],
    x: Float[Array, " n"],
    *,
    tolerance: float,
    max_evaluations: int | Int[Array, ""] = 300,
    memory: int = 10,
) -> Minimum:
    """A local minimum of `function` near `x`.

    Converged when the decrease that the quadratic model promises, g' H g / 2, and the decrease of
    the last step are both below `tolerance` (in the function's unit) or its rounding error; and the
    model has met as many directions as x has, or nothing is gained any more.
    Where the function is not finite, the step is shortened. Traceable by JAX.
    Source: Nocedal & Wright (2006), Numerical Optimization, algorithms 7.4, 7.5 and 3.1.
    """
    value_and_gradient = jax.value_and_grad(function)

    def evaluate(search: _Search) -> _Search:
        x = search.x + search.step * search.direction
        value, gradient = value_and_gradient(x)
        slope = search.gradient @ search.direction
        enough = search.value + _ARMIJO * search.step * slope + _rounding(search.value)
        accepted = (value <= enough) & jnp.isfinite(value) & jnp.isfinite(gradient).all()
        tried = search._replace(evaluations=search.evaluations + 1)
        new = _accept(tried, x, value, gradient, tolerance)
        shorter = _shorten(tried, value, slope)
        new = jax.tree.map(lambda a, b: jnp.where(accepted, a, b), new, shorter)
        return jax.tree.map(lambda a, b: jnp.where(search.done, a, b), search, new)

    zeros, pairs = jnp.zeros_like(x), jnp.zeros((memory, *x.shape), x.dtype)
    infinite = jnp.full((), jnp.inf, x.dtype)
    start = _Search(  # the first evaluation is a step of length 0 from an infinite value
        x=x,
        value=infinite,
        gradient=zeros,
        direction=zeros,
        step=jnp.ones((), x.dtype),
        moves=pairs,
        turns=pairs,
        done=jnp.zeros((), bool),
        converged=jnp.zeros((), bool),
        evaluations=jnp.zeros((), jnp.int32),
    )
    end = jax.lax.while_loop(
        lambda search: ~search.done & (search.evaluations < max_evaluations), evaluate, start
    )
    return Minimum(end.x, end.value, end.converged, end.evaluations)


def _accept(search: _Search, x, value, gradient, tolerance) -> _Search:
    """Takes the step; keeps its curvature if that is positive; turns to the next direction."""
    move, turn = x - search.x, gradient - search.gradient
    curved = move @ turn > 1e-10 * jnp.linalg.norm(move) * jnp.linalg.norm(turn)
    moves, turns = (
        jnp.where(curved, jnp.concatenate([new[None], old[:-1]]), old)
        for new, old in ((move, search.moves), (turn, search.turns))
    )
    direction = -_inverse_hessian_product(moves, turns, gradient)
    slope = gradient @ direction
    filled, gained = (turns != 0).any(axis=1), search.value - value
    learned = filled[: x.shape[0]].all() | (gained <= _rounding(value))
    least = jnp.maximum(tolerance, _rounding(value))
    converged = filled[0] & learned & (-slope / 2 < least) & (gained < least)
    converged |= (gradient == 0).all()
    return search._replace(
        x=x,
        value=value,
        gradient=gradient,
        direction=direction,
        step=jnp.where(filled[0], 1.0, _first_step(gradient)),
        moves=moves,
        turns=turns,
        done=converged,
        converged=converged,
    )


def _shorten(search: _Search, value, slope) -> _Search:
    """A shorter step: where the parabola through value, slope and the value found is lowest.

    Gives up when the step is nothing, or when the very first value is not finite.
    """
    rise = value - search.value - slope * search.step
    lowest = -slope * search.step / (2 * rise)
    shrink = jnp.where(jnp.isfinite(lowest), jnp.clip(lowest, 0.1, 0.5), 0.1)
    step = search.step * shrink
    stuck = step * jnp.abs(search.direction).max(initial=0.0) < 1e-12
    return search._replace(step=step, done=stuck | jnp.isinf(search.value))


def _rounding(value):
    """What may be lost of a finite value by rounding."""
    return jnp.where(jnp.isfinite(value), 1e-14 * jnp.abs(value), 0.0)


def _first_step(gradient):
    """A step of unit length at most."""
    return jnp.minimum(1.0, 1.0 / jnp.maximum(jnp.linalg.norm(gradient), 1e-300))


def _inverse_hessian_product(moves, turns, gradient):
    """H g by the two-loop recursion, newest pair first; pairs not yet filled (all 0) drop out."""
    curvature = jnp.sum(moves * turns, axis=1)
    rho = jnp.where(curvature > 0, 1.0 / jnp.where(curvature > 0, curvature, 1.0), 0.0)

    def remove(q, pair):
        move, turn, rho = pair
        alpha = rho * (move @ q)
        return q - alpha * turn, alpha

    def restore(r, pair):
        move, turn, rho, alpha = pair
        return r + move * (alpha - rho * (turn @ r)), None

    q, alphas = jax.lax.scan(remove, gradient, (moves, turns, rho))
    turned = turns[0] @ turns[0]
    scale = jnp.where(turned > 0, curvature[0] / jnp.where(turned > 0, turned, 1.0), 1.0)
    return jax.lax.scan(restore, scale * q, (moves, turns, rho, alphas), reverse=True)[0]
