"""Fitting a GRU: how well can an unconstrained network predict the same choices and signals?

Folds of the sessions say how (see `selection`); then one GRU is fitted to all of them.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path as FilePath
from typing import Any, NamedTuple

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Float, PRNGKeyArray

from ...models.gru import GRU
from ...progress.base import Progress
from ...trials import Trials
from ..gradient.batches import labelled
from ..gradient.training import STEPS_PER_DISPATCH
from ..part import part_of_sessions
from .config import GRUConfig
from .objective import with_unseen_subjects
from .path import Path
from .selection import GRUSelection, routes_of, select_gru, tried_apart

PART = 500
"""Number of the key that draws a part of the sessions."""


class GRUFit(NamedTuple):
    """A fitted GRU, the loss's terms at every step, and how it was chosen; None where nothing was
    left to choose. part: the sessions inside which it was chosen, None for all."""

    model: GRU
    history: dict[str, Float[np.ndarray, " step"]]
    selection: GRUSelection | None
    part: Trials | None = None


def fit_gru(
    trials: Trials,
    config: GRUConfig,
    *,
    key: PRNGKeyArray,
    progress: Progress | None = None,
    checkpoints: FilePath | None = None,
    identity: str = "",
) -> GRUFit:
    """A GRU fitted to choices and signals of all sessions of `trials`.

    Beyond 100,000 trials it is chosen inside a part of the sessions, and fitted to all in
    mini-batches.

    Args:
        trials: sessions to fit; those held out from the analysis are not among them.
        config: what is not given there is chosen by folds of these sessions.
        key: draws the initial weights.
        progress: what is reported to.
        checkpoints: folder for what was reached, so that a stopped choice goes on.
        identity: of data and options, so that it goes on with its own.

    Raises:
        DivergedError: training cannot be rescued by lower learning rates.
        DataError: a checkpoint is damaged, or belongs to other data or options.
    """
    progress = progress or Progress()
    selection, [route, *others] = None, routes_of(trials, config)
    part = part_of_sessions(trials, None, config.folds, key=jax.random.fold_in(key, PART))
    if others or config.chooses_steps or tried_apart(trials, config):
        inside = trials if part is None else part
        selection = select_gru(
            inside, config, key=key, progress=progress, checkpoints=checkpoints, identity=identity
        )
        route = selection.chosen.route
        if part is not None and config.l2 is None:  # each is a number of trials' worth
            share = part.scored.sum() / max(int(trials.scored.sum()), 1)
            route = route._replace(l2=float(route.l2 * share))
    if selection is not None and config.chooses_steps:
        config = dataclasses.replace(
            config, stage=dataclasses.replace(config.stage, steps=selection.chosen.step)
        )
    path = Path.beginning(trials, trials.batch(), config, route, key)
    label = labelled("gru: all sessions", path.batches)
    with progress.task(label, config.stage.steps) as task:
        while not path.ended:
            path.advance(path.step + STEPS_PER_DISPATCH)
            terms = {name: float(values[-1]) for name, values in path.history.items()}
            task.update(path.step, terms=terms)
    model = with_unseen_subjects(path.model, path.batch)
    if selection is not None:
        model = with_start_where_not_predicted(model, path.start, selection)
    return GRUFit(model, path.history, selection, part)


def with_start_where_not_predicted(model: GRU, start: GRU, selection: GRUSelection) -> GRU:
    """The same model; outputs that folds do not predict keep their start: base rates and means."""
    kept = []
    if not selection.predicts_choices:
        kept += ["w_choice", "b_choice"]
    if not selection.predicts_signals:
        kept += ["w_signal", "b_signal"]

    def of(gru: GRU) -> list[Any]:
        return [getattr(gru, name) for name in kept]

    return eqx.tree_at(of, model, of(start)) if kept else model
