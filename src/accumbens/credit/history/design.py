"""What the trial-history regression sees of a set of sessions.

Trials with a choice are laid one after another, with `n_lags` empty positions before each session,
so that looking back `l` positions never leaves the session. A missed trial has no position (lags
count choices); an instructed trial has one, and is never scored.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from ...errors import ConfigError, DataError, expect_whole
from ...outcomes import outcome_types, type_names
from ...trials import Trials


class HistoryData(NamedTuple):
    """Sessions as one sequence of positions, one for each trial with a choice.

    Attributes:
        sign: +1 for the second choice, -1 for the first, 0 on empty positions.
        type: number of the outcome type (see `accumbens.outcomes`).
        scored: a free choice was made.
        session: number of the session in the trials.
        trial: number of the trial within its session, from 0; -1 on empty positions.
        type_names: the outcome types, in the order of their numbers.
        n_lags: past choices that the regression looks back.
    """

    sign: Float[np.ndarray, " position"]
    type: Int[np.ndarray, " position"]
    scored: Bool[np.ndarray, " position"]
    session: Int[np.ndarray, " position"]
    trial: Int[np.ndarray, " position"]
    type_names: tuple[str, ...]
    n_lags: int

    @property
    def n_weights(self) -> int:
        """Number of weights: the bias, and one for each outcome type and lag."""
        return 1 + len(self.type_names) * self.n_lags

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names of the design matrix's columns: "bias", then "<type> lag <l>", type by type."""
        lags = range(1, self.n_lags + 1)
        return ("bias", *(f"{name} lag {lag}" for name in self.type_names for lag in lags))

    def design(
        self, type: Int[np.ndarray, " position"] | None = None
    ) -> Float[np.ndarray, "scored weight"]:
        """The regressors of every scored trial: 1, then past choices by outcome type and lag.

        Args:
            type: outcome types to use instead of the observed ones (a redrawn experiment).
        """
        kinds = self.type if type is None else type
        rows = np.flatnonzero(self.scored)
        columns = [np.ones(rows.size)]
        for kind in range(len(self.type_names)):
            followed = np.where(kinds == kind, self.sign, 0.0)
            columns += [followed[rows - lag] for lag in range(1, self.n_lags + 1)]
        return np.stack(columns, axis=1)

    @property
    def response(self) -> Float[np.ndarray, " scored"]:
        """1 where the second choice was made, 0 where the first, on every scored trial."""
        return (self.sign[self.scored] > 0).astype(np.float64)

    @property
    def response_session(self) -> Int[np.ndarray, " scored"]:
        """The session of every scored trial."""
        return self.session[self.scored]


def history_data(
    trials: Trials, n_lags: int, sessions: Int[np.ndarray, " chosen"] | None = None
) -> HistoryData:
    """The sequence of choices and outcome types that the regression sees.

    Args:
        trials: with two choices and outcomes of 0 and 1.
        n_lags: past choices that the regression looks back.
        sessions: numbers of the sessions to use; all by default.

    Raises:
        ConfigError: `n_lags` is below 1.
        DataError: there are not two choices, an outcome is neither 0 nor 1, there are more than
            four outcomes, or no trial is scored.
    """
    expect_whole(n_lags, "n_lags")
    if n_lags < 1:
        raise ConfigError(f"n_lags is {n_lags}; it must be at least 1.")
    if trials.n_choices != 2:
        raise DataError(
            f"The trial-history regression needs two choices, but these trials have "
            f"{trials.n_choices}: {trials.names.choices}. Select trials with two choices."
        )
    kinds, valid = outcome_types(trials), trials.valid
    sessions = np.arange(trials.n_sessions) if sessions is None else sessions
    n_valid = valid[sessions].sum(1)
    ends = np.cumsum(n_valid + n_lags)
    n = int(ends[-1]) if ends.size else 0
    sign, kind = np.zeros(n), np.zeros(n, np.int32)
    scored, trial = np.zeros(n, bool), np.full(n, -1)
    for s, end, length in zip(sessions, ends, n_valid, strict=True):
        made = np.flatnonzero(valid[s])
        place = slice(end - length, end)
        sign[place] = np.where(trials.choice[s, made] == 1, 1.0, -1.0)
        kind[place] = kinds[s, made]
        scored[place] = trials.scored[s, made]
        trial[place] = made
    if not scored.any():
        of = sorted({trials.names.subjects[i] for i in trials.subject[sessions]})
        who = f" of subject {of[0]!r}" if len(of) == 1 else ""
        raise DataError(
            f"The trials{who} have no free choice to regress: all are missed or instructed. Check "
            "the columns of choices and of instructed trials."
        )
    session = np.repeat(np.asarray(sessions), n_valid + n_lags)
    names = type_names(trials.names.outcomes)
    return HistoryData(sign, kind, scored, session, trial, names, n_lags)
