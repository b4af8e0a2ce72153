"""Structure across animals with the flavours of the two rewards balanced.

An animal that credits every reward but likes one flavour more also tells the rewards apart. Where
each flavour is the controllable one in some animals, structure and liking come apart: structure
raises the difference of the indices in all animals, liking raises it in those whose controllable
reward has the liked flavour and lowers it in the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from scipy import special

from ..errors import DataError
from .randomization import RandomizationTest


class BalancedFlavours(NamedTuple):
    """The mean effect over animals, each of the two controllable flavours counted the same.

    Attributes:
        test: name of the test whose effects these are (observed minus null mean, log-odds).
        flavours: the two controllable flavours.
        animals: numbers of animals with each.
        effect: mean of the two means; low, high: its 95 % interval by Welch's t.
        p_greater: one-sided p-value of effect > 0.
        liking: half of the mean with the first flavour minus that with the second: how much more
            the first one counts whatever its role.
        df: Welch and Satterthwaite's degrees of freedom.
    """

    test: str
    flavours: tuple[str, str]
    animals: tuple[int, int]
    effect: float
    low: float
    high: float
    p_greater: float
    liking: float
    df: float

    @property
    def in_words(self) -> str:
        """The result as a sentence."""
        (a, b), (n, m) = self.flavours, self.animals
        return (
            f"With flavours balanced ({a} controllable in {n} animals, {b} in {m}): observed minus "
            f"null mean {self.effect:+.2f} ({self.low:+.2f}, {self.high:+.2f}), p = "
            f"{self.p_greater:.4g} (one-sided, Welch's t with {self.df:.1f} degrees of freedom); "
            f"{a} counts {self.liking:+.2f} more whatever its role."
        )


def balanced_over_flavours(
    test: RandomizationTest, flavour: Mapping[str, str]
) -> tuple[BalancedFlavours | None, str]:
    """Structure in animals like these, apart from a liking of one flavour.

    Args:
        test: of the controllable less the distractor index.
        flavour: of the controllable reward of each subject, by the subject's name.

    Returns:
        The result and an empty warning; or None, and why the flavours cannot be balanced.

    Raises:
        DataError: a subject has no flavour, or there are more than two flavours.

    Source:
        Welch (1947), Biometrika 34:28; Satterthwaite (1946), Biometrics Bulletin 2:110.
    """
    lacking = [name for name in test.subjects if name not in flavour]
    if lacking:
        raise DataError(f"The flavour of the controllable reward of {lacking[0]} is not stated.")
    kinds = sorted({flavour[name] for name in test.subjects})
    if len(kinds) > 2:
        raise DataError(
            f"There are {len(kinds)} controllable flavours ({', '.join(kinds)}); balancing "
            "needs two."
        )
    of = np.array([flavour[name] for name in test.subjects])
    told = np.isfinite(test.effects)
    groups = [test.effects[told & (of == kind)] for kind in kinds]
    if len(kinds) < 2:
        return None, (
            f"The controllable reward is {kinds[0]} in all animals, so structure cannot be told "
            f"from liking {kinds[0]}. Make the other flavour controllable in half of the animals."
        )
    if min(map(len, groups)) < 2:
        return None, (
            "Balancing flavours needs two animals or more with each controllable flavour; there "
            "are "
            + " and ".join(f"{len(g)} with {k}" for g, k in zip(groups, kinds, strict=True))
            + "."
        )
    first, second = groups
    parts = [g.var(ddof=1) / len(g) / 4 for g in groups]
    if not sum(parts) > 0:
        return None, "The effects of all animals with one flavour are the same; there is no t test."
    effect, variance = (first.mean() + second.mean()) / 2, sum(parts)
    df = variance**2 / sum(v**2 / (len(g) - 1) for v, g in zip(parts, groups, strict=True))
    half = special.stdtrit(df, 0.975) * np.sqrt(variance)
    found = BalancedFlavours(
        test.name, (kinds[0], kinds[1]), (len(first), len(second)), float(effect),
        float(effect - half), float(effect + half),
        float(special.stdtr(df, -effect / np.sqrt(variance))),
        float((first.mean() - second.mean()) / 2), float(df),
    )  # fmt: skip
    return found, ""
