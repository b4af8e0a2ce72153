"""Reading trials from NWB files or tables, with the file of each session."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from ..errors import ConfigError, DataError
from ..lazy import at_place
from ..trials import Trials, concatenate
from .format import SourceFormat
from .nwb.trials import join_sessions, read_nwb_session
from .sources import TABLE_ENDINGS, file_kind
from .tables.format import TableFormat
from .tables.free_water import free_water_of_table
from .tables.problems import listed, show
from .tables.several import fields_of_name, table_files
from .tables.spelling import SAY, alike_in, alike_of
from .tables.trials import from_table


class SourcedTrials(NamedTuple):
    """Trials, and the file of each session.

    Attributes:
        trials: of all files.
        files: file of each session.
        recorded: whether these files may also hold the recordings of the sessions, as NWB files do.
        notes: what a user must know about the trials.
    """

    trials: Trials
    files: tuple[Path, ...]
    recorded: bool
    notes: tuple[str, ...] = ()


def read_sources(
    paths: Sequence[str | os.PathLike[str]], format: SourceFormat | None = None
) -> SourcedTrials:
    """Reads the trials of NWB files (one session each) or of tables, in the order of the files.

    Args:
        paths: NWB files, or tables with one row for each trial, or folders with such tables.
        format: which columns mean what.

    Raises:
        ConfigError: there is no file, a file has no trials, NWB files and tables are mixed, or an
            option does not fit them.
        DataError: a file cannot be used, or two files have the same session.
    """
    format, files = format or SourceFormat(), _files(paths)
    if not files:
        raise ConfigError("There is no file to read. Name at least one NWB file or trial table.")
    if len(files) > 1 and format.session_id is not None:
        raise ConfigError(
            "--session-id names the session of a single file. Leave it out for several files."
        )
    kinds = {path: file_kind(path) for path in files}
    for path, kind in kinds.items():
        if kind.trials is None:
            option = "--photometry.file" if kind.recording else "--spikes.file"
            raise ConfigError(
                f"{path} is {kind.words}, which has no trials. Name the trial table or NWB file, "
                f"and this recording with {option}."
            )
    if len({kind.name for kind in kinds.values()}) > 1:
        raise ConfigError(
            "NWB files and tables cannot be mixed, because they name their columns differently. "
            "Convert them separately, then give both new tables to accumbens convert."
        )
    return at_place(str(kinds[files[0]].trials), __package__)(files, format)


def _files(paths: Sequence[str | os.PathLike[str]]) -> list[Path]:
    """The files that are named; a folder that is no source itself stands for its tables."""
    found: list[Path] = []
    for path in map(Path, paths):
        try:
            file_kind(path)
        except DataError:
            inside = path.is_dir() and any(
                p.name.casefold().endswith(TABLE_ENDINGS) for p in path.iterdir()
            )
            found += table_files([path]) if inside else [path]
        else:
            found.append(path)
    return found


def trials_of_nwb(paths: Sequence[Path], format: SourceFormat) -> SourcedTrials:
    """The trials of NWB files, one session each. Raises as `read_sources` does."""
    sessions = [read_nwb_session(path, format.of_nwb()) for path in paths]
    notes = tuple(note for session in sessions for note in session.notes)
    return SourcedTrials(join_sessions(sessions), tuple(paths), True, notes)


def trials_of_tables(paths: Sequence[Path], format: SourceFormat) -> SourcedTrials:
    """The trials of tables with one row a trial. Raises as `read_sources` does."""
    columns = format.of_table()
    said = {} if format.name is None else fields_of_name(paths[0], format.name)
    if unknown := [field for field in said if field not in ("subject", "session")]:
        raise ConfigError(f"--name has {{{unknown[0]}}}; it may have {{subject}} and {{session}}.")
    parts = [_named(from_table(path, columns), path, format, columns) for path in paths]
    came_from: dict[tuple[str, str], Path] = {}
    files: list[Path] = []
    for path, part in zip(paths, parts, strict=True):
        if part.names.choices != parts[0].names.choices:
            raise DataError(
                f"{paths[0]} and {path} have different codes of choices, "
                f"{parts[0].names.choices} and {part.names.choices}. Use the same codes, or "
                "convert the files separately."
            )
        for s, label in zip(part.subject, part.names.sessions, strict=True):
            key = (part.names.subjects[s], label)
            if key in came_from:
                raise DataError(
                    f"{came_from[key]} and {path} both have session {show(label)} of subject "
                    f"{show(key[0])}. Name each file once, or give each session its own label."
                )
        of = zip(part.subject, part.names.sessions, strict=True)
        came_from |= {(part.names.subjects[s], label): path for s, label in of}
        files += [path] * part.n_sessions
    subjects = [part.names.subjects[i] for part in parts for i in part.subject]
    sessions = [label for part in parts for label in part.names.sessions]
    if not columns.labels_differ:
        for what, groups in alike_in(subjects, zip(subjects, sessions, strict=True)):
            raise DataError(
                f"{listed([str(path) for path in paths], quote=False)}: {alike_of(what, groups)}. "
                f"Write each in one way, or say that they do differ ({SAY})."
            )
    said = ((path, free_water_of_table(path, columns)) for path in paths)
    notes = tuple(f"{path.name}: {note}" for path, note in said if note)
    return SourcedTrials(concatenate(parts), tuple(files), False, notes)


def _named(trials: Trials, path: Path, format: SourceFormat, columns: TableFormat) -> Trials:
    """Names subject and session as options do; a session without a column like its file."""
    names = trials.names
    said = {} if format.name is None else fields_of_name(path, format.name)
    subject = format.subject_id or said.get("subject")
    if subject:
        names = dataclasses.replace(names, subjects=(subject,))
    if columns.session is None:
        ending = next(e for e in TABLE_ENDINGS if path.name.casefold().endswith(e))
        label = (
            format.session_id
            or said.get("session")
            or path.name[: -len(ending)]
            or names.sessions[0]
        )
        names = dataclasses.replace(names, sessions=(label,) * trials.n_sessions)
    return dataclasses.replace(trials, names=names)
