"""The disentangled RNN (disRNN): an interpretable cognitive model learned from choices.

Miller et al. 2023 for the core; Jain et al. 2025 ("Simultaneous modeling of behavior and dopamine
with disentangled RNNs") for the signal networks that read dopamine out of the latents.
"""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from ...trials import Batch, Trials
from ..base import Model, Unrolled
from .bottleneck import Bottleneck, open_log_sigma
from .config import DisRNNConfig
from .recurrence.scan import blend
from .residual_mlp import ResidualMLPs


class Reader(eqx.Module):
    """Networks that read latents, observations and subject, each input through its own bottleneck.

    Network n sees the concatenation [latents, observations, subject] of the bottlenecks' outputs.
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

    @property
    def multiplier(self) -> Float[Array, "net input"]:
        """Multipliers of all inputs, in the order in which the networks see them."""
        parts = (self.latent, self.observation, self.subject)
        return jnp.concatenate([part.multiplier for part in parts], axis=1)

    @property
    def sigma(self) -> Float[Array, "net input"]:
        """Noise of all inputs, in the order in which the networks see them."""
        parts = (self.latent, self.observation, self.subject)
        return jnp.concatenate([part.sigma for part in parts], axis=1)

    def __call__(
        self,
        latents: Float[Array, " latent"],
        observation: Float[Array, " observation"],
        subject: Float[Array, " embedding"],
    ) -> Float[Array, "net output"]:
        """Outputs for one trial, without noise."""
        x = self.multiplier * jnp.concatenate([latents, observation, subject])
        return self.mlps(x[:, :, None])[:, :, 0]


class DisRNNState(eqx.Module):
    """Latents, and the subject whose session this is."""

    z: Float[Array, " latent"]
    subject: Int[Array, ""]


class DisRNN(Model):
    """Disentangled RNN with choice network, one network per signal, and optional subject embedding.

    update: one network per latent, outputs gate and target (see `core`).
    choice: one network, latents -> choice logits.
    signal: one network per signal, latents before the trial + choice + outcomes -> signal.
    signal_mean, signal_scale: the signals' mean and standard deviation in the training sessions;
        the networks predict standardised signals, `signals` returns the signals' own units.

    The methods of the interface are those of the deterministic model (no noise, multipliers
    applied); noise is for training only.
    """

    update_reader: Reader
    choice_reader: Reader
    signal_reader: Reader
    latent_log_sigma: Float[Array, " latent"]
    z_initial: Float[Array, " latent"]
    embedding: Float[Array, "subject embedding"]
    signal_embedding: Float[Array, "subject embedding"]
    signal_mean: Float[Array, " signal"]
    signal_scale: Float[Array, " signal"]
    config: DisRNNConfig = eqx.field(static=True)
    outcome_names: tuple[str, ...] = eqx.field(static=True)
    signal_names: tuple[str, ...] = eqx.field(static=True)

    @classmethod
    def initial(
        cls,
        config: DisRNNConfig,
        *,
        n_choices: int = 2,
        outcome_names: tuple[str, ...] = ("reward",),
        signal_names: tuple[str, ...] = (),
        n_subjects: int = 1,
        signal_mean: Float[Array, " signal"] | None = None,
        signal_scale: Float[Array, " signal"] | None = None,
        key: PRNGKeyArray,
    ) -> DisRNN:
        """A disRNN with all bottlenecks open and random weights."""
        keys = jax.random.split(key, 6)
        k, e = config.latents, config.subject_embedding
        n_observations = (1 if n_choices == 2 else n_choices) + len(outcome_names)
        n_signals = len(signal_names)
        return cls(
            update_reader=Reader.initial(
                k, k, n_observations, e, n_units=config.update_units,
                n_layers=config.update_layers, n_outputs=2, activation=config.activation,
                key=keys[0],
            ),
            choice_reader=Reader.initial(
                1, k, 0, e, n_units=config.choice_units, n_layers=config.choice_layers,
                n_outputs=n_choices, activation=config.activation, key=keys[1],
            ),
            signal_reader=Reader.initial(
                n_signals, k, n_observations, e, n_units=config.signal_units,
                n_layers=config.signal_layers, n_outputs=1, activation=config.activation,
                key=keys[2],
            ),
            latent_log_sigma=open_log_sigma(k),
            z_initial=jax.random.uniform(keys[3], (k,), minval=-0.1, maxval=0.1),
            embedding=0.1 * jax.random.normal(keys[4], (n_subjects, e)),
            signal_embedding=0.1 * jax.random.normal(keys[5], (n_subjects, e)),
            signal_mean=jnp.zeros(n_signals) if signal_mean is None else signal_mean,
            signal_scale=jnp.ones(n_signals) if signal_scale is None else signal_scale,
            config=config,
            outcome_names=tuple(outcome_names),
            signal_names=tuple(signal_names),
        )  # fmt: skip

    @property
    def n_choices(self) -> int:
        return self.choice_reader.mlps.b_out.shape[1]

    @property
    def n_signals(self) -> int:
        return len(self.signal_names)

    @property
    def n_subjects(self) -> int | None:
        return self.embedding.shape[0] if self.embedding.shape[1] else None

    @property
    def n_latents(self) -> int:
        return self.z_initial.shape[0]

    @property
    def latent_names(self) -> tuple[str, ...]:
        """`z_1`, `z_2`, ... as in all tables and figures."""
        return tuple(f"z_{k + 1}" for k in range(self.n_latents))

    @property
    def observation_names(self) -> tuple[str, ...]:
        """Names of what the networks see of a trial."""
        n = self.n_choices
        choices = ("choice",) if n == 2 else tuple(f"choice_{i}" for i in range(n))
        return (*choices, *self.outcome_names)

    def initial_state(self, subject: Int[Array, ""]) -> DisRNNState:
        return DisRNNState(self.z_initial, jnp.asarray(subject))

    def choice_logits(self, state: DisRNNState) -> Float[Array, " choice"]:
        return self.choice_reader(state.z, jnp.zeros(0), self.embedding[state.subject])[0]

    def signals(
        self, state: DisRNNState, choice: Int[Array, ""], outcome: Float[Array, " outcome"]
    ) -> Float[Array, " signal"]:
        seen = encode_observation(choice, outcome, self.n_choices)
        out = self.signal_reader(state.z, seen, self.signal_embedding[state.subject])[:, 0]
        return self.signal_mean + self.signal_scale * out

    def update(
        self, state: DisRNNState, choice: Int[Array, ""], outcome: Float[Array, " outcome"]
    ) -> DisRNNState:
        seen = encode_observation(choice, outcome, self.n_choices)
        out = self.update_reader(state.z, seen, self.embedding[state.subject])
        return DisRNNState(blend(state.z, out[:, 0], out[:, 1]), state.subject)

    def latents(self, state: DisRNNState) -> dict[str, Float[Array, ""]]:
        return dict(zip(self.latent_names, state.z, strict=True))

    def unroll(self, batch: Batch) -> Unrolled:
        """The same numbers as the plain scan, with all that does not feed back outside the loop."""
        from .passes import deterministic_pass

        return deterministic_pass(self, batch)


def encode_observation(
    choice: Int[Array, "*trial"], outcome: Float[Array, "*trial outcome"], n_choices: int
) -> Float[Array, "*trial observation"]:
    """What the networks see of a trial: the choice (-1, +1; one-hot beyond two), the outcomes."""
    signed = (2.0 * choice - 1.0)[..., None]
    coded = signed if n_choices == 2 else jax.nn.one_hot(choice, n_choices)
    return jnp.concatenate([coded.astype(outcome.dtype), outcome], axis=-1)


def signal_moments(trials: Trials) -> tuple[Float[Array, " signal"], Float[Array, " signal"]]:
    """Mean and standard deviation of each signal over scored trials, for `DisRNN.initial`."""
    batch = trials.batch(np.float64)
    n = np.maximum(np.asarray(batch.signal_scored).sum((0, 1)), 1)
    mean = np.asarray(batch.signal).sum((0, 1)) / n
    deviation = np.where(batch.signal_scored, batch.signal - mean, 0.0)
    variance = (deviation**2).sum((0, 1)) / n
    scale = np.sqrt(np.where(variance > 0, variance, 1.0))
    return jnp.asarray(mean, jnp.float32), jnp.asarray(scale, jnp.float32)
