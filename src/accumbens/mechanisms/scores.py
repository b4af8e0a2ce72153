"""How well the fits of a mechanism predict sessions that they did not see."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from ..scoring.bootstrap import Resampling, session_weights, unit_of
from ..scoring.evaluation import Estimate
from .fits import HeldOut, NetworkFit

LEVEL = 0.95


class MemberScores(NamedTuple):
    """Held-out sessions of a mechanism, each by the mean over the members that held it out.

    Attributes:
        sessions: `subject/session` of each.
        subject: number of each session's subject.
        log_likelihood: of the choices, in nats.
        without_memory: the same under a fixed bias.
        n_scored: scored choices.
    """

    sessions: tuple[str, ...]
    subject: Int[np.ndarray, " session"]
    log_likelihood: Float[np.ndarray, " session"]
    without_memory: Float[np.ndarray, " session"]
    n_scored: Float[np.ndarray, " session"]

    @property
    def mean(self) -> float:
        """Log likelihood per choice, in nats."""
        return float(self.log_likelihood.sum() / max(self.n_scored.sum(), 1.0))

    def likelihood(self, rng: np.random.Generator, n_draws: int) -> Estimate:
        """Normalized likelihood with its interval."""
        found = self._per_choice(self.log_likelihood, rng, n_draws)
        return Estimate(*(float(np.exp(x)) for x in found))

    def above_chance(self, rng: np.random.Generator, n_draws: int) -> Estimate:
        """Nats per choice above a fixed bias."""
        return self._per_choice(self.log_likelihood - self.without_memory, rng, n_draws)

    def _per_choice(
        self, nats: Float[np.ndarray, " session"], rng: np.random.Generator, n_draws: int
    ) -> Estimate:
        n = self.n_scored
        value = nats.sum() / max(n.sum(), 1.0)
        if len(n) == 1:
            return Estimate(float(value), float("nan"), float("nan"))
        unit = unit_of(self.subject)
        weights = session_weights(self.subject, n_draws, rng, unit)
        draws = (weights @ nats) / np.maximum(weights @ n, 1e-9)
        drawn = Resampling(weights, self.subject, unit)
        low, high = drawn.interval(np.array([value]), draws[:, None], n[:, None], LEVEL)
        return Estimate(float(value), float(low[0]), float(high[0]))


def held_out_of(fits: Sequence[NetworkFit]) -> MemberScores | None:
    """The scores of several fits together; None where none has held out a session."""
    return _merged([fit.held_out for fit in fits if fit.held_out is not None])


def scores_of(held_out: HeldOut) -> MemberScores | None:
    """The scores of a single model."""
    return _merged([held_out])


def above_reference(
    scores: MemberScores | None, reference: MemberScores | None, rng: np.random.Generator,
    n_draws: int,
) -> Estimate | None:  # fmt: skip
    """Nats per choice above another mechanism, on the sessions that both have held out."""
    if scores is None or reference is None:
        return None
    place = {name: i for i, name in enumerate(reference.sessions)}
    both = [(i, place[name]) for i, name in enumerate(scores.sessions) if name in place]
    if not both:
        return None
    ours, theirs = (np.array(index) for index in zip(*both, strict=True))
    paired = MemberScores(
        tuple(scores.sessions[i] for i in ours),
        scores.subject[ours],
        scores.log_likelihood[ours],
        reference.log_likelihood[theirs],
        scores.n_scored[ours],
    )
    return paired.above_chance(rng, n_draws)


def _merged(scores: Sequence[HeldOut]) -> MemberScores | None:
    if not scores:
        return None
    rows: dict[str, list[tuple[Any, ...]]] = {}
    for one in scores:
        for name, subject, *sums in zip(*one, strict=True):
            rows.setdefault(name, []).append((subject, *map(float, sums)))
    subjects = {
        name: number for number, name in enumerate(sorted({r[0][0] for r in rows.values()}))
    }
    means = np.array([np.mean([row[1:] for row in each], axis=0) for each in rows.values()])
    if not len(means):
        return None
    return MemberScores(
        tuple(rows), np.array([subjects[each[0][0]] for each in rows.values()]), *means.T
    )
