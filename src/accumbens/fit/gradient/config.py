"""What a user chooses about one stage of gradient training: how long and how fast it goes."""

from __future__ import annotations

import dataclasses
import itertools
from typing import ClassVar, TypeVar

from ...errors import ConfigError

Stage = TypeVar("Stage", bound="StageConfig")


@dataclasses.dataclass(frozen=True)
class StageConfig:
    """How long and how fast one stage of training goes.

    In the configuration of a fit, what is not given is that stage's own default, as on the command
    line: see `completed`.
    """

    _given: ClassVar[frozenset[str]] = frozenset()
    """Names of the numbers that an object was made with."""
    steps: int = 1000
    """Gradient steps."""
    learning_rate: float = 5e-3
    """Largest learning rate of the networks' weights (step size of Adam, the optimizer)."""
    warm_up: int = 50
    """Steps over which the learning rate rises linearly."""
    decay: float = 0.5
    """Last fraction of the steps, over which the learning rate falls to 2 % along a cosine."""
    settle: int = 0
    """The learning rate falls early once no term of the loss changes any more from one span of this
    many steps to the next; 0: never."""
    penalty_ramp: int = 0
    """Steps over which the penalties rise linearly from 0; 0: all of them from the first step."""
    clip: float = 1.0
    """Longest gradient (its norm over all weights); a longer one is shortened to it."""

    def __new__(cls: type[Stage], *values: object, **named: object) -> Stage:
        made = object.__new__(cls)
        names = (field.name for field in dataclasses.fields(cls))
        given = {*itertools.islice(names, len(values)), *named}
        object.__setattr__(made, "_given", frozenset(given))
        return made

    def __post_init__(self) -> None:
        self._check("steps", 0, 10_000_000)
        self._check("learning_rate", 1e-8, 1.0)
        self._check("warm_up", 0, 10_000_000)
        self._check("decay", 0.0, 1.0)
        self._check("settle", 0, 10_000_000)
        self._check("penalty_ramp", 0, 10_000_000)
        self._check("clip", 1e-8, 1e8)

    def _check(self, name: str, low: int | float, high: int | float) -> None:
        value = getattr(self, name)
        if not low <= value <= high:
            raise ConfigError(f"{name} is {value:g}; it must lie between {low:g} and {high:g}.")

    def completed(self, default: Stage, name: str) -> Stage:
        """The stage with the numbers that were given, and all others of `default`.

        Args:
            default: the stage of a recipe, with the numbers that it has by itself.
            name: of this stage, for the message.

        Raises:
            ConfigError: a number was given that this stage does not have.
        """
        given: frozenset[str] = self._given
        own = {field.name for field in dataclasses.fields(default)}
        if given - own:
            raise ConfigError(f"{name} has no {', '.join(sorted(given - own))}. Leave it out.")
        return dataclasses.replace(default, **{field: getattr(self, field) for field in given})

    @property
    def decay_steps(self) -> int:
        """Steps over which the learning rate falls."""
        return round(self.decay * self.steps)
