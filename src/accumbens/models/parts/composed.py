"""A cognitive model with parts: what the model has learned and what the parts add decide together.

    core = DFQ(0.4, 0.2, 2.0, 0.5)
    model = with_parts(core, side_bias=0.2, perseveration=0.6, perseveration_rate=0.3)

A fit needs no model with parts: it puts a part beside the model where one of the part's parameters
is to be free or fixed (`free=("side_bias", "perseveration")`).
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from jaxtyping import Array, Float, Int

from ...errors import ConfigError
from ...summary import number
from ...trials import Trials
from ..base import State
from ..cognitive import CognitiveModel, Parameter
from .choice_kernel import ChoiceKernel
from .part import Part
from .side_bias import SideBias

PARTS: tuple[type[Part], ...] = (SideBias, ChoiceKernel)
"""The parts whose parameters every cognitive model knows by name."""


class PartsState(NamedTuple):
    """What the model remembers, and what each part does."""

    model: State
    parts: tuple[State, ...]


class WithParts(CognitiveModel):
    """A cognitive model with parts beside it.

    logits = model's logits, changed by each part in turn. Prediction error and signal are the
    model's own: parts act on choices alone. Parameters are those of the model, then of the parts,
    each by its own name (`fit.model.side_bias`).

    Args:
        model: The model; its gain and offset become those of the whole.
        parts: The parts, in the order in which they act.

    Raises:
        ConfigError: When two parameters have the same name, or a part does not suit the number of
            choices.
    """

    model: CognitiveModel
    parts: tuple[Part, ...]

    def __init__(self, model: CognitiveModel, parts: Iterable[Part]):
        self.gain, self.offset = model.gain, model.offset
        self.n_choices, self.reward = model.n_choices, model.reward
        self.model = model.with_parameters({}, gain=(), offset=())
        self.parts = tuple(parts)

    def __check_init__(self) -> None:
        of_parts = [name for part in self.parts for name in type(part).parameters]
        names = Counter([*self.model.parameters, *of_parts])
        if several := [name for name, n in names.items() if n > 1]:
            raise ConfigError(
                f"{self.model.name} with these parts has {', '.join(several)} more than once. "
                "Leave a part out, or give its parameter another name."
            )
        for i, part in enumerate(self.parts):
            try:
                part.check(self.n_choices)
            except ConfigError as problem:
                raise ConfigError(f"parts.{i}: {problem}") from problem

    @property
    def parameters(self) -> dict[str, Parameter]:  # pyright: ignore[reportIncompatibleVariableOverride]
        own = dict(self.model.parameters)
        return own | {n: p for part in self.parts for n, p in type(part).parameters.items()}

    @property
    def variants(self) -> dict[str, dict[str, float | str]]:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.model.variants

    @property
    def scale_parameter(self) -> str | None:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.model.scale_parameter

    @property
    def name(self) -> str:
        kinds = ", ".join(type(part).__name__ for part in self.parts)
        return f"{self.model.name} with {kinds}" if kinds else self.model.name

    @property
    def n_subjects(self) -> int | None:
        return self.model.n_subjects

    def __getattr__(self, name: str) -> Any:
        """A parameter of the model or of a part."""
        if not name.startswith("_"):  # fields are found without this, but not before they are set
            own = vars(self)
            for holder in (own.get("model"), *own.get("parts", ())):
                if holder is not None and name in holder.parameters:
                    return getattr(holder, name)
        raise AttributeError(f"{type(self).__name__} has no {name!r}.")

    def _facts(self) -> list[tuple[str, str]]:
        own = [(name, number(getattr(self, name))) for name in self.parameters]
        return own + super()._facts()

    def with_parameters(
        self, values: Mapping[str, Any], *, gain: Any = None, offset: Any = None
    ) -> WithParts:
        def changed(part: Part) -> Part:
            return dataclasses.replace(
                part, **{name: values[name] for name in type(part).parameters if name in values}
            )

        own = {name: value for name, value in values.items() if name in self.model.parameters}
        model = self.model.with_parameters(
            own,
            gain=self.gain if gain is None else gain,
            offset=self.offset if offset is None else offset,
        )
        return WithParts(model, [changed(part) for part in self.parts])

    def suited_to(self, datasets: Sequence[Trials]) -> WithParts:
        return WithParts(*_apart(self, [], self.model.suited_to(datasets)))

    def check_outcomes(self, trials: Trials) -> None:
        self.model.check_outcomes(trials)

    def initial_state(self, subject: Int[Array, ""]) -> PartsState:
        parts = tuple(part.initial_state(self.n_choices) for part in self.parts)
        return PartsState(self.model.initial_state(subject), parts)

    def choice_logits(self, state: PartsState) -> Float[Array, " choice"]:
        logits = self.model.choice_logits(state.model)
        for part, remembered in zip(self.parts, state.parts, strict=True):
            logits = part.choice_logits(remembered, logits, self.model)
        return logits

    def prediction_error(
        self, state: PartsState, choice: Int[Array, ""], outcome: Float[Array, " outcome"]
    ) -> Float[Array, ""]:
        return self.model.prediction_error(state.model, choice, outcome)

    def update(
        self, state: PartsState, choice: Int[Array, ""], outcome: Float[Array, " outcome"]
    ) -> PartsState:
        parts = zip(self.parts, state.parts, strict=True)
        return PartsState(
            self.model.update(state.model, choice, outcome),
            tuple(part.update(remembered, choice, outcome) for part, remembered in parts),
        )

    def latents(self, state: PartsState) -> dict[str, Float[Array, ""]]:
        found = dict(self.model.latents(state.model))
        for part, remembered in zip(self.parts, state.parts, strict=True):
            found |= part.latents(remembered)
        return found

    def outcome_latents(
        self, state: PartsState, choice: Int[Array, ""], outcome: Float[Array, " outcome"]
    ) -> dict[str, Float[Array, ""]]:
        return self.model.outcome_latents(state.model, choice, outcome)


def with_parts(model: CognitiveModel, **values: Any) -> WithParts:
    """The model with a part for each of the named parameters.

    Args:
        model: Any cognitive model; one with parts already keeps them.
        values: `side_bias`, `perseveration`, `perseveration_rate` (of the choice kernel), each in
            the unit that its part states.

    Returns:
        A model that can be simulated, scored and fitted like any other.

    Raises:
        ConfigError: For a parameter that no part has, or a part that lacks one.

    Example:
        >>> import accumbens
        >>> model = accumbens.QLearning(0.3, 3.0, forgetting_rate=0.1)
        >>> accumbens.with_parts(model, side_bias=0.2, perseveration=0.5)
        QLearning with SideBias, ChoiceKernel: 2 choices, 0 signals
          learning_rate           0.3
          inverse_temperature     3
          initial_value           0.5
          negative_learning_rate  0.3
          forgetting_rate         0.1
          side_bias               0.2
          perseveration           0.5
          perseveration_rate      1
    """
    known = {name: kind for kind in PARTS for name in kind.parameters}
    if unknown := sorted(values.keys() - known.keys()):
        raise ConfigError(
            f"No part has a parameter {', '.join(unknown)}; parameters of parts are "
            f"{', '.join(known)}."
        )
    parts = []
    for kind in dict.fromkeys(known[name] for name in values):
        own = {name: value for name, value in values.items() if name in kind.parameters}
        needed = [n for n, p in kind.parameters.items() if p.default is None and n not in own]
        if needed:
            raise ConfigError(
                f"{', '.join(own)} has no effect without {', '.join(needed)}. Give both."
            )
        parts.append(kind(**own))
    return WithParts(*_apart(model, parts))


def with_parts_of(model: CognitiveModel, names: Iterable[str]) -> CognitiveModel:
    """The model, with each part that has one of these parameters and is not there yet.

    Such a part starts from the middle of its starting range. Names that belong to the model itself,
    or to no part, change nothing.
    """
    wanted = set(names) - model.parameters.keys()
    kinds = [kind for kind in PARTS if wanted & kind.parameters.keys()]
    if not kinds:
        return model
    return WithParts(*_apart(model, [kind.at_start(model.n_choices) for kind in kinds]))


def _apart(
    whole: CognitiveModel, more: Sequence[Part], core: CognitiveModel | None = None
) -> tuple[CognitiveModel, list[Part]]:
    """The model alone with its gain and offset, and all parts, old and new.

    core: the model alone, where it is not that of `whole`.
    """
    if not isinstance(whole, WithParts):
        return whole, list(more)
    core = core or whole.model
    return core.with_parameters({}, gain=whole.gain, offset=whole.offset), [*whole.parts, *more]
