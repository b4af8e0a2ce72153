"""The disRNN of a run without penalties of the user's own: everything is chosen inside the training
sessions, and what was tried is written down."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import PRNGKeyArray

from ...fit.disrnn.config import RecipeConfig
from ...fit.disrnn.recipe import History
from ...fit.disrnn.selection import select_disrnn
from ...fit.disrnn.signal_selection import select_signal_networks
from ...models.disrnn import DisRNN
from ...progress.base import Progress
from ...trials import Trials
from .config import FitConfig
from .selection_record import as_record, chosen_inside, signal_record, warnings_of

BY_HAND = ("penalties", "warm_up", "choice_stage", "joint")
"""Parts of the recipe that the user may set by hand; then nothing is chosen."""


class Selected(NamedTuple):
    """A disRNN, notes for metrics.json, the history of its signal stage, seconds by part."""

    model: DisRNN
    notes: dict[str, Any]
    history: History
    seconds: dict[str, float]


def chooses(config: FitConfig) -> bool:
    """Whether the run chooses its penalties: the user gave none, nor a factor, path or recipe."""
    default = RecipeConfig()
    by_hand = any(getattr(config.recipe, part) != getattr(default, part) for part in BY_HAND)
    return not by_hand and config.selection.factor is None and not config.path.factors


def selected_disrnn(
    trials: Trials, config: FitConfig, *, key: PRNGKeyArray, progress: Progress,
    checkpoints: Path, identity: str,
) -> Selected:  # fmt: skip
    """A disRNN for choices and signals of `trials`, chosen inside them.

    checkpoints, identity: as for `select_disrnn`.
    """
    selection = select_disrnn(
        trials, config.recipe, config.selection, key=key, progress=progress,
        checkpoints=checkpoints, identity=identity,
    )  # fmt: skip
    model, history, seconds = selection.model, {}, dict(selection.seconds)
    inside = trials if selection.part is None else selection.part
    record = as_record(selection, inside, config.selection.folds)
    notes: dict[str, Any] = {"selection": record, "warnings": warnings_of(selection, inside)}
    if selection.part is not None:
        record["chosen_inside"] = {
            "sessions": inside.n_sessions, "subjects": len(np.unique(inside.subject)),
            "trials": int(inside.valid.sum()),
        }  # fmt: skip
        record["why"] += f" {chosen_inside(selection.part, trials)}"
    if trials.names.signals:
        began = time.monotonic()
        given = config.recipe.disrnn.subject_numbers_for_signals
        signal = select_signal_networks(
            model, trials, config.recipe, folds=config.selection.folds,
            embedding=given or config.selection.embedding,
            key=jax.random.fold_in(key, 3), progress=progress, part=selection.part,
        )  # fmt: skip
        model, history = signal.model, {"signal": signal.history}
        record["signal"] = signal_record(signal)
        used = config.recipe.penalties.scaled(record["signal"]["factor"]).weights()
        record["penalties"] |= {k: float(w) for k, w in used.items() if k.startswith("signal_")}
        seconds["signal"] = time.monotonic() - began
    return Selected(model, notes, history, seconds)
