"""The hidden units of a GRU along the trials of many sessions at once: the part that is sequential.

All sessions are one matrix product a trial, and what the inputs add is known beforehand. The
gradient is written out, so that the loop backwards carries the hidden units' gradient alone, and
that of the weights is one product over all trials afterwards.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float


@jax.custom_vjp
def hidden_along(
    w_hidden: Float[Array, "gates hidden"],
    b_new: Float[Array, " hidden"],
    initial: Float[Array, "session hidden"],
    from_input: Float[Array, "trial session gates"],
    valid: Bool[Array, "trial session"],
) -> tuple[Float[Array, "trial session hidden"], Float[Array, "session hidden"]]:
    """The hidden units before each trial, and after the last one.

    w_hidden, b_new: those of `GRU`. initial: before the first trial. from_input: W x + b of `GRU`.
    valid: a choice was made; other trials leave the hidden units as they are.
    Differentiable (backwards only) in all but `valid`.
    """
    return _forward(w_hidden, b_new, initial, from_input, valid)[0]


def _forward(w_hidden, b_new, initial, from_input, valid):
    n = initial.shape[-1]

    def trial(h, x):
        from_input, valid = x
        from_hidden = h @ w_hidden.T
        gates = jax.nn.sigmoid(from_input[:, : 2 * n] + from_hidden[:, : 2 * n])
        reset, keep = gates[:, :n], gates[:, n:]
        recalled = from_hidden[:, 2 * n :] + b_new
        new = jnp.tanh(from_input[:, 2 * n :] + reset * recalled)
        after = jnp.where(valid[:, None], (1 - keep) * new + keep * h, h)
        return after, (h, jnp.concatenate([gates, new, recalled], axis=1))

    last, (before, kept) = jax.lax.scan(trial, initial, (from_input, valid))
    return (before, last), (w_hidden, before, kept, valid)


def _backward(residuals, gradient):
    w_hidden, before, kept, valid = residuals
    n = before.shape[-1]

    def trial(of_after, x):
        of_before, h, kept, valid = x
        reset, keep, new, recalled = jnp.split(kept, 4, axis=1)
        moved = jnp.where(valid[:, None], of_after, 0)
        of_new = moved * (1 - keep) * (1 - new**2)
        of_keep = moved * (h - new) * keep * (1 - keep)
        of_reset = of_new * recalled * reset * (1 - reset)
        of_hidden = jnp.concatenate([of_reset, of_keep, of_new * reset], axis=1)
        through = jnp.where(valid[:, None], moved * keep + of_hidden @ w_hidden, of_after)
        return of_before + through, (of_hidden, of_new)

    of_every, of_last = gradient
    initial, (of_hidden, of_new) = jax.lax.scan(
        trial, of_last, (of_every, before, kept, valid), reverse=True
    )
    of_weights = jnp.einsum("tsg,tsh->gh", of_hidden, before)
    of_input = jnp.concatenate([of_hidden[..., : 2 * n], of_new], axis=-1)
    return of_weights, of_hidden[..., 2 * n :].sum((0, 1)), initial, of_input, None


hidden_along.defvjp(_forward, _backward)
