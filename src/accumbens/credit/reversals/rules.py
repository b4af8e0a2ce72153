"""Rules by which the better side reverses as a consequence of choices and rewards.

A rule is a small machine. It looks at each trial with a choice (was it of the better side, and
which rewards came) and says with which probability the sides reverse before the next trial.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Hashable, Sequence
from typing import Any, Protocol, runtime_checkable

from ...errors import ConfigError

LONGEST = 62
"""The longest window of past trials: its trials are the bits of a number."""


@runtime_checkable
class ReversalRule(Protocol):
    """A rule by which the better side reverses; any class with these two members is one.

    Attributes:
        start: the rule's state at the start of a session, and again after each reversal.
    """

    @property
    def start(self) -> Hashable: ...

    def step(self, state: Any, better: bool, outcome: tuple[int, ...]) -> tuple[Hashable, float]:
        """What a trial does to the rule. It must be pure: the same answer for the same trial.

        Args:
            state: before the trial.
            better: whether the choice was of the better side.
            outcome: 0 or 1 for each outcome, the controllable reward first.

        Returns:
            The state before the next trial unless the sides reverse, and the probability that they
            reverse before it.
        """
        ...


@dataclasses.dataclass(frozen=True)
class CountedReversals:
    """The better side reverses as soon as so many of the last trials had what is counted.

    Trials with a choice are counted since the last reversal (or the start of the session); missed
    ones are passed over. `str(rule)` says it in the words that `reversals_from_text` reads.

    Args:
        after: how many.
        of: what is counted: an outcome by its number (0: controllable), "rewards" (all of a trial),
            or "correct" (choices of the better side).
        last: of how many last trials; None: of all trials since the last reversal.
        at_least: trials since the last reversal before which the sides never reverse.
        probability: that they reverse before the next trial, wherever the count is reached.
        name: of what is counted, in words.

    Raises:
        ConfigError: a number is impossible.

    Example:
        >>> from accumbens.credit import CountedReversals
        >>> rule = CountedReversals(2, last=3)
        >>> state, probability = rule.step(rule.start, True, (1, 0))
        >>> probability  # one of the last three
        0.0
        >>> rule.step(state, False, (1, 1))[1]
        1.0
    """

    after: int
    of: int | str = 0
    last: int | None = None
    at_least: int = 0
    probability: float = 1.0
    name: str = "controllable"

    def __post_init__(self) -> None:
        if self.after < 1:
            raise ConfigError(f"after is {self.after}; count at least 1 before a reversal.")
        if self.last is not None and not 1 <= self.last <= LONGEST:
            raise ConfigError(
                f"last is {self.last}; look at 1 to {LONGEST} trials, or at all (None)."
            )
        if self.last is not None and self.of != "rewards" and self.after > self.last:
            raise ConfigError(
                f"The rule wants {self.after} {self.name} of the last {self.last} trials, which is "
                "never reached. Give a smaller number, or a longer window."
            )
        if self.at_least < 0 or not 0 < self.probability <= 1:
            raise ConfigError(
                f"at_least is {self.at_least} and probability is {self.probability}; the first is "
                "a number of trials from 0 up, the second lies above 0 and at most at 1."
            )
        if not (isinstance(self.of, int) and self.of >= 0) and self.of not in KINDS:
            raise ConfigError(
                f"of is {self.of!r}; it is the number of an outcome, or {' or '.join(KINDS)}."
            )

    def __str__(self) -> str:
        text = f"after {self.after} {self.name}"
        text += "" if self.last is None else f" of the last {self.last}"
        text += f", at least {self.at_least} trials" if self.at_least else ""
        return text + (f", with probability {self.probability:g}" if self.probability < 1 else "")

    @property
    def start(self) -> tuple[Hashable, int]:
        return (() if self._windowed_rewards else 0), 0

    @property
    def _windowed_rewards(self) -> bool:
        return self.of == "rewards" and self.last is not None

    def step(
        self, state: tuple[Any, int], better: bool, outcome: tuple[int, ...]
    ) -> tuple[tuple[Hashable, int], float]:
        """See `ReversalRule.step`."""
        seen, trials = state
        if self.of == "correct":
            now = int(better)
        else:
            now = sum(outcome) if self.of == "rewards" else outcome[int(self.of)]
        if self.last is None:
            seen = min(seen + now, self.after)
            count = seen
        elif self._windowed_rewards:
            seen = (*seen, now)[-self.last :]
            count = sum(seen)
        else:
            seen = ((seen << 1) | now) & ((1 << self.last) - 1)
            count = seen.bit_count()
        trials = min(trials + 1, self.at_least)
        reached = count >= self.after and trials >= self.at_least
        return (seen, trials), self.probability if reached else 0.0


KINDS = ("rewards", "correct")
"""What may be counted besides an outcome."""
SHAPE = re.compile(
    r"after (?P<after>\d+) (?P<what>\S.*?)(?: of the last (?P<last>\d+)(?: trials| choices)?)?"
    r"(?:,? (?:and )?at least (?P<at_least>\d+) trials)?"
    r"(?:,? with probability (?P<probability>[\d.]+))?"
)
EXAMPLES = (
    '"after 10 controllable of the last 15", "after 8 correct of the last 10, at least 20 trials" '
    'or "after 12 rewards, with probability 0.1"'
)


def reversals_from_text(text: str, outcomes: Sequence[str]) -> CountedReversals:
    """The rule that a user states in words.

    Args:
        text: `after <number> <what>`, then if wanted `of the last <number>`, `, at least <number>
            trials` and `, with probability <number>`. What is counted: controllable, distractor,
            the name of an outcome, rewards (of any kind), or correct (choices of the better side).
        outcomes: names of all outcomes, the controllable reward first.

    Returns:
        The rule.

    Raises:
        ConfigError: the words are no such rule, or its numbers are impossible.
    """
    found = SHAPE.fullmatch(" ".join(text.split()))
    if not found:
        raise ConfigError(f"reversals is {text!r}, which is no rule. Write it like {EXAMPLES}.")
    what = found["what"]
    roles = {"controllable": 0} | ({"distractor": 1} if len(outcomes) > 1 else {})
    roles |= {name: k for k, name in enumerate(outcomes)}
    one = "rewards" if what == "reward" and what not in roles else what
    if one not in roles and one not in KINDS:
        known = ", ".join((*roles, *KINDS))
        raise ConfigError(f"reversals counts {what!r}, which is not one of: {known}.")
    try:
        probability = float(found["probability"] or 1)
    except ValueError:
        raise ConfigError(
            f"reversals is {text!r}, and {found['probability']!r} is no number."
        ) from None
    return CountedReversals(
        int(found["after"]), roles.get(one, one), int(found["last"]) if found["last"] else None,
        int(found["at_least"] or 0), probability, one,
    )  # fmt: skip
