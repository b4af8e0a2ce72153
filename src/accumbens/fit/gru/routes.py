"""The routes of a GRU's selection: along each, one GRU is trained without each fold.

All of them have one shape (what a fold holds out is masked), so one compiled step trains them all,
on all cores. Every `STEPS_PER_DISPATCH` steps they are scored on what they have not seen.
"""

from __future__ import annotations

from pathlib import Path as FilePath
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int, PRNGKeyArray

from ...progress.base import Progress
from ...progress.threads import in_threads
from ...trials import Trials
from ..folds import TOLERANCE, expected_after_all, folds_of, without
from ..gradient.training import STEPS_PER_DISPATCH
from ..unfinished import read_arrays, refuse_other, write_arrays
from .config import GRUConfig
from .objective import SIGNAL_WEIGHT, Score, score
from .path import GRURoute, Path

PATIENCE = 200
"""A route ends when so many steps have brought less than `TOLERANCE`."""
GIVE_UP = 0.01
"""It also ends when it is so many nats per trial below its own best,"""
HORIZON = 2
"""or when it will not reach another route's best within as many times the latest `PATIENCE` / 2
steps, at the rate of these."""


class GRUCandidate(NamedTuple):
    """A GRU after some steps along a route.

    held_out_choice: mean log likelihood per trial (nats) of the choices that each fold held out.
    held_out_signal: mean squared error there in units of each signal's variance, averaged over
    signals; 0 without signals. held_out, fitted: minus the loss per trial, without the penalty, of
    what was held out and of what was fitted. expected: what `held_out` would be after fitting all
    trials, see `expected_after_all`.
    """

    route: GRURoute
    step: int
    held_out_choice: float
    held_out_signal: float
    held_out: float
    fitted: float
    expected: float


class Walked(NamedTuple):
    """Scores along a route, of the trials that each fold held out and of the others."""

    step: Int[np.ndarray, " checkpoint"]
    choice: Float[np.ndarray, "checkpoint fold part session"]
    signal: Float[np.ndarray, "checkpoint fold part session"]


class Routes:
    """What all routes of a selection share, and where they have led."""

    def __init__(
        self, trials: Trials, config: GRUConfig, key: PRNGKeyArray, progress: Progress,
        checkpoints: FilePath | None, identity: str,
    ) -> None:  # fmt: skip
        self.trials, self.config, self.key, self.progress = trials, config, key, progress
        self.checkpoints, self.identity = checkpoints, identity
        self.folds = folds_of(trials, config.folds)
        self.batch = trials.batch()
        self.on_device = jax.tree.map(jnp.asarray, self.batch)
        self.counted = [jnp.asarray(np.stack([out, ~out])) for out in self.folds]
        self.n = max(int(trials.scored.sum()), 1)
        self.walked: dict[GRURoute, Walked] = {}

    def walk(self, route: GRURoute) -> None:
        """Scores along a route, read from disk where it was walked before."""
        file = None
        if self.checkpoints is not None:
            name = f"gru-{route.l2:g}-{route.embedding}.safetensors"
            file = self.checkpoints / name
            if file.is_file():
                arrays, note = read_arrays(file)
                refuse_other(file, note, self.identity)
                self.walked[route] = Walked(**arrays)
                return
        best = max((c.expected for r in self.walked for c in self.along(r)), default=-np.inf)
        paths = [
            Path.beginning(self.trials, without(self.batch, out), self.config, route, self.key)
            for out in self.folds
        ]
        steps, scores = [0], [self._scores(paths)]
        label = f"gru: L2 {route.l2:.2g}, {route.embedding} numbers a subject, folds"
        with self.progress.task(label, self.config.stage.steps) as task:
            while not all(path.ended for path in paths):
                target = steps[-1] + STEPS_PER_DISPATCH
                in_threads(lambda path: path.advance(target), paths)  # noqa: B023
                steps.append(max(path.step for path in paths))
                scores.append(self._scores(paths))
                self.walked[route] = _stacked(steps, scores)
                along = self.along(route)
                task.update(steps[-1], terms={"validation": -along[-1].held_out})
                if self.config.chooses_steps and ends([c.expected for c in along], best):
                    break
        self.walked[route] = _stacked(steps, scores)
        if file is not None:
            write_arrays(file, self.walked[route]._asdict(), {"identity": self.identity})

    def _scores(self, paths: list[Path]) -> list[Score]:
        return [
            score(path.model, path.batch, self.on_device, counted)
            for path, counted in zip(paths, self.counted, strict=True)
        ]

    def along(self, route: GRURoute) -> list[GRUCandidate]:
        """Every checkpoint along a route; where the steps are given, those that are not the last
        cannot be taken."""
        k, walked = len(self.folds), self.walked[route]
        candidates = []
        for step, choice, signal in zip(*walked, strict=True):
            held, seen = ((choice + signal)[:, part].sum() / self.n for part in (0, 1))
            held, seen = float(held), float(seen / (k - 1))
            expected = expected_after_all(held, seen, k)
            candidates.append(
                GRUCandidate(
                    route, int(step), float(choice[:, 0].sum() / self.n),
                    float(-signal[:, 0].sum() / self.n / SIGNAL_WEIGHT), held, seen,
                    expected if np.isfinite(expected) else -np.inf,
                )
            )  # fmt: skip
        return candidates

    def best_along(self, route: GRURoute) -> GRUCandidate:
        """The checkpoint that is expected to predict best; the last one where steps are given."""
        along = self.along(route)
        return max(along, key=lambda c: c.expected) if self.config.chooses_steps else along[-1]


def ends(expected: list[float], best: float) -> bool:
    """Whether a route ends, given what is expected at each checkpoint so far, and the best of other
    routes (see `PATIENCE`, `GIVE_UP`, `HORIZON`)."""
    back = PATIENCE // STEPS_PER_DISPATCH
    if not np.isfinite(expected[-1]) or expected[-1] < max(expected) - GIVE_UP:
        return True
    if len(expected) <= back:
        return False
    if max(expected[-back:]) < max(expected[:-back]) + TOLERANCE:
        return True
    gained = expected[-1] - expected[-1 - back // 2]
    return max(expected) + HORIZON * max(gained, 0.0) < best


def _stacked(steps: list[int], scores: list[list[Score]]) -> Walked:
    choice, signal = (
        np.stack([np.stack([getattr(s, term) for s in of_folds]) for of_folds in scores])
        for term in Score._fields
    )
    return Walked(np.array(steps), choice, signal)
