"""Labels of rewards and reversals of the better side, drawn together given what a test holds.

A test holds the choices and part of the outcomes, such as how many rewards came. What is left open
(which reward it was) moves the better side by the rule, and the better side decides how likely each
label was. Labels and sides have the joint distribution

    P(labels, sides | held) ~ product over t of P(outcome_t | choice_t, side_t)
                                              x P(side_{t+1} | side_t, state of the rule),

of which this draws exactly: backward filtering over (side, state of the rule), restricted to the
states that can be reached from the session's first side, then sampling forwards. The first side is
held: it was settled before the first choice.

Source:
    Scott (2002), Bayesian methods for hidden Markov models, J Am Stat Assoc 97:337 (forward and
    backward recursions).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from .machine import NUMBER_BITS, Machine

MOST_STATES = 4_000_000
"""States of all trials of a session beyond which nothing is filtered (see `replays`)."""
BITS = NUMBER_BITS + 1
"""Of a state's code: one for the side, the rest for the number of the rule's state."""
START = 0
"""Number of the rule's first state."""


class HeldSession(NamedTuple):
    """What a test holds of one session, at its trials with a choice.

    Attributes:
        choice: 0 or 1.
        types: both outcome types that may have come, the same twice where nothing is open.
        others: probability of all outcomes but the controllable one, for each of both types.
        first_side: the choice that was the better one on the first trial.
        high, low: probability of the controllable reward after the better and the other choice.
        baited: these are base probabilities; a reward that was drawn waits for its side.
    """

    choice: Int[np.ndarray, " trial"]
    types: Int[np.ndarray, "2 trial"]
    others: Float[np.ndarray, "2 trial"]
    first_side: int
    high: float
    low: float
    baited: bool = False


class Step(NamedTuple):
    """How one trial is drawn, by the state before it.

    Attributes:
        type: outcome type of each way in which the trial can go.
        cumulative: probability of this way or one before it, given the state and all that is held
            of this and of later trials.
        next: place of the state after it among those of the next trial.
    """

    type: UInt8[np.ndarray, " way"]
    cumulative: Float[np.ndarray, "way state"]
    next: Int[np.ndarray, "way state"]


class SessionSampler(NamedTuple):
    """Draws the outcome types of one session, as often as wanted.

    Attributes:
        steps: one for each trial with a choice.
        open: trials on which each of both types could have come.
    """

    steps: tuple[Step, ...]
    open: Bool[np.ndarray, " trial"]

    def draw(self, uniform: Float[np.ndarray, "trial draw"]) -> UInt8[np.ndarray, "trial draw"]:
        """The outcome types of independent draws, from numbers in [0, 1)."""
        out = np.empty(uniform.shape, np.uint8)
        at = np.zeros(uniform.shape[1], np.int64)
        for t, step in enumerate(self.steps):
            n_ways, n_states = step.next.shape
            if n_ways == 1:
                out[t] = step.type[0]
                at = step.next[0, at] if n_states > 1 else np.full_like(at, step.next[0, 0])
                continue
            way = (uniform[t] >= step.cumulative[0, at]).astype(np.int64)
            for later in step.cumulative[1:-1]:
                way += uniform[t] >= later[at]
            out[t] = step.type[way]
            at = step.next[way, at]
        return out


def session_sampler(machine: Machine, held: HeldSession) -> SessionSampler | None:
    """The sampler of one session; None where the rule has too many states.

    Args:
        machine: the rule.
        held: the choices and the outcomes that may have come. They must be possible.
    """
    ways, size = [], 0
    codes = np.array([START << 1 | held.first_side], np.int64)
    chances = Chances(held)
    for t in range(len(held.choice)):
        kinds, weights, following = [], [], []
        for j in range(1 if held.types[0, t] == held.types[1, t] else 2):
            kind = int(held.types[j, t])
            chance = chances.of(t, codes, kind) * held.others[j, t]
            stays, moves, reverses = after(machine, held, t, codes, kind, chances.pending(t, codes))
            certain = reverses == 1.0
            kinds.append(kind)
            weights.append(np.where(certain, chance, chance * (1 - reverses)))
            following.append(np.where(certain, moves, stays))
            if np.any((reverses > 0) & ~certain):
                kinds.append(kind)
                weights.append(np.where(certain, 0.0, chance * reverses))
                following.append(moves)
        weight, code = np.stack(weights), np.stack(following)
        possible = weight > 0
        unique, place = _distinct(code[possible])
        nexts = np.zeros(code.shape, np.int32)
        nexts[possible] = place
        ways.append((np.array(kinds, np.uint8), weight, nexts))
        size += code.size
        if size > MOST_STATES:
            return None
        codes = unique
    return _smoothed(ways)


def _distinct(code: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The different codes in order, and the place of each code among them."""
    size = int(code.max()) + 1
    if size > max(DENSE, 8 * code.size):
        return np.unique(code, return_inverse=True)
    there = np.zeros(size, bool)
    there[code] = True
    return np.flatnonzero(there), (np.cumsum(there) - 1)[code]


DENSE = 1 << 17
"""Codes up to this are told apart in a table, larger ones by sorting."""


def _smoothed(ways: list[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> SessionSampler:
    """Probabilities of all ways given later trials, backwards; what is open, forwards."""
    later, steps = np.ones(1), []
    for t in reversed(range(len(ways))):
        kinds, weight, nexts = ways[t]
        if t == len(ways) - 1:
            nexts = np.zeros_like(nexts)  # nothing follows the last trial
        joint = weight * later[nexts]
        total = joint.sum(0)
        cumulative = np.divide(np.cumsum(joint, 0), total, out=np.ones_like(joint), where=total > 0)
        cumulative[-1] = 1.0
        steps.append(Step(kinds, cumulative, nexts))
        later = total / total.max()
    steps.reverse()
    reached, both = np.ones(1), []
    for t, step in enumerate(steps):
        share = np.diff(step.cumulative, axis=0, prepend=0.0) * reached
        both.append(len({int(k) for k, s in zip(step.type, share.sum(1), strict=True) if s > 0}))
        n = steps[t + 1].next.shape[1] if t + 1 < len(steps) else 1
        reached = np.bincount(step.next.ravel(), share.ravel(), n)
    return SessionSampler(tuple(steps), np.array(both) > 1)


class Chances:
    """Probabilities of the controllable reward by the state, baited or not."""

    def __init__(self, held: HeldSession) -> None:
        self.held = held

    def of(self, t: int, codes: np.ndarray, kind: int) -> Float[np.ndarray, " state"]:
        """Probability of whether the controllable reward came (the first bit of `kind`)."""
        held = self.held
        p = np.where((codes & 1) == held.choice[t], held.high, held.low)
        if held.baited and t and held.choice[t] != held.choice[t - 1]:
            waited, better = self.waited(t), codes >> BITS
            absent = (1 - held.high) ** better * (1 - held.low) ** (waited - better)
            p = 1 - (1 - p) * absent
        return p if kind & 1 else 1 - p

    def waited(self, t: int) -> int:
        """Trials since the other choice than that of trial t - 1 was last made, up to t - 1."""
        choice, first = self.held.choice, t - 1
        while first and choice[first - 1] == choice[t - 1]:
            first -= 1
        return t - first

    def pending(self, t: int, codes: np.ndarray) -> Int[np.ndarray, " state"]:
        """Of the trials since the side that is not chosen now was last chosen: on how many it was
        the better one, trial t included. 0 without baiting."""
        held = self.held
        if not held.baited:
            return np.zeros_like(codes)
        now = (codes & 1) != held.choice[t]
        same = t == 0 or held.choice[t] == held.choice[t - 1]
        return now + (codes >> BITS) * same


def after(
    machine: Machine, held: HeldSession, t: int, codes: np.ndarray, kind: int, pending: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Codes of the states after a trial, if the sides stay and if they reverse, and the
    probability that they reverse."""
    side = codes & 1
    number = (codes & ((1 << BITS) - 1)) >> 1
    following, reverses = machine.step(number, side == held.choice[t], kind)
    more = pending << BITS
    return more | following << 1 | side, more | START << 1 | (1 - side), reverses
