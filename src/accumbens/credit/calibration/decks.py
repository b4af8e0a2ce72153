"""Rewards from decks: so many in each set of trials, drawn without replacement.

Of a deck of n trials with the probability p, p n bring a reward. Once b rewards came on the d
trials of it that were seen, the next brings one with the probability (p n - b) / (n - d). The size
of the deck and what it is for are not known, so each size and each way of dealing is one bet.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from jaxtyping import Bool, Float, Int

SIZES = (4, 5, 6, 8, 10, 12, 15, 16, 20)
"""Trials of a deck."""
SURE = 0.9
"""How much is put on a deck; the rest on the stated probability, so that no bet is lost at once."""


def deck_probabilities(
    choice: Int[np.ndarray, "session trial"],
    came: Bool[np.ndarray, "session trial"],
    p: Float[np.ndarray, "session trial"],
    drawn: Bool[np.ndarray, "session trial"],
) -> Iterator[Float[np.ndarray, "session trial"]]:
    """Probabilities of an outcome on each trial if it comes from decks; NaN where none was drawn.

    One for each way of dealing (a deck for each probability; for each probability and choice; for
    each run of one probability of a choice, in which trials count whatever was chosen) and size.
    They depend on what came before the trial alone.

    Args:
        choice: of each trial.
        came: whether the outcome came.
        p: its stated probability.
        drawn: trials on which it was drawn.
    """
    session, trial = np.nonzero(drawn)
    values, level = np.unique(np.round(p[drawn], 6), return_inverse=True)
    stated, side = values[level], choice[drawn]
    of_level = _numbered(session, level)
    of_side = _numbered(of_level, side)
    run, since = _runs(session, trial, level, side)
    for group, position in (
        (of_level, _position(of_level)), (of_side, _position(of_side)), (run, since),
    ):  # fmt: skip
        for size in SIZES:
            deck = _numbered(group, position // size)
            seen, before = _so_far(deck, came[drawn])
            left = np.clip((stated * size - before) / (size - seen), 0.0, 1.0)
            q = np.full(p.shape, np.nan)
            q[drawn] = SURE * left + (1 - SURE) * p[drawn]
            yield q


def _numbered(
    one: Int[np.ndarray, " drawn"], other: Int[np.ndarray, " drawn"]
) -> Int[np.ndarray, " drawn"]:
    """A number for each combination of two numbers from 0 up."""
    return one.astype(np.int64) * (int(other.max(initial=0)) + 1) + other


def _position(group: Int[np.ndarray, " drawn"]) -> Int[np.ndarray, " drawn"]:
    """How many of the same group came before, in the order given."""
    return _so_far(group, np.zeros(len(group), bool))[0]


def _so_far(
    group: Int[np.ndarray, " drawn"], came: Bool[np.ndarray, " drawn"]
) -> tuple[Int[np.ndarray, " drawn"], Int[np.ndarray, " drawn"]]:
    """Trials of the same group before each one, and outcomes that came on them."""
    order = np.argsort(group, kind="stable")
    first = np.searchsorted(group[order], group[order])
    total = np.concatenate([[0], np.cumsum(came[order])])
    seen, before = np.empty((2, len(group)), int)
    seen[order] = np.arange(len(group)) - first
    before[order] = total[:-1] - total[first]
    return seen, before


def _runs(
    session: Int[np.ndarray, " drawn"],
    trial: Int[np.ndarray, " drawn"],
    level: Int[np.ndarray, " drawn"],
    side: Int[np.ndarray, " drawn"],
) -> tuple[Int[np.ndarray, " drawn"], Int[np.ndarray, " drawn"]]:
    """The run of one probability that each trial is of, by choice; and trials since it began."""
    order = np.lexsort((trial, side, session))
    keys = np.stack([session, side, level])[:, order]
    begins = np.ones(len(order), bool)
    begins[1:] = (np.diff(keys, axis=1) != 0).any(0)
    run = np.cumsum(begins) - 1
    number, since = np.empty((2, len(order)), int)
    number[order] = run
    since[order] = trial[order] - trial[order][begins][run]
    return number, since
