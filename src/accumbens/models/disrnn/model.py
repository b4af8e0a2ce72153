"""The disentangled RNN (disRNN): an interpretable cognitive model learned from choices.

Miller et al. 2023 for the core; Jain et al. 2025 ("Simultaneous modeling of behavior and dopamine
with disentangled RNNs") for the signal networks that read dopamine out of the latents.
"""

from __future__ import annotations

from collections import OrderedDict

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from ...errors import ConfigError
from ...noise import NoiseSource
from ...trials import Batch
from ..base import Model, Unrolled
from ..signal_units import SignalUnits
from .config import DisRNNConfig
from .core import Core
from .heads import ChoiceNetwork, SignalNetworks
from .observations import Observed, encode_observation, observation_names
from .openness import BottleneckRow, Parts, bottleneck_rows, what_is_read
from .recurrence.choose import Implementation


class DisRNNState(eqx.Module):
    """Latents, and the subject whose session this is."""

    z: Float[Array, " latent"]
    subject: Int[Array, ""]


class DisRNN(Model):
    """Disentangled RNN: a core of latents, a choice network, and one network for each signal.

    core: latents and their update networks (see `Core`).
    choice_network: latents -> choice logits.
    signal_networks: latents before the trial + choice + outcomes -> standardised signals.
    signal_units: the signals' mean and standard deviation in the training sessions; `signals`
        returns the signals' own units.
    outcome_names, signal_names: as in the trials it was made for.

    The methods of the interface are those of the deterministic model (no noise, multipliers
    applied); noise is for training only. Raises ConfigError when the parts do not fit together.
    """

    core: Core
    choice_network: ChoiceNetwork
    signal_networks: SignalNetworks
    signal_units: SignalUnits
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
        signal_units: SignalUnits | None = None,
        key: PRNGKeyArray,
    ) -> DisRNN:
        """A disRNN with all bottlenecks open and random weights."""
        keys = jax.random.split(key, 6)
        n_seen = len(observation_names(n_choices, outcome_names))
        n_signals = len(signal_names)
        return cls(
            core=Core.initial(
                config, n_observations=n_seen, n_subjects=n_subjects,
                keys=(keys[0], keys[3], keys[4]),
            ),
            choice_network=ChoiceNetwork.initial(config, n_choices=n_choices, key=keys[1]),
            signal_networks=SignalNetworks.initial(
                config, n_signals=n_signals, n_observations=n_seen, n_subjects=n_subjects,
                keys=(keys[2], keys[5]),
            ),
            signal_units=SignalUnits.none(n_signals) if signal_units is None else signal_units,
            config=config,
            outcome_names=tuple(outcome_names),
            signal_names=tuple(signal_names),
        )  # fmt: skip

    def bottlenecks(self) -> list[BottleneckRow]:
        """Every bottleneck: latents' own, then of each network in the order of its inputs."""
        parts = Parts(
            self.core, self.choice_network, self.signal_networks, self.latent_names,
            self.observation_names, self.subject_names, self.signal_subject_names,
            self.signal_names,
        )  # fmt: skip
        return bottleneck_rows(parts)

    def _facts(self) -> list[tuple[str, str]]:
        return what_is_read(self.bottlenecks())

    def __check_init__(self) -> None:
        numbers = {
            "latents": [
                self.core.n_latents,
                *(head.reader.latent.log_sigma.shape[1] for head in self._heads),
            ],
            "observations": [
                len(self.observation_names),
                self.core.reader.observation.log_sigma.shape[1],
                self.signal_networks.reader.observation.log_sigma.shape[1],
            ],
            "numbers for each subject": [
                self.core.embedding.shape[1],
                self.choice_network.reader.subject.log_sigma.shape[1],
            ],
            "subjects": [part.embedding.shape[0] for part in (self.core, self.signal_networks)],
            "signals": [
                self.n_signals, self.signal_networks.n_signals, self.signal_units.mean.size,
            ],
        }  # fmt: skip
        for what, found in numbers.items():
            if len(set(found)) > 1:
                raise ConfigError(
                    f"The parts of a disRNN must have the same number of {what}, but they have "
                    f"{', '.join(map(str, found))}."
                )

    @property
    def _heads(self) -> tuple[ChoiceNetwork, SignalNetworks]:
        return self.choice_network, self.signal_networks

    @property
    def n_choices(self) -> int:
        return self.choice_network.n_choices

    @property
    def n_signals(self) -> int:
        return len(self.signal_names)

    @property
    def n_subjects(self) -> int | None:
        told_apart = self.core.embedding.shape[1] or self.signal_networks.embedding.shape[1]
        return self.core.embedding.shape[0] if told_apart else None

    @property
    def n_latents(self) -> int:
        return self.core.n_latents

    @property
    def latent_names(self) -> tuple[str, ...]:
        """`z_1`, `z_2`, ... as in all tables and figures."""
        return tuple(f"z_{k + 1}" for k in range(self.n_latents))

    @property
    def observation_names(self) -> tuple[str, ...]:
        """Names of what the networks see of a trial."""
        return observation_names(self.n_choices, self.outcome_names)

    @property
    def subject_names(self) -> tuple[str, ...]:
        """Names of the numbers that describe a subject to core and choice network."""
        return _subject_names(self.core.embedding)

    @property
    def signal_subject_names(self) -> tuple[str, ...]:
        """Names of the numbers that describe a subject to the signal networks."""
        return _subject_names(self.signal_networks.embedding)

    def initial_state(self, subject: Int[Array, ""]) -> DisRNNState:
        return DisRNNState(self.core.z_initial, jnp.asarray(subject))

    def choice_logits(self, state: DisRNNState) -> Float[Array, " choice"]:
        return self.choice_network.logits(state.z, self.core.described(state.subject))

    def signals(
        self, state: DisRNNState, choice: Int[Array, ""], outcome: Float[Array, " outcome"]
    ) -> Float[Array, " signal"]:
        seen = encode_observation(choice, outcome, self.n_choices)
        subject = self.signal_networks.described(state.subject)
        out = self.signal_networks.standardised(state.z, seen, subject)
        return self.signal_units.restored(out)

    def update(
        self, state: DisRNNState, choice: Int[Array, ""], outcome: Float[Array, " outcome"]
    ) -> DisRNNState:
        seen = encode_observation(choice, outcome, self.n_choices)
        z = self.core.updated(state.z, seen, self.core.described(state.subject))
        return DisRNNState(z, state.subject)

    def latents(self, state: DisRNNState) -> dict[str, Float[Array, ""]]:
        return dict(zip(self.latent_names, state.z, strict=True))

    def observed(self, batch: Batch) -> Observed:
        """What the networks see of a batch."""
        return Observed.of(batch, self.n_choices)

    def choices_along(
        self, before: Float[Array, "trial latent session"], observed: Observed,
        noise: NoiseSource | None,
    ) -> Float[Array, "session trial choice"]:  # fmt: skip
        """Choice logits on all trials, from the latents before them. noise: None for none."""
        subject = self.core.described(observed.subject).T
        return self.choice_network.along(before, subject, noise)

    def unroll(self, batch: Batch) -> Unrolled:
        """The same numbers as the plain scan, with all that does not feed back outside the loop."""
        observed = self.observed(batch)
        before = self.core.along(observed, None).before
        subject = self.signal_networks.described(observed.subject).T
        standardised = self.signal_networks.along(before, observed, subject, None)
        signals = self.signal_units.restored(standardised)
        return Unrolled(
            choice_logits=self.choices_along(before, observed, None),
            signals=jnp.where(batch.valid[..., None], signals, 0.0),
            latents=OrderedDict((name, before[:, i].T) for i, name in enumerate(self.latent_names)),
        )

    def loop_implementation(self, batch: Batch) -> Implementation:
        """Which implementation of the recurrent loop trains this model on such a batch here."""
        return self.core.loop_implementation(self.observed(batch))

    def average_subject(self, weight: Float[Array, " subject"]) -> DisRNN:
        """The same model of one subject, whose descriptions are means over the subjects'.

        weight: of each subject, with sum 1.
        """

        def mean(embedding: Array) -> Array:
            return (weight @ embedding)[None] if embedding.shape[1] else embedding[:1]

        return eqx.tree_at(
            lambda m: [m.core.embedding, m.signal_networks.embedding], self, replace_fn=mean
        )


def _subject_names(embedding: Array) -> tuple[str, ...]:
    return tuple(f"subject_{i + 1}" for i in range(embedding.shape[1]))
