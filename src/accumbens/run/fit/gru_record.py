"""How a GRU was chosen inside the training sessions, in numbers for metrics.json and in words."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...fit.gru.routes import GRUCandidate
from ...fit.gru.selection import GRUSelection


def gru_record(selection: GRUSelection, folds: int, *, has_signals: bool) -> dict[str, Any]:
    """What was tried and what was taken. folds: how many."""
    chosen, start = selection.chosen, selection.start

    def numbers(candidate: GRUCandidate) -> dict[str, Any]:
        return {
            "l2": candidate.route.l2,
            "subject_embedding": candidate.route.embedding,
            "steps": candidate.step,
            "inner_normalized_likelihood": float(np.exp(candidate.held_out_choice)),
            "inner_mse": candidate.held_out_signal if has_signals else None,
            "inner_loss": -candidate.held_out,
            "expected_loss": -candidate.expected,
        }

    routes = []
    for route in dict.fromkeys(c.route for c in selection.candidates):
        along = [c for c in selection.candidates if c.route == route]
        taken = chosen if chosen.route == route else max(along, key=lambda c: c.expected)
        routes.append(numbers(taken) | {"ended": along[-1].step, "kept": route == chosen.route})
    return {
        **numbers(chosen),
        "folds": folds,
        "untrained": numbers(start),
        "predicts_choices": selection.predicts_choices,
        "predicts_signals": selection.predicts_signals if has_signals else None,
        "why": reason(selection, has_signals=has_signals),
        "routes": routes,
        "candidates": [numbers(c) for c in selection.candidates],
    }


def reason(selection: GRUSelection, *, has_signals: bool) -> str:
    """What was chosen and why, in words."""
    chosen, start = selection.chosen, selection.start
    embedding = chosen.route.embedding
    embedded = (
        f"{embedding} numbers for each subject" if embedding else "one model for all subjects"
    )

    def scores(candidate: GRUCandidate) -> str:
        likelihood = f"{np.exp(candidate.held_out_choice):.4f}"
        return f"{likelihood}, {candidate.held_out_signal:.4f}" if has_signals else likelihood

    what = "Normalized likelihood"
    if has_signals:
        what += " and mean squared error (in units of the variance)"
    return (
        f"Chosen inside the training sessions: {chosen.step:,} steps, L2 penalty "
        f"{chosen.route.l2:.2g}, {embedded}. {what} of what folds held out: {scores(chosen)} "
        f"(untrained {scores(start)})."
    )


def gru_warnings(selection: GRUSelection, *, has_signals: bool) -> list[str]:
    """What a reader must know of the choice besides."""
    found = []
    if not selection.predicts_choices:
        found.append(
            "folds of the training sessions do not show that it predicts choices better than their "
            "base rates, so it says these"
        )
    if has_signals and not selection.predicts_signals:
        found.append(
            "folds of the training sessions do not show that it predicts signals better than their "
            "means, so it says these"
        )
    return found
