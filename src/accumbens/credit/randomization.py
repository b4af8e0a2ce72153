"""Exact randomization tests of credit: the experimenter drew the rewards, so redraw them.

Conditional randomization (Harris 2020, Nonsense correlations in neuroscience): under the null
hypothesis the rewards that were drawn are as likely as the redrawn ones, whatever the animal does
and however its choices depend on each other. A statistic of the observed data is then equally
likely to take any rank among the resamples. Nothing is assumed about the animal, or about the
regression from which the statistic comes.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Float

from ..errors import ConfigError, DataError
from ..progress.base import Progress
from ..summary import Summary, counted, number, summarized
from ..trials import Trials
from .calibration.check import believe_schedule
from .history.design import HistoryData
from .history.indices import index_contrasts
from .history.refit import Redraw
from .redrawing import Drawing, at_positions, effective_schedule, redraw_labels, redrawn_statistics
from .reversals.rules import ReversalRule
from .schedule import Schedule, check_schedule

Alternative = Literal["greater", "less", "two-sided"]

HOLDS_DISTRACTOR = (
    "The p-value is exact where the probabilities were fixed, moved by chance, or followed choices "
    "and the rewards that are held; not where they followed the distractor or how many rewards "
    "came."
)
"""Of the test of the distractor index."""
HOLDS_STRUCTURE = (
    "The p-value is exact where the probabilities were fixed, moved by chance, or followed choices "
    "or how many rewards came; not where they followed which reward it was (a reversal after so "
    "many controllable rewards, say)."
)
"""Of the test of the controllable less the distractor index."""
HOLDS_BY_RULE = (
    "The p-value is exact where the better side reversed by the stated rule ({}), whatever the "
    "animal does: rewards and the reversals that follow from them are redrawn together."
)
"""Of both tests, where the rule of reversals is stated."""


@summarized
class RandomizationTest(NamedTuple):
    """Statistics of each subject with the observed and with the redrawn rewards.

    The statistic of the group is the mean over subjects.

    Attributes:
        name: what is tested, such as "distractor index > 0".
        subjects: names of the subjects.
        observed: the statistic of each subject, in log-odds.
        null: the same for each redrawn experiment.
        seed: of the resamples.
        redrawn: trials of each subject on which another outcome could have come; None: not known.
            A subject without such trials has no p-value (NaN), and a group without them has none.
        holds_under: rules by which the probabilities may have moved, in a sentence.
        note: what a reader must know of the redrawn rewards; "" where there is nothing.
    """

    name: str
    subjects: tuple[str, ...]
    observed: Float[np.ndarray, " subject"]
    null: Float[np.ndarray, "resample subject"]
    seed: int
    redrawn: tuple[int, ...] | None = None
    holds_under: str = ""
    note: str = ""

    @property
    def effects(self) -> Float[np.ndarray, " subject"]:
        """Observed minus null mean, in log-odds; NaN of a subject whose redrawn rewards leave the
        statistic as it is, which says nothing of the effect."""
        return np.where(np.ptp(self.null, axis=0) > 0, self.observed - self.null.mean(0), np.nan)

    def p_values(self, alternative: Alternative = "greater") -> Float[np.ndarray, " subject"]:
        """The p-value of each subject by itself (see `p_value`); NaN where none can be drawn."""
        pairs = zip(self.observed, self.null.T, strict=True)
        p = np.array([p_value(o, null, alternative) for o, null in pairs])
        return p if self.redrawn is None else np.where(np.array(self.redrawn) > 0, p, np.nan)

    def nothing_to_redraw(self) -> str:
        """Why some subjects have no p-value, in a sentence; "" where all have one."""
        counts = (1,) * len(self.subjects) if self.redrawn is None else self.redrawn
        without = [s for s, n in zip(self.subjects, counts, strict=True) if n == 0]
        if not without:
            return ""
        who = "all subjects" if len(without) == len(self.subjects) else ", ".join(without)
        return (
            f"The test of {self.name!r} has nothing to redraw in {who}, so there is no p-value: by "
            "the stated probabilities nothing else could have come on any trial, given what the "
            "test holds. It needs rewards with probabilities other than 0 and 1."
        )

    def _summary(self) -> Summary:
        title = f"Randomization test of {self.name}: {counted(len(self.null), 'resample')}"
        columns = zip(self.subjects, self.observed, self.null.mean(0), self.p_values(), strict=True)
        rows = [[name, *map(number, values)] for name, *values in columns]
        group = [self.observed.mean(), self.null.mean(), self.group_p_value()]
        heads = ["subject", "observed", "null mean", "p (one-sided)"]
        notes = tuple(filter(None, [self.nothing_to_redraw(), self.note]))
        if self.redrawn is not None:
            heads.append("trials redrawn")
            group.append(sum(self.redrawn))
            rows = [[*row, f"{n:,}"] for row, n in zip(rows, self.redrawn, strict=True)]
        return Summary(title, table=[heads, ["group", *map(number, group)], *rows], notes=notes)

    def group_p_value(self, alternative: Alternative = "greater") -> float:
        """The p-value of the mean over subjects (see `p_value`); NaN with nothing to redraw."""
        if self.redrawn is not None and not sum(self.redrawn):
            return float("nan")
        return p_value(self.observed.mean(), self.null.mean(1), alternative)


def p_value(
    observed: float | np.floating,
    null: Float[np.ndarray, " resample"],
    alternative: Alternative = "greater",
) -> float:
    """The p-value of a randomization test.

    p = (1 + number of resamples at least as extreme as the observed value) / (1 + resamples).

    Args:
        observed: the statistic of the data.
        null: the statistic of each resample.
        alternative: "greater" or "less" than under the null hypothesis; "two-sided" doubles the
            smaller of both p-values, at most to 1.

    Source:
        Davison & Hinkley (1997), chapter 4; Phipson & Smyth (2010), Stat Appl Genet Mol Biol 9:39.
    """
    above = float((1 + np.count_nonzero(null >= observed)) / (1 + len(null)))
    below = float((1 + np.count_nonzero(null <= observed)) / (1 + len(null)))
    if alternative == "two-sided":
        return min(1.0, 2 * min(above, below))
    return above if alternative == "greater" else below


def distractor_test(
    trials: Trials,
    schedule: Schedule,
    *,
    seed: int,
    distractor: str | None = None,
    n_lags: int = 10,
    resamples: int = 10_000,
    ridge: float = 0.0,
    progress: Progress | None = None,
    trust_schedule: bool = False,
    reversals: ReversalRule | None = None,
    baited: bool = False,
) -> RandomizationTest:
    """Is the distractor index above 0? Every distractor reward is redrawn from its probability;
    the choices and all other rewards are held.

    Null hypothesis: no choice depends on any distractor reward. The test is exact under every rule
    by which probabilities follow choices and controllable rewards. It is invalid when probabilities
    follow the distractors, or when distractors were not drawn independently of the choices and of
    each other with the probabilities of the schedule (given in blocks, say, or withheld after
    misses).

    Args:
        trials: of any number of subjects, with two choices and outcomes of 0 and 1.
        schedule: the probabilities of all outcomes of the trials.
        seed: of the resamples.
        distractor: name of the outcome that is redrawn; the second outcome by default.
        n_lags: past choices that the regression looks back.
        resamples: redrawn experiments behind each p-value.
        ridge: penalty on all weights but the bias (at least 0.01 in every refit).
        progress: told of resamples done, of all subjects together.
        trust_schedule: the rewards need not have come with the stated probabilities (see
            `calibrate_schedule`); otherwise that is an error.
        reversals: the rule by which the better side reversed, where it followed choices or rewards
            (`CountedReversals`, or a rule of one's own). Reversals are then redrawn with the
            rewards that cause them, and the test is exact whatever the rule looks at.
        baited: the stated probabilities of the controllable reward are base ones: a reward that was
            drawn waits until its side is chosen (see `baited_schedule`).

    Returns:
        The test; its statistic is the distractor index of each subject, in log-odds.

    Raises:
        ConfigError: `resamples` or `n_lags` is below 1.
        DataError: there is no such distractor, or the schedule is not that of the trials: of other
            trials, the rewards did not come with the stated probabilities, or the better side did
            not reverse by the rule.
    """
    _, name = _roles(trials, distractor)
    bit = 1 << trials.names.outcomes.index(name)

    def redraw(data: HistoryData, p: Float[np.ndarray, "session trial outcome"]) -> Redraw:
        redrawn = at_positions(p[..., schedule.place(name)], data)
        return Redraw(data.type | bit, data.type & ~bit, redrawn)

    def statistic(data: HistoryData) -> Float[np.ndarray, " weight"]:
        return index_contrasts(data)[name]

    how = Drawing(redraw, statistic, seed, ridge, resamples, n_lags, reversals, baited)
    return _test(
        f"{name} index > 0", trials, schedule, how, HOLDS_DISTRACTOR, progress, trust_schedule
    )


def structure_test(
    trials: Trials,
    schedule: Schedule,
    *,
    seed: int,
    distractor: str | None = None,
    n_lags: int = 10,
    resamples: int = 10_000,
    ridge: float = 0.0,
    progress: Progress | None = None,
    trust_schedule: bool = False,
    reversals: ReversalRule | None = None,
    baited: bool = False,
) -> RandomizationTest:
    """Is the controllable index above the distractor index? Choices and the number of rewards on
    each trial are held; where exactly one of the two rewards came, its label is redrawn:

        P(controllable | one) = c (1 - d) / (c (1 - d) + d (1 - c)),

    c, d: probabilities of the controllable and of the distractor reward after the choice made.

    Null hypothesis: choices depend on the two rewards only through how many came. The test is
    exact under every rule by which probabilities follow choices and the number of rewards. It is
    invalid when they depend on which reward came (a reversal after so many controllable rewards,
    say), or when rewards were not drawn independently with the probabilities
    of the schedule.

    Args:
        distractor: name of the outcome that is compared with the first (controllable) one; the
            second outcome by default. Further outcomes are held.

    Returns:
        The test; its statistic is the difference of both indices of each subject, in log-odds.

    Other arguments and errors are those of `distractor_test`.

    Example:
        >>> import jax
        >>> import accumbens
        >>> agent, task = accumbens.StructureSavvy(0.5, 5.0), accumbens.DistractorRewards()
        >>> key = jax.random.key(0)
        >>> trials = accumbens.simulate(agent, task, n_sessions=4, n_trials=200, key=key)
        >>> schedule = accumbens.credit.schedule_of(trials)
        >>> options = {"n_lags": 3, "resamples": 19}
        >>> found = accumbens.credit.structure_test(trials, schedule, seed=0, **options)
        >>> float(found.group_p_value())  # the smallest that 19 resamples allow
        0.05
    """
    controllable, other = _roles(trials, distractor)

    def redraw(data: HistoryData, p: Float[np.ndarray, "session trial outcome"]) -> Redraw:
        return redraw_labels(data, p, 0, schedule.place(other))

    def statistic(data: HistoryData) -> Float[np.ndarray, " weight"]:
        contrasts = index_contrasts(data)
        return contrasts[controllable] - contrasts[other]

    how = Drawing(redraw, statistic, seed, ridge, resamples, n_lags, reversals, baited)
    return _test(
        f"{controllable} index > {other} index",
        trials,
        schedule,
        how,
        HOLDS_STRUCTURE,
        progress,
        trust_schedule,
    )


def _test(
    name: str,
    trials: Trials,
    schedule: Schedule,
    how: Drawing,
    holds: str,
    progress: Progress | None,
    trust: bool,
) -> RandomizationTest:
    if how.resamples < 1:
        raise ConfigError(f"resamples is {how.resamples}; it must be at least 1.")
    came_with = effective_schedule(trials, schedule, how.baited)
    (check_schedule if trust else believe_schedule)(trials, came_with)
    found = redrawn_statistics(name, trials, schedule, came_with, how, progress)
    subjects = tuple(trials.names.subjects[s] for s in found.subjects)
    if how.reversals is not None:
        holds = HOLDS_BY_RULE.format(how.reversals)
    return RandomizationTest(
        name, subjects, found.observed, found.null, how.seed, found.redrawn, holds, found.note
    )


def _roles(trials: Trials, distractor: str | None) -> tuple[str, str]:
    """The names of the controllable reward and of one distractor."""
    names = trials.names.outcomes
    if len(names) < 2:
        raise DataError(
            "The tests of credit need at least two outcome columns, first the controllable reward, "
            f"then the distractor; these trials have {names}."
        )
    if distractor is not None and distractor not in names[1:]:
        raise DataError(
            f"The trials have no distractor {distractor!r}: after the controllable reward "
            f"{names[0]!r} come {', '.join(names[1:])}."
        )
    return names[0], distractor or names[1]
