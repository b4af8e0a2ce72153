"""From `Trials` to NWB files, one for each session; `read_nwb` reads them back unchanged."""

from __future__ import annotations

import datetime
import json
import os
import warnings
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ...errors import DataError
from ...files import replacing
from ...trials import Trials
from .files import neural_extra
from .trials import NAMES

UNKNOWN_START = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
"""Start of sessions without a date, since NWB needs one; the description says it is unknown."""


def write_nwb(
    trials: Trials,
    folder: str | os.PathLike[str],
    *,
    kind: Literal["hdf5", "zarr"] = "hdf5",
    start: datetime.datetime | None = None,
) -> list[Path]:
    """Writes each session to an NWB file `<folder>/<subject>_<session>.nwb` (or `.nwb.zarr`).

    The trials table has the choice (its number, -1 where missed), outcomes, signals, context and
    `instructed`. Context columns `start_time` and `stop_time` become those of the table, which are
    NaN otherwise. What the columns mean is written as JSON to the scratch entry `accumbens_trials`.
    Each file appears under its name when it is complete.

    Args:
        trials: to write.
        folder: made where it does not exist.
        kind: "hdf5" or "zarr".
        start: when the sessions began; without it 1970 is written, and that it is unknown.

    Returns:
        The paths of the files.

    Raises:
        ConfigError: the extra `neural` is not installed.
        DataError: NWB cannot hold the name of a column, a file exists already, or the folder cannot
            be written to.
    """
    neural_extra("pynwb")
    _check_columns(trials)
    folder = Path(folder)
    ending = ".nwb" if kind == "hdf5" else ".nwb.zarr"
    paths = [folder / f"{_plain(label)}{ending}" for label in trials.session_labels]
    if len(set(paths)) < len(paths):
        raise DataError(
            "Two sessions would be written to the same file, because their labels differ only in "
            "characters that file names cannot hold. Rename one of them."
        )
    for path in paths:
        if path.exists():
            raise DataError(
                f"Cannot write {path}: the file exists. Name another folder, or delete the file."
            )
    for s, path in enumerate(paths):
        _write(_session_file(trials, s, start), path, kind)
    return paths


def _session_file(trials: Trials, s: int, start: datetime.datetime | None) -> Any:
    pynwb = neural_extra("pynwb")
    names, n = trials.names, int(trials.length[s])
    subject = names.subjects[trials.subject[s]]
    unknown = " The date of the session is unknown; 1970 stands for it." if start is None else ""
    file = pynwb.NWBFile(
        session_description=f"Trials of choices and outcomes, written by accumbens.{unknown}",
        identifier=trials.session_labels[s],
        session_start_time=start or UNKNOWN_START,
        session_id=names.sessions[s],
        subject=pynwb.file.Subject(subject_id=subject, description="as in the trials"),
    )
    about = {
        "format": 1,
        "subject": subject,
        "session": names.sessions[s],
        "choices": list(names.choices),
        "outcomes": list(names.outcomes),
        "signals": list(names.signals),
        "contexts": list(names.contexts),
    }
    file.add_scratch(json.dumps(about), name=NAMES, description="what the trials' columns mean")
    numbers: dict[str, np.ndarray] = {}
    for field, columns in (("outcome", "outcomes"), ("signal", "signals"), ("context", "contexts")):
        for i, name in enumerate(getattr(names, columns)):
            numbers[name] = np.asarray(getattr(trials, field)[s, :n, i], np.float64)
    codes = "; ".join(f"{i}: {code}" for i, code in enumerate(names.choices))
    own = {"start_time": "when the trial began, in s", "stop_time": "when it ended, in s"}
    blank = np.full(n, np.nan)
    columns = [
        pynwb.core.VectorData(name=name, description=words, data=numbers.pop(name, blank))
        for name, words in own.items()
    ]
    choice = trials.choice[s, :n].astype(np.int64)
    columns.append(
        pynwb.core.VectorData(name="choice", description=f"{codes}; -1: missed", data=choice)
    )
    for name, values in numbers.items():
        words = "outcome" if name in names.outcomes else "context"
        words = "neural signal" if name in names.signals else words
        columns.append(pynwb.core.VectorData(name=name, description=words, data=values))
    flags = trials.instructed[s, :n]
    columns.append(
        pynwb.core.VectorData(name="instructed", description="the choice was forced", data=flags)
    )
    file.trials = pynwb.epoch.TimeIntervals(
        name="trials", description="one row a trial", columns=columns,
        id=[int(number) for number in trials.number[s, :n]],
        colnames=[column.name for column in columns],
    )  # fmt: skip
    return file


def _write(file: Any, path: Path, kind: str) -> None:
    if kind == "hdf5":
        writer = neural_extra("pynwb").NWBHDF5IO
    else:
        writer = neural_extra("hdmf_zarr").NWBZarrIO
    with replacing(path) as part, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with writer(str(part), "w") as io:
            io.write(file)


def _check_columns(trials: Trials) -> None:
    names = [*trials.names.outcomes, *trials.names.signals, *trials.names.contexts]
    taken = {"choice", "instructed", "id", "subject", "session", "trial"}
    twice = sorted({name for name in names if names.count(name) > 1 or name in taken})
    odd = [name for name in names if "/" in name or ":" in name or not name.strip()]
    if twice or odd:
        raise DataError(
            f"NWB cannot hold these columns: {', '.join(map(repr, [*twice, *odd]))}. Names must "
            "differ from each other and from choice and instructed, and contain neither / nor :. "
            "Rename the columns."
        )


def _plain(label: str) -> str:
    """The label of a session as the name of a file."""
    return "".join(c if c.isalnum() or c in "-_." else "_" for c in label)
