"""The recording of each session, and the times of events in its trials."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from ...errors import ConfigError, DataError
from ...io.photometry.recording import TIME_UNITS
from ...trials import Trials

MAX_NOT_LATER = 0.05
"""Share of events that may be no later than that of the trial before."""

MIN_EVENTS = 5
"""With fewer events their order is not checked."""

MAX_SHOWN = 6
"""Number of sessions that a message lists."""


class EventClock(NamedTuple):
    """How the columns of event times are counted.

    Attributes:
        unit: s, ms or us.
        since: column that they are counted from; None: they are times of the recording.
        unlikely_allowed: whether times that do not ascend are used all the same.
    """

    unit: str = "s"
    since: str | None = None
    unlikely_allowed: bool = False


DEFAULT_CLOCK = EventClock()


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
    trials: Trials, session: int, event: str, option: str, clock: EventClock = DEFAULT_CLOCK
) -> Float[np.ndarray, " trial"]:
    """The time of an event in each trial of a session, in s on the clock of the recording.

    Args:
        trials: with the event's times as context.
        session: number of the session.
        event: name of the context column.
        option: that names the event, for messages.
        clock: how the columns of event times are counted.

    Raises:
        ConfigError: there is no such context column; the message lists the columns.
        DataError: the times do not ascend from trial to trial, so they cannot be on the clock of
            the recording.
    """
    times = _column(trials, session, event, option) * TIME_UNITS[clock.unit]
    if clock.since is not None and event != clock.since:
        times = (
            times + _column(trials, session, clock.since, "--event-from") * TIME_UNITS[clock.unit]
        )
    if not clock.unlikely_allowed:
        _check_ascending(trials, session, event, option, times)
    return times


def _column(trials: Trials, session: int, name: str, option: str) -> Float[np.ndarray, " trial"]:
    if name not in trials.names.contexts:
        named = f"There is no column {name!r}" if name else f"{option} names no column"
        raise ConfigError(
            f"{named} of event times among the context columns of these trials, which are "
            f"{', '.join(trials.names.contexts) or 'none'}. Keep the column of times with "
            "--context COLUMN."
        )
    column = trials.names.contexts.index(name)
    return trials.context[session, : int(trials.length[session]), column]


def _check_ascending(
    trials: Trials, session: int, event: str, option: str, times: Float[np.ndarray, " trial"]
) -> None:
    """Raises DataError where many events are not later than those of the trial before."""
    known = times[np.isfinite(times)]
    late = np.diff(known) <= 0
    if len(known) < MIN_EVENTS or late.mean() <= MAX_NOT_LATER:
        return
    raise DataError(
        f"Session {trials.session_labels[session]}: the times of {event!r} ({option}) do not "
        f"ascend: {int(late.sum())} of {len(late)} are not later than that of the trial before; "
        f"all lie between {known.min():,.3f} and {known.max():,.3f} s. They cannot be times of the "
        "recording. If they are counted from the start of each trial, name the column of the "
        "starts (--event-from start_time, kept with --context start_time); or name another column; "
        "if trials are not in order of time, sort them. If all is right, go on with "
        "--unlikely allow."
    )
