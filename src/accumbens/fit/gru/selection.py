"""What the folds of the training sessions say of a GRU: how strong its L2 penalty, whether numbers
describe each subject, after how many steps to stop, and which outputs it predicts at all.
"""

from __future__ import annotations

from pathlib import Path as FilePath
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int, PRNGKeyArray
from scipy.stats import t as student

from ...progress.base import Progress
from ...trials import Trials
from ..folds import TOLERANCE, paired_difference
from .config import GRUConfig
from .path import GRURoute
from .routes import GRUCandidate, Routes

CHANCE = 0.025
"""How often, at most, an output that nothing predicts may be taken for predicted."""


class GRUSelection(NamedTuple):
    """How a GRU was chosen.

    candidates: all of them, route by route. chosen: the one taken. start: what an untrained GRU
    scores, which says base rates and means. predicts_choices, predicts_signals: whether the chosen
    one predicts what was held out better than that; an output that it does not predict keeps base
    rates or means.
    """

    candidates: list[GRUCandidate]
    chosen: GRUCandidate
    start: GRUCandidate
    predicts_choices: bool
    predicts_signals: bool


def routes_of(trials: Trials, config: GRUConfig) -> list[GRURoute]:
    """A route for each L2 penalty, with the embedding that is given, or none."""
    n = max(int(trials.scored.sum()), 1)
    weights = [strength / n for strength in config.strengths] if config.l2 is None else [config.l2]
    return [GRURoute(l2, config.subject_embedding or 0) for l2 in weights]


def tried_apart(trials: Trials, config: GRUConfig) -> int:
    """The size of the embedding that is tried beside none; 0: none is."""
    several = len(np.unique(trials.subject)) > 1
    return config.tried_embedding if config.subject_embedding is None and several else 0


def select_gru(
    trials: Trials,
    config: GRUConfig,
    *,
    key: PRNGKeyArray,
    progress: Progress,
    checkpoints: FilePath | None = None,
    identity: str = "",
) -> GRUSelection:
    """What to fit to all of `trials`, by what is held out among them.

    Of penalties that are expected to predict equally well (but for `TOLERANCE`) the strongest;
    numbers for each subject where they are better by more than `TOLERANCE`; of the steps, what is
    expected to predict best. checkpoints, identity: as for `fit_gru`.
    """
    routes = Routes(trials, config, key, progress, checkpoints, identity)
    alike = routes_of(trials, config)
    for route in alike:
        routes.walk(route)
    expected = {route: routes.best_along(route).expected for route in alike}
    good = [route for route in alike if expected[route] >= max(expected.values()) - TOLERANCE]
    best = simplest = max(good, key=lambda route: route.l2)
    if embedding := tried_apart(trials, config):
        apart = GRURoute(best.l2, embedding)
        routes.walk(apart)
        if routes.best_along(apart).expected > expected[best] + TOLERANCE:
            best = apart
    chosen = routes.best_along(best)
    at = routes.along(best).index(chosen)
    walked, n_scored = routes.walked[best], _per_fold(routes)
    predicts_choices, predicts_signals = (
        not config.chooses_steps or better(of_term[at, :, 0], of_term[0, :, 0], n_scored)
        for of_term in (walked.choice, walked.signal)
    )
    start = routes.along(simplest)[0]
    if config.chooses_steps and not predicts_choices and not predicts_signals:
        chosen = start
    candidates = [c for route in routes.walked for c in routes.along(route)]
    return GRUSelection(candidates, chosen, start, predicts_choices, predicts_signals)


def better(
    score: Float[np.ndarray, "fold session"],
    start: Float[np.ndarray, "fold session"],
    n_scored: Int[np.ndarray, "fold session"],
) -> bool:
    """Whether a score is above that at the start by more than chance has it (one-sided t-test).

    Over what each fold holds out of each session: sessions, or spans of them where there are few.
    """
    there = n_scored > 0
    above, error = paired_difference(score[there], start[there], n_scored[there])
    units = int(there.sum())
    return units > 1 and above > error * float(student.isf(CHANCE, units - 1))


def _per_fold(routes: Routes) -> Int[np.ndarray, "fold session"]:
    scored = routes.trials.scored
    return np.stack([(scored & out).sum(1) for out in routes.folds])
