"""The recording of each session, and the times of events in its trials."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float

from ...errors import ConfigError
from ...io.photometry.recording import TIME_UNITS
from ...trials import Trials

MAX_SHOWN = 6
"""Number of sessions that a message lists."""


def files_of_sessions(
    trials: Trials, own: Sequence[Path], named: Sequence[Path], what: str, option: str
) -> tuple[Path, ...]:
    """The recording of each session: those that were named, or else the sessions' own files.

    Args:
        trials: of the sessions.
        own: file of each session that may hold its recording too; none where trials are in tables.
        named: recordings that the user named, in the order of the sessions.
        what: kind of recording, for messages.
        option: that names recordings, for messages.

    Raises:
        ConfigError: there is not one recording for each session; the message lists the sessions.
    """
    files = tuple(named) or tuple(own)
    n = trials.n_sessions
    if len(files) == n:
        return files
    labels = list(trials.session_labels)
    which = ", ".join(labels[:MAX_SHOWN]) + (f" and {n - MAX_SHOWN} more" if n > MAX_SHOWN else "")
    if not files:
        raise ConfigError(
            f"Tables hold no {what}. Name one for each session ({option}), in the order of the "
            f"sessions: {which}."
        )
    raise ConfigError(
        f"There are {n} sessions, but {len(files)} {what} ({option}). Name one for each session, "
        f"in the order of the sessions: {which}."
    )


def event_times(
    trials: Trials, session: int, event: str, option: str, unit: str = "s"
) -> Float[np.ndarray, " trial"]:
    """The time of an event in each trial of a session, in s.

    Args:
        trials: with the event's times as context.
        session: number of the session.
        event: name of the context column.
        option: that names the event, for messages.
        unit: of the column: s, ms or us.

    Raises:
        ConfigError: there is no such context column; the message lists the columns.
    """
    if event not in trials.names.contexts:
        named = f"There is no column {event!r}" if event else f"{option} names no column"
        raise ConfigError(
            f"{named} of event times among the context columns of these trials, which are "
            f"{', '.join(trials.names.contexts) or 'none'}. Keep the column of times with "
            "--context COLUMN."
        )
    column = trials.names.contexts.index(event)
    return trials.context[session, : int(trials.length[session]), column] * TIME_UNITS[unit]
