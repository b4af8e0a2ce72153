"""The table of a row, written as a user would have it, and the columns to name for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from accumbens.cli.demo import demo_agent, demo_trials
from accumbens.io.tables.format import TableFormat
from accumbens.io.tables.trials import to_table, write_table
from accumbens.io.trial_sources import read_sources
from accumbens.models.base import Model

from .agents import drawn, trials_of
from .rows import TABLES, Row, Table


class Source(NamedTuple):
    """A table on disk. columns: those that are not found by themselves. agent: whose choices these
    are, where it is known; parameters: its own and the task's."""

    table: Path
    columns: TableFormat
    agent: Model | None = None
    parameters: dict[str, Any] | None = None


def source_of(row: Row, data: Path, folder: Path) -> Source:
    """Writes the table of that row into `folder`. data: folder of the real tables."""
    path = folder / "trials.parquet"
    if row.group == "table":
        table = TABLES[row.name]
        write_table(_rows_of(table, data / table.file), path)
        return Source(path, TableFormat(signal=table.signal))
    assert row.draw is not None
    if row.group == "demonstration":
        write_table(to_table(demo_trials(row.draw)), path)
        return Source(path, TableFormat(signal=("dopamine",)), demo_agent())
    assert row.sessions is not None
    assert row.trials is not None
    agent, trials = trials_of(row.name, row.draw, row.sessions, row.trials)
    write_table(to_table(trials), path)
    values = drawn(row.name, row.draw)
    parameters = values.agent | values.parts | values.task
    return Source(path, TableFormat(outcome=trials.names.outcomes), agent, parameters)


def _rows_of(table: Table, path: Path) -> pd.DataFrame:
    if path.is_dir():
        sessions = sorted(file for file in path.iterdir() if ".nwb" in file.suffixes)
        return to_table(read_sources(sessions).trials)
    frame = pd.read_parquet(path)
    if table.condition is not None:
        frame = frame[frame["condition"] == table.condition]
    if table.people is not None:
        subjects = sorted(frame["subject"].unique())
        step = len(subjects) / table.people
        kept = [subjects[int(i * step)] for i in range(table.people)]
        frame = frame[frame["subject"].isin(kept)]
    return frame
