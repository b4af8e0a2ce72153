"""What a user chooses about a disRNN: its architecture and the weights of its penalties."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Literal, get_args

from ...errors import ConfigError

if TYPE_CHECKING:
    from jaxtyping import Array, Float


Activation = Literal["leaky_relu", "relu", "tanh", "softplus"]

EMBEDDINGS = ("subject_embedding", "signal_subject_embedding")


@dataclasses.dataclass(frozen=True)
class DisRNNConfig:
    """Architecture of the disRNN.

    Example:
        >>> from accumbens import RecipeConfig
        >>> from accumbens.models import DisRNNConfig
        >>> recipe = RecipeConfig(disrnn=DisRNNConfig(latents=3))
        >>> recipe.disrnn.latents
        3
    """

    latents: int = 5
    """Number of latent variables to start with; unused ones close."""
    update_layers: int = 2
    """Residual layers of each latent's update network."""
    update_units: int = 16
    """Units in each layer of the update networks."""
    choice_layers: int = 2
    """Residual layers of the choice network."""
    choice_units: int = 4
    """Units in each layer of the choice network."""
    signal_layers: int = 2
    """Residual layers of each signal's (dopamine) network."""
    signal_units: int = 16
    """Units in each layer of the signal networks."""
    activation: Activation = "softplus"
    """Nonlinearity of all networks."""
    subject_embedding: int = 0
    """Numbers that describe each subject to all networks, through bottlenecks; 0 for none."""
    signal_subject_embedding: int | None = None
    """The same for the signal networks alone, whose numbers are their own; not given: as many."""

    def __post_init__(self) -> None:
        for name in ("latents", "update_units", "choice_units", "signal_units"):
            if getattr(self, name) < 1:
                raise ConfigError(f"disrnn.{name} is {getattr(self, name)}; it must be at least 1.")
        for name in ("update_layers", "choice_layers", "signal_layers", *EMBEDDINGS):
            if (getattr(self, name) or 0) < 0:
                raise ConfigError(f"disrnn.{name} is {getattr(self, name)}; it cannot be negative.")
        known = get_args(Activation)
        if self.activation not in known:
            raise ConfigError(
                f"disrnn.activation is {self.activation!r}; choose one of {', '.join(known)}."
            )

    @property
    def subject_numbers_for_signals(self) -> int:
        """Numbers that describe each subject to the signal networks."""
        own = self.signal_subject_embedding
        return self.subject_embedding if own is None else own


@dataclasses.dataclass(frozen=True)
class Penalties:
    """Weight of each penalty: what a nat per trial through such a bottleneck adds to the loss."""

    latent: float = 6e-4
    """Each latent's own bottleneck: how much the model remembers."""
    update_latent: float = 3e-4
    """Latents into the update networks: interactions between latents."""
    update_observation: float = 1e-4
    """Choice and outcomes into the update networks."""
    update_subject: float = 1e-3
    """Subject embedding into the update networks."""
    choice_latent: float = 6e-4
    """Latents into the choice network."""
    choice_subject: float = 1e-3
    """Subject embedding into the choice network."""
    signal_latent: float = 1e-3
    """Latents into the signal networks."""
    signal_observation: float = 1e-3
    """Choice and outcomes into the signal networks."""
    signal_subject: float = 1e-3
    """Subject embedding into the signal networks."""
    l2: float = 1e-5
    """Squared weights of all networks."""

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if not 0 <= value < 10:
                raise ConfigError(
                    f"penalties.{field.name} is {value:g}; it must lie between 0 and 10 "
                    "(usual values: 1e-5 to 1e-1; was 1e-3 meant where 1-3 was written?)."
                )

    def weights(self) -> dict[str, Float[Array, ""]]:
        """The same numbers as arrays, so that one compiled training step serves all of them."""
        import jax.numpy as jnp

        return {f.name: jnp.asarray(getattr(self, f.name)) for f in dataclasses.fields(self)}

    def scaled(self, factor: float) -> Penalties:
        """The same weights times `factor`; L2 stays."""
        return Penalties(
            **{
                field.name: getattr(self, field.name) * (1.0 if field.name == "l2" else factor)
                for field in dataclasses.fields(self)
            }
        )
