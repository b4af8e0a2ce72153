"""The recurrent core of a disRNN: latents, moved by what each trial brings.

    w_k, g_k = gate and bounded target of latent k's update network, read through bottlenecks
    m_k  = (1 - w_k) z_k + w_k g_k
    z_k <- m_k + sigma_k eps_k                      the latent's own bottleneck

`recurrence.scan` states the whole of it; only that loop is sequential. Miller et al. 2023.
"""

from __future__ import annotations

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from ...errors import ConfigError
from ...noise import NoiseSource
from ...threefry import words_of
from .bottleneck import Bottleneck
from .config import DisRNNConfig
from .observations import MeanSquares, Observed, mean_square
from .reader import Reader
from .recurrence.choose import Implementation, choose_loop, fastest_loop
from .recurrence.scan import LoopInputs, Noise, blend


class CorePath(NamedTuple):
    """The latents along the trials of a batch.

    before: latents at the start of each trial, noise included.
    own: mean square of what the latents' own bottlenecks receive. received: of what the networks
        that read the latents receive.
    """

    before: Float[Array, "trial latent session"]
    own: Float[Array, " latent"]
    received: MeanSquares


class Core(eqx.Module):
    """Latents, one update network for each, and what starts and describes a session.

    reader: the update networks, outputs gate and target. bottleneck: each latent's own.
    z_initial: latents before the first trial of every session.
    embedding: numbers that describe each subject to the update networks and the choice network.
    Raises ConfigError when the parts differ in latents or in the size of the embedding.
    """

    reader: Reader
    bottleneck: Bottleneck
    z_initial: Float[Array, " latent"]
    embedding: Float[Array, "subject embedding"]

    @classmethod
    def initial(
        cls,
        config: DisRNNConfig,
        *,
        n_observations: int,
        n_subjects: int,
        keys: tuple[PRNGKeyArray, PRNGKeyArray, PRNGKeyArray],
    ) -> Core:
        """All bottlenecks open and random weights.

        keys: for the update networks, for the latents at the start, for the embedding.
        """
        k, e = config.latents, config.subject_embedding
        return cls(
            reader=Reader.initial(
                k, k, n_observations, e, n_units=config.update_units,
                n_layers=config.update_layers, n_outputs=2, activation=config.activation,
                key=keys[0],
            ),
            bottleneck=Bottleneck.open(k, scaled=False),
            z_initial=jax.random.uniform(keys[1], (k,), minval=-0.1, maxval=0.1),
            embedding=0.1 * jax.random.normal(keys[2], (n_subjects, e)),
        )  # fmt: skip

    def __check_init__(self) -> None:
        n_nets, n_outputs = self.reader.mlps.b_out.shape
        own = self.bottleneck
        if own.multiplier is not None or own.log_sigma.ndim != 1:
            raise ConfigError(
                "The latents' own bottlenecks have one noise each and no multiplier, but log_sigma "
                f"has shape {own.log_sigma.shape}"
                f"{'' if own.multiplier is None else ', and there is a multiplier'}."
            )
        numbers = {
            "starting values": self.n_latents,
            "bottlenecks of their own": own.log_sigma.size,
            "update networks": n_nets,
            "inputs of these networks": self.reader.latent.log_sigma.shape[1],
        }
        if len(set(numbers.values())) > 1:
            given = ", ".join(f"{n} {what}" for what, n in numbers.items())
            raise ConfigError(f"A core needs as many latents everywhere, but it has {given}.")
        if n_outputs != 2:
            raise ConfigError(
                f"Update networks have 2 outputs, gate and target; these have {n_outputs}."
            )
        check_embedding(self.embedding, self.reader)

    @property
    def n_latents(self) -> int:
        return self.z_initial.shape[0]

    def described(self, subject: Int[Array, "*session"]) -> Float[Array, "*session embedding"]:
        """The numbers that describe each of these subjects."""
        return self.embedding[subject]

    def updated(
        self,
        z: Float[Array, " latent"],
        seen: Float[Array, " observation"],
        subject: Float[Array, " embedding"],
    ) -> Float[Array, " latent"]:
        """The latents after one trial, without noise. subject: what describes it."""
        out = self.reader(z, seen, subject)
        return blend(z, out[:, 0], out[:, 1])

    def along(self, observed: Observed, noise: NoiseSource | None) -> CorePath:
        """The latents along all trials of a batch. noise: None for none."""
        subject = self.described(observed.subject).T
        loop = fastest_loop(self._loop_inputs(observed, subject, noise))
        return CorePath(
            loop.before,
            mean_square(loop.mean, observed.share),
            MeanSquares.of(loop.before, observed, subject),
        )

    def loop_implementation(self, observed: Observed) -> Implementation:
        """Which implementation of the loop trains this core on such a batch here."""
        noise = NoiseSource(jax.random.key(0), jnp.ones(()))
        subject = self.described(observed.subject).T
        return choose_loop(self._loop_inputs(observed, subject, noise)).name

    def penalties(self, path: CorePath) -> dict[str, Float[Array, ""]]:
        """Nats per valid trial of the bottlenecks of each kind."""
        read = self.reader.penalties(path.received)
        own = self.bottleneck.penalty(path.own)
        return {"latent": own, **{f"update_{kind}": nats for kind, nats in read.items()}}

    def _loop_inputs(
        self,
        observed: Observed,
        subject: Float[Array, "embedding session"],
        source: NoiseSource | None,
    ) -> LoopInputs:
        seen = observed.seen
        described = jnp.broadcast_to(subject, (len(seen), *subject.shape))
        noise = None
        if source is not None:
            noise = Noise(
                source.amount * self.reader.sigma,
                source.amount * self.bottleneck.sigma,
                words_of(source.key),
                source.share,
            )
        z_initial = jnp.broadcast_to(self.z_initial[:, None], (self.n_latents, seen.shape[2]))
        outside = jnp.concatenate([seen, described], axis=1)
        reader = self.reader
        return LoopInputs(reader.mlps, reader.multiplier, noise, z_initial, outside, observed.valid)


def check_embedding(embedding: Float[Array, "subject embedding"], reader: Reader) -> None:
    """Raises ConfigError when the networks expect other descriptions of a subject than these."""
    given, wanted = embedding.shape[1], reader.subject.log_sigma.shape[1]
    if given != wanted:
        raise ConfigError(
            f"Subjects are described by {given} numbers, but the networks have bottlenecks for "
            f"{wanted}."
        )
