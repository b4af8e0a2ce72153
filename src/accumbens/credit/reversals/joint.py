"""The outcome types of one subject, redrawn together with the reversals that follow from them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int, UInt8

from ...trials import Trials
from ..history.design import HistoryData
from ..history.refit import Redraw, uniforms
from ..schedule import Schedule
from .filtering import HeldSession, session_sampler
from .machine import Machine, machine_of
from .replays import REPLAYS, replayed
from .rules import ReversalRule
from .sides import check_reversals, sides_of

OF_REPLAYS = 2**61
"""Number of the first resample whose random numbers make replays; no test uses it."""


class JointDraws(NamedTuple):
    """Outcome types of one subject, drawn with the reversals that follow from them.

    Attributes:
        types: of each resample and position.
        open: trials on which another outcome could have come.
        effective: of each session that was replayed with weights, the effective number of replays.
    """

    types: UInt8[np.ndarray, "resample position"]
    open: int
    effective: tuple[float, ...]


class KnownRule(NamedTuple):
    """What draws of all subjects share: the rule, and the schedule that it moves.

    Attributes:
        rule: by which the better side reverses.
        machine: the same, by number.
        schedule: of the trials; with base probabilities where rewards are baited.
        probability: of each outcome after the choice made, by that schedule.
        baited: a controllable reward that was drawn waits until its side is chosen.
    """

    rule: ReversalRule
    machine: Machine
    schedule: Schedule
    probability: Float[np.ndarray, "session trial outcome"]
    baited: bool

    @classmethod
    def of(
        cls, trials: Trials, schedule: Schedule, rule: ReversalRule, *, baited: bool = False
    ) -> KnownRule:
        """The rule, for these trials of any number of subjects."""
        machine = machine_of(rule, len(trials.names.outcomes))
        return cls(rule, machine, schedule, schedule.after(trials.choice), baited)


def joint_draws(
    trials: Trials,
    known: KnownRule,
    data: HistoryData,
    redraw: Redraw,
    resamples: Int[np.ndarray, " resample"],
    *,
    seed: int,
) -> JointDraws:
    """Draws what a test leaves open, and the reversals, given what it holds.

    Args:
        trials: of any number of subjects.
        known: the rule and the schedule of these trials.
        data: the positions of one subject.
        redraw: both outcome types that may have come on each position.
        resamples: numbers of the resamples that are drawn.
        seed: of the resamples.

    Raises:
        DataError: a session has no better side, or its side does not follow the rule.
        ConfigError: the rule gives something else than a state and a probability.
    """
    probability = known.probability
    types = np.tile(data.type.astype(np.uint8), (len(resamples), 1))
    n_open, effective = 0, []
    for session in np.unique(data.session[data.trial >= 0]).tolist():
        at = np.flatnonzero((data.session == session) & (data.trial >= 0))
        made, own = data.trial[at], data.type[at]
        machine = known.machine.for_session()
        better, high, low = sides_of(trials, known.schedule, session)
        check_reversals(trials, session, better, own, machine, known.rule)
        both = np.stack([redraw.type_a[at], redraw.type_b[at]])
        held = HeldSession(
            (data.sign[at] > 0).astype(int), both,
            _others(both, probability[session, made]), int(better[0]), high, low, known.baited,
        )  # fmt: skip
        sampler = session_sampler(machine, held)
        if sampler is not None:
            types[:, at] = sampler.draw(uniforms(seed, resamples, at)).T
            n_open += int(sampler.open.sum())
            continue
        numbers = OF_REPLAYS + np.arange(REPLAYS)
        uniform = np.stack([uniforms(seed, numbers + k * REPLAYS, at) for k in (0, 1)])
        pool = replayed(machine, held, own, better, uniform)
        types[:, at] = pool.draw(uniforms(seed, resamples, at[:1])[0]).T
        kinds = pool.types[pool.share > 0]
        n_open += int((kinds != kinds[0]).any(0).sum())
        effective.append(pool.effective)
    return JointDraws(types, n_open, tuple(effective))


def _others(
    both: Int[np.ndarray, "2 trial"], probability: Float[np.ndarray, "trial outcome"]
) -> Float[np.ndarray, "2 trial"]:
    """Probability of all outcomes but the first, of both types."""
    chance = np.ones(both.shape)
    for k in range(1, probability.shape[1]):
        p = probability[:, k]
        chance *= np.where(both >> k & 1, p, 1 - p)
    return chance
