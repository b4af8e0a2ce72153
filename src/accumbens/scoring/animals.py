"""Is an effect that was measured in each of several animals there in animals like these?

The animals are taken as a sample: what varies between them is part of the error. Three answers from
the same numbers, which should agree: Student's t, sign flips, and a random-effects mean that counts
imprecise animals less.
"""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy import optimize, special

from ..errors import DataError
from .intervals import CONFIDENCE, mean_interval, student_quantile
from .weighted import about_weighted_mean

MAX_EXACT = 16
"""With so many animals or fewer all sign flips are counted; with more, `FLIPS` are drawn."""
FLIPS = 100_000


class AcrossAnimals(NamedTuple):
    """The mean of an effect over animals, and whether it is 0 in animals like these.

    Attributes:
        n: animals.
        mean: over animals, in the unit of the effect.
        low, high: ends of the 95 % interval by Student's t with n - 1 degrees of freedom.
        sd: between animals.
        t: mean / (sd / sqrt(n)).
        p_greater: one-sided p-value of t: is the mean above 0?
        p: two-sided p-value of t.
        p_flips: two-sided p-value of the mean under random flips of the animals' signs.
        weighted: the random-effects mean, in which precise animals count more; None where the
            precision of the animals is not known.
    """

    n: int
    mean: float
    low: float
    high: float
    sd: float
    t: float
    p_greater: float
    p: float
    p_flips: float
    weighted: RandomEffects | None = None


class RandomEffects(NamedTuple):
    """The mean of effects that are known with unequal precision.

    Attributes:
        mean: sum of w_i effect_i / sum of w_i, w_i = 1 / (tau^2 + error_i^2).
        low, high: ends of the 95 % interval of Hartung and Knapp, with n - 1 degrees of freedom.
        tau: SD of the true effects between animals.
        p: two-sided p-value.
    """

    mean: float
    low: float
    high: float
    tau: float
    p: float


def across_animals(
    effects: Float[np.ndarray, " animal"],
    errors: Float[np.ndarray, " animal"] | None = None,
    *,
    rng: np.random.Generator | None = None,
) -> AcrossAnimals:
    """Student's t over animals, sign flips, and the random-effects mean.

    Animals are taken as independent draws; t takes their effects as nearly normal, sign flips as
    symmetric about the mean.

    Args:
        effects: one finite number of each animal.
        errors: the standard error of each effect; without it there is no random-effects mean.
        rng: of the sign flips of more than `MAX_EXACT` animals, which are drawn; without it these
            have no p-value by flips (NaN).

    Returns:
        All three answers.

    Raises:
        DataError: there are fewer than two animals, or a number is not finite.

    Example:
        >>> import numpy as np
        >>> import accumbens
        >>> found = accumbens.scoring.across_animals(np.array([0.4, 0.1, 0.3, 0.5, 0.2]))
        >>> round(found.mean, 3), round(found.low, 3), round(found.p, 4)
        (0.3, 0.104, 0.0132)
    """
    n = len(effects)
    if n < 2 or not np.isfinite(effects).all():
        raise DataError(
            f"There are {n} effects, of which {int(np.isfinite(effects).sum())} are finite. What "
            "holds in animals like these needs a finite effect of each of at least two animals."
        )
    found = mean_interval(effects)
    sd = float(effects.std(ddof=1))
    mean = float(found.mean)
    t = _ratio(mean, sd / n**0.5)
    above = float(special.stdtr(n - 1, -t))
    return AcrossAnimals(
        n, mean, float(found.low), float(found.high), sd, t, above,
        2 * min(above, 1 - above), sign_flips(effects, rng),
        None if errors is None else random_effects(effects, errors),
    )  # fmt: skip


def sign_patterns(
    n: int, rng: np.random.Generator | None
) -> Float[np.ndarray, "pattern animal"] | None:
    """The signs of n animals under the null hypothesis that effects are symmetric about 0.

    Args:
        n: animals; of more than `MAX_EXACT`, `FLIPS` patterns are drawn.
        rng: of the draws.

    Returns:
        Patterns of +1 and -1, the observed one (all +1) first; None where they have to be drawn
        and there is no `rng`.
    """
    if n <= MAX_EXACT:
        return 1.0 - 2.0 * np.array(list(itertools.product((0, 1), repeat=n)), float)
    if rng is None:
        return None
    return np.concatenate([np.ones((1, n)), rng.choice([-1.0, 1.0], (FLIPS, n))])


def sign_flips(
    effects: Float[np.ndarray, " animal"], rng: np.random.Generator | None = None
) -> float:
    """The two-sided p-value of the mean effect under flips of the animals' signs.

    p = the share of all 2^n flips whose |mean| is at least the observed one; the observed signs are
    one of them, so with n animals p is never below 2 / 2^n. With more than `MAX_EXACT` animals,
    (1 + flips at least as extreme) / (1 + flips) of `FLIPS` random ones.

    Args:
        effects: one number of each animal.
        rng: of the random flips; without it more than `MAX_EXACT` animals have no p-value.

    Returns:
        The p-value; NaN where flips have to be drawn and there is no `rng`.

    Source:
        Fisher (1935), The design of experiments, section 21; Phipson & Smyth (2010), Stat Appl
        Genet Mol Biol 9:39.
    """
    size = abs(float(effects.sum()))
    enough = size - 1e-9 * max(size, float(np.abs(effects).sum()))
    patterns = sign_patterns(len(effects), rng)
    if patterns is None:
        return float("nan")
    return float(np.mean(np.abs(patterns @ effects) >= enough))


def random_effects(
    effects: Float[np.ndarray, " animal"], errors: Float[np.ndarray, " animal"]
) -> RandomEffects:
    """The random-effects mean with the interval of Hartung and Knapp.

    effect_i ~ Normal(mean, tau^2 + error_i^2), tau^2 such that the weighted squares are n - 1
    (Paule and Mandel), and

        mean -+ t_{n-1} sqrt(max(q, 1) / sum w_i),  q = sum w_i (effect_i - mean)^2 / (n - 1).

    With equal errors and animals that differ by more than these it is Student's t interval. Without
    the 1 (Knapp & Hartung 2003) it would be too narrow where animals agree by chance: with 3 to 12
    animals it covered 91 % instead of 93 % and more.

    Args:
        effects: one number of each animal.
        errors: the standard error of each effect, above 0.

    Raises:
        DataError: there are fewer than two effects, or an error is not above 0.

    Source:
        Hartung & Knapp (2001), Stat Med 20:3875; Knapp & Hartung (2003), Stat Med 22:2693; Paule &
        Mandel (1982), J Res Natl Bur Stand 87:377.
    """
    n = len(effects)
    if n < 2 or not (errors > 0).all() or not np.isfinite(errors).all():
        raise DataError(
            "A random-effects mean needs at least two animals, each with a finite standard error "
            f"above 0; the errors are {np.round(errors, 4).tolist()}."
        )

    def weighed(variance: float) -> tuple[np.ndarray, float, float]:
        w = 1 / (variance + errors**2)
        mean, squares = about_weighted_mean(effects, w)
        return w, float(mean), float(squares)

    variance = 0.0
    if weighed(0.0)[2] > n - 1:
        top = n * float(effects.var(ddof=1))
        variance = float(optimize.brentq(lambda v: weighed(v)[2] - (n - 1), 0.0, top))  # type: ignore[arg-type]
    w, mean, squares = weighed(variance)
    error = float(np.sqrt(max(squares / (n - 1), 1.0) / w.sum()))
    half = float(student_quantile(n - 1, CONFIDENCE)) * error
    p = 2 * float(special.stdtr(n - 1, -abs(_ratio(mean, error))))
    return RandomEffects(mean, mean - half, mean + half, variance**0.5, p)


def _ratio(mean: float, error: float) -> float:
    """mean / error, infinite for an error of 0 and 0 for a mean of 0."""
    if error > 0:
        return mean / error
    return 0.0 if mean == 0 else float(np.copysign(np.inf, mean))
