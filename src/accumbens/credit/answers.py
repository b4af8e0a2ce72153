"""The two answers that a randomization test over several animals can give, named.

**In these animals**: under the null hypothesis not one of these animals has the effect, and the
p-value is exact. A single animal with a strong effect is enough to reject it.

**In animals like these**: is the mean effect above 0 in the population from which the animals came?
The effect of an animal is its statistic minus the mean of its own null distribution (never minus
0), and the animals are the units.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..scoring.animals import AcrossAnimals, across_animals
from .randomization import RandomizationTest
from .redrawing import stream_seed

if TYPE_CHECKING:
    import pandas as pd


class InTheseAnimals(NamedTuple):
    """The randomization test of the mean statistic over animals, in log-odds.

    Attributes:
        observed: the mean over animals.
        null_mean, null_sd: of the mean over animals where no animal has the effect.
        p_one_sided, p_two_sided: exact p-values (see `p_value`); NaN with nothing to redraw.
        redrawn: trials on which another outcome could have come; None: not known.
    """

    observed: float
    null_mean: float
    null_sd: float
    p_one_sided: float
    p_two_sided: float
    redrawn: int | None = None


class TwoAnswers(NamedTuple):
    """What a randomization test says of these animals, and of animals like these.

    Attributes:
        test: its name.
        these: the answer for these animals.
        like_these: the answer for animals like these, of observed minus null mean; or None.
        why_not: why there is no answer for animals like these; "" where there is one.
    """

    test: str
    these: InTheseAnimals
    like_these: AcrossAnimals | None
    why_not: str = ""


def two_answers(test: RandomizationTest) -> TwoAnswers:
    """Both answers of one randomization test.

    The precision of an animal's effect, for the random-effects mean, is the SD of its null
    distribution. An animal whose null distribution has no width had nothing to redraw: it says
    nothing of the effect and is left out of the second answer.

    Args:
        test: over one or more animals.

    Example:
        >>> import numpy as np
        >>> from accumbens.credit import RandomizationTest, two_answers
        >>> null = np.random.default_rng(0).normal(0.2, 0.1, (999, 3))
        >>> names = ("M1", "M2", "M3")
        >>> test = RandomizationTest("an index > 0", names, np.array([0.2, 0.9, 0.1]), null, 0)
        >>> found = two_answers(test)
        >>> found.these.p_one_sided, round(found.like_these.p, 2)  # one animal alone has the effect
        (0.001, 0.5)
    """
    group = test.null.mean(1)
    spread = float(group.std(ddof=1)) if len(group) > 1 else 0.0
    these = InTheseAnimals(
        float(test.observed.mean()), float(group.mean()), spread,
        test.group_p_value(), test.group_p_value("two-sided"),
        None if test.redrawn is None else sum(test.redrawn),
    )  # fmt: skip
    told = np.isfinite(test.effects)
    errors = np.zeros(len(told))
    if told.any():
        errors = test.null.std(axis=0, ddof=1)
    if told.sum() < 2:
        why = (
            f"There is one animal ({test.subjects[0]}), so nothing is known of how animals differ: "
            "there is no answer for animals like these."
        )
        if len(test.subjects) > 1:
            why = (
                f"Rewards could be redrawn in {int(told.sum())} of {len(test.subjects)} animals, "
                "so there is no answer for animals like these, which needs two."
            )
        return TwoAnswers(test.name, these, None, why)
    rng = np.random.default_rng(stream_seed(test.seed, test.name, "sign flips"))
    like = across_animals(test.effects[told], errors[told], rng=rng)
    return TwoAnswers(test.name, these, like)


def answers_to_frame(answers: Sequence[TwoAnswers]) -> pd.DataFrame:
    """One row a test.

    Args:
        answers: of all tests.

    Returns:
        A table with columns test; of these animals observed, null_mean, null_sd, p_one_sided,
        p_two_sided, redrawn; of animals like these animals, effect (observed minus null
        mean, log-odds), low, high (95 %), effect_sd, like_these_p_one_sided,
        like_these_p_two_sided, p_sign_flips,
        and weighted_effect, weighted_low, weighted_high, weighted_tau, weighted_p; NaN where there
        is no second answer.
    """
    import pandas as pd

    return pd.DataFrame([_row(answer) for answer in answers])


def _row(answer: TwoAnswers) -> dict[str, Any]:
    row: dict[str, Any] = {"test": answer.test, **answer.these._asdict()}
    like = answer.like_these
    weighted = None if like is None else like.weighted
    row |= {"animals": 0 if like is None else like.n}
    for name, key in (
        ("effect", "mean"), ("low", "low"), ("high", "high"), ("effect_sd", "sd"),
        ("like_these_p_one_sided", "p_greater"), ("like_these_p_two_sided", "p"),
        ("p_sign_flips", "p_flips"),
    ):  # fmt: skip
        row[name] = np.nan if like is None else getattr(like, key)
    for key in ("mean", "low", "high", "tau", "p"):
        name = "weighted_effect" if key == "mean" else f"weighted_{key}"
        row[name] = np.nan if weighted is None else getattr(weighted, key)
    return row


def in_words(answer: TwoAnswers) -> tuple[str, str]:
    """Both answers as sentences, for print.

    Args:
        answer: of one test.

    Returns:
        The sentence on these animals, and the one on animals like these (or why there is none).
    """
    these = answer.these
    if these.redrawn == 0:
        return (
            "In these animals: no p-value, as there is nothing to redraw: by the stated "
            "probabilities nothing else could have come on any trial.",
            answer.why_not,
        )
    count = "" if these.redrawn is None else f"; {these.redrawn:,} trials could be redrawn"
    first = (
        f"In these animals: {these.observed:.2f}, where no animal has the effect "
        f"{these.null_mean:.2f} with SD {these.null_sd:.2f}; p = {these.p_one_sided:.4g} "
        f"(one-sided), {these.p_two_sided:.4g} (two-sided){count}."
    )
    like = answer.like_these
    if like is None:
        return first, answer.why_not
    second = (
        f"In animals like these: observed minus null mean {like.mean:+.2f} ({like.low:+.2f}, "
        f"{like.high:+.2f}) over {like.n} animals; t({like.n - 1}) = {like.t:.2f}, "
        f"p = {like.p_greater:.4g} (one-sided), {like.p:.4g} (two-sided); by sign flips "
        f"{like.p_flips:.4g} (two-sided)"
    )
    if like.weighted is not None:
        w = like.weighted
        second += f"; precise animals counted more, {w.mean:+.2f} ({w.low:+.2f}, {w.high:+.2f})"
    return first, second + "."
