"""A disRNN whose penalties, stopping, start and share of the best cognitive model are chosen inside
the sessions it is fitted to.

One path is one model under rising penalties (see `paths`); its checkpoints are the candidates.
Paths differ in their start and in the share of the best cognitive model in their targets (see
`shrinkage`), and in whether numbers describe each subject. Each is run without each fold of the
trials. Candidates are compared by the log likelihood of what was held out, and the model that is
kept lies on the best path, run once more with all trials.

Strong penalties find the structure but blur what stays open. So the chosen candidate is relaxed:
what is closed stays closed, the penalties of the rest fall, and the held-out trials, relaxed in the
same way, say how far.
"""

from __future__ import annotations

import time
from pathlib import Path as FilePath
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int, PRNGKeyArray

from ...models.disrnn import DisRNN, Penalties, in_order
from ...progress.base import Progress
from ...progress.threads import in_threads
from ...trials import Trials
from ..folds import TOLERANCE, paired_difference
from .candidates import HOPELESS, Candidate, Route, simplest_first
from .config import RecipeConfig, SelectionConfig
from .guides import Guide
from .paths import STEPS_PER_CHECKPOINT, Path, penalties_at, relaxing
from .preparation import with_unseen_subjects
from .walks import Walks, placed


class Selection(NamedTuple):
    """The chosen model, fitted to all trials (signals are not fitted yet), and how it was chosen.

    candidates: all of them, in order of share, start and step; chosen: index of the one taken.
    standard_errors: of each candidate's held-out log likelihood less that of the one taken (nats
    per trial), over sessions, which are the same for both.
    guide: the best cognitive model. held_out: log likelihood per trial (nats) of the trials that
    folds held out, after relaxing. relaxed: steps of relaxing that were kept.
    penalties: those of the chosen candidate. seconds: by part.
    """

    model: DisRNN
    candidates: list[Candidate]
    chosen: int
    standard_errors: list[float]
    guide: Guide
    held_out: float
    relaxed: int
    penalties: Penalties
    seconds: dict[str, float]

    @property
    def candidate(self) -> Candidate:
        """The one that was taken."""
        return self.candidates[self.chosen]


def select_disrnn(
    trials: Trials,
    recipe: RecipeConfig,
    config: SelectionConfig | None = None,
    *,
    key: PRNGKeyArray,
    progress: Progress | None = None,
    checkpoints: FilePath | None = None,
    identity: str = "",
) -> Selection:
    """A disRNN for the choices of all sessions of `trials`, chosen by what is held out among them.

    The candidate with the highest held-out likelihood, as expected after fitting all trials; then,
    on its path, or on the same with fewer latents from the start, the one with the fewest open
    latents that predicts as well after relaxing.

    recipe: architecture, and the penalties that a factor of 1 means. key: of starts and noise.
    checkpoints: folder for what was reached, so that a killed selection goes on; identity: of data
    and options, so that it goes on with its own.
    """
    config, began = config or SelectionConfig(), time.monotonic()
    walks = Walks(trials, recipe, config, key, progress or Progress(), checkpoints, identity)
    guided = time.monotonic()
    walks.explore()
    walked = time.monotonic()
    candidate, (model, held_out, relaxed) = _simplest(walks)
    candidates = walks.candidates()
    chosen = candidates.index(candidate)
    seconds = {
        "cognitive": guided - began, "paths": walked - guided,
        "simplifying": time.monotonic() - walked,
    }  # fmt: skip
    model = with_unseen_subjects(in_order(model), walks.batch)
    return Selection(
        model, candidates, chosen, walks.standard_errors(candidate), walks.guide,
        held_out, relaxed, penalties_at(recipe.penalties, candidate.factor), seconds,
    )  # fmt: skip


FEWER = 2e-4
"""Nats per held-out trial that fewer latents from the start may cost: a variable that is one in
truth costs nothing as one latent."""


class Relaxed(NamedTuple):
    """A candidate after relaxing: model, held-out log likelihood per trial (nats), steps kept."""

    model: DisRNN
    held_out: float
    steps: int


def _simplest(walks: Walks) -> tuple[Candidate, Relaxed]:
    """The candidate with the fewest open latents that, relaxed, predicts held-out trials as well as
    the best along the chosen route (but for `TOLERANCE`); and what relaxing made of it.

    It is on that route, or on the same with fewer latents from the start, which must predict as
    well as that one after relaxing (but for `FEWER`).
    """
    best = walks.best_along(walks.chosen)
    enough = best.held_out - TOLERANCE
    taken = _simplest_along(walks, walks.chosen, enough) or (best, _relax(walks, best))
    while (taken[0].n_open or 0) > 1:
        route = walks.explore_fewer(taken[0])
        enough = taken[1].held_out - FEWER
        fewer = None if route is None else _simplest_along(walks, route, enough)
        if fewer is None:
            break
        taken = fewer
    return taken


def _simplest_along(walks: Walks, route: Route, enough: float) -> tuple[Candidate, Relaxed] | None:
    """Along a route, the candidate with the fewest open latents that, relaxed, has this held-out
    log likelihood per trial (nats); None where none has."""
    candidates = walks.along(route)
    for simpler in simplest_first(candidates):
        if candidates[simpler].held_out >= enough - HOPELESS:
            relaxed = _relax(walks, candidates[simpler])
            if relaxed.held_out >= enough:
                return candidates[simpler], relaxed
    return None


def _relax(walks: Walks, candidate: Candidate) -> Relaxed:
    """What relaxing makes of a candidate."""
    folds = range(len(walks.held_out))
    averages = walks.walked[candidate.route].averages[candidate.step // STEPS_PER_CHECKPOINT - 1]
    paths = placed(walks.paths(candidate.route, folds), averages)
    paths = [path.closed_for_good(path.average) for path in paths]
    models, scores = [paths[-1].model], [walks.scores(paths, folds)]
    n_steps = walks.config.relaxing

    def advance(path: Path) -> None:
        path.advance(schedule, walks.recipe.penalties)

    with walks.progress.task("disrnn selection: relaxing", n_steps) as task:
        for first in range(0, n_steps, STEPS_PER_CHECKPOINT):
            steps = first + np.arange(STEPS_PER_CHECKPOINT)
            schedule = relaxing(steps, n_steps, candidate.factor, candidate.step)
            in_threads(advance, paths)
            models.append(paths[-1].model)
            scores.append(walks.scores(paths, folds))
            task.update(min(first + STEPS_PER_CHECKPOINT, n_steps))
    held_out = [of_all[:-1, 0].sum(0) for of_all in scores]
    last = relaxed_as_far_as_it_helps(held_out, walks.trials.scored.sum(1))
    steps = last * STEPS_PER_CHECKPOINT
    return Relaxed(models[last], float(held_out[last].sum() / walks.n), steps)


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
