"""Latents of a fitted disRNN in one order and direction, so that all figures and tables agree."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from .core import Core
from .model import DisRNN
from .reader import Reader


def in_order(model: DisRNN) -> DisRNN:
    """The same model with latents from most open to most closed, each pointing one way.

    Larger values of each latent favour the last choice (right, of left and right). Both changes
    leave every prediction as it is.
    """
    order = np.argsort(np.asarray(model.core.bottleneck.log_sigma), kind="stable")
    flip = (np.asarray(_choice_slopes(model)) < 0)[order]
    host = jax.tree.map(np.asarray, model)
    sign = np.where(flip, -1.0, 1.0).astype(host.core.z_initial.dtype)
    heads = (host.choice_network.reader, host.signal_networks.reader)
    ordered = eqx.tree_at(
        lambda m: [m.core, m.choice_network.reader, m.signal_networks.reader],
        host,
        [_core_in_order(host.core, order, sign), *(_read(head, order, sign) for head in heads)],
    )
    return jax.tree.map(jnp.asarray, ordered)


@eqx.filter_jit
def _choice_slopes(model: DisRNN) -> Float[Array, " latent"]:
    """Change of the last choice's log-odds as each latent goes from -0.5 to 0.5."""
    subject = model.core.embedding.mean(0)

    def logit(z: Array) -> Array:
        logits = model.choice_network.logits(z, subject)
        return logits[-1] - logits[0]

    steps = 0.5 * jnp.eye(model.n_latents)
    return jax.vmap(lambda step: logit(step) - logit(-step))(steps)


def _core_in_order(
    core: Core, order: Int[np.ndarray, " latent"], sign: Float[np.ndarray, " latent"]
) -> Core:
    """Update networks, own bottlenecks and starting values in the new order and direction."""
    own = jax.tree.map(lambda x: x[order], core.bottleneck)
    networks = _read(_networks_in_order(core.reader, order, sign), order, sign)
    return eqx.tree_at(
        lambda c: [c.reader, c.bottleneck, c.z_initial],
        core,
        [networks, own, core.z_initial[order] * sign],
    )


def _networks_in_order(
    reader: Reader, order: Int[np.ndarray, " latent"], sign: Float[np.ndarray, " latent"]
) -> Reader:
    """One network a latent, in the new order; targets, which are odd in their input, turned."""
    mlps = reader.mlps
    of_outputs = np.stack([np.ones_like(sign), sign], axis=1)  # gate, then target
    mlps = eqx.tree_at(
        lambda m: [m.w_in, m.b_in, m.w_hidden, m.b_hidden, m.w_out, m.b_out],
        mlps,
        [mlps.w_in[order], mlps.b_in[order], mlps.w_hidden[:, order], mlps.b_hidden[:, order],
         mlps.w_out[order] * of_outputs[:, :, None], mlps.b_out[order] * of_outputs],
    )  # fmt: skip
    bottlenecks = jax.tree.map(lambda x: x[order], reader.bottlenecks)
    return eqx.tree_at(lambda r: [*r.bottlenecks, r.mlps], reader, [*bottlenecks, mlps])


def _read(
    reader: Reader, order: Int[np.ndarray, " latent"], sign: Float[np.ndarray, " latent"]
) -> Reader:
    """The reader's inputs from the latents in their new order and direction."""
    k, w_in = len(order), reader.mlps.w_in
    turned = np.concatenate([w_in[:, :, order] * sign, w_in[:, :, k:]], axis=2)
    latent = jax.tree.map(lambda x: x[:, order], reader.latent)
    return eqx.tree_at(lambda r: [r.latent, r.mlps.w_in], reader, [latent, turned])
