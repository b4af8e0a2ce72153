"""One model whose parameters differ from subject to subject."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from ..errors import ConfigError
from ..summary import listed, number
from ..trials import Trials
from .base import Model, State


class SubjectState(NamedTuple):
    """The subject's own model, and what it remembers."""

    model: Any
    state: State


class BySubject(Model):
    """The same model in every subject, each with its own parameters, gain and offset.

    With names, `models` holds one more model, of subjects that have no model of their own; along
    trials, subjects are then found by name, and all others are that one.

    Args:
        models: The model, with an axis `subject` before all others in every array.
        subjects: Name of each subject.

    Raises:
        ConfigError: When an array lacks that axis, arrays differ in its length, or it is not one
            more than the names.

    Example:
        >>> import accumbens
        >>> from accumbens.models.by_subject import together
        >>> agents = {"m1": accumbens.QLearning(0.1, 3.0), "m2": accumbens.QLearning(0.5, 3.0)}
        >>> animals = together(agents, others=accumbens.QLearning(0.3, 3.0))
        >>> animals.n_subjects
        2
    """

    models: Any
    subjects: tuple[str, ...] = eqx.field(static=True, default=())

    def __check_init__(self) -> None:
        lengths = {jnp.shape(array)[:1] for array in jax.tree.leaves(self.models)}
        if len(lengths) != 1 or lengths == {()}:
            raise ConfigError(
                f"The arrays of {self.models.name} do not all have the same first axis, one entry "
                "per subject. Stack one model per subject: jax.tree.map(lambda *each: "
                "jnp.stack(each), *models)."
            )
        if len(set(self.subjects)) < len(self.subjects):
            raise ConfigError(f"Two subjects have one name: {', '.join(self.subjects)}.")
        if self.subjects and self._rows != len(self.subjects) + 1:
            raise ConfigError(
                f"There are {len(self.subjects)} names of subjects and {self._rows} models. Give a "
                "model for each, and a last one for all other subjects."
            )

    @property
    def name(self) -> str:
        return f"{self.models.name} by subject"

    @property
    def n_choices(self) -> int:
        return self.models.n_choices

    @property
    def n_signals(self) -> int:
        return self.models.n_signals

    @property
    def n_subjects(self) -> int:
        return self._rows - bool(self.subjects)

    @property
    def _rows(self) -> int:
        return jax.tree.leaves(self.models)[0].shape[0]

    def of(self, subject: int | str | Int[Array, ""]) -> Any:
        """The model of one subject, by number or name; that of the others for any other.

        Without names, a number that is too large has no model.
        """
        if isinstance(subject, str):
            known = self.subjects
            subject = known.index(subject) if subject in known else len(known)
        last = self._rows - 1
        row = jnp.where((subject < 0) | (subject > last), last, subject)
        return jax.tree.map(lambda x: x[row], self.models)

    def subject_numbers(self, trials: Trials) -> Int[np.ndarray, " session"]:
        if not self.subjects:
            return super().subject_numbers(trials)
        number_of = {name: i for i, name in enumerate(self.subjects)}
        known = [number_of.get(name, len(self.subjects)) for name in trials.names.subjects]
        return np.asarray(known, trials.subject.dtype)[trials.subject]

    def initial_state(self, subject: Int[Array, ""]) -> SubjectState:
        model = self.of(subject)
        return SubjectState(model, model.initial_state(subject))

    def choice_logits(self, state: SubjectState) -> Float[Array, " choice"]:
        return state.model.choice_logits(state.state)

    def signals(
        self, state: SubjectState, choice: Int[Array, ""], outcome: Float[Array, " outcome"]
    ) -> Float[Array, " signal"]:
        return state.model.signals(state.state, choice, outcome)

    def update(
        self, state: SubjectState, choice: Int[Array, ""], outcome: Float[Array, " outcome"]
    ) -> SubjectState:
        return state._replace(state=state.model.update(state.state, choice, outcome))

    def latents(self, state: SubjectState) -> dict[str, Float[Array, ""]]:
        return state.model.latents(state.state)

    def outcome_latents(
        self, state: SubjectState, choice: Int[Array, ""], outcome: Float[Array, " outcome"]
    ) -> dict[str, Float[Array, ""]]:
        return state.model.outcome_latents(state.state, choice, outcome)

    def check_outcomes(self, trials: Trials) -> None:
        self.models.check_outcomes(trials)

    def _facts(self) -> list[tuple[str, str]]:
        named = [("subjects", listed(self.subjects))] if self.subjects else []
        if not hasattr(self.models, "parameters"):
            return named
        values = [(name, getattr(self.models, name)) for name in self.models.parameters]
        return named + [(name, number(x[: self.n_subjects])) for name, x in values]

    def stored(self) -> StoredSubjects:
        """What a file holds of it: a model for each subject."""
        rows = [jax.tree.map(lambda x, i=i: x[i], self.models) for i in range(self._rows)]
        return StoredSubjects(tuple(rows), self.subjects)


@dataclasses.dataclass(frozen=True)
class StoredSubjects:
    """The models of a `BySubject` one by one, as files hold them.

    members: of each subject, then of all others where there are names.
    """

    members: tuple[Model, ...]
    subjects: tuple[str, ...]

    def restored(self) -> BySubject:
        """The model of all. Raises ConfigError when they are not of one kind."""
        if not self.members:
            raise ConfigError("There is no model of any subject.")
        return BySubject(_stacked(self.members), self.subjects)


def together(models: Mapping[str, Model], *, others: Model) -> BySubject:
    """One model of several subjects, each with a model of its own.

    Args:
        models: of each subject by name, all of one kind.
        others: the model of every other subject.

    Raises:
        ConfigError: there is no model, or they are not of one kind.
    """
    if not models:
        raise ConfigError("There is no model of any subject.")
    return BySubject(_stacked([*models.values(), others]), tuple(models))


def _stacked(models: Any) -> Any:
    first, *more = [jax.tree.map(jnp.asarray, model) for model in models]
    form = jax.tree.structure(first)
    shapes = [x.shape for x in jax.tree.leaves(first)]
    for model in more:
        others = [x.shape for x in jax.tree.leaves(model)]
        if jax.tree.structure(model) != form or shapes != others:
            raise ConfigError(
                f"{first.name} and {model.name} are not of one kind, with the same parameters. "
                "Give each subject the same kind of model."
            )
    return jax.tree.map(lambda *x: jnp.stack(x), first, *more)
