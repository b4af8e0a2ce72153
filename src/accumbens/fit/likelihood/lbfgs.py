"""L-BFGS for many small problems at once.

Under `vmap` all problems take as many steps as the slowest, so the line search is not a loop inside
the loop. Each step evaluates the function once for every problem, whether this problem tries a new
direction or a shorter step along the old one.

The names are those of Nocedal & Wright (2006): s are the last steps of x, y the changes of the
gradient that they brought, newest first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

_ARMIJO = 1e-4


class Minimum(NamedTuple):
    """Where a minimisation ended.

    Attributes:
        x: the minimum.
        value: of the function there.
        converged: whether what is left to gain is below the tolerance.
        evaluations: of the function.
    """

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
    s: Float[Array, "memory n"]
    y: Float[Array, "memory n"]
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
    """Finds a local minimum of a function. Traceable by JAX.

    It has converged where two numbers are below the tolerance or the rounding error of the
    function: the decrease that the quadratic model predicts, g' H g / 2, and the decrease of the
    last step. The model must also have seen as many directions as x has, or nothing is gained any
    more. Where the function is not finite, the step is shortened.

    Args:
        function: to minimise.
        x: where to start.
        tolerance: in the unit of the function.
        max_evaluations: of the function.
        memory: number of pairs (s, y) that are kept.

    Source:
        Nocedal & Wright (2006), Numerical Optimization, algorithms 7.4, 7.5 and 3.1.
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
        s=pairs,
        y=pairs,
        done=jnp.zeros((), bool),
        converged=jnp.zeros((), bool),
        evaluations=jnp.zeros((), jnp.int32),
    )
    end = jax.lax.while_loop(
        lambda search: ~search.done & (search.evaluations < max_evaluations), evaluate, start
    )
    return Minimum(end.x, end.value, end.converged, end.evaluations)


def _accept(search: _Search, x, value, gradient, tolerance) -> _Search:
    """Takes the step, keeps its pair (s, y) if the curvature s'y is positive, and finds the next
    direction."""
    new_s, new_y = x - search.x, gradient - search.gradient
    curved = new_s @ new_y > 1e-10 * jnp.linalg.norm(new_s) * jnp.linalg.norm(new_y)
    s, y = (
        jnp.where(curved, jnp.concatenate([new[None], old[:-1]]), old)
        for new, old in ((new_s, search.s), (new_y, search.y))
    )
    direction = -_inverse_hessian_product(s, y, gradient)
    slope = gradient @ direction
    filled, gained = (y != 0).any(axis=1), search.value - value
    learned = filled[: x.shape[0]].all() | (gained <= _rounding(value))
    min_gain = jnp.maximum(tolerance, _rounding(value))
    converged = filled[0] & learned & (-slope / 2 < min_gain) & (gained < min_gain)
    converged |= (gradient == 0).all()
    return search._replace(
        x=x,
        value=value,
        gradient=gradient,
        direction=direction,
        step=jnp.where(filled[0], 1.0, _first_step(gradient)),
        s=s,
        y=y,
        done=converged,
        converged=converged,
    )


def _shorten(search: _Search, value, slope) -> _Search:
    """A shorter step, to the minimum of the parabola through both values and the slope.

    The search ends where the step is nearly 0, or where the first value is not finite.
    """
    rise = value - search.value - slope * search.step
    lowest = -slope * search.step / (2 * rise)
    shrink = jnp.where(jnp.isfinite(lowest), jnp.clip(lowest, 0.1, 0.5), 0.1)
    step = search.step * shrink
    stuck = step * jnp.abs(search.direction).max(initial=0.0) < 1e-12
    return search._replace(step=step, done=stuck | jnp.isinf(search.value))


def _rounding(value):
    """The rounding error of a finite value."""
    return jnp.where(jnp.isfinite(value), 1e-14 * jnp.abs(value), 0.0)


def _first_step(gradient):
    """The first step, at most of length 1."""
    return jnp.minimum(1.0, 1.0 / jnp.maximum(jnp.linalg.norm(gradient), 1e-300))


def _inverse_hessian_product(s, y, gradient):
    """H g by the two-loop recursion, newest pair first; pairs not yet filled (all 0) drop out."""
    curvature = jnp.sum(s * y, axis=1)
    rho = jnp.where(curvature > 0, 1.0 / jnp.where(curvature > 0, curvature, 1.0), 0.0)

    def backward(q, pair):
        s_i, y_i, rho_i = pair
        alpha = rho_i * (s_i @ q)
        return q - alpha * y_i, alpha

    def forward(r, pair):
        s_i, y_i, rho_i, alpha = pair
        return r + s_i * (alpha - rho_i * (y_i @ r)), None

    q, alphas = jax.lax.scan(backward, gradient, (s, y, rho))
    newest = y[0] @ y[0]
    scale = jnp.where(newest > 0, curvature[0] / jnp.where(newest > 0, newest, 1.0), 1.0)
    return jax.lax.scan(forward, scale * q, (s, y, rho, alphas), reverse=True)[0]
