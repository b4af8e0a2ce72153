"""Labels and reversals from replays with weights, where a rule has too many states to filter.

A session is replayed many times by the rule, with what a test holds held: on each trial one of the
types that may have come is drawn by its probability on the side that is the better one in this
replay. The weight of a replay is the product over trials of the probability that either came. A
draw takes one of the replays, or the observed session itself, each as often as its weight.

Given the set of replays and observed session, each of them was equally likely to be the observed
one but for these weights, so a test with such draws is exact, however few replays have weight.
It loses power where few have.

Source:
    Harrison (2012), Conservative hypothesis tests and confidence intervals using importance
    sampling, Biometrika 99:57.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int, UInt8

from .filtering import START, Chances, HeldSession, after
from .machine import Machine

REPLAYS = 2000
"""Replays of a session."""


class Replays(NamedTuple):
    """The observed session and its replays, with weights.

    Attributes:
        types: outcome types of each, the observed session first.
        share: normalised weight of each.
    """

    types: UInt8[np.ndarray, "replay trial"]
    share: Float[np.ndarray, " replay"]

    @property
    def effective(self) -> float:
        """How many equally weighted sessions are worth as much: 1 / sum of squared shares."""
        return float(1 / (self.share**2).sum())

    def draw(self, uniform: Float[np.ndarray, " draw"]) -> UInt8[np.ndarray, "trial draw"]:
        """Independent draws, from numbers in [0, 1)."""
        place = np.searchsorted(np.cumsum(self.share), uniform, side="right")
        return self.types[np.minimum(place, len(self.share) - 1)].T


def replayed(
    machine: Machine,
    held: HeldSession,
    observed: Int[np.ndarray, " trial"],
    better: Int[np.ndarray, " trial"],
    uniform: Float[np.ndarray, "two trial replay"],
) -> Replays:
    """Replays of a session.

    Args:
        machine: the rule.
        held: what is held of the session.
        observed: outcome types that came.
        better: side of each trial, as it was.
        uniform: numbers in [0, 1) for the types and for the reversals.
    """
    n, n_replays = uniform.shape[1:]
    n_all, chances = n_replays + 1, Chances(held)
    codes = np.full(n_all, START << 1 | held.first_side, np.int64)
    types, log_weight = np.empty((n, n_all), np.uint8), np.zeros(n_all)
    for t in range(n):
        both = held.types[:, t]
        chance = np.stack(
            [chances.of(t, codes, int(k)) * held.others[j, t] for j, k in enumerate(both)]
        )
        same = both[0] == both[1]
        total = chance[0] if same else chance.sum(0)
        with np.errstate(divide="ignore"):
            log_weight += np.log(total)
        first = uniform[0, t] * total[1:] < chance[0, 1:]
        types[t, 0], types[t, 1:] = observed[t], np.where(first, both[0], both[1])
        pending, after_it = chances.pending(t, codes), np.empty_like(codes)
        for kind in np.unique(types[t]):
            at = types[t] == kind
            stays, moves, p = after(machine, held, t, codes[at], int(kind), pending[at])
            draws = np.concatenate([[0.0], uniform[1, t]])[at]
            after_it[at] = np.where(draws < p, moves, stays)
            if at[0] and t + 1 < n:  # the observed session goes as it went
                after_it[0] = moves[0] if better[t + 1] != better[t] else stays[0]
        codes = after_it
    share = np.exp(log_weight - log_weight.max())
    return Replays(types.T.copy(), share / share.sum())
