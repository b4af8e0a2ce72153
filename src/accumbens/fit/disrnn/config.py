"""What a user chooses about fitting a disRNN: stages, recipe, and what is chosen for him."""

from __future__ import annotations

import dataclasses

from ...errors import ConfigError, expect
from ...models.disrnn.config import DisRNNConfig, Penalties
from ..gradient.config import StageConfig
from .guide_kinds import GUIDES


@dataclasses.dataclass(frozen=True)
class DisRNNStageConfig(StageConfig):
    """How long and how fast one stage of a disRNN's training goes."""

    bottleneck_rate: float = 2.0
    """The bottlenecks' learning rate, as a multiple of the weights'."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("bottleneck_rate", 0.0, 1000.0)


@dataclasses.dataclass(frozen=True)
class SelectionConfig:
    """How the strength of the penalties, when to stop, which start to keep and how much of the best
    cognitive model to lean on are chosen inside the training sessions."""

    factor: float | None = None
    """Multiply all penalties by this number, and choose nothing."""
    shares: tuple[float, ...] = (0.5, 1.0, 0.0)
    """Shares of the best cognitive model's predictions in what the disRNN is fitted to, to choose
    from; 0: the choices alone."""
    guides: tuple[str, ...] = tuple(GUIDES)
    """Cognitive models, of which the disRNN may lean on the one that predicts best. Habits: with a
    side bias and perseveration."""
    embedding: int = 2
    """Size of a subject embedding that is tried beside none, with the best share; 0: not tried."""
    starts: int = 2
    """Fits from random starts; all but the first with the best share and embedding only, and none
    where that share is 1: without noise in the targets, starts lead to the same."""
    folds: int = 4
    """Parts of the training sessions, each held out once."""
    steps: int = 1500
    """Gradient steps along which the penalties rise."""
    histories: int = 5000
    """Trials along which a disRNN copies the best cognitive model where all of its targets are from
    that: where fewer are recorded, more are made of pieces of them; 0: the recorded ones alone."""
    relaxing: int = 300
    """Gradient steps after the choice, in which penalties of open bottlenecks fall; 0: none."""
    trials: int | None = None
    """Trials, about, of the sessions inside which all this is chosen, the same number of each
    subject; what is chosen is then fitted to all. By default all of them up to 100,000, and 50,000
    beyond."""

    def __post_init__(self) -> None:
        if self.factor is not None and not 0 < self.factor <= 1e4:
            raise ConfigError(
                f"selection.factor is {self.factor:g}; it must lie above 0 and at most at 10,000."
            )
        if not self.shares or not all(0 <= share <= 1 for share in self.shares):
            raise ConfigError(
                f"selection.shares is {self.shares}; give one or more numbers from 0 to 1."
            )
        if len(set(self.shares)) < len(self.shares):
            raise ConfigError(f"selection.shares is {self.shares}; give each share once.")
        unknown = [name for name in self.guides if name not in GUIDES]
        if unknown or not self.guides:
            given = f"holds {', '.join(unknown)}" if unknown else "is empty"
            raise ConfigError(f"selection.guides {given}; name one or more of {', '.join(GUIDES)}.")
        if self.embedding < 0:
            raise ConfigError(f"selection.embedding is {self.embedding}; it cannot be negative.")
        if self.folds < 2:
            raise ConfigError(f"selection.folds is {self.folds}; it must be at least 2.")
        if self.starts < 1:
            raise ConfigError(f"selection.starts is {self.starts}; it must be at least 1.")
        if self.steps < FIRST_CANDIDATE:
            raise ConfigError(
                f"selection.steps is {self.steps}; it must be at least {FIRST_CANDIDATE}, because "
                "bottlenecks need so many to close."
            )
        if self.trials is not None and self.trials < 1:
            raise ConfigError(
                f"selection.trials is {self.trials}; it must be at least 1. Leave it out to choose "
                "inside all training sessions, up to 100,000 trials."
            )

        if self.histories < 0:
            raise ConfigError(f"selection.histories is {self.histories}; it cannot be negative.")
        if self.relaxing < 0:
            raise ConfigError(f"selection.relaxing is {self.relaxing}; it cannot be negative.")


FIRST_CANDIDATE = 600
"""Steps before the first checkpoint that may be chosen: until then bottlenecks have had no time to
close, and whatever scores well there does so by luck."""


@dataclasses.dataclass(frozen=True)
class PenaltyPathConfig:
    """Whether and how to look for the strength of the penalties."""

    factors: tuple[float, ...] = ()
    """Multiples of all penalties to try, such as 0.3 1 3; none: the penalties as given."""
    folds: int = 3
    """Folds of the training sessions."""
    steps: int = 600
    """Gradient steps at each factor."""

    def __post_init__(self) -> None:
        if any(f <= 0 for f in self.factors) or len(set(self.factors)) != len(self.factors):
            raise ConfigError(
                f"path.factors is {self.factors}; give different numbers above 0, such as 0.3 1 3."
            )
        if self.folds < 2:
            raise ConfigError(f"path.folds is {self.folds}; it must be at least 2.")


STAGES = {
    "warm_up": DisRNNStageConfig(steps=150, learning_rate=2e-3, decay=0.0),
    "choice_stage": DisRNNStageConfig(steps=1200, learning_rate=1e-2, penalty_ramp=300, settle=200),
    "signal_stage": DisRNNStageConfig(
        steps=1500, learning_rate=1e-2, bottleneck_rate=5.0, settle=200
    ),
}
"""What each stage of the recipe is where nothing is given."""


@dataclasses.dataclass(frozen=True)
class RecipeConfig:
    """How a disRNN is fitted.

    A stage keeps its own defaults in all that its configuration is not given:
    `RecipeConfig(choice_stage=DisRNNStageConfig(steps=1200))` is `--choice-stage.steps 1200`.
    """

    disrnn: DisRNNConfig = dataclasses.field(default_factory=DisRNNConfig)
    """Size of the disRNN's networks."""
    penalties: Penalties = dataclasses.field(default_factory=Penalties)
    """Penalties of the disRNN, one for each kind of bottleneck."""
    warm_up: DisRNNStageConfig = STAGES["warm_up"]
    """The disRNN's training, stage 0: choices, without noise and penalties."""
    choice_stage: DisRNNStageConfig = STAGES["choice_stage"]
    """The disRNN's training, stage 1: choices, with noise and penalties."""
    signal_stage: DisRNNStageConfig = STAGES["signal_stage"]
    """The disRNN's training, stage 2: networks of the signals, all else as it is after stage 1."""
    trials_per_step: int | None = None
    """Trials that each gradient step sees, about: mini-batches of whole sessions. By default all of
    them up to 100,000, and 50,000 beyond."""
    joint: bool = False
    """Train on choices and signals at once, in stage 1, instead of in two stages."""
    signal_weight: float = 0.5
    """With joint: weight of the squared errors of the standardised signals, beside the choices in
    nats."""

    def __post_init__(self) -> None:
        for name, default in STAGES.items():
            given = getattr(self, name)
            expect(given, StageConfig, name, "Give a stage: accumbens.fit.DisRNNStageConfig("
                   "steps=...).")  # fmt: skip
            object.__setattr__(self, name, given.completed(default, name))
        if self.trials_per_step is not None and self.trials_per_step < 1:
            raise ConfigError(
                f"trials_per_step is {self.trials_per_step}; it must be at least 1. Leave it out "
                "for all sessions in every step, up to 100,000 trials."
            )
        if not 0 < self.signal_weight <= 1000:
            raise ConfigError(
                f"signal_weight is {self.signal_weight:g}; it must lie between 0 and 1000."
            )
