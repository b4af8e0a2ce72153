"""Some of a table's subjects, as if the table held no others."""

from __future__ import annotations

from collections.abc import Sequence

from ...errors import DataError
from ...summary import listed
from ...trials import Trials
from ...trials.assembly import with_present_subjects


def of_subjects(trials: Trials, names: Sequence[str]) -> Trials:
    """The sessions of these subjects, who are numbered anew in the order that they had.

    Args:
        trials: in any order of sessions.
        names: of the subjects; none stands for all of them.

    Raises:
        DataError: the trials have no session of a subject of that name.
    """
    if not names:
        return trials
    own = [trials.names.subjects[i] for i in trials.subject]
    unknown = [name for name in names if name not in own]
    if unknown:
        known = list(dict.fromkeys(own))
        raise DataError(
            f"The table has no session of {listed(unknown)} (only_subjects); it has sessions of "
            f"{listed(known)}."
        )
    index = [i for i, name in enumerate(own) if name in names]
    return with_present_subjects(trials.select_sessions(index))
