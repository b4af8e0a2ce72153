"""What recordings need of trials: the file of each session, and when events happened."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float

from ...errors import ConfigError
from ...io.photometry.files import TIME_UNITS
from ...trials import Trials

SHOWN = 6
"""Sessions that a message lists."""


def files_of_sessions(
    trials: Trials, own: Sequence[Path], named: Sequence[Path], what: str, option: str
) -> tuple[Path, ...]:
    """The recording of each session, in order: those named, or else the sessions' own files.

    own: the file of each session that may hold its recording too; none where trials are in tables.
    Raises ConfigError that lists the sessions where there is not one recording for each.
    """
    files = tuple(named) or tuple(own)
    n = trials.n_sessions
    if len(files) == n:
        return files
    labels = list(trials.session_labels)
    which = ", ".join(labels[:SHOWN]) + (f" and {n - SHOWN} more" if n > SHOWN else "")
    if not files:
        raise ConfigError(
            f"Tables hold no {what}: name one a session ({option}), in the order of the sessions: "
            f"{which}."
        )
    raise ConfigError(
        f"{n} sessions, but {len(files)} {what} ({option}): name one a session, in the same order: "
        f"{which}."
    )


def event_times(
    trials: Trials, session: int, event: str, option: str, unit: str = "s"
) -> Float[np.ndarray, " trial"]:
    """When an event happened in each trial of a session, in s; a context column of the trials.

    option: where the event is named. unit: what the column counts, s, ms or us.
    Raises ConfigError that lists the columns there are.
    """
    if event not in trials.names.contexts:
        named = f"no event {event!r}" if event else f"no event is named ({option} COLUMN)"
        raise ConfigError(
            f"{named} among the context columns of these trials: "
            f"{', '.join(trials.names.contexts) or 'there are none'} (--context COLUMN keeps one)."
        )
    column = trials.names.contexts.index(event)
    return trials.context[session, : int(trials.length[session]), column] * TIME_UNITS[unit]
