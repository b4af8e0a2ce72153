"""What reads the latents of a disRNN: the choice network, and one network for each signal."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from ...errors import ConfigError
from ...noise import NoiseSource
from .config import DisRNNConfig
from .core import check_embedding
from .observations import MeanSquares, Observed
from .reader import Reader


class ChoiceNetwork(eqx.Module):
    """One network: latents before the trial and the core's description of the subject -> logits.

    Raises ConfigError when there is not one network, or it reads observations.
    """

    reader: Reader

    @classmethod
    def initial(cls, config: DisRNNConfig, *, n_choices: int, key: PRNGKeyArray) -> ChoiceNetwork:
        """All bottlenecks open and random weights."""
        return cls(
            Reader.initial(
                1, config.latents, 0, config.subject_embedding, n_units=config.choice_units,
                n_layers=config.choice_layers, n_outputs=n_choices, activation=config.activation,
                key=key,
            )
        )  # fmt: skip

    def __check_init__(self) -> None:
        n_nets, n_seen = self.reader.observation.log_sigma.shape
        if n_nets != 1 or n_seen != 0:
            raise ConfigError(
                f"A choice network is one network that reads no observations, but there are "
                f"{n_nets}, with {n_seen} observations."
            )

    @property
    def n_choices(self) -> int:
        return self.reader.mlps.b_out.shape[1]

    def logits(
        self, z: Float[Array, " latent"], subject: Float[Array, " embedding"]
    ) -> Float[Array, " choice"]:
        """Log-odds of each choice at these latents, without noise."""
        return self.reader(z, jnp.zeros(0), subject)[0]

    def along(
        self,
        before: Float[Array, "trial latent session"],
        subject: Float[Array, "embedding session"],
        noise: NoiseSource | None,
    ) -> Float[Array, "session trial choice"]:
        """Logits on all trials, from the latents before them. noise: None for none."""
        nothing = jnp.zeros((before.shape[0], 0, before.shape[2]))
        out = self.reader.along(before, nothing, subject, noise)
        return out[0].transpose(2, 1, 0)

    def penalties(self, received: MeanSquares) -> dict[str, Float[Array, ""]]:
        """Nats per valid trial of the bottlenecks of each kind."""
        read = self.reader.penalties(received._replace(observation=jnp.zeros(0)))
        return {"choice_latent": read["latent"], "choice_subject": read["subject"]}


class SignalNetworks(eqx.Module):
    """One network a signal: latents before the trial, choice, outcomes, subject -> the signal.

    They predict standardised signals. embedding: numbers that describe each subject to them; their
    own, so that learning signals leaves the core alone. Jain et al. 2025.
    Raises ConfigError when networks and embedding do not fit together.
    """

    reader: Reader
    embedding: Float[Array, "subject embedding"]

    @classmethod
    def initial(
        cls,
        config: DisRNNConfig,
        *,
        n_signals: int,
        n_observations: int,
        n_subjects: int,
        keys: tuple[PRNGKeyArray, PRNGKeyArray],
    ) -> SignalNetworks:
        """All bottlenecks open and random weights. keys: for the networks, for the embedding."""
        k, e = config.latents, config.subject_numbers_for_signals
        return cls(
            reader=Reader.initial(
                n_signals, k, n_observations, e, n_units=config.signal_units,
                n_layers=config.signal_layers, n_outputs=1, activation=config.activation,
                key=keys[0],
            ),
            embedding=0.1 * jax.random.normal(keys[1], (n_subjects, e)),
        )  # fmt: skip

    def __check_init__(self) -> None:
        n_outputs = self.reader.mlps.b_out.shape[1]
        if n_outputs != 1:
            raise ConfigError(f"Signal networks have 1 output each; these have {n_outputs}.")
        check_embedding(self.embedding, self.reader)

    @property
    def n_signals(self) -> int:
        return self.reader.mlps.b_out.shape[0]

    def described(self, subject: Int[Array, "*session"]) -> Float[Array, "*session embedding"]:
        """The numbers that describe each of these subjects."""
        return self.embedding[subject]

    def standardised(
        self,
        z: Float[Array, " latent"],
        seen: Float[Array, " observation"],
        subject: Float[Array, " embedding"],
    ) -> Float[Array, " signal"]:
        """Standardised signals on one trial, without noise. subject: what describes it."""
        return self.reader(z, seen, subject)[:, 0]

    def along(
        self,
        before: Float[Array, "trial latent session"],
        observed: Observed,
        subject: Float[Array, "embedding session"],
        noise: NoiseSource | None,
    ) -> Float[Array, "session trial signal"]:
        """Standardised signals on all trials, from the latents before them. noise: may be None."""
        out = self.reader.along(before, observed.seen, subject, noise)
        return out[:, 0].transpose(2, 1, 0)

    def penalties(self, received: MeanSquares) -> dict[str, Float[Array, ""]]:
        """Nats per valid trial of the bottlenecks of each kind; means over signals, so that many
        signals cost no more than one."""
        n = max(self.n_signals, 1)
        read = self.reader.penalties(received)
        return {f"signal_{kind}": nats / n for kind, nats in read.items()}
