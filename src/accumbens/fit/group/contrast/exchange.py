"""Exact tests: is the observed arrangement of levels, among all that the null hypothesis makes
equally likely, one of those with the largest differences?

    S_p = sum over units of x_unit v_unit,p,   t_p = |S_p| / rms of S_p over all arrangements

for the value v of parameter p in a unit (an animal or a session) and the unit's sign or label x.
p = share of arrangements with t at least as large as observed, that one among them. The family of
parameters: the largest t over parameters has the same arrangements, step by step from the largest.

Sources: Fisher (1935), The Design of Experiments; Westfall & Young (1993), Resampling-Based
Multiple Testing, algorithm 4.1 (step-down); Phipson & Smyth (2010), Stat Appl Genet Mol Biol 9:39.
"""

from __future__ import annotations

import itertools
import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from ....scoring.animals import sign_patterns

MAX_ARRANGEMENTS = 20_000
"""All ways to hand out levels are gone through up to so many; of more, `DRAWS` are drawn. How many
signs are gone through is that of `scoring.animals`."""
DRAWS = 9_999
TIES = 1e-9


class Arrangements(NamedTuple):
    """Signs or labels of all units under the null hypothesis.

    Attributes:
        x: of each arrangement and unit; the first one is the observed.
        number: how many equally likely arrangements there are in all.
        alike: how many of them always have the same t, such as one and its mirror image.
    """

    x: Float[np.ndarray, "arrangement unit"]
    number: int
    alike: int

    @property
    def smallest_p(self) -> float:
        """The smallest p that is possible."""
        return max(self.alike / self.number, 1 / len(self.x))


class ExactTest(NamedTuple):
    """A test of several parameters.

    Attributes:
        null: the null hypothesis, in words.
        unit: what the null hypothesis makes exchangeable, in words.
        p: of each parameter by itself.
        p_family: of each parameter, all parameters one family.
        number: of equally likely arrangements.
        looked_at: how many of them were gone through.
        smallest_p: that is possible.
    """

    null: str
    unit: str
    p: dict[str, float]
    p_family: dict[str, float]
    number: int
    looked_at: int
    smallest_p: float


def exact_test(
    null: str, unit: str, names: list[str], values: Float[np.ndarray, "unit place"],
    told: Bool[np.ndarray, " place"], arrangements: Arrangements,
) -> ExactTest:  # fmt: skip
    """The test of the parameters of these names.

    values: of each unit, whatever its level. told: parameters of which the units say something,
    whatever their levels; p of others is NaN.
    """
    sums = np.abs(arrangements.x @ values[:, told])
    rms = np.sqrt((sums**2).mean(0))
    t = np.divide(sums, rms, out=np.zeros_like(sums), where=rms > 0)
    p = (t >= t[0] * (1 - TIES)).mean(0)
    family, order, least = np.ones(t.shape[1]), np.argsort(-t[0], kind="stable"), 0.0
    for i, place in enumerate(order):
        largest = t[:, order[i:]].max(1)
        least = max(least, float((largest >= t[0, place] * (1 - TIES)).mean()))
        family[place] = least
    named = [_by_name(names, told, found) for found in (p, family)]
    return ExactTest(
        null, unit, named[0], named[1], arrangements.number, len(arrangements.x),
        arrangements.smallest_p,
    )  # fmt: skip


def _by_name(names: list[str], told, values) -> dict[str, float]:
    """The value of each parameter of which something is told; NaN of others."""
    everywhere = np.full(len(names), np.nan)
    everywhere[told] = values
    return dict(zip(names, everywhere.tolist(), strict=True))


def flips(n: int, rng: np.random.Generator) -> Arrangements:
    """All signs of n animals' differences; the mirror image of each is alike."""
    x = sign_patterns(n, rng)
    assert x is not None  # there is a generator
    return Arrangements(x, 2**n, 2)


def exchanged(
    level: Int[np.ndarray, " unit"], block: Int[np.ndarray, " unit"], rng: np.random.Generator
) -> Arrangements:
    """All ways to hand out the levels of the units of each block among these units.

    level: 0 or 1. block: within which levels are exchanged.
    Each label is less its mean over the block.
    """
    blocks = [np.flatnonzero(block == b) for b in np.unique(block)]
    ones = [int(level[at].sum()) for at in blocks]
    number = math.prod(math.comb(len(at), k) for at, k in zip(blocks, ones, strict=True))
    mirrored = all(2 * k == len(at) for at, k in zip(blocks, ones, strict=True))
    if number <= MAX_ARRANGEMENTS:
        ways = [list(itertools.combinations(at, k)) for at, k in zip(blocks, ones, strict=True)]
        x = np.zeros((number, len(level)))
        for row, chosen in enumerate(itertools.product(*ways)):
            x[row, [i for part in chosen for i in part]] = 1.0
        first = int(np.flatnonzero((x == level).all(1))[0])
        x[[0, first]] = x[[first, 0]]
    else:
        x = np.tile(level.astype(float), (DRAWS + 1, 1))
        for at in blocks:
            x[1:, at] = rng.permuted(x[1:, at], axis=1)
    for at in blocks:
        x[:, at] -= level[at].mean()
    return Arrangements(x, number, 2 if mirrored else 1)
