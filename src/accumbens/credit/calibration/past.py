"""What happened before each trial of a session, as far as wrong schedules would show in it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

LEAK = 0.8
"""How much of an older residual remains after each further one: about the last five count."""
HAZARD = 1 / 30
"""Reversals per trial, in the rule of a reversing task that a table states as fixed."""


class Past(NamedTuple):
    """Numbers of each trial that were settled before its outcome was drawn.

    Attributes:
        previous: the residual (came or not, less its probability) of the last choice made, of any.
        recent: leaky sum of all residuals before.
        recent_here: the same, over earlier choices of the same action alone.
        baited: probability that the outcome waits, if one that was drawn stays until it is taken:
            1 - product of (1 - p) of this action since it was last chosen.
        reversing: probability if two fixed probabilities belong to the better and the worse action,
            which change places unannounced; the stated one after a stated one has changed.
    """

    previous: Float[np.ndarray, "session trial"]
    recent: Float[np.ndarray, "session trial"]
    recent_here: Float[np.ndarray, "session trial"]
    baited: Float[np.ndarray, "session trial"]
    reversing: Float[np.ndarray, "session trial"]


def past_of(
    choice: Int[np.ndarray, "session trial"],
    came: Bool[np.ndarray, "session trial"],
    probability: Float[np.ndarray, "session trial choice"],
) -> Past:
    """What happened before each trial, of one outcome.

    Args:
        choice: -1 where none was made; such trials are passed over, and all their numbers are 0.
        came: the outcome came.
        probability: of the outcome after each choice; NaN where it is not known.
    """
    n_sessions, n_trials, n_choices = probability.shape
    rows = np.arange(n_sessions)
    start, fixed = probability[:, 0], np.full(n_sessions, n_choices == 2)
    previous, recent = np.zeros(n_sessions), np.zeros(n_sessions)
    here, absent = np.zeros((n_sessions, n_choices)), np.ones((n_sessions, n_choices))
    belief = np.full(n_sessions, 0.5)
    found = Past(*np.zeros((5, n_sessions, n_trials)))
    for t in range(n_trials):
        made = choice[:, t] >= 0
        c = np.maximum(choice[:, t], 0)
        all_p = probability[:, t]
        p = np.where(made, all_p[rows, c], 0.5)
        fixed = fixed & (all_p == start).all(1)  # until now: later trials may depend on outcomes
        waits = 1 - absent[rows, c] * (1 - p)
        other = np.where(fixed, all_p[rows, (c + 1) % n_choices], p)
        reverses = belief * p + (1 - belief) * other
        now = (previous, recent, here[rows, c], waits, reverses)
        for series, values in zip(found, now, strict=True):
            series[:, t] = np.where(made, values, 0.0)
        r = came[:, t]
        residual = np.where(made, r - p, 0.0)
        previous = np.where(made, residual, previous)
        recent = np.where(made, LEAK * recent + residual, recent)
        here[rows, c] = np.where(made, LEAK * here[rows, c] + residual, here[rows, c])
        unknown = np.isnan(all_p)
        absent = np.where(made[:, None], absent * np.where(unknown, 1.0, 1 - all_p), absent)
        absent[rows, c] = np.where(made, 1.0, absent[rows, c])
        right, wrong = belief * np.where(r, p, 1 - p), (1 - belief) * np.where(r, other, 1 - other)
        total = right + wrong
        learned = np.divide(right, total, out=np.full(n_sessions, 0.5), where=total > 0)
        belief = np.where(made & fixed, learned + HAZARD * (1 - 2 * learned), belief)
    return found
