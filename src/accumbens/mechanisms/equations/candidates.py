"""Which terms an equation keeps: as few as say the same of the choices as the network does."""

from __future__ import annotations

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from ...models.distilled import Distilled
from ...trials import Batch
from .elimination import Gram, Path, elimination_path, gram_of
from .library import Coding, Library, update_library
from .points import Points
from .scales import Scale

TOLERANCES = (1e-6, 1e-5, 1e-4, 3e-4, 1e-3, 3e-3, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.3, 0.5)
"""Shares of a latent's movement that an equation may leave unexplained, to choose from."""
SIGNAL_WEIGHT = 0.05
"""What a signal of which nothing is explained counts, in nats: 1 % of it counts as 5e-4."""


class Candidate(NamedTuple):
    """One library for one latent's update.

    Attributes:
        coding: of the choice.
        library: all its terms.
        gram: products over the points of each session.
        path: from all terms to none, over all sessions.
    """

    coding: Coding
    library: Library
    gram: Gram
    path: Path

    def solved(
        self, chosen: Bool[np.ndarray, " term"], weights: Float[np.ndarray, " session"]
    ) -> Float[np.ndarray, " term"]:
        """Coefficients of the chosen terms; weights: how often each session counts."""
        return self.gram.summed(weights).solved(chosen)


def candidates_of(
    points: Points, k: int, scale: Scale, n_choices: int, degree: int
) -> list[Candidate]:
    """The libraries for the update of latent k, the coding that suits its role first."""
    signed = scale.role in ("difference", "habit")
    codings: tuple[Coding, ...] = ("made",) if n_choices > 2 else ("made", "signed")
    found = []
    for coding in reversed(codings) if signed else codings:
        library = update_library(points, coding, scale.own, k, n_choices, degree)
        change = points.after[:, k] - points.before[:, k]
        gram = gram_of(library.features(points), change, points.session, points.n_sessions)
        path = elimination_path(gram.summed(np.ones(points.n_sessions)))
        found.append(Candidate(coding, library, gram, path))
    return found


class Choice(NamedTuple):
    """A candidate, and which of its terms are kept."""

    candidate: Candidate
    chosen: Bool[np.ndarray, " term"]

    def coefficients(self) -> Float[np.ndarray, " term"]:
        """Over all sessions."""
        n = len(self.candidate.gram.weight)
        return self.candidate.solved(self.chosen, np.ones(n))


def sparsest(candidates: list[Candidate], tolerance: float) -> Choice:
    """The fewest terms that leave at most this share unexplained; of codings alike, the first."""
    steps = [(c, c.path.sparsest(tolerance)) for c in candidates]
    enough = [(c, i) for c, i in steps if c.path.unexplained[i] <= tolerance]
    if enough:
        best, i = min(enough, key=lambda found: int(found[0].path.chosen[found[1]].sum()))
    else:
        best, i = min(steps, key=lambda found: float(found[0].path.unexplained[found[1]]))
    return Choice(best, best.path.chosen[i])


def choose(
    candidates: list[list[Candidate]],
    judge: Judge,
    tolerance: float,
    at_least: float = 0.0,
) -> list[Choice]:
    """For each latent the fewest terms with which choices are predicted as the network does.

    First the largest share of movement left unexplained, one for all latents; then terms go one by
    one, the least missed first, as long as what is lost stays within the tolerance, or is at most
    `at_least`.
    """
    ladders = [[sparsest(each, t) for each in candidates] for t in TOLERANCES]
    losses = judge(ladders)
    enough = max(float(np.nanmin(losses)) + tolerance, at_least)
    taken = ladders[int(np.flatnonzero(losses <= enough)[-1])]
    while True:
        fewer = [
            [*taken[:k], Choice(one.candidate, _without(one.chosen, t)), *taken[k + 1 :]]
            for k, one in enumerate(taken)
            for t in np.flatnonzero(one.chosen)
        ]
        if not fewer:
            return taken
        losses = judge(fewer)
        if not np.nanmin(losses) <= enough:
            return taken
        taken = fewer[int(np.nanargmin(losses))]


def _without(chosen, term) -> Bool[np.ndarray, " term"]:
    chosen = chosen.copy()
    chosen[term] = False
    return chosen


class Judge:
    """How far equations are from the network: mean KL divergence of its choices from theirs, in
    nats per trial, with the latents left to the equations from the first trial on; and, where there
    are signals, the share of the network's signals that is not reproduced, times `SIGNAL_WEIGHT`.

    Args:
        template: a distilled model whose update rule holds every term of every candidate.
        place: where the terms of each latent's candidates lie among these, by latent and coding.
        batch: trials; log_p, signals: what the network says of them.
    """

    def __init__(self, template: Distilled, place, batch: Batch, log_p, signals) -> None:
        self._template, self._place = template, place
        self._batch = jax.tree.map(jnp.asarray, batch)
        self._log_p, self._signals = jnp.asarray(log_p), jnp.asarray(signals)

    def __call__(self, several: list[list[Choice]]) -> Float[np.ndarray, " several"]:
        """The loss of each set of equations; NaN where it is not finite."""
        found = []
        shape = self._template.update_rule.weight.shape
        for choices in several:
            weight = np.zeros(shape)
            for k, one in enumerate(choices):
                at = self._place[k, one.candidate.coding]
                weight[k, at] = one.coefficients()
            model = eqx.tree_at(
                lambda m: m.update_rule.weight, self._template, jnp.asarray(weight, jnp.float32)
            )
            found.append(float(_loss(model, self._batch, self._log_p, self._signals)))
        return np.array(found)


@eqx.filter_jit
def _loss(model: Distilled, batch: Batch, log_p: Array, signals: Array) -> Float[Array, ""]:
    unrolled = model.unroll(batch)
    here = jax.nn.log_softmax(unrolled.choice_logits)
    divergence = (jnp.exp(log_p) * (log_p - here)).sum(-1)
    valid = batch.valid
    n = jnp.maximum(valid.sum(), 1)
    loss = jnp.where(valid, divergence, 0.0).sum() / n
    if signals.shape[-1]:
        mask = valid[..., None]
        mean = jnp.where(mask, signals, 0.0).sum((0, 1)) / n
        error = jnp.where(mask, (unrolled.signals - signals) ** 2, 0.0).sum((0, 1))
        spread = jnp.where(mask, (signals - mean) ** 2, 0.0).sum((0, 1))
        loss = loss + SIGNAL_WEIGHT * (error / jnp.maximum(spread, 1e-12)).mean()
    return loss
