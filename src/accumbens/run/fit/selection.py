"""The disRNN of a run without penalties of the user's own: everything is chosen inside the training
sessions, and what was tried is written down."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, NamedTuple

import equinox as eqx
import jax
import numpy as np
from jaxtyping import PRNGKeyArray

from ...fit.disrnn.candidates import best_candidate
from ...fit.disrnn.preparation import initial_disrnn
from ...fit.disrnn.recipe import History, RecipeConfig
from ...fit.disrnn.selection import Selection, select_disrnn
from ...fit.disrnn.signal_selection import SignalSelection, select_signal_networks
from ...models.disrnn import DisRNN
from ...progress.base import Progress
from ...trials import Trials
from .config import FitConfig

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
    notes: dict[str, Any] = {"selection": as_record(selection, trials, config)}
    if trials.names.signals:
        began = time.monotonic()
        whole = initial_disrnn(trials, config.recipe.disrnn, key)
        whole = eqx.tree_at(
            lambda m: [m.core, m.choice_network], whole, [model.core, model.choice_network]
        )
        signal = select_signal_networks(
            whole, trials, config.recipe, folds=config.selection.folds,
            key=jax.random.fold_in(key, 3), progress=progress,
        )  # fmt: skip
        model, history = signal.model, {"signal": signal.history}
        notes["selection"]["signal"] = _signal_record(signal)
        seconds["signal"] = time.monotonic() - began
    return Selected(model, notes, history, seconds)


def as_record(selection: Selection, trials: Trials, config: FitConfig) -> dict[str, Any]:
    """What was tried and what was taken, for metrics.json and the figure."""
    n = max(int(trials.scored.sum()), 1)
    taken, best = selection.candidate, selection.candidates[best_candidate(selection.candidates)]
    guides = {
        name: float(np.exp(of_session.sum() / n))
        for name, of_session in selection.guide.held_out.items()
    }
    return {
        "share": taken.share,
        "start": taken.start,
        "step": taken.step,
        "factor": taken.factor,
        "penalties": {
            name: float(weight) for name, weight in selection.penalties.weights().items()
        },
        "relaxed_steps": selection.relaxed,
        "inner_normalized_likelihood": float(np.exp(selection.held_out)),
        "folds": config.selection.folds,
        "open_latents": taken.n_open,
        "open_latents_of_folds": list(taken.n_open_of_folds),
        "guide": selection.guide.name,
        "cognitive_models": guides,
        "why": reason(selection, best, guides),
        "candidates": [
            {
                "share": c.share,
                "start": c.start,
                "step": c.step,
                "factor": c.factor,
                "inner_normalized_likelihood": float(np.exp(c.held_out)),
                "fitted_normalized_likelihood": float(np.exp(c.fitted)),
                "expected_normalized_likelihood": float(np.exp(c.expected)),
                "open_latents": c.n_open,
                "open_latents_of_folds": list(c.n_open_of_folds),
            }
            for c in selection.candidates
        ],
    }


def reason(selection: Selection, best: Any, guides: dict[str, float]) -> str:
    """What was chosen and why, in words."""
    taken, guide = selection.candidate, selection.guide.name
    if taken.share == 0:
        leaning = "It was fitted to the choices alone"
    elif taken.share == 1:
        leaning = (
            f"It was fitted to what {guide}, the best cognitive model there, says of each choice: "
            f"its latents are those of {guide}"
        )
    else:
        leaning = (
            f"It was fitted to the choices ({1 - taken.share:.0%}) and to what {guide}, the best "
            f"cognitive model there, says of them ({taken.share:.0%})"
        )
    return (
        f"Chosen inside the training sessions: penalties {taken.factor:.2g} times the default, "
        f"start {taken.start}. {leaning}. Normalized likelihood of what folds held out: "
        f"{np.exp(selection.held_out):.4f} (best candidate {np.exp(best.held_out):.4f}; {guide} "
        f"{guides[guide]:.4f}). Open latents: {taken.n_open}; in fits without each fold: "
        f"{', '.join(map(str, taken.n_open_of_folds))}."
    )


def _signal_record(signal: SignalSelection) -> dict[str, Any]:
    factor = float(signal.factors[signal.chosen])
    error = float(signal.error[signal.chosen])
    verdict = (
        "better than the mean after each outcome"
        if signal.better_than_outcome
        else "no better than the mean after each outcome"
    )
    return {
        "factors": signal.factors.tolist(),
        "inner_mse": signal.error.tolist(),
        "inner_mse_of_mean_after_outcome": signal.after_outcome,
        "factor": factor,
        "why": (
            f"Signal networks: penalties {factor:g} times the default; mean squared error of what "
            f"folds held out {error:.4f} of the variance, {verdict} ({signal.after_outcome:.4f})."
        ),
    }
