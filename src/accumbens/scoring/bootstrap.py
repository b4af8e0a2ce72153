"""Bootstrap intervals: sessions, or subjects, are what varies from one experiment to the next.

Trials within a session depend on each other, so whole sessions are drawn, never trials. What is
drawn decides what the interval speaks about:

* "session" (default): sessions of all subjects from one pool; holds for further sessions from a
  colony like this one, with as many of each subject as chance gives.
* "session within subject": each subject keeps its number of sessions; holds for these subjects.
  With m sessions of a subject, m - 1 are drawn and weighted by m / (m - 1), without which the
  interval would be too narrow by sqrt((m - 1) / m) (Rao & Wu 1988, JASA 83:231).
* "subject": whole subjects with all their sessions; holds for further subjects. Needs many.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from jaxtyping import Float, Int

from ..errors import ConfigError, DataError

Unit = Literal["session", "session within subject", "subject"]


def session_weights(
    subject: Int[np.ndarray, " session"],
    n_draws: int,
    rng: np.random.Generator,
    unit: Unit = "session",
) -> Float[np.ndarray, "draw session"]:
    """How often each session counts in each resample.

    subject: the subject of each session. n_draws: number of resamples.
    Raises ConfigError for an unknown unit or n_draws < 1; DataError when there is only one of what
    is drawn, since no interval can come of that.
    """
    if unit not in get_args(Unit):
        raise ConfigError(f"No resampling unit '{unit}': choose one of {get_args(Unit)}.")
    if n_draws < 1:
        raise ConfigError(f"n_draws is {n_draws}: draw at least one resample.")
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
    """The central `level` of the resampled values (Efron & Tibshirani 1993, ch. 13); NaN draws,
    from resamples without any measured trial, are left out. Raises ConfigError for a level outside
    (0, 1)."""
    if not 0 < level < 1:
        raise ConfigError(f"level is {level}, but the level of an interval lies between 0 and 1.")
    tails = [(1 - level) / 2, (1 + level) / 2]
    none = np.isnan(draws).all(axis=0)
    return np.where(none, np.nan, np.nanquantile(np.where(none, 0.0, draws), tails, axis=0))


def _draw_counts(n, n_drawn, n_draws, rng):
    """Counts of n things when n_drawn are drawn with replacement; [draw, thing]."""
    return rng.multinomial(n_drawn, np.full(n, 1 / n), size=n_draws).astype(np.float64)


def _check_several(n: int, what: str) -> None:
    if n < 2:
        raise DataError(
            f"There is only one {what} to resample, so no interval can be given: add data, or "
            "choose another resampling unit."
        )
