"""Rules of reversals that a user states, as the tasks in which animals are simulated."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..credit.reversals.rules import CountedReversals
    from ..tasks.earned import EarnedReversals

TWO_WAYS = (
    "--reversals says when the better side changes, and so do --block-length and --hazard. Give "
    "one of them."
)


def earned(rule: CountedReversals, high: float, low: float) -> EarnedReversals:
    """The bandit whose better arm follows a rule.

    Args:
        rule: when the better arm changes.
        high, low: reward probabilities of the better and of the other arm.

    Raises:
        ConfigError: the rule looks back on more trials than can be simulated.
    """
    from ..tasks.earned import EarnedReversals

    return EarnedReversals(
        high, low, rule.after, rule.last, rule.of, rule.at_least, rule.probability
    )
