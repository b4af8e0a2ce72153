"""What a selection tried and took, in numbers for metrics.json and in words."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...fit.disrnn.candidates import best_candidate
from ...fit.disrnn.guides import BIAS, BY_SUBJECT
from ...fit.disrnn.selection import Selection
from ...fit.disrnn.signal_selection import SignalSelection
from ...summary import counted
from ...trials import Trials


def as_record(selection: Selection, trials: Trials, folds: int) -> dict[str, Any]:
    """What was tried and what was taken, for metrics.json and the figure. folds: how many."""
    n = max(int(trials.scored.sum()), 1)
    taken = selection.candidate
    along = [c for c in selection.candidates if c.route == taken.route]
    best = along[best_candidate(along)]
    guides = {
        name: float(np.exp(of_session.sum() / n))
        for name, of_session in selection.guide.held_out.items()
    }
    return {
        **taken.route._asdict(),
        "step": taken.step,
        "factor": taken.factor,
        "penalties": {
            name: float(weight) for name, weight in selection.penalties.weights().items()
        },
        "relaxed_steps": selection.relaxed,
        "inner_normalized_likelihood": float(np.exp(selection.held_out)),
        "folds": folds,
        "open_latents": taken.n_open,
        "open_latents_of_folds": list(taken.n_open_of_folds),
        "guide": selection.guide.name_for(taken.route.embedding),
        "cognitive_models": guides,
        "why": reason(selection, best, guides),
        "structure": structure(selection),
        "routes": _routes(selection),
        "candidates": [
            {
                **c.route._asdict(),
                "step": c.step,
                "factor": c.factor,
                "inner_normalized_likelihood": float(np.exp(c.held_out)),
                "fitted_normalized_likelihood": float(np.exp(c.fitted)),
                "expected_normalized_likelihood": float(np.exp(c.expected)),
                "standard_error_of_difference": error,
                "open_latents": c.n_open,
                "open_latents_of_folds": list(c.n_open_of_folds),
            }
            for c, error in zip(selection.candidates, selection.standard_errors, strict=True)
        ],
    }


def structure(selection: Selection) -> str:
    """Whether the structure is fit to be read: how many fits have as many open latents."""
    taken = selection.candidate
    starts = [
        round(float(np.median(c.n_open_of_folds)))
        for c in selection.candidates
        if c.step == taken.step and c.route != taken.route
        and c.route._replace(start=taken.route.start) == taken.route
    ]  # fmt: skip
    others = [*taken.n_open_of_folds, *starts]
    same = sum(n == taken.n_open for n in others)
    words = f"{len(taken.n_open_of_folds)} without a fold" + (
        f" and {len(starts)} from another start" if starts else ""
    )
    counts = ", ".join(map(str, others))
    fit = (
        f"{same} of {len(others)} further disRNNs ({words}) have as many open latents as this one: "
        f"{taken.n_open} ({counts})."
    )
    if taken.route.latents < max(c.route.latents for c in selection.candidates):
        fit += (
            f" None could have more: they were given {counted(taken.route.latents, 'latent')} from "
            "the start, since more predict no better."
        )
    if same == len(others):
        return f"Structure: {fit}"
    return f"Structure: {fit} Do not interpret what this one disRNN has open."


BEHIND = 1e-3
"""Nats per trial of folds by which the best cognitive model may be ahead without a warning."""


def warnings_of(selection: Selection, trials: Trials) -> list[str]:
    """What a reader must know of the choice besides. trials: those that were fitted."""
    taken, found = selection.candidate, []
    guide, n = selection.guide, max(int(trials.scored.sum()), 1)
    names = [guide.name_for(embedding) for embedding in (0, 1)]
    name = max(names, key=lambda name: float(guide.held_out[name].sum()))
    of_guide = float(guide.held_out[name].sum() / n)
    if selection.held_out < of_guide - BEHIND:
        found.append(
            f"inside the training sessions {name} predicts what folds hold out better "
            f"(normalized likelihood {np.exp(of_guide):.4f}) than this disRNN "
            f"({np.exp(selection.held_out):.4f}): it has not learned all that {name} knows"
        )
    usual = float(np.median(taken.n_open_of_folds))
    if taken.n_open != usual:
        found.append(
            f"fitted to all training sessions it has {counted(taken.n_open or 0, 'open latent')}, "
            "without a fold "
            f"{', '.join(map(str, taken.n_open_of_folds))}"
        )
    steps = [c.step for c in selection.candidates if c.route == taken.route]
    if taken.step == max(steps):
        found.append(
            f"the strongest penalties of the path were taken ({taken.factor:.2g} times the "
            "default): stronger ones might do as well"
        )
    return found


def chosen_inside(part: Trials, trials: Trials) -> str:
    """In words, that it was chosen inside a part of the sessions and fitted to all."""
    subjects = (counted(len(np.unique(t.subject)), "subject") for t in (part, trials))
    n_trials = f"{int(part.valid.sum()):,} of {int(trials.valid.sum()):,} trials"
    return (
        f"All this was chosen inside {part.n_sessions:,} of {trials.n_sessions:,} sessions "
        f"({' of '.join(subjects)}, {n_trials}); what was chosen was then fitted to all of them."
    )


def _routes(selection: Selection) -> list[dict[str, Any]]:
    """The best candidate along each route."""
    rows = []
    for route in dict.fromkeys(c.route for c in selection.candidates):
        of_route = [c for c in selection.candidates if c.route == route]
        best = of_route[best_candidate(of_route)]
        rows.append({
            **route._asdict(),
            "step": best.step,
            "factor": best.factor,
            "inner_normalized_likelihood": float(np.exp(best.held_out)),
            "expected_normalized_likelihood": float(np.exp(best.expected)),
            "open_latents_of_folds": list(best.n_open_of_folds),
            "kept": route == selection.candidate.route,
        })  # fmt: skip
    return rows


def reason(selection: Selection, best: Any, guides: dict[str, float]) -> str:
    """What was chosen and why, in words."""
    taken = selection.candidate
    guide = selection.guide.name_for(taken.route.embedding)
    share, embedding, start, latents = taken.route
    most = max(c.route.latents for c in selection.candidates)
    if share == 0:
        leaning = "It was fitted to the choices alone"
    elif guide.removesuffix(BY_SUBJECT) == BIAS:
        leaning = (
            "It leans on a fixed bias: no cognitive model is ahead of that by a standard error "
            "there"
        )
    elif share == 1:
        leaning = (
            f"It was fitted to what {guide}, the best cognitive model there, says of each choice: "
            f"its latents are those of {guide}"
        )
    else:
        leaning = (
            f"It was fitted to the choices ({1 - share:.0%}) and to what {guide}, the best "
            f"cognitive model there, says of them ({share:.0%})"
        )
    embedded = (
        f"{embedding} numbers for each subject" if embedding else "one model for all subjects"
    )
    fewer = (
        f" It was given {counted(latents, 'latent')} from the start, since more predict no better."
        if latents < most else ""
    )  # fmt: skip
    return (
        f"Chosen inside the training sessions: penalties {taken.factor:.2g} times the default, "
        f"start {start}, {embedded}. {leaning}.{fewer} Normalized likelihood of what folds held "
        f"out: {np.exp(selection.held_out):.4f} (best candidate {np.exp(best.held_out):.4f}; "
        f"{guide} {guides[guide]:.4f}). Open latents: {taken.n_open}; in fits without each fold: "
        f"{', '.join(map(str, taken.n_open_of_folds))}."
    )


def signal_record(signal: SignalSelection) -> dict[str, Any]:
    taken = signal.candidate
    guide = {"naive": "the mean after each outcome"}.get(signal.guide, signal.guide)
    share, embedding = taken.route
    embedded = f"{embedding} numbers a subject" if embedding else "one for all subjects"
    if share == 0:
        leaning = "fitted to the signals alone"
    elif share == 1:
        leaning = f"fitted to what {guide} says of them"
    else:
        leaning = f"fitted to the signals ({1 - share:.0%}) and to what {guide} says ({share:.0%})"
    verdict = (
        "better than the mean after each outcome"
        if signal.better_than_outcome
        else "no better than the mean after each outcome"
    )
    return {
        "guide": signal.guide,
        "share": share,
        "embedding": embedding,
        "factor": taken.factor,
        "candidates": [
            {**c.route._asdict(), "factor": c.factor, "inner_mse": c.error, "kept": c is taken}
            for c in signal.candidates
        ],
        "inner_mse": taken.error,
        "inner_mse_of_guides": signal.of_guides,
        "inner_mse_of_mean_after_outcome": signal.of_guides["naive"],
        "why": (
            f"Signal networks: {embedded}, penalties {taken.factor:g} times the default, "
            f"{leaning}; mean squared error of what folds held out {taken.error:.4f} of the "
            f"variance, {verdict} ({signal.of_guides['naive']:.4f})."
        ),
    }
