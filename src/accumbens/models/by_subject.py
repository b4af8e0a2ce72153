"""One cognitive model whose parameters differ from subject to subject."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from ..errors import ConfigError
from ..summary import number
from ..trials import Trials
from .base import Model, State
from .cognitive import CognitiveModel


class SubjectState(NamedTuple):
    """The subject's own model, and what it remembers."""

    model: CognitiveModel
    state: State


class BySubject(Model):
    """The same cognitive model in every subject, each with its own parameters, gain and offset.

    Args:
        models: The model, with an axis `subject` before all others in every array.

    Raises:
        ConfigError: When an array lacks that axis, or arrays differ in its length.

    Example:
        >>> import jax
        >>> import jax.numpy as jnp
        >>> import accumbens
        >>> from accumbens.models.by_subject import BySubject
        >>> agents = accumbens.QLearning(0.1, 3.0), accumbens.QLearning(0.5, 3.0)
        >>> animals = BySubject(jax.tree.map(lambda *each: jnp.stack(each), *agents))
        >>> animals.n_subjects
        2
    """

    models: CognitiveModel

    def __check_init__(self) -> None:
        lengths = {jnp.shape(array)[:1] for array in jax.tree.leaves(self.models)}
        if len(lengths) != 1 or lengths == {()}:
            raise ConfigError(
                f"The arrays of {self.models.name} do not all have the same first axis, one entry "
                "per subject. Stack one model per subject: jax.tree.map(lambda *each: "
                "jnp.stack(each), *models)."
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
        return jax.tree.leaves(self.models)[0].shape[0]

    def of(self, subject: int | Int[Array, ""]) -> CognitiveModel:
        """The model of one subject, by number."""
        return jax.tree.map(lambda x: x[subject], self.models)

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
        return [(name, number(getattr(self.models, name))) for name in self.models.parameters]
