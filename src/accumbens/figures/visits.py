"""Where recorded trials take a fitted disRNN, so that its rules are drawn where the data are."""

from __future__ import annotations

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from ..errors import DataError
from ..models.disrnn import DisRNN, open_latents
from ..models.disrnn.model import DisRNNState
from ..trials import Trials
from ..unroll import unroll
from .labels import choice_labels, counted, data_counts, outcome_label

N_POINTS = 51
"""Points of a line, from the 1st to the 99th percentile of a latent."""

MAX_LEVELS, MAX_CONDITIONS = 3, 12
"""Outcomes of more values are drawn at three of them; of more conditions, the most frequent."""


class Condition(NamedTuple):
    """A choice with its outcomes, as it occurs in the data.

    outcome_number: 0 for the largest outcomes (rewarded), then down; decides how lines look.
    """

    choice: int
    outcome: tuple[float, ...]
    outcome_number: int
    label: str
    n_trials: int


class Visits(NamedTuple):
    """What the trials visit, and the model's maps there, all without noise.

    model: the average subject alone, as number 0. z: latents before each trial with a choice.
    open: numbers of the latents open in the core. conditions: in order of choice, then outcome.
    caption: what was averaged over.
    """

    model: DisRNN
    z: Float[np.ndarray, "trial latent"]
    open: Int[np.ndarray, " open"]
    conditions: tuple[Condition, ...]
    choices: tuple[str, ...]
    caption: str

    @property
    def open_names(self) -> tuple[str, ...]:
        return tuple(self.model.latent_names[k] for k in self.open)

    def grid(self, k: int, n: int = N_POINTS) -> Float[np.ndarray, " point"]:
        """Values of latent k from the 1st to the 99th percentile of the data."""
        low, high = np.percentile(self.z[:, k], [1, 99])
        if high - low < 1e-4:
            low, high = low - 0.1, high + 0.1
        return np.linspace(low, high, n)

    def share(self, k: int, grid: Float[np.ndarray, " point"]) -> Float[np.ndarray, " point"]:
        """Share of the trials nearest to each value; those beyond the ends count nowhere."""
        return np.histogram(self.z[:, k], _edges(grid))[0] / len(self.z)

    def share_of_plane(
        self, k: int, l: int, grid_k: Float[np.ndarray, " row"], grid_l: Float[np.ndarray, " col"]
    ) -> Float[np.ndarray, "row col"]:
        """Share of the trials nearest to each pair of values of latents k and l."""
        edges = [_edges(grid_k), _edges(grid_l)]
        return np.histogram2d(self.z[:, k], self.z[:, l], edges)[0] / len(self.z)

    def points(
        self, at: dict[int, Float[np.ndarray, " point"] | float]
    ) -> Float[np.ndarray, "point latent"]:
        """Latents at the named values, all others at their mean over trials."""
        n = max((np.size(value) for value in at.values()), default=1)
        points = np.tile(self.z.mean(0), (n, 1))
        for k, value in at.items():
            points[:, k] = value
        return points

    def choice_logits(
        self, points: Float[np.ndarray, "point latent"]
    ) -> Float[np.ndarray, "point choice"]:
        """`DisRNN.choice_logits` at each point."""
        return np.asarray(jax.vmap(lambda z: self.model.choice_logits(_state(z)))(_float(points)))

    def signals(
        self, points: Float[np.ndarray, "point latent"], condition: Condition
    ) -> Float[np.ndarray, "point signal"]:
        """`DisRNN.signals` at each point, after one choice and outcome."""
        choice, outcome = jnp.asarray(condition.choice), _float(condition.outcome)
        signals = jax.vmap(lambda z: self.model.signals(_state(z), choice, outcome))
        return np.asarray(signals(_float(points)))

    def updated(
        self, points: Float[np.ndarray, "point latent"], condition: Condition
    ) -> Float[np.ndarray, "point latent"]:
        """Latents after `DisRNN.update` at each point, after one choice and outcome."""
        choice, outcome = jnp.asarray(condition.choice), _float(condition.outcome)
        update = jax.vmap(lambda z: self.model.update(_state(z), choice, outcome).z)
        return np.asarray(update(_float(points)))


def visit(model: DisRNN, trials: Trials) -> Visits:
    """What `trials` visit of `model`.

    With a subject embedding, the rules are those of an average subject, whose embedding is the
    mean of the subjects' weighted by their trials.
    Raises DataError when the model does not suit the trials, or no trial has a choice.
    """
    if not trials.valid.any():
        raise DataError("No trial has a choice, so there is nothing to draw a model's rules from.")
    average = _average_subject(model, trials)
    latents = unroll(model, trials).latents
    z = np.stack([latents[name] for name in model.latent_names], -1)[trials.valid]
    conditions, left_out = _conditions(trials)
    caption = f"Data: {data_counts(trials)}."
    if left_out:
        caption += f" Conditions: the {len(conditions)} most frequent, {left_out} left out."
    if model.embedding.shape[1]:
        n = len(set(trials.subject.tolist()))
        caption += f" Subject embedding: mean of {counted(n, 'subject')}, weighted by trials."
    return Visits(
        average, z.astype(np.float64), open_latents(model), conditions,
        choice_labels(trials.names), caption,
    )  # fmt: skip


def _average_subject(model: DisRNN, trials: Trials) -> DisRNN:
    n = len(model.embedding) if model.embedding.shape[1] else len(trials.names.subjects)
    if trials.subject.max() >= n:
        raise DataError(
            f"The model describes {counted(n, 'subject')}, but these trials are of subject number "
            f"{trials.subject.max()} (from 0) too: draw the trials that the model was fitted to."
        )
    weight = np.bincount(trials.subject, weights=trials.valid.sum(1), minlength=n)
    weight = _float(weight / weight.sum())

    def mean(embedding):
        return (weight @ embedding)[None] if embedding.shape[1] else embedding[:1]

    return eqx.tree_at(
        lambda m: [m.embedding, m.signal_embedding],
        model,
        [mean(model.embedding), mean(model.signal_embedding)],
    )


def _conditions(trials: Trials) -> tuple[tuple[Condition, ...], int]:
    """The conditions that occur, and how many more there are than can be drawn."""
    choice, outcome = trials.choice[trials.valid], trials.outcome[trials.valid]
    drawn = [_at_levels(column) for column in outcome.T]
    rows, counts = np.unique(np.column_stack([choice, *drawn]), axis=0, return_counts=True)
    keep = np.sort(np.argsort(-counts, kind="stable")[:MAX_CONDITIONS])
    outcomes = sorted({tuple(row[1:].tolist()) for row in rows[keep]}, reverse=True)
    labels = choice_labels(trials.names)
    conditions = []
    for row, n in zip(rows[keep], counts[keep], strict=True):
        c, values = int(row[0]), tuple(row[1:].tolist())
        words = ", ".join(w for w in (labels[c], outcome_label(trials.names.outcomes, values)) if w)
        conditions.append(Condition(c, values, outcomes.index(values), words, int(n)))
    conditions.sort(key=lambda condition: (condition.choice, condition.outcome_number))
    return tuple(conditions), len(rows) - len(keep)


def _at_levels(column: Float[np.ndarray, " trial"]) -> Float[np.ndarray, " trial"]:
    """The column itself; of many values, the nearest of its 10th, 50th and 90th percentile."""
    levels = np.unique(column)
    if len(levels) <= MAX_LEVELS:
        return column
    levels = np.unique(np.percentile(column, [10, 50, 90]))
    return levels[np.abs(column[:, None] - levels).argmin(1)]


def _edges(grid: Float[np.ndarray, " point"]) -> Float[np.ndarray, " edge"]:
    half = (grid[1] - grid[0]) / 2
    return np.append(grid - half, grid[-1] + half)


def _state(z) -> DisRNNState:
    return DisRNNState(z, jnp.asarray(0))


def _float(values):
    return jnp.asarray(values, jnp.float32)
