"""A run on several tables: they are joined into one, which lies in the run folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...files import make_folder
from ...io.tables.files import write_table
from ...io.tables.one_by_one import are_large, join_one_by_one
from ...io.tables.several import joined_tables, table_files
from ...progress.base import Progress
from .config import FitConfig
from .folder import Run, refuse_used
from .pipeline import run_fit

JOINED = "trials.csv"
"""The joined table in a run folder."""
JOINED_LARGE = "trials.parquet"
"""Its name where the tables are too large to be joined in memory."""


def run_fit_of_tables(
    paths: Sequence[str | Path],
    config: FitConfig,
    out: str | Path,
    progress: Progress | None = None,
    *,
    name: str | None = None,
) -> Run:
    """`run_fit` on all rows of several tables.

    Args:
        paths: of tables, and of folders with tables.
        config: of the run.
        out: the run folder. Where there are several tables, or their names say something, they are
            joined to `trials.csv` there, with the file of each row; large ones one at a time, to
            `trials.parquet`.
        progress: as for `run_fit`.
        name: what the names of the files say, such as "{subject}_{session}".

    Raises:
        ConfigError: as `run_fit`; or a name is not as it should be.
        DataError: as `run_fit`; or the tables do not go together.
    """
    files = table_files(paths)
    if len(files) == 1 and name is None:
        return run_fit(files[0], config, out, progress)
    refuse_used(out)
    if are_large(files):
        table = make_folder(out, "run folder") / JOINED_LARGE
        join_one_by_one(files, config.table, table, name)
    else:
        joined = joined_tables(files, config.table, name)
        table = make_folder(out, "run folder") / JOINED
        write_table(joined, table)
    return run_fit(table, config, out, progress)
