"""A disRNN whose penalties, stopping, start and share of the best cognitive model are chosen inside
the sessions it is fitted to.

One path is one model under rising penalties (see `paths`); its checkpoints are the candidates.
Paths differ in their start and in the share of the best cognitive model in their targets (see
`shrinkage`), and in whether numbers describe each subject. Each is run without each fold of the
trials. Candidates are compared by the log likelihood of what was held out, and the model that is
kept lies on the best path, run once more with all trials.

Strong penalties find the structure but blur what stays open. So the chosen candidate is relaxed:
what is closed stays closed, the penalties of the rest fall, and the held-out trials, relaxed in the
same way, say how far. Where the targets are all from the best cognitive model, they hold no noise,
and noise and L2 fall too: what stays open then copies that model.

With more than 100,000 trials all this is chosen inside a part of the sessions, and what was chosen
is fitted to all of them (see `whole`).
"""

from __future__ import annotations

import dataclasses
import itertools
import time
from pathlib import Path as FilePath
from typing import NamedTuple

import jax
from jaxtyping import PRNGKeyArray

from ...models.disrnn import DisRNN, Penalties, in_order
from ...progress.base import Progress
from ...trials import Trials
from ..folds import TOLERANCE
from ..part import part_of_sessions
from .candidates import HOPELESS, Candidate, Route, n_open, simplest_first
from .config import RecipeConfig, SelectionConfig
from .guides import Guide
from .paths import penalties_at
from .preparation import with_unseen_subjects
from .relaxing import Relaxed, lags, may_copy, relaxed
from .walks import Walks
from .whole import fitted_to_all


class Selection(NamedTuple):
    """The chosen model, fitted to all trials (signals are not fitted yet), and how it was chosen.

    candidates: all of them, in order of share, start and step; chosen: index of the one taken.
    standard_errors: of each candidate's held-out log likelihood less that of the one taken (nats
    per trial), over sessions, which are the same for both.
    guide: the best cognitive model. held_out: log likelihood per trial (nats) of the trials that
    folds held out, after relaxing. relaxed: steps of relaxing that were kept.
    penalties: those of the chosen candidate. seconds: by part. part: the sessions inside which it
    was chosen, None for all of them; candidates and their likelihoods are then of these.
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
    part: Trials | None = None

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
    progress = progress or Progress()
    part = part_of_sessions(trials, config.trials, config.folds, key=jax.random.fold_in(key, PART))
    if part is not None and config.shares == SelectionConfig().shares:
        config = dataclasses.replace(config, shares=(0.0,))
    inside = trials if part is None else part
    walks = Walks(inside, recipe, config, key, progress, checkpoints, identity)
    guided = time.monotonic()
    walks.explore()
    walked = time.monotonic()
    candidate, found = _simplest(walks)
    candidates = walks.candidates()
    chosen = candidates.index(candidate)
    seconds = {
        "cognitive": guided - began, "paths": walked - guided,
        "simplifying": time.monotonic() - walked,
    }  # fmt: skip
    model, batch = found.model, walks.batch
    if part is not None:
        began = time.monotonic()
        model = fitted_to_all(
            trials, walks, candidate, found, key=jax.random.fold_in(key, PART + 1),
            progress=progress, checkpoints=checkpoints, identity=identity,
        )  # fmt: skip
        seconds["all sessions"] = time.monotonic() - began
        batch = trials.batch()
    model = with_unseen_subjects(in_order(model), batch)
    return Selection(
        model, candidates, chosen, walks.standard_errors(candidate), walks.guide,
        found.held_out, found.steps, penalties_at(recipe.penalties, candidate.factor), seconds,
        part,
    )  # fmt: skip


PART = 500
"""Numbers of the keys that draw a part of the sessions, and fit to all of them."""
FEWER = 2e-4
"""Nats per held-out trial that fewer latents from the start may cost, copies apart: a variable that
is one in truth costs nothing as one latent."""
AT_A_TIME = 2
"""Fits to all trials that are walked side by side, each with one latent fewer."""

Found = tuple[Candidate, Relaxed]


def _simplest(walks: Walks) -> Found:
    """The candidate with the fewest open latents that, relaxed, predicts held-out trials as well as
    the best along the chosen route (but for `TOLERANCE`); and what relaxing made of it.

    It is on that route, or on the same with fewer latents from the start, which must predict as
    well as that one after relaxing (but for `FEWER`). A copy may be no more than `TOLERANCE`
    further from what it copies than the one with the most latents.
    """
    candidates = walks.along(walks.chosen)
    if walks.chosen.share == 1:
        most = relaxed(walks, candidates[simplest_first(candidates)[-1]])
        enough = most[1].judged - TOLERANCE
        taken = _simplest_along(walks, walks.chosen, enough, most) or most
        taken = _fewest_copying(walks, taken, enough)
        return relaxed(walks, taken[0], longer=True) if lags(*taken) else taken
    best = walks.best_along(walks.chosen)
    found = _simplest_along(walks, walks.chosen, best.held_out - TOLERANCE)
    return _fewer_in_turn(walks, found or relaxed(walks, best))


def _fewer_in_turn(walks: Walks, taken: Found) -> Found:
    """What predicts as well with one latent fewer than what is taken, as often as there is such."""
    while (n := taken[0].n_open or 0) > 1:
        routes = walks.begin_fewer(taken[0], [n - 1])
        if not routes:
            break
        walks.finish_fewer(routes[0])
        fewer = _simplest_along(walks, routes[0], taken[1].judged - FEWER)
        if fewer is None:
            break
        taken = fewer
    return taken


def _fewest_copying(walks: Walks, taken: Found, enough: float) -> Found:
    """The copy with the fewest latents that is near enough to what it copies.

    The fits to all trials come first, two at a time: where one is too far from the guide, so are
    fits without a fold, and those with still fewer latents.
    """
    near: list[Route] = []
    latents = list(range((taken[0].n_open or 0) - 1, 0, -1))
    for i in range(0, len(latents), AT_A_TIME):
        tried = latents[i : i + AT_A_TIME]
        routes = walks.begin_fewer(taken[0], tried)
        new = list(itertools.takewhile(lambda route: may_copy(walks, route, enough), routes))
        near += new
        if len(new) < len(tried):
            break
    for route in reversed(near):
        walks.finish_fewer(route)
        fewer = _simplest_along(walks, route, enough)
        if fewer is not None:
            return fewer
    return taken


def _simplest_along(
    walks: Walks, route: Route, enough: float, known: Found | None = None
) -> Found | None:
    """Along a route, the candidate with the fewest open latents that, relaxed, is judged to be this
    good (see `Relaxed`); None where none is. known: one that is relaxed already, which stands for
    all with as many open latents."""
    candidates = walks.along(route)
    for simpler in simplest_first(candidates):
        candidate = candidates[simpler]
        if known is not None and n_open(candidate) >= n_open(known[0]):
            return known
        if route.share == 1 or candidate.held_out >= enough - HOPELESS:
            found = relaxed(walks, candidate)
            if found[1].judged >= enough:
                return found
    return None
