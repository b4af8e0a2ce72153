"""Some of a table's subjects, as if the table held no others."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from ...errors import DataError
from ...summary import listed
from ...trials import Trials


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
    kept = trials.select_sessions(index)
    subjects = tuple(name for name in trials.names.subjects if name in names)
    return dataclasses.replace(
        kept,
        subject=np.array([subjects.index(own[i]) for i in index], kept.subject.dtype),
        names=dataclasses.replace(kept.names, subjects=subjects),
    )
