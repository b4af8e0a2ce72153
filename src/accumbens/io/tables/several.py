"""Several tables as one: files and folders, and what the names of the files say."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from ...errors import ConfigError, DataError
from ..sources import TABLE_ENDINGS
from .files import read_table
from .format import TableFormat
from .problems import near_matches, show

FILE = "file"
"""Column of the file that each row is from, where the tables have none of that name."""


def table_files(paths: Sequence[str | os.PathLike[str]]) -> tuple[Path, ...]:
    """The tables that are named, those in a folder in order of their names.

    Args:
        paths: of tables, and of folders with tables.

    Raises:
        DataError: a folder has no table.
    """
    found: list[Path] = []
    for path in map(Path, paths):
        if not path.is_dir():
            found.append(path)
            continue
        inside = sorted(
            p for p in path.iterdir()
            if p.is_file() and p.name.casefold().endswith(TABLE_ENDINGS) and p.name[0] != "."
        )  # fmt: skip
        if not inside:
            raise DataError(
                f"The folder {path} has no table: no name in it ends in "
                f"{', '.join(TABLE_ENDINGS[:-1])} or {TABLE_ENDINGS[-1]}. Name the tables."
            )
        found += inside
    return tuple(dict.fromkeys(found))


def fields_of_name(path: Path, template: str) -> dict[str, str]:
    """What the name of a file says: `{subject}_{session}` of `m1_day2.csv` is m1 and day2.

    Args:
        path: of the file; its ending is left out.
        template: text with the names of columns in braces.

    Raises:
        ConfigError: the template has no or a wrong column, or the name is not like it.
    """
    parts = re.split(r"\{([^{}]*)\}", template)
    names = parts[1::2]
    twice = len(set(names)) < len(names)
    if not names or twice or not all(name.isidentifier() for name in names):
        raise ConfigError(
            f"--name is {template!r}; write what the files are called with columns in braces, each "
            "once, such as '{subject}_{session}'."
        )
    ending = next((e for e in TABLE_ENDINGS if path.name.casefold().endswith(e)), path.suffix)
    text = "".join(f"(?P<{part}>.+?)" if i % 2 else re.escape(part) for i, part in enumerate(parts))
    found = re.fullmatch(text, path.name[: len(path.name) - len(ending)], re.DOTALL)
    if found is None:
        raise ConfigError(
            f"{path} is not called as --name says ({template}). Rename it, or leave it out."
        )
    return {name: value.strip() for name, value in found.groupdict().items()}


def joined_tables(
    files: Sequence[Path], format: TableFormat, template: str | None = None
) -> pd.DataFrame:
    """All rows of several tables, file after file, with the file of each row in a column `file`.

    Args:
        files: tables.
        format: which column means what.
        template: of the names of the files, as for `fields_of_name`.

    Raises:
        ConfigError: the template does not fit.
        DataError: a file cannot be read, lacks a column that the first has, or has a session that
            another one has.
    """
    frames = [one_table(path, format, template) for path in files]
    seen = Together(files[0], frames[0], format)
    for path, frame in zip(files, frames, strict=True):
        seen.check(path, frame)
    whole = pd.concat(frames, ignore_index=True)
    for column in whole.columns:
        if whole[column].dtype == object:  # numbers in one file and text in another
            whole[column] = whole[column].map(str, na_action="ignore")
    return whole


def one_table(path: Path, format: TableFormat, template: str | None) -> pd.DataFrame:
    """A table, with what the name of its file says and a column `file`.

    Args:
        path: of the file.
        format: which column means what.
        template: of the names of the files, as for `fields_of_name`.

    Raises:
        ConfigError: the template does not fit.
        DataError: the file cannot be read.
    """
    frame = read_table(path, [c for c in (format.subject, format.session, format.choice) if c])
    for name, value in ({} if template is None else fields_of_name(path, template)).items():
        if name in frame:
            raise ConfigError(
                f"{path} has a column {show(name)}, and --name gives one too. Leave {{{name}}} out "
                "of it, or remove the column."
            )
        frame[name] = value
    if FILE not in frame:
        frame[FILE] = str(path)
    return frame


class Together:
    """Whether tables go together, one after the other.

    Args:
        first: path of the first.
        frame: its rows.
        format: which column means what.

    Raises:
        DataError: the first has no column of sessions.
    """

    def __init__(self, first: Path, frame: pd.DataFrame, format: TableFormat) -> None:
        if format.session is not None and format.session not in frame:
            raise DataError(
                f"{first} has no column {show(format.session)}. If the names of the files say it, "
                "tell how: --name '{subject}_{session}', or --name '{session}'."
            )
        self._first, self._needed = first, [c for _, c in format.roles() if c in frame]
        self._keys = [c for c in (format.subject, format.session) if c in frame]
        self._came_from: dict[tuple[str, ...], Path] = {}

    def check(self, path: Path, frame: pd.DataFrame) -> None:
        """Checks the next one.

        Raises:
            DataError: it lacks a column that the first has, or has a session that another one has:
                its trials would be taken together.
        """
        lacking = [c for c in self._needed if c not in frame]
        if lacking:
            near = near_matches(lacking[0], [str(c) for c in frame.columns])
            hint = f" Did you mean {show(near[0])}?" if near else ""
            raise DataError(
                f"{path} has no column {show(lacking[0])}, which {self._first} has.{hint} Give all "
                "files the same columns, or name those that belong together."
            )
        labels = frame[self._keys].drop_duplicates()
        own = {tuple(str(x).strip() for x in key) for key in labels.itertuples(index=False)}
        both = sorted(key for key in own if key in self._came_from)
        if both:
            raise DataError(
                f"{self._came_from[both[0]]} and {path} both have session "
                f"{show('/'.join(both[0]))}. Name each file once, or give each session its own "
                "label, in the tables or by --name."
            )
        self._came_from |= dict.fromkeys(own, path)
