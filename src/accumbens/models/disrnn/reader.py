"""Networks behind bottlenecks: what the core, the choice and the signal networks are made of."""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from ...errors import ConfigError
from ...noise import NoiseSource
from ...threefry import words_of
from .bottleneck import Bottleneck
from .observations import MeanSquares
from .readout.cpu import fastest_read
from .readout.plain import ReadInputs, ReadNoise
from .residual_mlp import ResidualMLPs


class Reader(eqx.Module):
    """Networks that read latents, observations and subject, each input through its own bottleneck.

    Network n sees the concatenation [latents, observations, subject] of the bottlenecks' outputs.
    Raises ConfigError when bottlenecks and networks differ in number.
    """

    latent: Bottleneck
    observation: Bottleneck
    subject: Bottleneck
    mlps: ResidualMLPs

    @classmethod
    def initial(
        cls, n_nets: int, n_latents: int, n_observations: int, n_embedding: int, **mlp
    ) -> Reader:
        """All bottlenecks open, random weights; `mlp` as for `ResidualMLPs.initial`."""
        n_inputs = n_latents + n_observations + n_embedding
        return cls(
            latent=Bottleneck.open(n_nets, n_latents),
            observation=Bottleneck.open(n_nets, n_observations),
            subject=Bottleneck.open(n_nets, n_embedding),
            mlps=ResidualMLPs.initial(n_nets=n_nets, n_inputs=n_inputs, **mlp),
        )

    def __check_init__(self) -> None:
        n_nets, _, n_inputs = self.mlps.w_in.shape
        shapes = [part.log_sigma.shape for part in self.bottlenecks]
        one_row_each = all(len(shape) == 2 and shape[0] == n_nets for shape in shapes)
        if not one_row_each or sum(n for _, n in shapes) != n_inputs:
            raise ConfigError(
                f"The bottlenecks of latents, observations and subject have the shapes "
                f"{', '.join(map(str, shapes))}; {n_nets} networks with {n_inputs} inputs need one "
                f"row for each network, and {n_inputs} columns in all."
            )

    @property
    def bottlenecks(self) -> tuple[Bottleneck, Bottleneck, Bottleneck]:
        """The three bottlenecks, in the order in which the networks see their outputs."""
        return self.latent, self.observation, self.subject

    @property
    def multiplier(self) -> Float[Array, "net input"]:
        """Multipliers of all inputs, in the order in which the networks see them."""
        return jnp.concatenate([part.gain for part in self.bottlenecks], axis=1)

    @property
    def sigma(self) -> Float[Array, "net input"]:
        """Noise of all inputs, in the order in which the networks see them."""
        return jnp.concatenate([part.sigma for part in self.bottlenecks], axis=1)

    def __call__(
        self,
        latents: Float[Array, " latent"],
        observation: Float[Array, " observation"],
        subject: Float[Array, " embedding"],
    ) -> Float[Array, "net output"]:
        """Outputs for one trial, without noise."""
        x = self.multiplier * jnp.concatenate([latents, observation, subject])
        return self.mlps(x[:, :, None])[:, :, 0]

    def along(
        self,
        before: Float[Array, "trial latent session"],
        seen: Float[Array, "trial observation session"],
        subject: Float[Array, "embedding session"],
        noise: NoiseSource | None,
    ) -> Float[Array, "net output trial session"]:
        """Outputs on all trials at once. noise: None for none."""
        described = jnp.broadcast_to(subject[None], (len(before), *subject.shape))
        outside = jnp.concatenate([seen, described], axis=1)
        drawn = None
        if noise is not None:
            drawn = ReadNoise(noise.amount * self.sigma, words_of(noise.key), noise.share)
        return fastest_read(ReadInputs(self.mlps, self.multiplier, drawn, before, outside))

    def penalties(self, received: MeanSquares) -> dict[str, Float[Array, ""]]:
        """Nats per valid trial through the bottlenecks of each kind of input."""
        return {
            "latent": self.latent.penalty(received.latent),
            "observation": self.observation.penalty(received.observation),
            "subject": self.subject.penalty(received.subject),
        }
