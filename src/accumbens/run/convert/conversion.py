"""From recordings to one trial table, with a record of every option that was used."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.metadata
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float

from ...errors import ConfigError, DataError
from ...files import check_free, check_not_read, write_atomically
from ...io.sources import SOURCES
from ...io.tables.files import table_bytes
from ...io.tables.trials import format_of, to_table
from ...io.trial_sources import read_sources
from ...progress.base import Progress
from ...progress.display import shown
from ...trials import Trials
from ..provenance import fingerprint, versions
from .alignment import EventClock
from .config import ConvertConfig
from .photometry import photometry_signals
from .record import read_record, record_path
from .spikes import spike_signals


class Converted(NamedTuple):
    """The result of a conversion.

    Attributes:
        trials: with the new signals.
        quality: one row for each channel and session of photometry.
        units: one row for each unit.
        record: the files, columns, options, quality and versions of the conversion.
    """

    trials: Trials
    quality: pd.DataFrame
    units: pd.DataFrame
    record: dict[str, Any]


def convert_files(
    paths: Sequence[str | os.PathLike[str]],
    config: ConvertConfig,
    progress: Progress | None = None,
) -> Converted:
    """Makes one trial table from NWB files or tables and their recordings.

    Args:
        paths: NWB files with one session each, or tables with one row for each trial.
        config: columns, and which recordings become signals.
        progress: told of recordings read; by default a bar at a terminal and in notebooks.

    Raises:
        ConfigError: options contradict each other, or do not fit the files.
        DataError: a file cannot be used.
    """
    _check_used(config)
    trials, files, recorded, notes = read_sources(paths, config.trials)
    own = files if recorded else ()
    events = EventClock(config.event_unit, config.event_from, config.unlikely == "allow")
    quality: list[dict[str, Any]] = []
    units: list[dict[str, Any]] = []
    with shown(progress) as progress:
        if config.photometry.channel:
            signal, quality = photometry_signals(
                trials, own, config.photometry, config.clock, events, progress
            )
            trials = with_more_signals(trials, signal, config.photometry.signals)
        if config.spikes.event:
            signal, names, units = spike_signals(trials, own, config.spikes, events, progress)
            trials = with_more_signals(trials, signal, names)
    record = _record(trials, files, config) | {
        "quality": quality,
        "units": units,
        "warnings": list(notes),
    }
    return Converted(trials, pd.DataFrame(quality), pd.DataFrame(units), record)


def _check_used(config: ConvertConfig) -> None:
    """Raises ConfigError where recordings are named, but no channel or event for them."""
    photometry, spikes = config.photometry, config.spikes
    if photometry.file and not photometry.channel:
        raise ConfigError(
            f"{photometry.file[0]}: it is not known which channel is the signal. Name it with "
            f"--photometry.channel; accumbens inspect {photometry.file[0]} lists the channels."
        )
    if spikes.file and not spikes.event:
        raise ConfigError(
            f"{spikes.file[0]}: it is not known around which event spikes are counted. Name the "
            "column of its times with --spikes.event, and keep it with --context."
        )


def check_out(
    paths: Sequence[str | os.PathLike[str]],
    config: ConvertConfig,
    out: str | os.PathLike[str],
    *,
    replace: bool,
) -> None:
    """Checks that a conversion writes over nothing but the table of an earlier one.

    A table that nobody changed since can be made again from its record; another one is replaced
    only when told.

    Args:
        paths: files that are read.
        config: which may name recordings to read.
        out: path of the table to write.
        replace: whether the table of an earlier conversion may be replaced though it was changed.

    Raises:
        ConfigError: `out` is a file that is read, or is there already and may not be replaced.
    """
    check_not_read(out, (*paths, *config.photometry.file, *config.spikes.file))
    out = Path(out)
    if out.is_dir():
        return  # said where it is written
    if not _made_and_unchanged(out):
        check_free(out, replace=replace)
    if out.exists():
        try:
            read_record(record_path(out))
        except DataError as error:
            raise ConfigError(
                f"{out} was not made by accumbens convert, or its record is gone ({error}) Name "
                "another file, or delete it yourself."
            ) from error


def _made_and_unchanged(out: Path) -> bool:
    """Whether a conversion made the table, and nobody changed it since."""
    try:
        made = read_record(record_path(out)).get("sha256")
        return made is not None and made == _hash(out)
    except (DataError, OSError):
        return False


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def with_more_signals(
    trials: Trials, signal: Float[np.ndarray, "session trial signal"], names: tuple[str, ...]
) -> Trials:
    """The same trials with further signals.

    Args:
        trials: to extend.
        signal: one column for each further signal.
        names: of the further signals.

    Raises:
        DataError: a column of this name exists already.
    """
    known = (*trials.names.outcomes, *trials.names.signals, *trials.names.contexts)
    taken = [name for name in names if name in known or names.count(name) > 1]
    if taken:
        raise DataError(f"There is already a column {taken[0]!r}. Give the signal another name.")
    both = np.concatenate([trials.signal, signal], axis=2)
    return trials.with_signals(both, (*trials.names.signals, *names))


def write_converted(converted: Converted, out: str | os.PathLike[str]) -> Path:
    """Writes the table of a conversion, and beside it the record, `<table>.convert.json`.

    Args:
        converted: to write.
        out: path of the table.

    Returns:
        The path of the record.

    Raises:
        ConfigError: the table is one of the files that were read.
        DataError: a file cannot be written.
    """
    check_not_read(out, [row["file"] for row in converted.record["sessions"]])
    out = Path(out)
    if out.exists() and out.is_dir():
        raise DataError(f"Cannot write {out}: it is a folder. Name a table file inside it.")
    table, record = table_bytes(to_table(converted.trials), out), record_path(out)
    content = converted.record | {"sha256": hashlib.sha256(table).hexdigest()}
    text = json.dumps(content, indent=1, default=_plain)
    write_atomically(record, text.encode())  # first: a table without one is nobody's
    write_atomically(out, table)
    return record


def _record(trials: Trials, files: Sequence[Path], config: ConvertConfig) -> dict[str, Any]:
    rows = []
    for s, path in enumerate(files):
        valid = trials.valid[s]
        rows.append(
            {
                "file": str(path),
                "subject": trials.names.subjects[trials.subject[s]],
                "session": trials.names.sessions[s],
                "trials": int(trials.length[s]),
                "choices": int(valid.sum()),
                "missed": int(trials.length[s] - valid.sum()),
                **{
                    name: float(trials.outcome[s][valid][:, i].sum())
                    for i, name in enumerate(trials.names.outcomes)
                },
            }
        )
    return {
        "sessions": rows,
        "columns": dataclasses.asdict(format_of(trials)),
        "options": dataclasses.asdict(config),
        "fingerprint": fingerprint(trials),
        "versions": versions() | _reader_versions(),
    }


def _reader_versions() -> dict[str, str]:
    """Versions of the libraries that read recordings, as far as they are installed."""
    found = {}
    for name in dict.fromkeys(name for kind in SOURCES for name in kind.packages):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    return str(value)
