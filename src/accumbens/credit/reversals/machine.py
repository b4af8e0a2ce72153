"""What a trial does to many states of a rule at once, by number; state 0 is the first."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, Int

from ...errors import ConfigError
from .rules import CountedReversals, ReversalRule

NUMBER_BITS = 39
"""Numbers of states have fewer bits than this."""
MOST_KEPT = 1 << 16
"""States of a rule that are remembered from one session to the next."""


@runtime_checkable
class Machine(Protocol):
    """A rule whose states have numbers."""

    def step(
        self, number: Int[np.ndarray, " state"], better: Bool[np.ndarray, " state"], kind: int
    ) -> tuple[Int[np.ndarray, " state"], Float[np.ndarray, " state"]]:
        """The states after a trial of one outcome type, and the probabilities of a reversal.

        Args:
            number: of each state.
            better: whether the choice was of the better side, in each state.
            kind: outcome type (see `accumbens.outcomes`).

        Raises:
            ConfigError: the rule gives something else than a state and a probability.
        """
        ...

    def for_session(self) -> Machine:
        """The machine that goes through one more session; numbers hold within a session only."""
        ...


def machine_of(rule: ReversalRule, n_outcomes: int) -> Machine:
    """The rule as a machine, for trials of so many outcomes."""
    if isinstance(rule, CountedReversals) and CountedMachine.fits(rule):
        return CountedMachine(rule)
    return TableMachine(rule, n_outcomes)


class CountedMachine:
    """Counts of one thing in a window of past trials: the window is the bits of the number."""

    def __init__(self, rule: CountedReversals) -> None:
        self.rule = rule
        self.window = (1 << (rule.last or 0)) - 1

    @staticmethod
    def fits(rule: CountedReversals) -> bool:
        """Whether a rule is of this kind, and its states have few enough bits."""
        few = rule.last is not None and rule.last + (rule.at_least + 1).bit_length() < NUMBER_BITS
        return few and rule.of != "rewards"

    def for_session(self) -> CountedMachine:
        """See `Machine.for_session`."""
        return self

    def step(self, number, better, kind):
        """See `Machine.step`."""
        rule, each = self.rule, self.rule.at_least + 1
        seen, trials = np.divmod(number, each)
        now = better.astype(np.int64) if rule.of == "correct" else kind >> int(rule.of) & 1
        seen = (seen << 1 | now) & self.window
        trials = np.minimum(trials + 1, rule.at_least)
        count = np.bitwise_count(seen)
        reached = (count >= rule.after) & (trials >= rule.at_least)
        return seen * each + trials, np.where(reached, rule.probability, 0.0)


class TableMachine:
    """Any rule: its states are numbered in the order in which they are met, and asked once each.

    Args:
        rule: what is tabulated.
        n_outcomes: number of outcomes of a trial.
    """

    def __init__(self, rule: ReversalRule, n_outcomes: int) -> None:
        self.rule, self.n_outcomes = rule, n_outcomes
        self.states: list[Hashable] = [rule.start]
        self.number: dict[Hashable, int] = {rule.start: 0}
        inputs = 2 * 2**n_outcomes
        self._next = np.full((inputs, 1024), -1, np.int64)
        self._reverses = np.zeros((inputs, 1024))

    def for_session(self) -> TableMachine:
        """See `Machine.for_session`: what was asked is known, unless the states are too many."""
        few = len(self.states) <= MOST_KEPT
        return self if few else TableMachine(self.rule, self.n_outcomes)

    def step(
        self, number: Int[np.ndarray, " state"], better: Bool[np.ndarray, " state"], kind: int
    ) -> tuple[Int[np.ndarray, " state"], Float[np.ndarray, " state"]]:
        """See `Machine.step`."""
        rows = better.astype(np.int64) * 2**self.n_outcomes + kind
        missing = self._next[rows, number] < 0
        for row, state in {*zip(rows[missing].tolist(), number[missing].tolist(), strict=True)}:
            self._ask(row, state)
        return self._next[rows, number], self._reverses[rows, number]

    def _ask(self, row: int, number: int) -> None:
        better, kind = divmod(row, 2**self.n_outcomes)
        outcome = tuple(kind >> k & 1 for k in range(self.n_outcomes))
        answer = self.rule.step(self.states[number], bool(better), outcome)
        try:
            state, probability = answer
            after, p = self.number.get(state), float(probability)
        except (TypeError, ValueError):
            raise ConfigError(
                f"The rule of reversals gives {answer!r} after {self.states[number]!r}; it must "
                "give the next state, which can be a key of a dictionary, and a probability."
            ) from None
        if not 0 <= p <= 1:
            raise ConfigError(
                f"The rule of reversals gives the probability {p} after {self.states[number]!r}; "
                "it must lie between 0 and 1."
            )
        if after is None:
            after = self.number[state] = len(self.states)
            self.states.append(state)
            if after >= self._next.shape[1]:
                self._next = np.concatenate([self._next, np.full_like(self._next, -1)], axis=1)
                more = np.zeros_like(self._reverses)
                self._reverses = np.concatenate([self._reverses, more], axis=1)
        self._next[row, number], self._reverses[row, number] = after, p
