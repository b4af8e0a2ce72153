"""Residual multilayer perceptrons, `N` of them side by side, trials along the last axis.

    h = W_in x + b_in;   L times h = h + f(W h + b) / sqrt(L);   o = W_out h + b_out

The factor 1/sqrt(L) keeps deep networks at the scale of shallow ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from ...threefry import truncated_normals
from .config import Activation

ACTIVATIONS: dict[Activation, Callable[[Array], Array]] = {
    "leaky_relu": jax.nn.leaky_relu,
    "relu": jax.nn.relu,
    "tanh": jnp.tanh,
    "softplus": jax.nn.softplus,
}


class ResidualMLPs(eqx.Module):
    """`N` residual MLPs of one shape. Weights: network first, then output unit, then input unit."""

    w_in: Float[Array, "net hidden input"]
    b_in: Float[Array, "net hidden"]
    w_hidden: Float[Array, "layer net hidden hidden"]
    b_hidden: Float[Array, "layer net hidden"]
    w_out: Float[Array, "net output hidden"]
    b_out: Float[Array, "net output"]
    activation: Activation = eqx.field(static=True)

    @classmethod
    def initial(
        cls,
        *,
        n_nets: int,
        n_inputs: int,
        n_units: int,
        n_layers: int,
        n_outputs: int,
        activation: Activation,
        key: PRNGKeyArray,
    ) -> ResidualMLPs:
        """Random weights of variance 1 / fan-in, zero biases."""
        shapes = (
            (n_nets, n_units, n_inputs),
            (n_layers, n_nets, n_units, n_units),
            (n_nets, n_outputs, n_units),
        )
        drawn = truncated_normals(tuple(jax.random.split(key, 3)), shapes)
        w_in, w_hidden, w_out = (w / math.sqrt(w.shape[-1]) for w in drawn)
        return cls(
            w_in=w_in,
            b_in=jnp.zeros((n_nets, n_units)),
            w_hidden=w_hidden,
            b_hidden=jnp.zeros((n_layers, n_nets, n_units)),
            w_out=w_out,
            b_out=jnp.zeros((n_nets, n_outputs)),
            activation=activation,
        )

    def __call__(self, x: Float[Array, "net input sample"]) -> Float[Array, "net output sample"]:
        """Each network's output for its own inputs."""
        h = jnp.einsum("nhi,nis->nhs", self.w_in, x) + self.b_in[:, :, None]
        return self.from_hidden(h)

    def from_hidden(
        self, h: Float[Array, "net hidden sample"]
    ) -> Float[Array, "net output sample"]:
        """Output from the first hidden layer, `h = w_in x + b_in`."""
        f = ACTIVATIONS[self.activation]
        n_layers = self.w_hidden.shape[0]
        for w, b in zip(self.w_hidden, self.b_hidden, strict=True):
            h = h + f(jnp.einsum("nhi,nis->nhs", w, h) + b[:, :, None]) / math.sqrt(n_layers)
        return jnp.einsum("noh,nhs->nos", self.w_out, h) + self.b_out[:, :, None]

    def squared_weights(self) -> Float[Array, ""]:
        """Sum of squares of all weights (biases excepted), for L2."""
        return (self.w_in**2).sum() + (self.w_hidden**2).sum() + (self.w_out**2).sum()
