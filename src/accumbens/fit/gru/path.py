"""One GRU in training, to be stopped and scored on the way."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, PRNGKeyArray

from ...models.gru import GRU
from ...trials import Batch, Trials
from ..gradient.batches import MiniBatches, mini_batches
from ..gradient.config import StageConfig
from ..gradient.training import TrainingState, train
from .config import GRUConfig
from .objective import gru_objective, initial_gru, learning_rates


class GRURoute(NamedTuple):
    """What tells routes apart: weight of the L2 penalty, numbers that describe a subject."""

    l2: float
    embedding: int


@dataclasses.dataclass
class Path:
    """One GRU on its way: where it starts, what it is fitted to, and what it has reached."""

    start: GRU
    batch: Batch
    l2: float
    stage: StageConfig
    key: PRNGKeyArray
    batches: MiniBatches | None = None
    reached: tuple[TrainingState, dict[str, np.ndarray]] | None = None

    @classmethod
    def beginning(
        cls, trials: Trials, batch: Batch, config: GRUConfig, route: GRURoute, key: PRNGKeyArray
    ) -> Path:
        """An untrained GRU along that route, to be fitted to what `batch` has of `trials`."""
        start = initial_gru(
            trials, batch, hidden=config.hidden, embedding=route.embedding,
            key=jax.random.fold_in(key, 0),
        )  # fmt: skip
        own = jax.random.fold_in(key, 1)
        batches = mini_batches(batch, None, key=own)
        batch = jax.tree.map(jnp.asarray, batch)
        return cls(start, batch, route.l2, config.stage, own, batches)

    @property
    def model(self) -> GRU:
        """What it is now."""
        if self.reached is None:
            return self.start
        state = self.reached[0]
        taken = state.trained if state.average is None else state.average
        return eqx.combine(taken, self.start)

    @property
    def step(self) -> int:
        """Gradient steps so far."""
        return 0 if self.reached is None else self.reached[0].step

    @property
    def ended(self) -> bool:
        """Whether it has all its steps."""
        if self.reached is None:
            return self.stage.steps == 0
        return self.step >= self.reached[0].n_steps(self.stage)

    @property
    def history(self) -> dict[str, Float[np.ndarray, " step"]]:
        """Every step's terms of the loss."""
        return {} if self.reached is None else self.reached[1]

    def advance(self, step: int) -> None:
        """Gradient steps up to that one, or to the end. Raises DivergedError."""

        def on_dispatch(state: TrainingState, history: dict[str, np.ndarray]) -> bool:
            self.reached = state, history
            return state.step >= step

        train(
            self.start, gru_objective, self.batch, jnp.float32(self.l2), self.stage, noisy=False,
            rates=learning_rates(self.start), key=self.key, batches=self.batches,
            start=self.reached, on_dispatch=on_dispatch,
        )  # fmt: skip
