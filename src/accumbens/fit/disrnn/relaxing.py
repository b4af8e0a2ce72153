"""Relaxing a candidate of a selection: what is closed stays closed, and the rest is let go.

Penalties of what is open fall. Where the targets are all from the best cognitive model, they hold
no noise, and noise and L2, which protect from noise, fall too: what stays open copies that model.
A copy is judged by what the model says of held-out trials, not by the choices made.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from ...models.disrnn import DisRNN
from ...progress.threads import in_threads
from ..folds import paired_difference
from .candidates import Candidate, Route
from .paths import STEPS_PER_CHECKPOINT, Path, Schedule, copying, expected_score, relaxing
from .shrinkage import SoftChoices, soft_targets
from .stopping import FIRST
from .walked import factor_at
from .walks import Walks, placed

BEHIND = 1e-4
"""A copy goes on where it stays so many nats per held-out trial from its guide."""
LONGER = 3
"""Times as many steps as before."""
TOO_FAR = 1e-3
"""Nats per trial by which a fit to all trials may be further from its guide than is enough: beyond
that, fits without a fold will not come near enough either."""


class Relaxed(NamedTuple):
    """A candidate after relaxing: model, held-out log likelihood per trial (nats), steps kept.

    judged: what it is compared by, higher is better: the held-out log likelihood; of a copy, minus
    the Kullback-Leibler divergence of its probabilities from its guide's (nats per held-out trial),
    in which the noise of the choices made has no part.
    """

    model: DisRNN
    held_out: float
    steps: int
    judged: float


def lags(candidate: Candidate, relaxed: Relaxed) -> bool:
    """Whether it was to copy the guide and has not yet."""
    return candidate.route.share == 1 and relaxed.judged < -BEHIND


class _Guides:
    """What the guides of the folds say of the trials that these hold out."""

    def __init__(self, walks: Walks, embedding: int) -> None:
        models = walks.guide.models_for(embedding)[:-1]
        targets = [soft_targets(walks.trials, model, 1.0) for model in models]
        self.data = [SoftChoices(walks.on_device, jnp.asarray(target)) for target in targets]
        self.counted = [counted[0] for counted in walks.counted]
        self.n = walks.n

    def divergence(self, paths: list[Path]) -> float:
        """Of these copies, one without each fold, in nats per held-out trial."""
        of_folds = [
            _divergence(path.model, data, counted)
            for path, data, counted in zip(paths, self.data, self.counted, strict=False)
        ]
        return sum(of_folds) / self.n


def _divergence(model: DisRNN, data: SoftChoices, counted: Bool[Array, "session trial"]) -> float:
    """Kullback-Leibler divergence of a model's probabilities from the targets (nats), summed over
    the scored trials that count."""
    p = np.asarray(data.target)
    of_trial = (p * np.log(np.maximum(p, 1e-30))).sum(-1)
    itself = of_trial[np.asarray(data.batch.scored & counted)].sum()
    return float(itself - expected_score(model, data, counted).sum())


def may_copy(walks: Walks, route: Route, enough: float) -> bool:
    """Whether fits of a copy without a fold are worth the time: the fit to all trials, relaxed,
    comes about as near to the guide as is enough."""
    everything, walked = [len(walks.folds)], walks.of_all[route]
    best = FIRST + int(np.argmax(walked.scores[FIRST:, 0, 1].sum(1)))
    (path,) = placed(walks.paths(route, everything), walked.averages[best])
    path = path.closed_for_good(path.average)
    step, n_steps = (best + 1) * STEPS_PER_CHECKPOINT, walks.config.relaxing
    factor = factor_at(route, step, walks.n, walks.config.steps)
    with walks.progress.task("disrnn selection: relaxing, all", n_steps) as task:
        for i, schedule in enumerate(schedules(route, factor, step, n_steps), 1):
            path.advance(schedule, walks.recipe.penalties)
            task.update(min(i * STEPS_PER_CHECKPOINT, n_steps))
    scored = path.data.batch.scored
    distance = _divergence(path.model, path.data, jnp.ones(scored.shape, bool)) / scored.sum()
    return -float(distance) >= enough - TOO_FAR


def relaxed(
    walks: Walks, candidate: Candidate, *, longer: bool = False
) -> tuple[Candidate, Relaxed]:
    """A candidate, and what relaxing makes of it. longer: a second, longer turn for a copy."""
    folds = range(len(walks.held_out))
    averages = walks.walked[candidate.route].averages[candidate.step // STEPS_PER_CHECKPOINT - 1]
    paths = placed(walks.paths(candidate.route, folds), averages)
    paths = [path.closed_for_good(path.average) for path in paths]
    models, scores = [paths[-1].model], [walks.scores(paths, folds)]
    n_steps = walks.config.relaxing
    of_stops = schedules(candidate.route, candidate.factor, candidate.step, n_steps, longer=longer)
    guides = _Guides(walks, candidate.route.embedding) if candidate.route.share == 1 else None
    divergences = [] if guides is None else [guides.divergence(paths)]

    def advance(path: Path) -> None:
        path.advance(schedule, walks.recipe.penalties)

    for of_turn in [n_steps, LONGER * n_steps] if longer else [n_steps]:
        with walks.progress.task("disrnn selection: relaxing", of_turn) as task:
            for done in range(0, of_turn, STEPS_PER_CHECKPOINT):
                schedule = next(of_stops)
                in_threads(advance, paths)
                models.append(paths[-1].model)
                scores.append(walks.scores(paths, folds))
                if guides is not None:
                    divergences.append(guides.divergence(paths))
                task.update(min(done + STEPS_PER_CHECKPOINT, of_turn))
    held_out = [of_all[:-1, 0].sum(0) for of_all in scores]
    last = (
        int(np.argmin(divergences))
        if divergences else relaxed_as_far_as_it_helps(held_out, walks.trials.scored.sum(1))
    )  # fmt: skip
    predicted = float(held_out[last].sum() / walks.n)
    judged = -divergences[last] if divergences else predicted
    return candidate, Relaxed(models[last], predicted, last * STEPS_PER_CHECKPOINT, judged)


def schedules(
    route: Route, factor: float, first: int, n_steps: int, *, longer: bool = False
) -> Iterator[Schedule]:
    """Of relaxing, from one checkpoint to the next.

    factor: of the penalties where it begins. first: steps before. longer: with the second turn.
    """
    for turn, of_turn in enumerate([n_steps, LONGER * n_steps] if longer else [n_steps]):
        for done in range(0, of_turn, STEPS_PER_CHECKPOINT):
            steps = done + np.arange(STEPS_PER_CHECKPOINT)
            if route.share < 1:
                yield relaxing(steps, of_turn, factor, first)
            else:
                yield copying(steps, of_turn, factor, first, again=turn > 0)
        first += of_turn


def relaxed_as_far_as_it_helps(
    held_out: list[Float[np.ndarray, " session"]], n_scored: Int[np.ndarray, " session"]
) -> int:
    """The last stop whose held-out log likelihood lies within one standard error of the best.

    held_out: of each session (nats), at each stop; the first is the model before. Returns its
    number.
    """
    best = max(held_out, key=lambda x: float(x.sum()))
    within = []
    for i, of_session in enumerate(held_out):
        below, error = paired_difference(best, of_session, n_scored)
        if below <= error:
            within.append(i)
    return within[-1]
