"""Where recorded trials take a fitted disRNN, so that its rules are drawn where the data are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from ...errors import DataError
from ...models.disrnn import DisRNN, DisRNNState, open_latents
from ...summary import listed
from ...trials import Trials
from ...unrolling import unroll
from ..labels import choice_labels, counted, data_counts, symbol
from .conditions import Condition, conditions_of

N_POINTS = 51
"""Points of a line, from the 1st to the 99th percentile of a latent."""


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

    def read_by(
        self, kind: str, readers: Sequence[str], network: str
    ) -> tuple[tuple[int, ...], str]:
        """Numbers of the open latents that some networks read; and in words, which they do not.

        kind: "choice" or "signal". readers: names of the networks' outputs. network: in words.
        """
        through = {
            row.input for row in self.model.bottlenecks()
            if row.kind == kind and row.reader in readers and row.openness != "closed"
        }  # fmt: skip
        names = self.model.latent_names
        read = tuple(k for k in self.open.tolist() if names[k] in through)
        unread = [symbol(names[k]) for k in self.open.tolist() if k not in read]
        if not unread:
            return read, ""
        verb = "is" if len(unread) == 1 else "are"
        return read, f"{listed(unread)} {verb} open, but not read by {network}. "

    @property
    def conditions_caption(self) -> str:
        """The caption, and what share of the trials the conditions leave out, if any."""
        share = sum(condition.n_trials for condition in self.conditions) / len(self.z)
        if share == 1:
            return self.caption
        n = len(self.conditions)
        return f"{self.caption} Conditions: the {n} most frequent ({share:.0%} of the trials)."

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
        self, k: int, j: int, grid_k: Float[np.ndarray, " row"], grid_j: Float[np.ndarray, " col"]
    ) -> Float[np.ndarray, "row col"]:
        """Share of the trials nearest to each pair of values of latents k and j."""
        edges = [_edges(grid_k), _edges(grid_j)]
        return np.histogram2d(self.z[:, k], self.z[:, j], edges)[0] / len(self.z)

    def points(
        self, at: Mapping[int, Float[np.ndarray, " point"] | float]
    ) -> Float[np.ndarray, "point latent"]:
        """Latents at the named values, all others at their mean over trials."""
        n = max((np.size(value) for value in at.values()), default=1)
        points = np.tile(self.z.mean(0), (n, 1))
        for k, value in at.items():
            points[:, k] = value
        return points

    def open_values(
        self, points: Float[np.ndarray, "point latent"]
    ) -> dict[str, Float[np.ndarray, " point"]]:
        """The open latents' values by name."""
        return {self.model.latent_names[k]: points[:, k] for k in self.open.tolist()}

    def choice_logits(
        self, points: Float[np.ndarray, "point latent"]
    ) -> Float[np.ndarray, "point choice"]:
        """`DisRNN.choice_logits` at each point."""
        return np.asarray(_choice_logits(self.model, _float(points)))

    def signals(
        self, points: Float[np.ndarray, "point latent"], condition: Condition
    ) -> Float[np.ndarray, "point signal"]:
        """`DisRNN.signals` at each point, after one choice and outcome."""
        return np.asarray(_signals(self.model, _float(points), *_seen(condition)))

    def updated(
        self, points: Float[np.ndarray, "point latent"], condition: Condition
    ) -> Float[np.ndarray, "point latent"]:
        """Latents after `DisRNN.update` at each point, after one choice and outcome."""
        return np.asarray(_updated(self.model, _float(points), *_seen(condition)))


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
    caption = f"Data: {data_counts(trials)}."
    if model.n_subjects is not None:
        n = len(set(trials.subject.tolist()))
        caption += f" Subject embedding: mean of {counted(n, 'subject')}, weighted by trials."
    return Visits(
        average, z.astype(np.float64), open_latents(model), conditions_of(trials),
        choice_labels(trials.names), caption,
    )  # fmt: skip


def _average_subject(model: DisRNN, trials: Trials) -> DisRNN:
    n = model.n_subjects or len(trials.names.subjects)
    if trials.subject.max() >= n:
        raise DataError(
            f"The model describes {counted(n, 'subject')}, but these trials are of subject number "
            f"{trials.subject.max()} (from 0) too. Draw the trials that the model was fitted to."
        )
    weight = np.bincount(trials.subject, weights=trials.valid.sum(1), minlength=n)
    return model.average_subject(_float(weight / weight.sum()))


def _edges(grid: Float[np.ndarray, " point"]) -> Float[np.ndarray, " edge"]:
    half = (grid[1] - grid[0]) / 2
    return np.append(grid - half, grid[-1] + half)


@eqx.filter_jit
def _choice_logits(model: DisRNN, points):
    return jax.vmap(lambda z: model.choice_logits(_state(z)))(points)


@eqx.filter_jit
def _signals(model: DisRNN, points, choice, outcome):
    return jax.vmap(lambda z: model.signals(_state(z), choice, outcome))(points)


@eqx.filter_jit
def _updated(model: DisRNN, points, choice, outcome):
    return jax.vmap(lambda z: model.update(_state(z), choice, outcome).z)(points)


def _state(z) -> DisRNNState:
    return DisRNNState(z, jnp.asarray(0))


def _seen(condition: Condition):
    return jnp.asarray(condition.choice), _float(condition.outcome)


def _float(values):
    return jnp.asarray(values, jnp.float32)
