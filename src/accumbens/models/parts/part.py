"""A part of a cognitive model: what it adds to the log-odds of choice, and what it remembers."""

from __future__ import annotations

import abc
from typing import ClassVar

import equinox as eqx
from jaxtyping import Array, Float, Int

from ..base import State
from ..cognitive import CognitiveModel, Parameter


class Part(eqx.Module):
    """Something that has a say in choices, whatever values the model learns.

    A part is written for one trial, as a model is; `WithParts` puts it beside a model. All methods
    must be pure and traceable by JAX. A part of your own needs `parameters`, a field for each of
    them (converter `real`), `choice_logits`, and, if it remembers anything, the other methods.

    Attributes:
        parameters: What a fit must know of each parameter, in the order of the fields. A parameter
            without a default is fitted wherever the part is present.
    """

    parameters: ClassVar[dict[str, Parameter]]

    @abc.abstractmethod
    def choice_logits(
        self, state: State, logits: Float[Array, " choice"], model: CognitiveModel
    ) -> Float[Array, " choice"]:
        """The log-odds of each choice with this part's say.

        Args:
            state: What the part remembers.
            logits: Log-odds without this part, up to a constant.
            model: The model that the part stands beside, for a part whose strength is relative to
                one of the model's parameters.
        """

    def initial_state(self, n_choices: int) -> State:
        """What the part remembers before the first trial of a session; often nothing."""
        del n_choices
        return ()

    def update(
        self, state: State, choice: Int[Array, ""], outcome: Float[Array, " outcome"]
    ) -> State:
        """What the part remembers after this trial's choice and outcome."""
        del choice, outcome
        return state

    def latents(self, state: State) -> dict[str, Float[Array, ""]]:
        """Named variables of what the part remembers; often none."""
        del state
        return {}

    def check(self, n_choices: int) -> None:
        """Raises ConfigError when the part cannot stand beside a model of that many choices."""
        del n_choices

    @classmethod
    def at_start(cls, n_choices: int) -> Part:
        """The part with each parameter at its default or in the middle of its starting range."""
        del n_choices
        values = {
            name: sum(p.start) / 2 if p.default is None else p.default
            for name, p in cls.parameters.items()
        }
        return cls(**values)
