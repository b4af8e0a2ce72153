"""Resamples of whole sessions or subjects, and Student's t intervals from them.

Trials within a session depend on each other, so whole sessions are drawn, never trials. The unit
that is drawn decides which further data the interval is about:

* "session": sessions of all subjects are drawn from one pool, as if subjects were alike. The
  interval is about further sessions from a colony like this one.
* "session within subject": each subject keeps its number of sessions. The interval is about further
  sessions of these subjects. Of m sessions of a subject, m - 1 are drawn and weighted by
  m / (m - 1); otherwise the interval would be too narrow by sqrt((m - 1) / m) (Rao & Wu 1988,
  JASA 83:231).
* "subject": whole subjects are drawn with all their sessions. The interval is about further
  subjects.

Percentiles of the resamples are too narrow with few units (of 95 % intervals, 48 % cover with two).
So an interval is value -+ t SD over resamples, with Student's t for as many degrees of freedom as
there are units less their means, and the SD is scaled to be unbiased.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

import numpy as np
from jaxtyping import Bool, Float, Int

from ..errors import ConfigError, DataError, expect
from .intervals import student_quantile

Unit = Literal["session", "session within subject", "subject"]

MIN_SUBJECTS = 3
"""Subjects from which on they are the unit unless another is asked for. With two, t is 12.7 and no
interval says anything; then it is about further sessions of these subjects."""


class Resampling(NamedTuple):
    """Resamples of the sessions of some trials.

    Attributes:
        weights: how often each session counts in each resample; NaN for a single unit.
        subject: number of the subject of each session.
        unit: what was drawn.
    """

    weights: Float[np.ndarray, "draw session"]
    subject: Int[np.ndarray, " session"]
    unit: Unit

    def interval(
        self,
        value: Float[np.ndarray, " metric"],
        draws: Float[np.ndarray, "draw metric"],
        counted: Float[np.ndarray, "session metric"],
        level: float,
    ) -> tuple[Float[np.ndarray, " metric"], Float[np.ndarray, " metric"]]:
        """The ends of the interval value -+ t SD of each metric.

        Args:
            value: of the sessions as they are.
            draws: the metric of each resample; NaN, without a measured trial, is left out.
            counted: trials of each session behind the metric; a session without any is no unit.
            level: how often intervals hold the true value.

        Returns:
            Both ends; NaN where fewer than two units have trials.
        """
        freedom, scale = self._freedom(counted > 0)
        some = np.isfinite(draws).sum(0) > 1
        spread = np.full(len(value), np.nan)
        spread[some] = np.nanstd(draws[:, some], axis=0, ddof=1)
        quantile = student_quantile(np.maximum(freedom, 1.0), level)
        half = np.where(freedom > 0, quantile * scale * spread, np.nan)
        return value - half, value + half

    def _freedom(self, counts: Bool[np.ndarray, "session metric"]):
        """Degrees of freedom of each metric, and what makes the SD over resamples unbiased."""
        subjects = np.unique(self.subject)
        has = np.stack([counts[self.subject == s].any(0) for s in subjects]).sum(0)
        sessions = counts.sum(0)
        if self.unit == "session within subject":
            return (sessions - has).astype(float), np.ones(len(has))
        n = (has if self.unit == "subject" else sessions).astype(float)
        return n - 1, np.sqrt(n / np.maximum(n - 1, 1))


def unit_of(
    subject: Int[np.ndarray, " session"], asked: Literal["auto", "animal", "session"] = "auto"
) -> Unit:
    """The unit of intervals.

    Args:
        subject: number of the subject of each session.
        asked: animal: subjects. session: sessions within subjects, or sessions of one pool where a
            subject has only one. auto: animal from three subjects on, session before.

    Raises:
        DataError: animals are asked for and there is only one.
    """
    _, n_sessions = np.unique(subject, return_counts=True)
    if asked == "animal":
        _check_several(len(n_sessions), "subject")
        return "subject"
    if asked == "auto" and len(n_sessions) >= MIN_SUBJECTS:
        return "subject"
    return "session within subject" if n_sessions.min() > 1 else "session"


def session_weights(
    subject: Int[np.ndarray, " session"],
    n_draws: int,
    rng: np.random.Generator,
    unit: Unit = "session",
) -> Float[np.ndarray, "draw session"]:
    """How often each session counts in each resample.

    Args:
        subject: number of the subject of each session.
        n_draws: number of resamples.
        rng: of the resamples.
        unit: what is drawn: "session", "session within subject" or "subject".

    Raises:
        ConfigError: the unit is unknown, or `n_draws` is below 1.
        DataError: there is only one unit to draw from.
    """
    check_rng(rng)
    if unit not in get_args(Unit):
        raise ConfigError(f"unit is {unit!r}; choose one of {', '.join(get_args(Unit))}.")
    if n_draws < 1:
        raise ConfigError(f"n_draws is {n_draws}; it must be at least 1.")
    subjects, member, n_sessions = np.unique(subject, return_inverse=True, return_counts=True)
    if unit == "session":
        _check_several(len(subject), "session")
        return _draw_counts(len(subject), len(subject), n_draws, rng)
    if unit == "subject":
        _check_several(len(subjects), "subject")
        return _draw_counts(len(subjects), len(subjects), n_draws, rng)[:, member]
    weights = np.empty((n_draws, len(subject)))
    for i, m in enumerate(n_sessions):
        _check_several(int(m), f"session of subject number {subjects[i]}")
        weights[:, member == i] = _draw_counts(m, m - 1, n_draws, rng) * (m / (m - 1))
    return weights


def percentile_interval(
    draws: Float[np.ndarray, "draw ..."], level: float = 0.95
) -> Float[np.ndarray, "2 ..."]:
    """The interval that holds the central share `level` of the resampled values.

    Args:
        draws: a value of each resample along the first axis. NaN, from resamples without a measured
            trial, is left out.
        level: share of the values inside the interval, between 0 and 1.

    Returns:
        The lower and the upper end; NaN where all draws are NaN.

    Raises:
        ConfigError: the level does not lie between 0 and 1.

    Source:
        Efron & Tibshirani (1993), An introduction to the bootstrap, chapter 13.
    """
    if not 0 < level < 1:
        raise ConfigError(f"level is {level}; it must lie between 0 and 1.")
    tails = [(1 - level) / 2, (1 + level) / 2]
    none = np.isnan(draws).all(axis=0)
    return np.where(none, np.nan, np.nanquantile(np.where(none, 0.0, draws), tails, axis=0))


def check_rng(rng: object) -> None:
    """Raises ConfigError for something else than a generator of NumPy, such as a number."""
    expect(rng, np.random.Generator, "rng", "Make one from a number: rng=np.random.default_rng(0).")


def _draw_counts(n, n_drawn, n_draws, rng):
    """How often each of n units occurs among `n_drawn` drawn with replacement: [draw, unit]."""
    return rng.multinomial(n_drawn, np.full(n, 1 / n), size=n_draws).astype(np.float64)


def _check_several(n: int, what: str) -> None:
    if n < 2:
        raise DataError(
            f"There is only one {what} to resample, so no interval can be computed. Add data, or "
            "choose another unit."
        )
